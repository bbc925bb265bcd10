"""A stage's state topic: what is written there, and how it is read to its end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from agents.outputs import Sending
from agents.position import Kept, Place
from pipeline.reading import read_all
from schemas.envelope import DataClass

_HEADERS: Final = [("ce_dataclass", DataClass.LINKABLE.value.encode())]
_REMOVES: Final = "removes"


class StateTopic:
    """Writes the records of a stage's state topic; they lie in the partition that they tell of."""

    def __init__(self, stage: str) -> None:
        self.name = f"{stage}-state.v1"

    def record(self, tp: TP, kind: str, value: bytes, key: str = "") -> Sending:
        """Write a state, a position or an attempt."""
        return Sending(self.name, Place(kind, tp.topic, key).dumps(), value, _HEADERS, tp.partition)

    def removal(self, tp: TP, key: str, offset: int) -> Sending:
        """Write a tombstone that says which state it takes away: a worker that overslept may not take a later one."""
        headers = [*_HEADERS, (_REMOVES, str(offset).encode())]
        return Sending(self.name, Place("state", tp.topic, key).dumps(), None, headers, tp.partition)

    def note(self, name: str, value: bytes) -> Sending:
        """Write a value that belongs to no source."""
        return Sending(self.name, Place("note", name).dumps(), value, _HEADERS, 0)

    async def noted(self, reader: AIOKafkaConsumer, name: str) -> list[bytes]:
        """Return what is still there of what was noted under a name, the last at the end."""
        key = Place("note", name).dumps()
        all_ = read_all(reader, [TopicPartition(self.name, 0)])
        return [record.value async for record in all_ if record.key == key and record.value is not None]


class Found(NamedTuple):
    """What is kept of the lanes, and from where to where their sources reach."""

    kept: dict[TP, Kept]
    begin: Mapping[TP, int]
    end: Mapping[TP, int]


async def find(reader: AIOKafkaConsumer, topic: str, lanes: Sequence[TP]) -> Found:
    """Read what is kept, and only then how far the sources reach: they never end before what was read of them."""
    sources = [TopicPartition(*tp) for tp in lanes]
    kept = await read_state(reader, topic, lanes)
    return Found(kept, await reader.beginning_offsets(sources), await reader.end_offsets(sources))


async def read_state(reader: AIOKafkaConsumer, topic: str, lanes: Sequence[TP]) -> dict[TP, Kept]:
    """Read the partitions of a state topic to their ends, and merge what lies there by lane."""
    kept = {tp: Kept() for tp in lanes}
    partitions = [TopicPartition(topic, number) for number in sorted({tp.partition for tp in lanes})]
    async for record in read_all(reader, partitions, [TopicPartition(*tp) for tp in lanes]):
        merge(kept, record)
    return kept


def merge(kept: Mapping[TP, Kept], record: Any) -> None:
    """Take in one record of the state topic, unless it belongs to a source that is not ours."""
    place = Place.loads(record.key)
    lane = kept.get(TP(place.topic, record.partition))
    if lane is not None:
        lane.merge(place, record.value, int(dict(record.headers).get(_REMOVES, b"-1")))
