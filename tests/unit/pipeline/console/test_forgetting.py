"""What was forgotten so far."""

from datetime import timedelta

from pipeline.console.forgetting import panel
from pipeline.console.sources import Forgotten
from pipeline.console.words import Words
from tests.unit.pipeline.console.house import NOON, receipt

EN = Words("en")
MINUTE = timedelta(minutes=1)


def test_it_says_how_many_keys_how_old_and_what_is_next() -> None:
    said = Forgotten(1284, 36, NOON - 58 * MINUTE, NOON + 8 * MINUTE, timedelta(hours=1))

    shown = panel(said, receipt(5, NOON - 2 * MINUTE), NOON, EN)

    assert (shown.keys_text, shown.oldest, shown.receipt) == ("1,284", "58 min ago", "2 min ago")
    assert (shown.next, shown.retention) == ("in 8 min", "1 h")


def test_before_anything_was_forgotten_it_says_so() -> None:
    shown = panel(Forgotten(0, 0, None, None, timedelta(hours=1)), None, NOON, EN)

    assert (shown.oldest, shown.receipt, shown.next) == ("No frame is readable", "none yet", "none yet")


def test_a_destruction_that_is_due_is_due() -> None:
    assert panel(Forgotten(0, 1, None, NOON, MINUTE), None, NOON, EN).next == "due now"
