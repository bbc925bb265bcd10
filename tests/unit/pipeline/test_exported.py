"""The ledger of what was exported, and the secret of its noise."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from typer.testing import CliRunner

from pipeline.clock import ManualClock
from pipeline.errors import Misconfigured, Unavailable
from pipeline.exported import Exported, make_secret, open_exported, secret_of
from pipeline.flow.budget import Release
from pipeline.flow_cli import app
from schemas.ids import CameraId, StoreId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RELEASE = Release(
    store_id=StoreId("ginza"), day=NOON.date(), camera_id=CameraId("door"), window_start=NOON, micro=600_000,
    budget=1_000_000, terms="t", content="c",
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Exported]:
    ledger = open_exported(tmp_path, clock=ManualClock(NOON))
    yield ledger
    ledger.close()


def test_what_was_allowed_once_is_allowed_again_and_costs_nothing_more(ledger: Exported) -> None:
    assert [ledger.allows(RELEASE) for _ in range(3)] == [True, True, True]
    assert ledger.spent(RELEASE) == 600_000


def test_a_day_is_not_overspent_by_a_camera_that_came_later(ledger: Exported) -> None:
    ledger.allows(RELEASE)

    assert not ledger.allows(RELEASE._replace(camera_id=CameraId("aisle")))
    assert ledger.allows(RELEASE._replace(camera_id=CameraId("aisle"), micro=400_000))
    assert ledger.allows(RELEASE._replace(day=date(2026, 11, 24), camera_id=CameraId("aisle")))
    assert ledger.allows(RELEASE._replace(store_id=StoreId("shibuya"), camera_id=CameraId("aisle")))


@pytest.mark.parametrize("other", [{"content": "counted otherwise"}, {"terms": "another secret"}, {"micro": 1}])
def test_a_window_is_told_once_and_a_day_under_one_set_of_terms(ledger: Exported, other: dict[str, object]) -> None:
    ledger.allows(RELEASE)

    assert not ledger.allows(RELEASE._replace(**other))  # type: ignore[arg-type]  # as the cases say
    assert ledger.allows(RELEASE)


def test_it_remembers_after_a_restart_what_a_device_with_a_wild_clock_cannot_make_it_forget(tmp_path: Path) -> None:
    first = open_exported(tmp_path, clock=ManualClock(NOON))
    first.allows(RELEASE)
    first.allows(RELEASE._replace(day=date(2077, 1, 1)))
    first.close()

    again = open_exported(tmp_path, clock=ManualClock(NOON))
    refused = again.allows(RELEASE._replace(content="d"))
    again.close()
    assert not refused


def test_days_of_which_nothing_more_is_told_are_forgotten(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    ledger = open_exported(tmp_path, clock=clock)
    ledger.allows(RELEASE)
    clock.advance(timedelta(days=40))
    ledger.allows(RELEASE._replace(day=clock.now().date()))

    assert ledger.spent(RELEASE) == 0
    ledger.close()


def patiently(ledger: Exported, release: Release) -> bool:
    while True:
        with contextlib.suppress(Unavailable):  # so many at once: some wait too long for their turn
            return ledger.allows(release)


def test_r52_a_hundred_workers_at_once_do_not_overspend_a_day(tmp_path: Path) -> None:
    ledgers = [open_exported(tmp_path, clock=ManualClock(NOON)) for _ in range(4)]
    asked = [RELEASE._replace(camera_id=CameraId(f"c{number % 50}"), micro=30_000) for number in range(100)]
    allowed: list[str] = []

    def work(number: int) -> None:
        if patiently(ledgers[number % 4], asked[number]):
            allowed.append(asked[number].camera_id)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(100)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert ledgers[0].spent(RELEASE) == 990_000
    assert len(set(allowed)) == 33
    assert len(allowed) == 66  # each camera asks twice, and is told the same
    for each in ledgers:
        each.close()


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 700_000), st.booleans()), max_size=12))
def test_no_order_of_asking_overspends_a_day(asked: list[tuple[int, int, bool]]) -> None:
    ledger = Exported(create_engine("sqlite://", poolclass=StaticPool), ManualClock(NOON))
    for camera, micro, again in asked:
        release = RELEASE._replace(camera_id=CameraId(f"c{camera}"), micro=micro)
        first = ledger.allows(release)
        assert not again or ledger.allows(release) is first

    assert ledger.spent(RELEASE) <= RELEASE.budget
    ledger.close()


def test_a_ledger_that_is_away_says_so(tmp_path: Path) -> None:
    ledger = open_exported(tmp_path, clock=ManualClock(NOON))
    (tmp_path / "flow" / "exported.db").write_bytes(b"no database at all, but long enough to be looked at" * 9)

    with pytest.raises(Unavailable):
        ledger.allows(RELEASE)
    ledger.close()


@pytest.mark.parametrize("url", ["nonsense", "nosuch://user:hush@host/db"])
def test_what_is_no_database_is_said_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(Misconfigured) as said:
        open_exported(tmp_path, url)

    assert "hush" not in str(said.value)


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "flow" / "secret"

    told = CliRunner().invoke(app, ["secret", str(path)])

    assert told.exit_code == 0
    assert len(secret_of(path)) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Misconfigured, match="there already"):
        make_secret(path)


def test_without_a_good_secret_nothing_is_exported(tmp_path: Path) -> None:
    short, open_ = tmp_path / "short", tmp_path / "open"
    short.write_bytes(b"short")
    short.chmod(0o600)
    open_.write_bytes(bytes(32))
    open_.chmod(0o644)

    for path, why in (
        (None, "names no file"),
        (tmp_path / "none", "cannot be read"),
        (short, "no secret"),
        (open_, "600"),
    ):
        with pytest.raises(Misconfigured, match=why):
            secret_of(path)
