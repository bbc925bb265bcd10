"""All that waits for Kafka: in memory, and on disk. Whatever lies on the disk is older than what is in memory."""

from collections import Counter
from datetime import datetime

from pipeline.edge.outbox import Outbox, Parcel, Why
from pipeline.edge.spool import Place, Spool
from pipeline.errors import Unavailable
from pipeline.logs import log


class Waiting:
    """First in, first out. Memory is the fast path; what has to wait goes to the disk, and all after it, in order.

    Without a disk, or while it takes nothing, all stays in memory, and when that is full the oldest of it go.
    """

    def __init__(self, outbox: Outbox, spool: Spool | None = None) -> None:
        self._outbox = outbox
        self._spool = spool
        self._lost: Counter[Why] = Counter()
        self._out: Parcel | None = None
        self._place: Place | None = None
        """Where the parcel that is on its way lies on the disk; None while it is in memory."""
        self._trouble = ""

    def __len__(self) -> int:
        return len(self._outbox) + self.spooled

    @property
    def bytes(self) -> int:
        return self._outbox.bytes + self.spooled_bytes

    @property
    def spooled(self) -> int:
        """How many wait on the disk."""
        return 0 if self._spool is None else len(self._spool)

    @property
    def spooled_bytes(self) -> int:
        return 0 if self._spool is None else self._spool.bytes

    @property
    def trouble(self) -> str:
        """Why the disk takes nothing; empty when it does."""
        return self._trouble

    @property
    def lost(self) -> Counter[Why]:
        """What was let go unsent, and why."""
        return self._lost if self._spool is None else self._lost + self._spool.lost

    def put(self, parcel: Parcel) -> None:
        """Take one in."""
        crowded = 2 * (self._outbox.bytes + parcel.bytes) > self._outbox.memory
        if crowded:
            self.spill()
        self._count("memory_full", len(self._outbox.put(parcel)))
        if crowded or self.spooled:
            self.spill()

    def spill(self) -> None:
        """Have the disk keep what is in memory: Kafka is away, or the process ends."""
        if self._spool is None:
            return
        try:
            while (parcel := self._outbox.oldest()) is not None:
                place = self._spool.put(parcel)
                self._outbox.remove(parcel)
                if parcel is self._out:
                    self._place = place
        except Unavailable as error:
            self._say(str(error))
        else:
            self._say("")

    def oldest(self) -> Parcel | None:
        """Return what is to be sent next."""
        found = None if self._spool is None else self._spool.oldest()
        self._place, self._out = (None, self._outbox.oldest()) if found is None else found
        return self._out

    def remove(self, parcel: Parcel) -> bool:
        """Forget what `oldest` returned and what was acknowledged; false when it had been dropped meanwhile."""
        if self._spool is not None and self._place is not None:
            return self._spool.acknowledge(self._place)
        return self._outbox.remove(parcel)

    def expire(self, now: datetime) -> None:
        """Drop what nobody could open any more."""
        self._count("expired", len(self._outbox.expire(now)))
        if self._spool is not None:
            self._spool.expire(now)

    def unsynced(self) -> list[int]:
        """Give the files on disk that are to be synced. Raises OSError."""
        return [] if self._spool is None else self._spool.unsynced()

    def give_up(self) -> None:
        """Leave what still waits to the disk, and drop what it does not take."""
        self.spill()
        self._count("stopped", len(self._outbox.clear()))

    def _count(self, why: Why, count: int) -> None:
        if count:
            self._lost[why] += count

    def _say(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log().warning("nothing can be spooled, memory alone is left", detail=trouble, bytes=self._outbox.bytes)
        if self._trouble and not trouble:
            log().info("the disk takes what is spooled again")
        self._trouble = trouble
