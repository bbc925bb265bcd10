"""Who guesses waits: after a few attempts for one name, twice as long each time. It is the same for unknown names."""

import math
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pipeline.errors import Refused

FREE: Final = 5
"""So many mistakes in a row cost nothing."""

FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=5)
"""No longer: else anybody could keep anybody else out."""

FORGOTTEN_AFTER: Final = timedelta(hours=1)
NAMES: Final = 10_000


class Wait(Refused):
    """Too many attempts for this name: try again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.whole = math.ceil(seconds)
        super().__init__(f"too many attempts: wait {seconds:.0f} s")


class _Tried(NamedTuple):
    times: int
    at: datetime


class Throttle:
    """Counts attempts by name. Of so many names, those tried longest ago are forgotten first."""

    def __init__(self) -> None:
        self._tried: OrderedDict[str, _Tried] = OrderedDict()

    def begin(self, name: str, now: datetime) -> None:
        """Take down an attempt before it is judged: many at once do not slip through together.

        Raises:
            Wait: It is too early; this is not counted.
        """
        tried = self._tried.get(name)
        if tried is not None and now - tried.at >= FORGOTTEN_AFTER:
            tried = None
        if tried is not None and (left := tried.at + _pause(tried.times) - now) > timedelta(0):
            raise Wait(max(1.0, left.total_seconds()))
        self._tried[name] = _Tried(1 if tried is None else tried.times + 1, now)
        self._tried.move_to_end(name)
        while len(self._tried) > NAMES:
            self._tried.popitem(last=False)

    def right(self, name: str) -> None:
        """It was the right password: all is forgotten."""
        self._tried.pop(name, None)

    def __len__(self) -> int:
        return len(self._tried)


def _pause(times: int) -> timedelta:
    if times < FREE:
        return timedelta(0)
    # The exponent is bounded: a patient guesser does not overflow it.
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(times - FREE, 16))
