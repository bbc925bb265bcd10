"""All that waits for Kafka: in memory, and on disk. Whatever lies on the disk is older than what is in memory."""

import threading
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from pipeline.edge.outbox import Outbox, Parcel, Why
from pipeline.edge.spool import Place, Spool
from pipeline.errors import Unavailable
from pipeline.logs import log


class _Seen(NamedTuple):
    """What the disk has, as it was when it was last touched: to be read while it hangs."""

    frames: int
    bytes: int
    lost: Counter[Why]


class Waiting:
    """First in, first out. Memory is the fast path; what has to wait goes to the disk, and all after it, in order.

    Without a disk, or while it takes nothing, all stays in memory, and when that is full the oldest of it go.

    `put`, `drop`, `forget`, `give_up` and all that only counts are for any thread and never touch the disk. The rest
    may: not two of them at once, and where nobody may be held up, in pipeline.edge.disk.Disk.
    """

    def __init__(self, outbox: Outbox, spool: Spool | None = None) -> None:
        self._lock = threading.Lock()
        """For what lies in memory, and what counts; never held while the disk is touched."""
        self._outbox = outbox
        self._spool = spool
        self._lost: Counter[Why] = Counter()
        self._moving: Parcel | None = None
        """It is being written to the disk."""
        self._out: Parcel | None = None
        self._place: Place | None = None
        """Where the parcel that is on its way lies on the disk; None while it is in memory."""
        self._trouble = ""
        self._seen = _seen(spool)

    def __len__(self) -> int:
        with self._lock:
            return len(self._outbox) + (self._moving is not None) + self._seen.frames

    @property
    def in_memory(self) -> int:
        """How many wait in memory."""
        return len(self) - self.spooled

    @property
    def bytes(self) -> int:
        with self._lock:
            return self._outbox.bytes + self._seen.bytes

    @property
    def spooled(self) -> int:
        """How many wait on the disk."""
        return self._seen.frames

    @property
    def spooled_bytes(self) -> int:
        """How much of the disk is taken; with nothing there, nothing but `spill` touches it."""
        return self._seen.bytes

    @property
    def trouble(self) -> str:
        """Why the disk takes nothing; empty when it does."""
        return self._trouble

    @property
    def lost(self) -> Counter[Why]:
        """What was let go unsent, and why."""
        with self._lock:
            return self._lost + self._seen.lost

    def put(self, parcel: Parcel) -> bool:
        """Take one in, into memory, where the oldest goes if it is full; true when it is time to `spill`."""
        with self._lock:
            self._count("memory_full", len(self._outbox.put(parcel)))
            crowded = 2 * self._outbox.bytes > self._outbox.memory
            return self._spills and (crowded or self._moving is not None or self._seen.frames > 0)

    def drop(self, why: Why) -> None:
        """Count one that was let go before it came here."""
        with self._lock:
            self._count(why, 1)

    def spill(self) -> None:
        """Have the disk keep what is in memory now: Kafka is away, or the process ends."""
        if self._spool is None or not self._spills:
            return
        try:
            # Not until there is nothing left: while more comes than a slow disk takes, others wait for their turn.
            for _ in range(len(self._outbox)):
                self._move(self._spool)
        except Unavailable as error:
            self._say(str(error))
        else:
            self._say("")

    def _move(self, spool: Spool) -> None:
        """Move the oldest from memory to the disk."""
        with self._lock:
            parcel = self._moving = self._outbox.oldest()
            if parcel is None:
                return
            self._outbox.remove(parcel)
        place = None
        try:
            place = spool.put(parcel)
        except Unavailable:
            with self._lock:
                self._outbox.put_back(parcel)
            raise
        finally:
            with self._lock:
                self._moving, self._seen = None, _seen(spool)
        if parcel is self._out:
            self._place = place

    def oldest(self) -> Parcel | None:
        """Return what is to be sent next."""
        found = None
        if self._spool is not None:
            found = self._spool.oldest()
            self._see(self._spool)
        with self._lock:
            self._place, self._out = (None, self._outbox.oldest()) if found is None else found
        return self._out

    def remove(self, parcel: Parcel) -> bool:
        """Forget what `oldest` returned and what was acknowledged; false when it had been dropped meanwhile."""
        if self._spool is not None and self._place is not None:
            there = self._spool.acknowledge(self._place)
            self._see(self._spool)
            return there
        with self._lock:
            return self._outbox.remove(parcel)

    def expire(self, now: datetime) -> None:
        """Drop what nobody could open any more."""
        self.forget(now)
        if self._spool is not None:
            self._spool.expire(now)
            self._see(self._spool)

    def unsynced(self) -> list[int]:
        """Give the files on disk that are to be synced. Raises OSError."""
        return [] if self._spool is None else self._spool.unsynced()

    def forget(self, now: datetime) -> None:
        """Drop from memory what nobody could open any more."""
        with self._lock:
            self._count("expired", len(self._outbox.expire(now)))

    def give_up(self) -> None:
        """Drop what the disk did not take."""
        with self._lock:
            self._count("stopped", len(self._outbox.clear()))

    @property
    def _spills(self) -> bool:
        return self._spool is not None and self._spool.takes

    def _see(self, spool: Spool) -> None:
        seen = _seen(spool)
        with self._lock:
            self._seen = seen

    def _count(self, why: Why, count: int) -> None:
        if count:
            self._lost[why] += count

    def _say(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log().warning("nothing can be spooled, memory alone is left", detail=trouble, bytes=self._outbox.bytes)
        if self._trouble and not trouble:
            log().info("the disk takes what is spooled again")
        self._trouble = trouble


def _seen(spool: Spool | None) -> _Seen:
    return _Seen(0, 0, Counter()) if spool is None else _Seen(len(spool), spool.bytes, Counter(spool.lost))
