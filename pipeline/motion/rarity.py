"""How unusual a visit is here: counts of how long earlier ones lasted, by zone and hour."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.alert import Quantile, Rarity
from schemas.ids import ZoneId

EDGES: Final = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0)
"""Seconds; the first bin is below the first edge, the last from the last edge up."""

_FEW = 20
_NONE = (0,) * (len(EDGES) + 1)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How long earlier visits lasted."""

    counts: tuple[int, ...] = _NONE

    @property
    def n(self) -> int:
        return sum(self.counts)

    def rarity(self, seconds: float) -> Rarity | None:
        """Return 1 in how many visits last so long, counted with this one; nothing where there were too few to say."""
        if self.n < _FEW:
            return None
        # The bin it falls in counts as longer, so that it is never called rarer than it is.
        as_long = sum(self.counts[bisect_right(EDGES, seconds) :])
        return Rarity(one_in=(self.n + 1) / (as_long + 1), n=self.n)

    def quantile(self) -> Quantile:
        """Return the state behind a rarity."""
        return Quantile(edges=EDGES, counts=self.counts)


Usual = Mapping[ZoneId, Mapping[int, Distribution]]
"""By zone and hour of the store's day."""


def usual_in(usual: Usual, zone: ZoneId, hour: int) -> Distribution:
    """How long visits of a zone last at an hour."""
    return usual.get(zone, {}).get(hour, Distribution())


def learn(usual: Usual, zone: ZoneId, hour: int, seconds: float) -> dict[ZoneId, Mapping[int, Distribution]]:
    """Count one more visit."""
    counts = list(usual_in(usual, zone, hour).counts)
    counts[bisect_right(EDGES, seconds)] += 1
    return {**usual, zone: {**usual.get(zone, {}), hour: Distribution(tuple(counts))}}
