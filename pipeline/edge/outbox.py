"""What waits for Kafka in bounded memory: sealed records. When it is full the oldest goes, counted."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from schemas.ids import KeyId
from schemas.topics import Topic
from schemas.wire import Record

MEMORY: Final = 64 << 20
"""About four minutes of a busy camera at 5 frames a second."""

Why = Literal["no_key", "memory_full", "spool_full", "damaged", "expired", "stopped", "too_large"]
"""Why a frame or still was not sent. `damaged`: it lay on the disk and came back as something else."""


@dataclass(frozen=True, eq=False)
class Parcel:
    """A record on its way: sealed, signed."""

    topic: Topic
    record: Record
    expires_at: datetime
    """It is not sent any more: its key is gone, or Kafka would keep it for too long after that (R21)."""
    key_id: KeyId | None = None
    """Of the bucket that it goes with: a frame's, and a still's too."""

    @property
    def bytes(self) -> int:
        key, value, headers = self.record
        return len(key) + len(value) + sum(len(name) + len(content) for name, content in headers)


class Outbox:
    """First in, first out. Not for several threads."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory = memory
        self._waiting: deque[Parcel] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        return self._bytes

    def put_back(self, parcel: Parcel) -> None:
        """Take back the oldest, which was removed before."""
        self._waiting.appendleft(parcel)
        self._bytes += parcel.bytes

    def put(self, parcel: Parcel) -> list[Parcel]:
        """Take one in, and return the oldest, which had to go for it."""
        self._waiting.append(parcel)
        self._bytes += parcel.bytes
        dropped = []
        while self._bytes > self.memory and len(self._waiting) > 1:
            dropped.append(self._pop())
        return dropped

    def expire(self, now: datetime) -> list[Parcel]:
        """Drop and return what nobody could open any more. Not all lives equally long: it need not be the oldest."""
        expired = [each for each in self._waiting if each.expires_at <= now]
        if expired:
            self._waiting = deque(each for each in self._waiting if each.expires_at > now)
            self._bytes = sum(each.bytes for each in self._waiting)
        return expired

    def oldest(self) -> Parcel | None:
        return self._waiting[0] if self._waiting else None

    def remove(self, parcel: Parcel) -> bool:
        """Forget what was acknowledged; false when it had been dropped while it was on its way."""
        there = self.oldest() is parcel
        if there:
            self._pop()
        return there

    def clear(self) -> list[Parcel]:
        """Give up on all that waits."""
        given_up = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return given_up

    def _pop(self) -> Parcel:
        parcel = self._waiting.popleft()
        self._bytes -= parcel.bytes
        return parcel
