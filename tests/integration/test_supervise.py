"""Children are started, kept up, reported and stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.local.supervise import CannotKeepUp, Child, Supervisor

SLEEPS = "import time; time.sleep(600)"
IGNORES = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


async def at_once() -> bool:
    return True


def child(name: str, code: str, **more: object) -> Child:
    return Child(name, (sys.executable, "-c", code), **{"ready": at_once} | more)  # type: ignore[arg-type]  # test data


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class House:
    """A supervisor, and what it told."""

    def __init__(self, logs: Path) -> None:
        self.told: list[str] = []
        self.supervisor = Supervisor(logs, SystemClock(), self.told.append)

    async def until(self, count: int) -> None:
        """Wait until so many things were told."""
        async with asyncio.timeout(20):
            while len(self.told) < count:  # noqa: ASYNC110 (a supervisor's telling is no event)
                await asyncio.sleep(0.02)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.supervisor.stop()


async def test_a_child_that_died_is_started_again_and_that_is_said(house: House) -> None:
    await house.supervisor.start(child("worker", SLEEPS))
    first = house.supervisor.pid("worker")
    os.kill(first, signal.SIGKILL)
    await house.until(1)
    async with asyncio.timeout(20):
        while house.supervisor.restarts()["worker"] == 0:  # noqa: ASYNC110 (likewise)
            await asyncio.sleep(0.02)

    await house.until(2)
    assert "worker ended (SIGKILL); starting it again" in house.told[0]
    assert "worker is back after" in house.told[1]
    assert house.supervisor.pid("worker") != first


async def test_a_child_that_is_renewed_is_another_process_and_has_not_died(house: House) -> None:
    await house.supervisor.start(child("worker", SLEEPS), child("other", SLEEPS))
    first, other = house.supervisor.pid("worker"), house.supervisor.pid("other")

    await house.supervisor.renew("worker")

    assert house.supervisor.pid("worker") != first
    assert lives(house.supervisor.pid("worker"))
    assert not lives(first)
    assert house.supervisor.pid("other") == other
    assert house.told == []


async def test_a_child_that_cannot_be_kept_up_is_reported_with_the_tail_of_its_log(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.local.supervise._BACKOFF", (0.01,))
    await house.supervisor.start(child("worker", "print('no such file: estate.toml'); raise SystemExit(3)"))

    async with asyncio.timeout(30):
        with pytest.raises(CannotKeepUp, match=r"worker died 7 times in a minute:\n[\s\S]*no such file: estate.toml"):
            await house.supervisor.failed()


async def test_a_child_that_ends_before_it_is_ready_is_reported(house: House) -> None:
    async def never() -> bool:
        return False

    with pytest.raises(CannotKeepUp, match="worker ended with 3"):
        await house.supervisor.start(child("worker", "raise SystemExit(3)", ready=never))


async def test_a_child_that_is_never_ready_is_reported(house: House) -> None:
    async def never() -> bool:
        return False

    with pytest.raises(CannotKeepUp, match=r"not ready after 0\.2 s"):
        await house.supervisor.start(child("worker", SLEEPS, ready=never, ready_within=0.2))


async def test_stopping_leaves_no_child_behind_however_stubborn(house: House) -> None:
    await house.supervisor.start(child("gentle", SLEEPS), child("stubborn", IGNORES, stop_within=0.2))
    pids = [house.supervisor.pid(name) for name in ("gentle", "stubborn")]

    await house.supervisor.stop()

    assert [pid for pid in pids if lives(pid)] == []
