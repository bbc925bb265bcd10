"""How long bytes lie on a real broker's disk: as long as a topic says, and no longer."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from pipeline.broker import admin, create_topics
from pipeline.lateness import of_topics, oldest_records
from pipeline.local import kafka
from schemas.envelope import DataClass
from schemas.topics import RETENTION_CHECK_MAX, Topic
from tests.integration.kafka_fixtures import running

CHECK = timedelta(seconds=1)
FIRST_LOOK = timedelta(seconds=32)
"""A broker that was just started looks for the first time after 30 s, however often it does afterwards."""

NOISE = timedelta(seconds=2)
"""A busy machine's broker is late too."""

ABOUT = ("items", "scope", "purpose", "responsible")
TRICKLING = Topic("trickling.v1", DataClass.OPERATIONAL, (), timedelta(seconds=5), *ABOUT, partitions=1)
IDLE = replace(TRICKLING, name="idle.v1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[kafka.Process]:
    """A broker that looks every second for what it can remove."""
    for process in running(tmp_path / "kafka"):
        process.stop()
        process.kafka = replace(process.kafka, retention_check_ms=CHECK // timedelta(milliseconds=1))
        process.start()
        yield process


def ages(broker: kafka.Process, topic: Topic) -> list[float]:
    """Return how old, in seconds, the marks are that lie anywhere in a topic's folder: indexes and leftovers too."""
    files = (broker.kafka.home / "data").glob(f"{topic.name}-*/*")
    return [time.time() - float(mark) for file in files for mark in re.findall(rb"mark:(\d+\.\d+) ", read(file))]


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


async def test_r20_bytes_leave_the_brokers_disk_within_their_topics_bound(broker: kafka.Process) -> None:
    bound = TRICKLING.gone_within - RETENTION_CHECK_MAX + CHECK + NOISE
    await create_topics(broker.kafka.bootstrap, [TRICKLING, IDLE])
    oldest, warm = 0.0, time.monotonic() + FIRST_LOOK.total_seconds()
    async with AIOKafkaProducer(bootstrap_servers=broker.kafka.bootstrap) as producer:
        await producer.send_and_wait(IDLE.name, b"mark:%.3f " % time.time())
        while time.monotonic() < warm + 2 * bound.total_seconds():
            await producer.send_and_wait(TRICKLING.name, b"mark:%.3f " % time.time())
            found = ages(broker, TRICKLING)
            assert found, "the scan sees nothing"
            if time.monotonic() > warm:
                oldest = max(oldest, *found)
            await asyncio.sleep(0.3)
    stamps = await oldest_records(broker.kafka.bootstrap, [TRICKLING, IDLE])

    assert TRICKLING.lives.total_seconds() < oldest <= bound.total_seconds()
    # What is written to no more goes as well.
    assert ages(broker, IDLE) == []
    assert stamps.keys() == {TRICKLING.name}


async def test_r21_an_expired_record_is_measured_as_overdue(broker: kafka.Process) -> None:
    lasting = replace(TRICKLING, name="lasting.v1", lives=timedelta(days=1))
    await create_topics(broker.kafka.bootstrap, [lasting])
    async with AIOKafkaProducer(bootstrap_servers=broker.kafka.bootstrap) as producer:
        sent = await producer.send_and_wait(lasting.name, b"mark:%.3f " % time.time())
    oldest = await oldest_records(broker.kafka.bootstrap, [lasting])

    stamped = oldest[lasting.name]
    assert round(stamped.timestamp() * 1000) == sent.timestamp
    (overdue,) = of_topics([lasting], oldest, stamped + timedelta(days=1, hours=2))
    assert (overdue.by, overdue.late) == (timedelta(hours=2), True)


async def test_r20_what_was_taken_from_a_compacted_topic_lies_there_until_something_is_written(
    broker: kafka.Process,
) -> None:
    """The open segment is never compacted: so a stage writes its position again (agents/stage.py)."""
    state = replace(TRICKLING, name="state.v1")
    quick = {"cleanup.policy": "compact", "segment.ms": "1000", "min.compaction.lag.ms": "0"}
    quick |= {"max.compaction.lag.ms": "1000", "delete.retention.ms": "0", "file.delete.delay.ms": "100"}
    async with admin(broker.kafka.bootstrap) as client:
        await client.create_topics([NewTopic(state.name, 1, 1, topic_configs=quick)])
    async with AIOKafkaProducer(bootstrap_servers=broker.kafka.bootstrap) as producer:
        await producer.send_and_wait(state.name, b"mark:%.3f " % time.time(), key=b"camera")
        await producer.send_and_wait(state.name, None, key=b"camera")
        await asyncio.sleep(8)
        idle = len(ages(broker, state))

        deadline = time.monotonic() + 30
        while ages(broker, state) and time.monotonic() < deadline:
            await producer.send_and_wait(state.name, b"position", key=b"position")
            await asyncio.sleep(1.5)

    assert idle == 1
    assert ages(broker, state) == []
