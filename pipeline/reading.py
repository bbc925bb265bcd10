"""Topics read from their beginning, outside of any consumer group."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import Topic


@asynccontextmanager
async def reader(bootstrap: str | list[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer without a group.

    `earliest` matters: on assignment aiokafka begins to look for a position, `latest` by default, and one that is
    found late undoes a `seek_to_beginning`. Measured: a whole topic read as empty.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_all(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> AsyncIterator[Any]:
    """Read partitions from their beginnings to what are their ends now."""
    if not partitions:
        return
    consumer.assign(partitions)
    begin, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, begin[partition])
    while [each for each in partitions if await consumer.position(each) < end[each]]:
        for records in (await consumer.getmany(timeout_ms=200, max_records=5000)).values():
            for record in records:
                yield record


async def records(bootstrap: str, topic: Topic) -> AsyncIterator[Any]:
    """Read a topic as it stands now."""
    async with reader(bootstrap) as consumer:
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        async for record in read_all(consumer, places):
            yield record
