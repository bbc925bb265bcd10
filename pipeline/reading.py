"""Topics read from their beginning, outside of any consumer group."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.records import install
from schemas.topics import Topic

PATIENCE: Final = timedelta(seconds=5)
"""How long a client may take to stop."""
AT_ONCE: Final = timedelta(milliseconds=10)
"""For whoever reads what is there and goes."""


@asynccontextmanager
async def reader(
    bootstrap: str | list[str], fetched: int = 8 << 20, waits: timedelta = AT_ONCE
) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer without a group.

    `earliest` matters: on assignment aiokafka begins to look for a position, `latest` by default, and one that is
    found late undoes a `seek_to_beginning`. Measured: a whole topic read as empty.

    Args:
        bootstrap: Where the brokers are.
        fetched: So many bytes of a partition are asked for at a time.
        waits: How long the broker holds a fetch that it has nothing for. What else is asked of it waits behind that;
            whoever listens for ever waits long: each fetch costs both sides as much as a message does (measured: at
            AT_ONCE, one such listener cost a system of ten busy cameras a twelfth of its CPU).
    """
    install()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=fetched,
        fetch_max_wait_ms=int(waits / timedelta(milliseconds=1)),
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop(consumer)


async def stop(client: Any) -> None:
    """Stop a consumer or an admin client, whatever it is doing, and whether or not it ever started.

    aiokafka 0.14: a consumer that is fetching when it is stopped raises CancelledError out of `stop`, though nobody
    cancelled anything, and leaves its connection open, which then looks for its dead broker for ever.
    """
    stopping = asyncio.ensure_future(client.stop() if hasattr(client, "stop") else client.close())
    done, _ = await asyncio.wait({stopping}, timeout=PATIENCE.total_seconds())
    if not done or stopping.cancelled() or stopping.exception() is not None:
        stopping.cancel()
        await client._client.close()  # noqa: SLF001 - the only way to the connection


async def read_all(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], beside: Sequence[TopicPartition] = ()
) -> AsyncIterator[Any]:
    """Read partitions from their beginnings to what are their ends now.

    Args:
        consumer: From `reader`.
        partitions: What to read.
        beside: Partitions that are not read but will be asked about.
    """
    if not partitions:
        return
    consumer.assign([*partitions, *beside])
    consumer.pause(*beside)
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
