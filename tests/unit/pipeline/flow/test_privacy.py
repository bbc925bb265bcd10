"""What is withheld, and that nothing which is told gives it away."""

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.privacy import least, suppressed, told_apart, withheld
from schemas.estate import FlowSettings


@pytest.mark.parametrize(("people", "few"), [((0,), False), ((1,), True), ((2, 5), True), ((3, 0), False)])
def test_r51_nobody_is_nobodys_secret(people: tuple[int, ...], few: bool) -> None:
    assert suppressed(people, 3) is few


def test_a_demo_shows_everything() -> None:
    assert (least(FlowSettings(profile="demo")), least(FlowSettings()), least(FlowSettings(profile="export"))) == (
        0, 3, 10,
    )  # fmt: skip


@pytest.mark.parametrize(("k", "bins", "most"), [(3, 2, 12), (3, 4, 8), (3, 6, 5), (4, 4, 9)])
def test_r52_differencing_finds_no_count_of_few_though_rule_and_sum_be_known(k: int, bins: int, most: int) -> None:
    alike = defaultdict(list)
    for people in product(range(most + 1), repeat=bins):
        hidden = withheld(people, k)
        told = tuple(None if index in hidden else each for index, each in enumerate(people))
        alike[*told, sum(people)].append(people)

    # Next to the largest that was tried, the others that look alike were not.
    tables = [some for some in alike.values() if max(some[0]) <= most - k + 1]
    found = [some[0] for some in tables for counts in zip(*some, strict=True) if known(counts, k)]
    assert not found


def known(counts: tuple[int, ...], k: int) -> bool:
    return len(set(counts)) == 1 and 0 < counts[0] < k


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8))
def test_either_nothing_is_withheld_or_two_at_least_or_all(people: list[int]) -> None:
    hidden = withheld(people, 3)

    assert {index for index, each in enumerate(people) if 0 < each < 3} <= set(hidden)
    assert len(hidden) != 1 or len(people) == 1
    assert hidden or not suppressed(people, 3)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(1, 5))
def test_as_many_people_are_told_apart_as_decide(people: list[int], k: int) -> None:
    few = [min(each, told_apart(k, len(people))) for each in people]

    assert withheld(few, k) == withheld(people, k)
