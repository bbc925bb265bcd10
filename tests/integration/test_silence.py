"""Which partitions detecting has yet to read, asked of a real broker."""

import asyncio
import contextlib

from aiokafka import AIOKafkaProducer
from aiokafka.errors import GroupCoordinatorNotAvailableError
from faust.types.tuples import TP

from agents.silence import SILENT_AFTER, Silence
from pipeline.broker import create_topics
from pipeline.clock import ManualClock
from pipeline.local import kafka
from pipeline.settings import Kafka
from schemas.health import CameraHealth, CameraState, DeviceHealth
from schemas.topics import Lives, topics
from schemas.wire import encode
from tests.examples import HOUR, examples
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


async def test_who_speaks_is_heard_and_who_does_not_is_told_to_be_silent(
    kafka_of_its_own: kafka.Process, clock: ManualClock
) -> None:
    bootstrap, every = kafka_of_its_own.kafka.bootstrap, topics(Lives(HOUR))
    await create_topics(bootstrap, every.values())
    stage = Stage({TP("flow.v1", number) for number in range(4)})
    watch = Silence(stage, ESTATE, Kafka(bootstrap=bootstrap), clock)  # type: ignore[arg-type]  # a fake
    example = next(each for each in examples() if isinstance(each, DeviceHealth))
    spoken = example.model_copy(update={"store_id": "ginza", "camera_id": "entrance"})
    key, value, headers = encode(spoken, every["health.v1"])

    async with asyncio.timeout(60), AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        listening = asyncio.create_task(watch.hear())
        while not watch._hearing._heard:
            await producer.send_and_wait("health.v1", value=value, key=key, headers=headers)
            await asyncio.sleep(0.5)
        while not stage.sent:
            clock.advance(SILENT_AFTER)
            await asyncio.sleep(0.5)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    silent = stage.sent[0]
    assert isinstance(silent, CameraHealth)
    assert (silent.key, silent.state) == ("ginza/entrance", CameraState.SILENT)
