"""Two workers that were given one seat: one of them ends, and says which setting was given twice."""

import asyncio
import os
import sys
from pathlib import Path

from agents.dying import DIED
from pipeline.broker import create_topics
from pipeline.local import kafka
from tests.integration.stage_worker import topics

ROOT = Path(__file__).resolve().parents[2]
SEAT = {"MIMAMORI_KAFKA__SEAT": "data-0"}


async def start(bootstrap: str, log: Path) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.integration.stage_worker", bootstrap, "0"]
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=out, stderr=out, env=os.environ | SEAT)


async def under_way(log: Path) -> None:
    """Wait until a worker has taken up its partitions."""
    for _tenth in range(300):
        if "taken up" in said(log):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(said(log))


def said(log: Path) -> str:
    return log.read_text()


async def test_of_two_workers_on_one_seat_one_ends_and_names_the_setting(
    kafka_of_its_own: kafka.Process, tmp_path: Path
) -> None:
    bootstrap = kafka_of_its_own.kafka.bootstrap
    await create_topics(bootstrap, topics().values())
    logs = [tmp_path / "first.log", tmp_path / "second.log"]

    first = await start(bootstrap, logs[0])
    await under_way(logs[0])
    second = await start(bootstrap, logs[1])
    try:
        status = await asyncio.wait_for(first.wait(), 30)
        await under_way(logs[1])
        assert second.returncode is None
    finally:
        for each in (first, second):
            if each.returncode is None:
                each.kill()
                await each.wait()

    assert status == DIED, said(logs[0])[-2000:]
    assert "MIMAMORI_KAFKA__SEAT" in said(logs[0])
    assert "MIMAMORI_KAFKA__SEAT" not in said(logs[1])
