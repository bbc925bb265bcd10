"""Pictures that somebody looks at are given out once, to them alone, and are gone soon."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import ManualClock
from pipeline.console.viewing import LONGEST, Viewings, Whose
from tests.unit.pipeline.console.house import NOON

FAR = NOON + timedelta(days=7)


def begun(clock: ManualClock, expires_at: datetime = FAR) -> tuple[Viewings, str, tuple[str, ...], list[bytearray]]:
    viewings = Viewings(clock)
    pictures = [bytearray(b"first picture"), bytearray(b"second picture")]
    viewing, addresses = viewings.begin("session", Whose("alert-1", "key-1"), pictures, expires_at)
    return viewings, viewing.viewing_id, addresses, pictures


def test_r18_a_picture_is_given_out_once() -> None:
    viewings, viewing, addresses, _ = begun(ManualClock(NOON))

    assert viewings.take("session", viewing, addresses[0]) == bytearray(b"first picture")
    assert viewings.take("session", viewing, addresses[0]) is None


def test_a_picture_is_given_to_the_session_that_looks_and_no_other() -> None:
    viewings, viewing, addresses, _ = begun(ManualClock(NOON))

    assert viewings.take("another", viewing, addresses[0]) is None
    assert viewings.take("session", "another", addresses[0]) is None
    assert viewings.take("session", viewing, "another") is None
    assert viewings.take("session", viewing, addresses[0]) is not None


def test_r20_nothing_is_given_out_after_ten_minutes_and_all_is_wiped() -> None:
    clock = ManualClock(NOON)
    viewings, viewing, addresses, pictures = begun(clock)
    clock.advance(LONGEST)

    assert viewings.take("session", viewing, addresses[0]) is None
    assert [bytes(each).strip(b"\0") for each in pictures] == [b"", b""]
    assert len(viewings) == 0


def test_r20_nothing_is_given_out_after_the_evidence_has_expired() -> None:
    clock = ManualClock(NOON)
    viewings, viewing, addresses, pictures = begun(clock, NOON + timedelta(seconds=30))
    clock.advance(timedelta(seconds=30))
    viewings.sweep()

    assert viewings.take("session", viewing, addresses[0]) is None
    assert not any(map(any, pictures))


def test_a_wall_clock_that_is_set_back_gives_no_more_time() -> None:
    clock = ManualClock(NOON)
    viewings, viewing, addresses, _ = begun(clock)
    clock.advance(LONGEST)
    clock.set_wall(NOON)

    assert viewings.take("session", viewing, addresses[0]) is None


@pytest.mark.parametrize("how", ["end", "end_session", "end_alerts", "end_keys", "close", "another look"])
def test_a_look_that_ends_is_wiped(how: str) -> None:
    viewings, viewing, _, pictures = begun(ManualClock(NOON))
    ends: dict[str, Callable[[], object]] = {
        "end": lambda: viewings.end("session", viewing),
        "end_session": lambda: viewings.end_session("session"),
        "end_alerts": lambda: viewings.end_alerts(["alert-1"]),
        "end_keys": lambda: viewings.end_keys(["key-1"]),
        "close": viewings.close,
        "another look": lambda: viewings.begin("session", Whose("alert-2", "key-2"), (), FAR),
    }
    ends[how]()

    assert not any(map(any, pictures))
    assert how == "another look" or not viewings.goes_on("session", viewing)


def test_nobody_ends_anybody_elses_look() -> None:
    viewings, viewing, _, pictures = begun(ManualClock(NOON))
    viewings.end("another", viewing)
    viewings.end_session("another")
    viewings.end_alerts(["another"])
    viewings.end_keys(["another"])

    assert all(map(any, pictures))


@given(st.lists(st.floats(0, 700), max_size=6))
def test_r20_whatever_time_does_no_picture_is_given_out_after_the_end(steps: list[float]) -> None:
    clock = ManualClock(NOON)
    viewings, viewing, addresses, _ = begun(clock)
    for step in steps:
        clock.advance(timedelta(seconds=step))
    given_out = viewings.take("session", viewing, addresses[0])

    assert (given_out is not None) == (clock.monotonic() < LONGEST.total_seconds())


def test_pictures_do_not_show_when_a_look_is_written_down() -> None:
    viewings = Viewings(ManualClock(NOON))
    viewing, _ = viewings.begin("session", Whose("alert-1", "key-1"), [bytearray(b"picture")], FAR)

    assert "picture" not in repr(viewing).replace("pictures", "")
