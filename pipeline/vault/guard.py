"""The vault's time: never back, and no leap that would destroy everything on one clock's word."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.clock import Clock

LEAP: Final = timedelta(hours=1)
"""A wall clock that runs ahead of the time that has passed by more than this is not believed."""

MEND: Final = "if this machine's clock is right, say so: `mimamori vault confirm-clock`"


@dataclass(frozen=True)
class Reading:
    """What the time is, and what the wall clock says."""

    now: datetime
    wall: datetime

    @property
    def doubtful(self) -> bool:
        """Whether the wall clock leapt: until that is confirmed, nothing dies by its word."""
        return self.wall - self.now > LEAP


class Guard:
    """Reads a clock.

    Going on by elapsed time when the wall clock is set back keeps a clock from lengthening anybody's life; believing a
    leap forward only once it has stood for as long as it is wide, or somebody has confirmed it, keeps it from ending
    everybody's.
    """

    def __init__(self, clock: Clock, high_water: datetime | None) -> None:
        """Begin at the latest time ever noted, at the wall clock where none was.

        Whether it leapt while nobody looked or while we were away makes no difference.
        """
        self._clock = clock
        self._now = clock.now() if high_water is None else high_water
        self._monotonic = clock.monotonic()
        self._leapt: float | None = None

    def read(self) -> Reading:
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        reading = following(self._now, timedelta(seconds=monotonic - self._monotonic), wall)
        if reading.doubtful:
            self._leapt = monotonic if self._leapt is None else self._leapt
            if timedelta(seconds=monotonic - self._leapt) >= wall - reading.now:
                reading = Reading(wall, wall)
        if not reading.doubtful:
            self._leapt = None
        self._now, self._monotonic = reading.now, monotonic
        return reading

    def confirm(self, seen: datetime) -> bool:
        """Believe the wall clock, if it still says what somebody saw and found right; say whether it does."""
        reading = self.read()
        if abs(reading.wall - seen) > LEAP:
            return False
        self._now, self._leapt = max(reading.now, reading.wall), None
        return True


def latest(*times: datetime | None) -> datetime | None:
    """Return the latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)


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
