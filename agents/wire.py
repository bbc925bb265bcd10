"""Where Faust's bytes become messages: one schema for every stage. What cannot be read becomes a value too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import faust
from faust.types.tuples import Message as Raw

from pipeline.clock import Clock
from pipeline.received import Received
from schemas.detections import FrameRef
from schemas.envelope import Invalid, Message
from schemas.topics import Topic
from schemas.wire import Headers, Sealed, decode, envelope_of


@dataclass(frozen=True)
class Broken:
    """A record that is no message, or may not be where it lay: why, and its envelope. Never its payload."""

    ref: FrameRef
    reason: Invalid
    key: str
    headers: Mapping[str, str]
    value_bytes: int
    time: datetime


Item = Received[Message | Sealed] | Broken
Reader = Callable[[Raw], Item]


class Wire(faust.Schema[Any, Any]):
    """Reads records by the contracts of `schemas/`.

    It never raises: a decode error would keep the record from the stage, and a stage that does not see every offset
    cannot tell a bad record from a lost one.
    """

    def __init__(self, topics: Mapping[str, Topic], clock: Clock) -> None:
        super().__init__()
        self._topics = topics
        self._clock = clock

    def loads_key(self, app: Any, message: Raw, **_options: Any) -> bytes | None:
        del app
        return message.key

    def loads_value(self, app: Any, message: Raw, **_options: Any) -> Item:
        del app
        return read(message, self._topics[message.topic], self._clock.now())


def read(raw: Raw, topic: Topic, now: datetime) -> Item:
    """Read one record."""
    ref = FrameRef(topic=raw.topic, partition=raw.partition, offset=raw.offset)
    headers: Headers = list(raw.headers or ())  # type: ignore[arg-type]  # from aiokafka always pairs
    try:
        return Received(decode(topic, raw.key, headers, raw.value or b"", now), ref, headers, raw.value or b"")
    except Invalid as reason:
        time = datetime.fromtimestamp(raw.timestamp, UTC)
        key = (raw.key or b"").decode(errors="replace")[:200]
        return Broken(ref, reason, key, envelope_of(headers), len(raw.value or b""), time)
