"""What an alert names is fetched from a real Kafka, record by record; what is gone is left out."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from pipeline.errors import Unavailable
from pipeline.evidence.log import DETECTIONS, FRAMES, KafkaLog
from pipeline.local import kafka
from pipeline.reading import stop
from schemas.detections import FrameRef

SIZE = 300_000
"""Larger than what is asked for at a time."""


def ref(topic: str, offset: int, partition: int = 1) -> FrameRef:
    return FrameRef(topic=topic, partition=partition, offset=offset)


@pytest.fixture
async def bootstrap(kafka_of_its_own: kafka.Process) -> str:
    """Where a broker is with 40 frames and 400 detections in partition 1, of which the first are gone."""
    where = kafka_of_its_own.kafka.bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=where)
    producer = AIOKafkaProducer(bootstrap_servers=where)
    await admin.start()
    await producer.start()
    await admin.create_topics([NewTopic(each, 2, 1) for each in (FRAMES, DETECTIONS)])
    for number in range(40):
        await producer.send(FRAMES, b"%d " % number + bytes(SIZE), partition=1)
    for number in range(400):
        await producer.send(DETECTIONS, b"%d" % number, partition=1)
    await producer.flush()
    await admin.delete_records({TopicPartition(FRAMES, 1): RecordsToDelete(before_offset=10)})
    await producer.stop()
    await stop(admin)
    return where


async def test_what_is_named_is_fetched_with_what_lies_beside_it_and_what_is_gone_is_left_out(bootstrap: str) -> None:
    wanted = [ref(FRAMES, each) for each in (3, 38, 12, 10, 39, 40)] + [ref(FRAMES, 0, partition=0)]
    named = [ref(DETECTIONS, each) for each in (210, 200, 9000)]

    found = await KafkaLog(bootstrap).fetch(wanted, named)

    assert sorted(each.offset for each in found.frames) == [10, 12, 38, 39]
    assert all(each.value.startswith(b"%d " % where.offset) for where, each in found.frames.items())
    assert [each.offset for each in found.detections] == list(range(100, 400))
    assert all(each.value == b"%d" % where.offset for where, each in found.detections.items())


async def test_at_the_ends_of_a_topic_there_is_no_more(bootstrap: str) -> None:
    found = await KafkaLog(bootstrap).fetch([], [ref(DETECTIONS, 2), ref(DETECTIONS, 399)])

    assert [each.offset for each in found.detections] == list(range(400))


async def test_other_topics_are_not_read_whatever_an_alert_says(bootstrap: str) -> None:
    found = await KafkaLog(bootstrap).fetch([ref(DETECTIONS, 20)], [ref(FRAMES, 20)])

    assert found == ({}, {})


async def test_a_partition_that_does_not_exist_is_left_out_and_holds_up_nothing(bootstrap: str) -> None:
    nowhere = [ref(FRAMES, 0, partition=7), ref(DETECTIONS, 0, partition=2**40)]

    async with asyncio.timeout(10):
        found = await KafkaLog(bootstrap).fetch([*nowhere[:1], ref(FRAMES, 12)], [*nowhere[1:], ref(DETECTIONS, 200)])
        nothing = await KafkaLog(bootstrap).fetch(nowhere[:1], nowhere[1:])

    assert list(found.frames) == [ref(FRAMES, 12)]
    assert ref(DETECTIONS, 200) in found.detections
    assert nothing == ({}, {})


async def test_a_broker_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await KafkaLog("127.0.0.1:1").fetch([ref(FRAMES, 1)], [])
