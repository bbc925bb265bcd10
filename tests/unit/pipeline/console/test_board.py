"""The alerts that are shown."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.board import KEPT, Board, Listeners, acknowledge, forget, put, shown
from pipeline.flow.rows import AlertRow, alert_row
from tests.unit.pipeline.console.house import NOON, alert


def row(number: int, minutes: int = 0) -> AlertRow:
    return alert_row(alert(number, at=NOON + timedelta(minutes=minutes)))


def ids(rows: tuple[AlertRow, ...]) -> list[str]:
    return [each.alert_id for each in rows]


def test_newest_first() -> None:
    board, _ = put(Board(), [row(1, 0), row(3, 5), row(2, 2)], NOON)

    assert ids(shown(board)) == ["alert-3", "alert-2", "alert-1"]


def test_what_is_known_is_not_told_again() -> None:
    board, fresh = put(Board(), [row(1)], NOON)
    again, told = put(board, [row(1)], NOON)

    assert ids(fresh) == ["alert-1"]
    assert (told, again) == ((), board)


def test_an_alert_that_reaches_further_replaces_the_shorter_one() -> None:
    board, _ = put(Board(), [row(1)], NOON)
    board, told = put(board, [row(1)._replace(end=NOON + timedelta(minutes=3))], NOON)

    assert ids(told) == ["alert-1"]
    assert board.alerts["alert-1"].end == NOON + timedelta(minutes=3)


def test_an_expired_alert_is_neither_taken_nor_kept() -> None:
    late = NOON + timedelta(days=31)
    board, _ = put(Board(), [row(1)], NOON)

    assert put(Board(), [row(1)], late) == (Board(), ())
    assert shown(forget(board, late)) == ()


def test_the_board_keeps_the_newest() -> None:
    board, _ = put(Board(), [row(number, number) for number in range(KEPT + 5)], NOON)

    assert len(board.alerts) == KEPT
    assert "alert-0" not in board.alerts


def test_an_acknowledgement_keeps_its_first_time_and_goes_with_its_alert() -> None:
    board, _ = put(Board(), [row(1)], NOON)
    board = acknowledge(acknowledge(board, "alert-1", NOON), "alert-1", NOON + timedelta(hours=1))

    assert board.acknowledged == {"alert-1": NOON}
    assert forget(board, NOON + timedelta(days=31)).acknowledged == {}


def test_only_what_is_shown_can_be_acknowledged() -> None:
    with pytest.raises(KeyError):
        acknowledge(Board(), "alert-1", NOON)


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=6), max_size=6))
def test_however_alerts_are_grouped_the_board_ends_the_same(groups: list[list[tuple[int, int]]]) -> None:
    def stretched(number: int, minutes: int) -> AlertRow:
        return row(number)._replace(end=NOON + timedelta(minutes=minutes))

    board = Board()
    for group in groups:
        board, _ = put(board, [stretched(*each) for each in group], NOON)
    once, _ = put(Board(), [stretched(*each) for group in groups for each in group], NOON)

    assert dict(board.alerts) == dict(once.alerts)


def test_a_slow_listener_loses_the_oldest_and_nobody_waits_for_it() -> None:
    listeners = Listeners(behind=2)
    with listeners.joined() as queue:
        for name in ("a", "b", "c"):
            listeners.tell(name)

        assert [queue.get_nowait(), queue.get_nowait()] == ["b", "c"]
        assert len(listeners) == 1
    assert len(listeners) == 0


def test_listeners_are_told_the_end() -> None:
    listeners = Listeners(behind=1)
    with listeners.joined() as queue:
        listeners.tell("a")
        listeners.close()

        assert queue.get_nowait() is None
