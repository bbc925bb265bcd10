"""What an alert names, fetched where it lies in Kafka: outside of any group, and only while it is still there."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from pipeline.errors import Unavailable
from pipeline.reading import reader
from schemas.detections import FrameRef

FRAMES: Final = "frames.v1"
DETECTIONS: Final = "detections.v1"

_BESIDE: Final = 100
"""So many records before the first detections that an alert names, and behind the last, tell who was there too."""
_MOST: Final = 5000
"""More records than this between the first and the last are not read: what is between is then taken as unknown."""
_FETCHED: Final = 256 << 10
_PATIENCE: Final = 5.0


class Found(NamedTuple):
    """Records as they came, by where they lie."""

    frames: dict[FrameRef, Any]
    detections: dict[FrameRef, Any]
    """Those that were named, and those beside them."""


class Log(Protocol):
    """Where frames and detections lie."""

    async def fetch(self, frames: Sequence[FrameRef], detections: Sequence[FrameRef]) -> Found:
        """Return the named frames, and the detections around the named ones; what is gone is left out.

        Raises:
            Unavailable: Kafka is away.
        """
        ...


class Recent(Log, Protocol):
    """Where what is newest can be asked for, too."""

    async def newest(self, key: str, since: datetime) -> Sequence[Any]:
        """Return the detections of one camera's partition that were written since then, in order.

        Raises:
            Unavailable: Kafka is away.
        """
        ...


class KafkaLog:
    """Frames and detections in Kafka."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def fetch(self, frames: Sequence[FrameRef], detections: Sequence[FrameRef]) -> Found:
        wanted = {each for each in frames if each.topic == FRAMES}
        told = {each for each in detections if each.topic == DETECTIONS}
        try:
            async with reader(self._bootstrap, fetched=_FETCHED) as consumer:
                there = await _partitions(consumer, {each.topic for each in wanted | told})
                wanted, told = ({each for each in refs if _place(each) in there} for refs in (wanted, told))
                places = {_place(each) for each in wanted | told}
                consumer.assign(list(places))
                consumer.pause(*places)
                begin = await consumer.beginning_offsets(list(places))
                end = await consumer.end_offsets(list(places))
                here = [each for each in wanted if begin[_place(each)] <= each.offset < end[_place(each)]]
                return Found(await _each(consumer, here), await _around(consumer, told, begin, end))
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(f"Kafka is away: {type(error).__name__}") from None

    async def newest(self, key: str, since: datetime) -> Sequence[Any]:
        try:
            async with reader(self._bootstrap, fetched=_FETCHED) as consumer:
                there = sorted(await _partitions(consumer, [DETECTIONS]))
                if not there:
                    return []
                place = there[_partition(key, len(there))]
                consumer.assign([place])
                consumer.pause(place)
                end = (await consumer.end_offsets([place]))[place]
                begin = (await consumer.beginning_offsets([place]))[place]
                found = (await consumer.offsets_for_times({place: int(since.timestamp() * 1000)}))[place]
                first = end if found is None else max(found.offset, begin, end - _MOST)
                return [each async for each in _from_to(consumer, place, first, end - 1)]
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(f"Kafka is away: {type(error).__name__}") from None


def _partition(key: str, count: int) -> int:
    """Return where Kafka's default puts this key."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % count


async def _partitions(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> set[TopicPartition]:
    """Return the partitions that there are. Asked about another one, a broker is waited for until time is over, each
    time that the alert is tried again: nobody's evidence would be cut any more."""
    firsts = [TopicPartition(each, 0) for each in topics]
    consumer.assign(firsts)
    consumer.pause(*firsts)
    # What is known of a topic comes with the first answer about it.
    await consumer.beginning_offsets(firsts)
    return {TopicPartition(topic, each) for topic, _ in firsts for each in consumer.partitions_for_topic(topic) or ()}


def _place(ref: FrameRef) -> TopicPartition:
    return TopicPartition(ref.topic, ref.partition)


async def _each(consumer: AIOKafkaConsumer, refs: Iterable[FrameRef]) -> dict[FrameRef, Any]:
    """Read records one by one: frames are large, and those between are somebody else's."""
    found = {}
    for ref in sorted(refs, key=lambda each: (each.partition, each.offset)):
        consumer.seek(_place(ref), ref.offset)
        consumer.resume(_place(ref))
        record = await asyncio.wait_for(consumer.getone(_place(ref)), _PATIENCE)
        consumer.pause(_place(ref))
        # Retention may have been quicker: then this is a later one.
        if record.offset == ref.offset:
            found[ref] = record
    return found


async def _around(consumer: AIOKafkaConsumer, refs: Iterable[FrameRef], begin: Any, end: Any) -> dict[FrameRef, Any]:
    """Read detections from some before the first that is named to some behind the last; they are small."""
    found: dict[FrameRef, Any] = {}
    named = sorted({(_place(each), each.offset) for each in refs})
    for place in sorted({place for place, _ in named}):
        offsets = [offset for where, offset in named if where == place]
        first = max(offsets[0] - _BESIDE, begin[place])
        last = min(offsets[-1] + _BESIDE, first + _MOST, end[place] - 1)
        async for record in _from_to(consumer, place, first, last):
            found[FrameRef(topic=record.topic, partition=record.partition, offset=record.offset)] = record
    return found


async def _from_to(consumer: AIOKafkaConsumer, place: TopicPartition, first: int, last: int) -> Any:
    if first > last:
        return
    consumer.seek(place, first)
    consumer.resume(place)
    while await asyncio.wait_for(consumer.position(place), _PATIENCE) <= last:
        for records in (await consumer.getmany(place, timeout_ms=500, max_records=500)).values():
            for record in records:
                if record.offset <= last:
                    yield record
    consumer.pause(place)
