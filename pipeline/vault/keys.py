"""Buckets, evidence and slots: what shares a key, and when that key dies. Pure functions of time.

A bucket is store x camera x purpose x a span of time. All keys that expire at one slot end are wrapped by one slot key.
Times lie on a grid from the epoch, in whole microseconds, so that everybody cuts the same spans.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.envelope import Purpose
from schemas.ids import AlertId, CameraId, KeyId, NoticeId, StoreId

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


class Ciphertext(NamedTuple):
    """What was sealed and put away: its hash and how many bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class BucketKey:
    """All that may be known of a key pair without its private half.

    It is a bucket's, or, where there is an `alert`, that of this alert's evidence, sealed anew where there is a `hold`;
    the span is then the alert's own.
    """

    key_id: KeyId
    owner: Owner
    span: Span
    created_at: datetime
    notice: NoticeId
    public: bytes
    alert: AlertId | None = None
    hold: str | None = None
    ciphertext: Ciphertext | None = None

    def meets(self, start: datetime, end: datetime) -> bool:
        """Say whether anything from `start` to `end` may be sealed with it."""
        last = self.span.end if self.alert is None else self.span.end + _MICROSECOND
        return self.span.start <= end and start < last


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


def evidence_span(start: datetime, end: datetime, kept: timedelta, ttl: timedelta) -> Span:
    """The life of one alert's evidence: so long from its start on, rounded down to a slot end."""
    return Span(start, end, floor(start + kept, slot_length(ttl)))


def spans(start: datetime, end: datetime, ttl: timedelta) -> Iterator[Span]:
    """The buckets of all frames from `start` to before `end`, in order."""
    while start < end:
        span = span_at(start, ttl)
        yield span
        start = span.end
