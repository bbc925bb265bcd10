"""A vault that was off while its machine was on knows how long, whatever the wall clock says."""

from datetime import timedelta
from pathlib import Path

from pipeline.clock import ManualClock
from pipeline.vault.guard import Guard
from pipeline.vault.uptime import FILE, noting, time_by_uptime
from tests.unit.pipeline.vault.building import NOON

DAYS = timedelta(days=3)


def test_r20_after_days_off_on_a_machine_that_was_on_the_clock_needs_nobodys_word(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    noting(tmp_path, clock, "boot")(NOON)
    clock.advance(DAYS)

    by_uptime = time_by_uptime(tmp_path, clock, "boot")

    assert by_uptime == NOON + DAYS
    assert not Guard(clock, by_uptime).read().doubtful


def test_r20_a_wrong_wall_clock_changes_nothing_about_it(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    noting(tmp_path, clock, "boot")(NOON)
    clock.set_wall(NOON + timedelta(days=3650))

    assert time_by_uptime(tmp_path, clock, "boot") == NOON


def test_another_start_of_the_machine_proves_nothing(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    noting(tmp_path, clock, "boot")(NOON)

    assert time_by_uptime(tmp_path, clock, "another boot") is None


def test_a_machine_that_does_not_name_its_starts_proves_nothing(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    noting(tmp_path, clock, "")(NOON)

    assert time_by_uptime(tmp_path, clock, "") is None


def test_a_machine_put_back_to_an_earlier_state_proves_nothing(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    clock.advance(DAYS)
    noting(tmp_path, clock, "boot")(NOON)

    assert time_by_uptime(tmp_path, ManualClock(NOON), "boot") is None


def test_no_mark_or_one_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    assert time_by_uptime(tmp_path, ManualClock(NOON), "boot") is None

    (tmp_path / FILE).write_text("{")
    assert time_by_uptime(tmp_path, ManualClock(NOON), "boot") is None


def test_a_mark_that_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    noting(tmp_path / "nowhere", ManualClock(NOON), "boot")(NOON)
