"""What never moves is set aside; people who stand are not, for as long as they stray as people do."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.motion.standing import ENOUGH, EVERY, GONE, MOST, Standings, hold, is_aside, look
from schemas.geometry import Box

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SAMPLES = ENOUGH // EVERY


def box(x: float = 0.5, y: float = 0.3, width: float = 0.1, height: float = 0.4) -> Box:
    return Box(left=x, top=y, right=x + width, bottom=y + height)


def shaken(by: float, seed: int = 1) -> Iterable[list[Box]]:
    """A box whose sides stray by so much of its height, for ever."""
    rng = random.Random(seed)
    while True:
        left, top, right, bottom = (rng.gauss(0, by * 0.4) for _ in range(4))
        yield [Box(left=0.5 + left, top=0.3 + top, right=0.7 + right, bottom=0.7 + bottom)]


def watched(
    pictures: Iterable[list[Box]], count: int, before: Standings | None = None, people: tuple[Box, ...] = ()
) -> Standings:
    standings = before or Standings()
    start = NOON if standings.time is None else standings.time + EVERY
    for number, boxes in zip(range(count), pictures, strict=False):
        standings = look(standings, boxes, start + number * EVERY, people)
    return standings


def always(*boxes: Box) -> Iterable[list[Box]]:
    while True:
        yield list(boxes)


def test_what_has_stood_in_one_place_for_half_an_hour_is_set_aside_and_not_before() -> None:
    before = watched(always(box()), SAMPLES)
    after = watched(always(box()), 1, before)

    assert before.aside == ()
    assert [each.since for each in after.aside] == [NOON]
    assert is_aside(box(0.505), after)
    assert not is_aside(box(0.56), after)


@pytest.mark.parametrize(("strays", "aside"), [(0.012, 1), (0.05, 0)])
def test_a_things_box_jitters_and_somebody_who_stands_strays(strays: float, aside: int) -> None:
    assert len(watched(shaken(strays), 2 * SAMPLES).aside) == aside


def test_a_thing_that_is_seen_in_two_of_three_pictures_is_a_thing() -> None:
    pictures = ([box()] if number % 3 else [] for number in range(2, 3 * SAMPLES))

    assert len(watched(pictures, 2 * SAMPLES).aside) == 1


def test_whoever_walks_past_is_forgotten_by_the_next_samples() -> None:
    walking = ([box(0.02 * (number % 40), height=0.3)] for number in range(10 * SAMPLES))

    assert len(watched(walking, 500).all) <= 2


def test_who_stands_where_a_manager_said_so_is_never_set_aside() -> None:
    assert watched(always(box()), 2 * SAMPLES, people=(box(0.51),)).aside == ()


def test_a_refusal_takes_back_what_was_set_aside() -> None:
    aside = watched(always(box()), SAMPLES + 1)

    assert watched(always(box()), 1, aside, people=(box(),)).aside == ()


def test_a_thing_that_was_taken_away_is_not_set_aside_for_long() -> None:
    aside = watched(always(box()), SAMPLES + 1)
    count = GONE // EVERY

    assert len(watched(always(), count - 1, aside).aside) == 1
    assert watched(always(), count, aside).aside == ()


def test_while_nothing_moves_what_stood_there_still_does() -> None:
    seen = look(Standings(), [box()], NOON, ())

    assert len(hold(seen, NOON + ENOUGH, ()).aside) == 1
    assert hold(seen, NOON + EVERY / 2, ()) is seen
    assert hold(Standings(), NOON, ()) == Standings()


def test_what_stands_where_was_not_looked_is_not_missed() -> None:
    left, right = box(0.1), box(0.7)
    here, part = Box(left=0.5, top=0, right=1, bottom=1), Box(left=0, top=0, right=0.14, bottom=1)
    both = watched(always(left, right), 2)
    assert both.time is not None

    elsewhere, partly = (look(both, [right], both.time + EVERY, (), [here, *more]) for more in ([], [part]))
    unseen = look(both, [], both.time + EVERY, (), [here])

    assert [(each.seen, each.missed) for each in elsewhere.all] == [(3, 0), (3, 0)]
    assert [(each.seen, each.missed) for each in partly.all] == [(3, 0), (3, 0)]
    assert [(each.seen, each.missed) for each in unseen.all] == [(3, 0), (2, 1)]


def test_between_samples_nothing_is_learnt() -> None:
    seen = look(Standings(), [box()], NOON, ())

    assert look(seen, [box(0.1)], NOON + EVERY - timedelta(microseconds=1), ()) is seen


def test_a_crowd_makes_no_memory_without_end() -> None:
    crowd = [box(0.01 * number, y, 0.009, 0.04) for number in range(90) for y in (0.1, 0.5)]

    assert len(watched(always(*crowd), 3).all) == MOST


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 0.8), st.floats(0, 0.5), st.booleans()), max_size=30))
def test_a_share_of_samples_is_one_whatever_comes(steps: list[tuple[float, float, bool]]) -> None:
    standings, time = Standings(), NOON
    for x, y, still in steps:
        time += EVERY * 3 / 2
        standings = hold(standings, time, ()) if still else look(standings, [box(x, y)], time, ())
        assert all(0 < each.seen <= each.looks and each.missed < each.looks for each in standings.all)
        assert all(each.strays >= 0 for each in standings.all)
