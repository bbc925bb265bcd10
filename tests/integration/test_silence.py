"""Which partitions detecting has yet to read, asked of a real broker."""

import asyncio
import contextlib

from aiokafka import AIOKafkaProducer
from aiokafka.errors import GroupCoordinatorNotAvailableError

from agents.silence import Silence
from pipeline.broker import create_topics
from pipeline.clock import ManualClock
from pipeline.local import kafka
from pipeline.settings import Kafka
from schemas.topics import Lives, topics
from tests.examples import HOUR
from tests.unit.agents.test_silence import ESTATE, EVERY, Stage


async def test_a_camera_that_was_silent_from_the_start_waits_for_nothing(
    kafka_of_its_own: kafka.Process, clock: ManualClock
) -> None:
    bootstrap = kafka_of_its_own.kafka.bootstrap
    await create_topics(bootstrap, topics(Lives(HOUR)).values())
    watch = Silence(Stage(set(EVERY)), ESTATE, Kafka(bootstrap=bootstrap), clock)  # type: ignore[arg-type]  # a fake

    assert await unread(watch) == set()

    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait("frames.v1", b"frame", partition=2)
    assert await unread(watch) == {2}


async def unread(watch: Silence) -> set[int]:
    """Ask as often as it takes: a broker that has just begun knows of no groups yet."""
    for _ in range(100):
        with contextlib.suppress(GroupCoordinatorNotAvailableError):
            return await watch._unread()
        await asyncio.sleep(0.1)
    raise TimeoutError
