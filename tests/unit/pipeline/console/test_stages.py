"""How each stage is."""

from pipeline.console.sources import Group, Reading
from pipeline.console.stages import BEHIND, lag, panel, state_of
from pipeline.console.words import Words
from tests.unit.pipeline.console.house import groups

EN = Words("en")


def reading(committed: int | None, begin: int = 0, end: int = 100) -> Reading:
    return Reading("frames.v1", 0, committed, begin, end)


def test_lag_is_what_waits_between_the_position_and_the_end() -> None:
    assert lag(reading(90)) == 10


def test_a_stage_that_never_committed_has_all_before_it() -> None:
    assert lag(reading(None, begin=40)) == 60


def test_what_retention_removed_waits_no_longer() -> None:
    assert lag(reading(10, begin=70)) == 30


def test_a_position_past_the_end_is_no_negative_lag() -> None:
    assert lag(reading(120)) == 0


def test_every_stage_is_shown_in_order_whether_it_runs_or_not() -> None:
    shown = panel(groups()[:2], {}, EN).stages

    assert [each.stage for each in shown] == ["detecting", "watching", "recording", "cutting", "erasing"]
    assert [each.state for each in shown] == ["running", "running", "stopped", "stopped", "stopped"]
    assert shown[0].lag_text == "15"


def test_a_stage_far_behind_says_so() -> None:
    assert state_of(Group("detecting", 1, (reading(0, end=BEHIND + 1),))) == "behind"
    assert state_of(Group("detecting", 1, ())) == "idle"


def test_a_partition_is_named_with_its_lag() -> None:
    texts = [each.text for each in panel(groups(), {}, EN).stages[0].partitions]

    assert texts[2] == "frames.v1 partition 2: lag 12"


def test_dead_letters_are_counted_by_topic() -> None:
    shown = panel((), {"frames.v1.dead": 2, "alerts.v1.dead": 0, "flow.v1.dead": 3}, EN)

    assert (shown.dead_total, [each.topic for each in shown.dead]) == (5, ["flow.v1.dead", "frames.v1.dead"])
    assert panel((), {}, EN).dead_text == "None"
