"""The ledger of exports in a real PostgreSQL: many workers on many machines, and a server that is away."""

import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.clock import ManualClock
from pipeline.errors import Unavailable
from pipeline.exported import Exported, open_exported
from pipeline.flow.budget import Release
from schemas.ids import CameraId
from tests.integration.postgres_fixtures import PASSWORD, Postgres
from tests.unit.pipeline.test_exported import NOON, RELEASE, patiently


def opened(url: str, folder: Path) -> Exported:
    return open_exported(folder, url, ManualClock(NOON))


def test_r52_workers_on_many_machines_do_not_overspend_a_day(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database("exported")
    ledgers = [opened(url, tmp_path) for _ in range(8)]
    asked = [RELEASE._replace(camera_id=CameraId(f"c{number % 20}"), micro=90_000) for number in range(40)]

    def work(number: int) -> bool:
        return patiently(ledgers[number % 8], asked[number])

    with ThreadPoolExecutor(40) as workers:
        allowed = list(workers.map(work, range(40)))

    assert ledgers[0].spent(RELEASE) == 990_000
    assert sum(allowed) == 22  # eleven cameras, each asked twice and told the same
    assert not ledgers[0].allows(_other(asked[allowed.index(True)]))
    for each in ledgers:
        each.close()


def _other(release: Release) -> Release:
    return release._replace(content="counted otherwise")


def test_a_server_that_was_away_is_asked_again_and_no_word_of_it_quotes_the_password(
    postgres: Postgres, tmp_path: Path
) -> None:
    ledger = opened(postgres.database("exported"), tmp_path)
    ledger.allows(RELEASE)

    postgres.stop(signal.SIGQUIT)
    with pytest.raises(Unavailable) as away:
        ledger.allows(RELEASE)
    postgres.start()

    for _ in range(3):
        with contextlib.suppress(Unavailable):
            assert ledger.allows(RELEASE)
            break
    assert ledger.spent(RELEASE) == 600_000
    assert PASSWORD not in repr(away.value)
    ledger.close()
