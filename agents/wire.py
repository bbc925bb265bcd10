"""Where Faust's bytes become messages: one schema for every stage. What cannot be read becomes a value too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import faust
from faust.types.tuples import Message as Raw

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


AHEAD_MAX: Final = timedelta(minutes=5)
"""Clocks differ; by more than this one of them is wrong."""

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = 4e9

Item = Received[Message | Sealed] | Broken


class Wire(faust.Schema[Any, Any]):
    """Reads records by the contracts of `schemas/`.

    It never raises: a decode error would keep the record from the stage, and a stage that does not see every offset
    cannot tell a bad record from a lost one.
    """

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        super().__init__()
        self._topics = topics

    def loads_key(self, app: Any, message: Raw, **_options: Any) -> bytes | None:
        del app
        return message.key

    def loads_value(self, app: Any, message: Raw, **_options: Any) -> Item:
        del app
        return read(message, self._topics[message.topic])


def read(raw: Raw, topic: Topic) -> Item:
    """Read one record. Data never kills: whatever goes wrong while it is read is said of the record.

    The same record is read alike whenever it is read: what had not expired when the broker took it was on time. Were
    it judged by the clock, what was handled just before a death could be refused when it is redone, and a redone state
    would be another. That it is not read for long is retention's part.
    """
    ref = FrameRef(topic=raw.topic, partition=raw.partition, offset=raw.offset)
    headers: Headers = list(raw.headers or ())  # type: ignore[arg-type]  # from aiokafka always pairs
    value = raw.value or b""
    try:
        message = decode(topic, raw.key, headers, value, _stamped(raw))
        _require_not_ahead(message, raw)
        return Received(message, ref, headers, value, _stamped(raw))
    except Invalid as reason:
        return _broken(raw, ref, headers, reason)
    except Exception as error:  # noqa: BLE001 (it would be read again and again, and kill again and again)
        return _broken(raw, ref, headers, Invalid("bad_content", type(error).__name__))


def _require_not_ahead(message: Message | Sealed, raw: Raw) -> None:
    """Refuse what its device's clock puts well after the broker's: it would make all that is on time look late."""
    time = message.frame.utc_time if isinstance(message, Sealed) else message.utc_time
    if raw.timestamp and time > _stamped(raw) + AHEAD_MAX:
        raise Invalid("bad_content", "utc_time is ahead of the broker's clock")


def _stamped(raw: Raw) -> datetime:
    # A broker's own times always fit; a producer's need not.
    return datetime.fromtimestamp(min(max(raw.timestamp or 0.0, _EARLIEST), _LATEST), UTC)


def _broken(raw: Raw, ref: FrameRef, headers: Headers, reason: Invalid) -> Broken:
    time = _stamped(raw)
    key = (raw.key or b"").decode(errors="replace")[:200]
    return Broken(ref, reason, key, envelope_of(headers), len(raw.value or b""), time)
