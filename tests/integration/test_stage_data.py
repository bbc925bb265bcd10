"""Data never stops a stage: bad records, deadly ones and holes are set aside; what lies behind them is handled."""

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer import message_accumulator
from aiokafka.producer import producer as producer_module
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from pipeline.broker import create_topics
from pipeline.reading import read_all, reader
from schemas.wire import encode
from tests.integration.stage_worker import tick, topics
from tests.unit.pipeline.test_records import NoText

ROOT = Path(__file__).resolve().parents[2]
TOPICS = topics()
NAMES = ["good", "refuse", "kill", "good", "raise", "good"]


@contextlib.asynccontextmanager
async def kept_up(bootstrap: str, log: Path, deaths: list[int], lives: float = 0) -> AsyncIterator[None]:
    """Keep a worker running, as a supervisor would."""
    child: asyncio.subprocess.Process | None = None

    async def keep_up() -> None:
        nonlocal child
        while True:
            command = [sys.executable, "-m", "tests.integration.stage_worker", bootstrap, str(lives)]
            with log.open("ab") as out:
                child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=out, stderr=out)
            deaths.append(await child.wait())

    task = asyncio.create_task(keep_up())
    yield
    task.cancel()
    if child is not None and child.returncode is None:
        child.kill()
        await child.wait()


async def values(bootstrap: str, topic: str) -> list[bytes]:
    async with reader(bootstrap) as consumer:
        return [record.value async for record in read_all(consumer, [TopicPartition(topic, 0)])]


async def send(bootstrap: str) -> None:
    """Send bad records of several kinds among messages that are good, refused or deadly."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send("in.v1", b"\x00random bytes", b"any key")
    for number, name in enumerate(NAMES):
        record = encode(tick(f"{name}{number}"), TOPICS["in.v1"])
        await producer.send("in.v1", record.value, record.key, headers=record.headers)
        await producer.send("in.v1", record.value[:20], record.key, headers=record.headers)
        await producer.send("in.v1", record.value, record.key, headers=[*record.headers, record.headers[0]])
    await producer.send("in.v1", None, b"s1/a")
    await producer.stop()
    await send_a_header_without_text(bootstrap)
    await send_in_a_transaction(bootstrap)


async def send_a_header_without_text(bootstrap: str) -> None:
    """Leave a record whose header name is no UTF-8, as aiokafka's own encoder would not make it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    record = encode(tick("good-but-for-a-header"), TOPICS["in.v1"])
    with pytest.MonkeyPatch.context() as patch:
        for module in (producer_module, message_accumulator):
            patch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
        headers = [*record.headers, (NoText("xx"), b"")]
        await producer.send_and_wait("in.v1", record.value, record.key, headers=headers)
    await producer.stop()


async def send_in_a_transaction(bootstrap: str) -> None:
    """Leave a hole in the offsets, as the marker at a transaction's end does, and a message behind it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="somebody")
    await producer.start()
    for name in ("good-t", "good-u"):
        async with producer.transaction():
            record = encode(tick(name), TOPICS["in.v1"])
            await producer.send("in.v1", record.value, record.key, headers=record.headers)
    await producer.stop()


@pytest.mark.timeout(240)
async def test_bad_records_become_dead_letters_deadly_ones_poison_and_the_rest_is_handled(
    bootstrap: str, tmp_path: Path
) -> None:
    await create_topics(bootstrap, TOPICS.values())
    await send(bootstrap)
    deaths: list[int] = []

    async with kept_up(bootstrap, tmp_path / "worker.log", deaths):
        for _half_second in range(400):
            if len(await values(bootstrap, "out.v1")) >= NAMES.count("good") + 2:
                break
            await asyncio.sleep(0.5)
        await asyncio.sleep(1)

    told = [json.loads(value)["event_id"] for value in await values(bootstrap, "out.v1")]
    letters = [json.loads(value) for value in await values(bootstrap, "in.v1.dead")]
    unique = {letter["event_id"]: letter["reason"] for letter in letters}
    assert told == ["good0-1", "good3-2", "good5-3", "good-t-4", "good-u-5"], (tmp_path / "worker.log").read_text()[
        -3000:
    ]
    assert Counter(unique.values()) == {
        "header_missing": 2, "header_unreadable": 1, "bad_content": 6,
        "header_repeated": 6, "unknown_camera": 1, "poison": 2,
    }  # fmt: skip
    assert Counter(deaths)[9] == 3
    # Three of the message that raises, three before the hole is believed.
    assert Counter(deaths)[70] == 6
    assert b"random bytes" not in b"".join(await values(bootstrap, "in.v1.dead"))
