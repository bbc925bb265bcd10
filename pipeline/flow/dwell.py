"""How long visits last: bins, the histogram that is published, and the median by Kaplan and Meier.

E. L. Kaplan, P. Meier, Nonparametric Estimation from Incomplete Observations, JASA 53 (1958). Lengths are counted in
bins five per cent wide: whole numbers add up exactly, and a bin says less of one person than a length does.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from schemas.flow import DWELL_EDGES

_WIDER: Final = 1.05
_FIRST: Final = 0.5
_LAST: Final = 24 * 3600.0


def _grid() -> tuple[float, ...]:
    edges, edge = set(DWELL_EDGES), _FIRST
    while edge < _LAST:
        edges.add(round(edge, 3))
        edge *= _WIDER
    return tuple(sorted(edges))


FINE: Final = _grid()
"""Seconds. `DWELL_EDGES` are among them; bin 0 is below the first, the last bin from the last edge up."""

_COARSE: Final = tuple(bisect_right(DWELL_EDGES, low) for low in (0.0, *FINE))


def fine(lasted: timedelta) -> int:
    """Return the bin in which a length lies."""
    return bisect_right(FINE, lasted.total_seconds())


def coarse(bin_: int) -> int:
    """Return the bin of the published histogram in which a fine one lies."""
    return _COARSE[bin_]


def histogram(ended: Mapping[int, int]) -> tuple[int, ...]:
    """Sum fine bins up to those of `DWELL_EDGES`."""
    bins = [0] * (len(DWELL_EDGES) + 1)
    for each, visits in ended.items():
        bins[_COARSE[each]] += visits
    return tuple(bins)


def median(ended: Mapping[int, int], lost: Mapping[int, int]) -> float | None:
    """Return the median in seconds by the product-limit estimator, within its bin by straight line.

    Args:
        ended: Visits whose end was seen, by fine bin.
        lost: Visits of which only that they lasted at least so long is known: after whoever ended in the same bin.

    Returns:
        None where more than half stayed longer than anybody was watched.
    """
    at_risk = sum(ended.values()) + sum(lost.values())
    stays = 1.0
    for each in sorted(ended.keys() | lost.keys()):
        ends = ended.get(each, 0)
        before, stays = stays, stays * (at_risk - ends) / at_risk
        if ends and stays <= 0.5:
            low, high = _edges(each)
            return low + (high - low) * (before - 0.5) / (before - stays)
        at_risk -= ends + lost.get(each, 0)
    return None


def _edges(each: int) -> tuple[float, float]:
    low = FINE[each - 1] if each else 0.0
    return low, FINE[each] if each < len(FINE) else low
