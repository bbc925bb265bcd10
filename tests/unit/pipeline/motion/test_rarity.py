from hypothesis import given
from hypothesis import strategies as st

from pipeline.motion.rarity import EDGES, Distribution, Usual, learn, usual_in
from schemas.ids import ZoneId

SHELF = ZoneId("shelf")
lengths = st.floats(0, 4000)


def after(visits: list[float], hour: int = 10) -> Distribution:
    usual: Usual = {}
    for seconds in visits:
        usual = learn(usual, SHELF, hour, seconds)
    return usual_in(usual, SHELF, hour)


def test_of_a_few_visits_nothing_is_said() -> None:
    assert after([5.0] * 19).rarity(600) is None


def test_the_longest_of_many_is_rare() -> None:
    rarity = after([5.0] * 99).rarity(700)

    assert rarity is not None
    assert (rarity.one_in, rarity.n) == (100, 99)


def test_hours_are_kept_apart() -> None:
    usual = learn({}, SHELF, 10, 5)

    assert usual_in(usual, SHELF, 11).n == 0
    assert usual_in(usual, ZoneId("till"), 10).n == 0


@given(st.lists(lengths, min_size=20), lengths)
def test_nothing_is_called_rarer_than_it_is(visits: list[float], seconds: float) -> None:
    rarity = after(visits).rarity(seconds)

    longer = sum(each >= seconds for each in visits)
    assert rarity is not None
    assert rarity.one_in <= (len(visits) + 1) / (longer + 1)


@given(st.lists(lengths))
def test_a_quantile_counts_every_visit_once(visits: list[float]) -> None:
    quantile = after(visits).quantile()

    assert quantile.edges == EDGES
    assert sum(quantile.counts) == len(visits)
