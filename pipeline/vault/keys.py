"""Buckets and slots: which frames share a key, and when that key dies. Pure functions of time.

A bucket is store x camera x purpose x a span of time. All keys that expire at one slot end are wrapped by one slot key.
Times lie on a grid from the epoch, in whole microseconds, so that everybody cuts the same spans.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.envelope import Purpose
from schemas.ids import CameraId, KeyId, NoticeId, StoreId

LONGEST: Final = timedelta(minutes=10)
"""No bucket and no slot is longer."""

SHORTEST_TTL: Final = timedelta(seconds=1)
"""Below this, destruction itself takes a share of the life."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Span(NamedTuple):
    """The frames from `start` to before `end` share a key, which is destroyed at `expires_at`."""

    start: datetime
    end: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Owner:
    """Whose frames, and what they may be used for."""

    store: StoreId
    camera: CameraId
    purpose: Purpose


@dataclass(frozen=True)
class BucketKey:
    """All that may be known of a bucket's key pair without its private half."""

    key_id: KeyId
    owner: Owner
    span: Span
    created_at: datetime
    notice: NoticeId
    public: bytes


def micros(time: datetime) -> int:
    """Whole microseconds since the epoch."""
    return (time - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime:
    """The time that many microseconds after the epoch."""
    return _EPOCH + count * _MICROSECOND


def bucket_length(ttl: timedelta) -> timedelta:
    """How long a span of frames shares a key: a quarter of their life, at most ten minutes."""
    if ttl < SHORTEST_TTL:
        raise ValueError(f"frames live {SHORTEST_TTL} or longer, not {ttl}")
    return min(LONGEST, ttl // 4)


def slot_length(ttl: timedelta) -> timedelta:
    """How long a span of expiries shares a slot key: ten minutes, or the bucket where that is shorter."""
    return min(LONGEST, bucket_length(ttl))


def floor(time: datetime, length: timedelta) -> datetime:
    """The last point of the grid of that length, at or before `time`."""
    step = length // _MICROSECOND
    return instant(micros(time) // step * step)


def span_at(time: datetime, ttl: timedelta) -> Span:
    """The bucket that a frame of this time falls into.

    Its expiry is rounded down to a slot end, so that no frame outlives its TTL.
    """
    start = floor(time, bucket_length(ttl))
    return Span(start, start + bucket_length(ttl), floor(start + ttl, slot_length(ttl)))


def spans(start: datetime, end: datetime, ttl: timedelta) -> Iterator[Span]:
    """The buckets of all frames from `start` to before `end`, in order."""
    while start < end:
        span = span_at(start, ttl)
        yield span
        start = span.end
