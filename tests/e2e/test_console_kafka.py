"""The console against a real Kafka: what it follows, how far stages are, and a broker that goes and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.broker import create_topics
from pipeline.clock import SystemClock
from pipeline.console.adapters import KafkaBroker, group_of
from pipeline.console.sources import News
from pipeline.errors import Unavailable
from pipeline.local import kafka
from schemas.alert import Alert
from schemas.envelope import Message
from schemas.topics import Lives, topics
from schemas.wire import encode
from tests.integration.kafka_fixtures import bootstrap, kafka_process  # noqa: F401 - fixtures, by their names
from tests.unit.pipeline.console.house import alert, device_health, receipt

TOPICS = topics(Lives(timedelta(hours=1)))


class Hurrying(SystemClock):
    """Nothing stays recent, so that every question is put."""

    def __init__(self) -> None:
        self._count = 0.0

    def monotonic(self) -> float:
        self._count += 100
        return self._count


@pytest.fixture
async def broker(bootstrap: str) -> KafkaBroker:  # noqa: F811 - the fixture
    await create_topics(bootstrap, TOPICS.values())
    return KafkaBroker(bootstrap, TOPICS, Hurrying())


async def send(bootstrap: str, *messages: tuple[str, Message]) -> None:  # noqa: F811
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for topic, message in messages:
            record = encode(message, TOPICS[topic])
            await producer.send_and_wait(topic, record.value, record.key, headers=record.headers)
        await producer.send_and_wait("alerts.v1", b"no message", b"no key")


async def first(stream: AsyncIterator[News | None], count: int) -> list[News]:
    found: list[News] = []
    async with asyncio.timeout(30):
        async for news in stream:
            if news is not None:
                found.append(news)
            if len(found) == count:
                break
    return found


async def test_what_came_before_and_what_comes_is_told_and_what_is_broken_is_not(
    broker: KafkaBroker,
    bootstrap: str,  # noqa: F811
) -> None:
    now = datetime.now(UTC)
    await send(bootstrap, ("alerts.v1", alert(71, at=now)), ("erasures.v1", receipt(3, now)))
    async with aclosing(broker.news(now - timedelta(minutes=1))) as stream:
        before = await first(stream, 2)
        await send(
            bootstrap,
            ("alerts.v1", alert(72, at=now)),
            ("health.v1", device_health("ginza", "door", now, frames=1, stills=0)),
        )
        after = await first(stream, 2)

    assert {type(each).__name__ for each in before} == {"Alert", "ErasureReceipt"}
    assert {each.alert_id for each in (*before, *after) if isinstance(each, Alert)} == {"alert-71", "alert-72"}


async def test_lag_is_the_end_less_what_the_group_committed(broker: KafkaBroker, bootstrap: str) -> None:  # noqa: F811
    now = datetime.now(UTC)
    await send(bootstrap, *(("alerts.v1", alert(number, at=now)) for number in range(80, 84)))
    place = TopicPartition("alerts.v1", 0)
    worker: Any = AIOKafkaConsumer(
        "alerts.v1", bootstrap_servers=bootstrap, group_id=group_of("recording"), enable_auto_commit=False
    )
    await worker.start()
    try:
        while place not in worker.assignment():  # noqa: ASYNC110 - the broker says when, not we
            await asyncio.sleep(0.05)
        await worker.commit({place: 1})
        recording = next(each for each in await broker.groups() if each.stage == "recording")
    finally:
        await worker.stop()

    (reading,) = [each for each in recording.readings if (each.topic, each.partition) == place]
    assert (recording.workers, reading.committed) == (1, 1)
    assert reading.end >= 0
    assert next(each for each in await broker.groups() if each.stage == "recording").workers == 0


async def test_dead_letters_are_counted(broker: KafkaBroker, bootstrap: str) -> None:  # noqa: F811
    before = (await broker.dead_letters())["gates.v1.dead"]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait("gates.v1.dead", b"{}")

    assert (await broker.dead_letters())["gates.v1.dead"] == before + 1


async def test_a_broker_that_is_away_is_unavailable_and_comes_back(
    broker: KafkaBroker,
    kafka_process: kafka.Process,  # noqa: F811
) -> None:
    async with aclosing(broker.news(datetime.now(UTC))) as stream:
        await anext(stream)
        kafka_process.kill()
        with pytest.raises(Unavailable):
            await first(stream, 1)
    with pytest.raises(Unavailable):
        await broker.groups()

    await asyncio.to_thread(kafka_process.start)

    assert {each.stage for each in await broker.groups()} == {
        "detecting",
        "watching",
        "recording",
        "cutting",
        "erasing",
    }
