"""What a stage knows of a camera that has fallen silent goes, from memory and from its state topic."""

import asyncio
import json
from pathlib import Path

from aiokafka import AIOKafkaProducer
from faust.types import TP

from agents.position import Kept
from agents.state_topic import read_state
from pipeline.broker import create_topics
from pipeline.local import kafka
from pipeline.reading import reader
from schemas.wire import encode
from tests.integration.stage_worker import tick, topics
from tests.integration.test_stage_data import kept_up, values

TOPICS = topics()
LANE = TP("in.v1", 0)


async def send(bootstrap: str, name: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    record = encode(tick(name), TOPICS["in.v1"])
    await producer.send_and_wait("in.v1", record.value, record.key, headers=record.headers)
    await producer.stop()


async def kept(bootstrap: str) -> Kept:
    async with reader(bootstrap) as consumer:
        return (await read_state(consumer, "data-state.v1", [LANE]))[LANE]


async def until(bootstrap: str, *, known: bool) -> Kept:
    """Wait until the state topic knows the camera, or knows it no more."""
    for _tenth in range(300):
        found = await kept(bootstrap)
        if bool(found.states) is known and found.position.offset >= 0:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {await kept(bootstrap)}")


async def test_r20_the_state_of_a_silent_camera_is_taken_from_the_topic(
    kafka_of_its_own: kafka.Process, tmp_path: Path
) -> None:
    bootstrap = kafka_of_its_own.kafka.bootstrap
    await create_topics(bootstrap, TOPICS.values())

    async with kept_up(bootstrap, tmp_path / "worker.log", [], lives=4):
        await send(bootstrap, "good")
        await until(bootstrap, known=True)
        forgotten = await until(bootstrap, known=False)
        await send(bootstrap, "good-again")
        await until(bootstrap, known=True)

    assert forgotten.position.offset == 0
    assert not forgotten.position.keys
    told = [json.loads(value)["event_id"] for value in await values(bootstrap, "out.v1")]
    assert told == ["good-1", "good-again-1"], (tmp_path / "worker.log").read_text()[-2000:]
