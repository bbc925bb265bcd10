"""Guessing: a few mistakes are free, then each costs twice the wait of the one before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.governance.throttle import FIRST_WAIT, FORGOTTEN_AFTER, FREE, LONGEST_WAIT, NAMES, Throttle, Wait

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _waits(throttle: Throttle, times: int, now: datetime = NOON) -> list[float]:
    """Guess as soon as one may, and say how long each wait was."""
    waits = []
    for _ in range(times):
        try:
            throttle.begin("sato", now)
        except Wait as wait:
            waits.append(wait.seconds)
            now += timedelta(seconds=wait.seconds)
            throttle.begin("sato", now)
    return waits


def test_waits_grow_twice_as_long_up_to_the_longest() -> None:
    waits = _waits(Throttle(), FREE + 20)

    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == LONGEST_WAIT.total_seconds()
    assert waits == sorted(waits)


def test_waiting_is_not_counted_as_guessing() -> None:
    throttle = Throttle()
    for _ in range(FREE):
        throttle.begin("sato", NOON)
    for _ in range(100):
        with pytest.raises(Wait) as told:
            throttle.begin("sato", NOON)

    assert told.value.seconds == FIRST_WAIT.total_seconds()


def test_who_was_right_or_away_for_long_begins_anew() -> None:
    throttle = Throttle()
    _waits(throttle, FREE + 4)
    throttle.right("sato")
    assert _waits(throttle, FREE) == []

    assert _waits(throttle, FREE, NOON + FORGOTTEN_AFTER) == []


def test_one_name_does_not_wait_for_another() -> None:
    throttle = Throttle()
    _waits(throttle, FREE + 4)

    throttle.begin("suzuki", NOON)


def test_it_does_not_grow_with_the_names_that_are_tried() -> None:
    throttle = Throttle()
    for number in range(NAMES + 500):
        throttle.begin(f"name{number}", NOON)

    assert len(throttle) == NAMES


@given(st.lists(st.timedeltas(timedelta(0), timedelta(minutes=10)), max_size=60))
def test_no_pattern_of_guessing_gets_more_than_its_share(pauses: list[timedelta]) -> None:
    throttle, now, done = Throttle(), NOON, 0
    for pause in pauses:
        now += pause
        try:
            throttle.begin("sato", now)
        except Wait:
            continue
        done += 1

    # After the free ones, each attempt had its pause before it.
    least = sum(
        (min(LONGEST_WAIT, FIRST_WAIT * 2.0**extra) for extra in range(max(0, done - FREE))), start=timedelta(0)
    )
    assert now - NOON >= min(least, FORGOTTEN_AFTER)
