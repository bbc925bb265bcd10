"""Topics on a real broker: made, found drifted, mended."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from pipeline.broker import admin, apply_topics, check_topics, create_topics
from pipeline.errors import Misconfigured, Unavailable
from pipeline.local import kafka
from schemas.envelope import DataClass
from schemas.topics import Lives, Topic, topics

ABOUT = ("items", "scope", "purpose", "responsible")


def topic(name: str, days: int = 1) -> Topic:
    return Topic(name, DataClass.OPERATIONAL, (), timedelta(days=days), *ABOUT)


async def test_topics_that_are_missing_are_an_error_that_says_how_to_mend_it(bootstrap: str) -> None:
    with pytest.raises(Misconfigured, match="run `mimamori topics apply`"):
        await check_topics(bootstrap, [topic("missing.v1")])


async def test_every_topic_can_be_made_and_is_then_as_it_must_be(bootstrap: str) -> None:
    every = topics(Lives(timedelta(hours=1))).values()

    await create_topics(bootstrap, every)
    await create_topics(bootstrap, every)

    await check_topics(bootstrap, every)


async def test_a_topic_that_has_drifted_is_named_and_mended(bootstrap: str) -> None:
    await create_topics(bootstrap, [topic("drifting.v1", days=2)])
    wanted = [topic("drifting.v1", days=1)]

    with pytest.raises(Misconfigured, match=r"retention\.ms is 172800000, not 86400000.*mimamori topics apply"):
        await check_topics(bootstrap, wanted)
    assert await apply_topics(bootstrap, wanted)
    await check_topics(bootstrap, wanted)


@pytest.mark.parametrize("name", ["frames.v1", "watching-state.v1"])
async def test_r20_whatever_an_operator_changed_is_named_and_mended(bootstrap: str, name: str) -> None:
    wanted = topics(Lives(timedelta(hours=1)))[name]
    changed = {
        "segment.ms": "604800000",
        "file.delete.delay.ms": "60000",
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": "9223372036854775807",
        **({"delete.retention.ms": "86400000"} if wanted.compacted else {"retention.ms": "-1"}),
    }
    await apply_topics(bootstrap, [wanted])
    async with admin(bootstrap) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, wanted.config | changed)])

    with pytest.raises(Misconfigured, match="have drifted") as told:
        await settled(bootstrap, wanted)
    assert all(f"{key} is {value}, not {wanted.config[key]}" in str(told.value) for key, value in changed.items())
    assert await apply_topics(bootstrap, [wanted])
    await check_topics(bootstrap, [wanted])


async def settled(bootstrap: str, topic: Topic) -> None:
    """Check until it is refused: the broker takes a moment to know what the controller was told."""
    for _attempt in range(50):
        await check_topics(bootstrap, [topic])
        await asyncio.sleep(0.1)


async def test_r21_a_broker_that_looks_too_seldom_is_refused_with_its_mend(kafka_of_its_own: kafka.Process) -> None:
    await asyncio.to_thread(kafka_of_its_own.stop)
    kafka_of_its_own.kafka = replace(kafka_of_its_own.kafka, retention_check_ms=600_000)
    await asyncio.to_thread(kafka_of_its_own.start)
    wanted = [topic("any.v1")]
    await create_topics(kafka_of_its_own.kafka.bootstrap, wanted)

    with pytest.raises(
        Misconfigured,
        match=r"broker 1: log\.retention\.check\.interval\.ms is 600000, more than 300000.*server\.properties",
    ):
        await check_topics(kafka_of_its_own.kafka.bootstrap, wanted)


async def test_another_number_of_partitions_is_not_mended_in_silence(bootstrap: str) -> None:
    await create_topics(bootstrap, [topic("counted.v1")])

    with pytest.raises(Misconfigured, match="4 partitions, not 8"):
        await apply_topics(bootstrap, [replace(topic("counted.v1"), partitions=8)])


async def test_a_broker_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(Unavailable):
        await check_topics("127.0.0.1:1", [topic("any.v1")])
