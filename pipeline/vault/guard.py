"""The vault's time: never back, and no leap that would destroy everything on one clock's word."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.clock import Clock

LEAP: Final = timedelta(hours=1)
"""A wall clock that runs ahead of the time that has passed by more than this is not believed."""


@dataclass(frozen=True)
class Reading:
    """What the time is, and what the wall clock says."""

    now: datetime
    wall: datetime

    @property
    def doubtful(self) -> bool:
        """Whether the wall clock leapt: until time itself has caught up, nothing dies by its word."""
        return self.wall - self.now > LEAP


class Guard:
    """Reads a clock.

    Going on by elapsed time when the wall clock is set back keeps a clock from lengthening anybody's life; believing a
    leap forward only once so much time has passed keeps it from ending everybody's.
    """

    def __init__(self, clock: Clock, high_water: datetime | None) -> None:
        """Begin at the wall clock, or at the latest time ever noted where that is later."""
        self._clock = clock
        wall = clock.now()
        self._now = wall if high_water is None else max(wall, high_water)
        self._monotonic = clock.monotonic()

    def read(self) -> Reading:
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        reading = following(self._now, timedelta(seconds=monotonic - self._monotonic), wall)
        self._now, self._monotonic = reading.now, monotonic
        return reading


def following(last: datetime, elapsed: timedelta, wall: datetime) -> Reading:
    """Give the reading after `last`, so much elapsed time later."""
    due = last + max(elapsed, timedelta(0))
    return Reading(due if wall - due > LEAP else max(due, wall), wall)


# Linux counts sleep here; elsewhere the plain monotonic clock has to do.
_NEVER_STANDS: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class HostClock:
    """This host's clock. Its monotonic time goes on while the host sleeps, so that waking up is no leap."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_NEVER_STANDS)
