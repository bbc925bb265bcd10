"""Dwelling: the median of how long people stay in a zone, by frame rate; who was lost is known to have stayed longer.

The estimate is the project's own, of Kaplan and Meier: what `pipeline.flow.dwell` publishes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import ours
import walks
from scenes import ASPECT, Lens, Scene, Stage

from pipeline.flow import dwell
from pipeline.motion.geometry import Spot, inside
from schemas.estate import Zone
from schemas.geometry import Point
from schemas.ids import ZoneId

RATES: Final = (7.0, 5.0, 3.5, 2.33, 1.75, 1.0)
PROMISED: Final = 2.3
ZONE: Final = ZoneId("shelves")

_TIMES_A_SECOND: Final = 20
_FLOOR: Final = ((-3.5, 4.0), (3.5, 4.0), (3.5, 9.0), (-3.5, 9.0))
"""The zone's corners, in metres."""


@dataclass(frozen=True)
class Dwelt:
    """Medians in seconds at one rate, of so many visits."""

    fps: float
    truth: float
    found: float
    visits: int
    lost: int
    true_visits: int

    @property
    def error(self) -> float:
        """Return by what share the median is off."""
        return abs(self.found - self.truth) / self.truth


def shops(seeds: int) -> list[Stage]:
    """Make shops with a camera over the shelves."""
    return [_shop(seed) for seed in range(seeds)]


def _shop(seed: int) -> Stage:
    rng = np.random.default_rng((seed, 2))
    ways = walks.drawn(rng, people=26, since=0, until=90)
    lens = Lens(np.array([0.0, rng.uniform(-2.0, -1.0)]), 0.0, rng.uniform(3.0, 3.6), rng.uniform(0.4, 0.5))
    return Stage(f"shelves-{seed}", ways, lens, 0.0, max(each.times[-1] for each in ways), seed)


def zone(stage: Stage) -> Zone:
    """Draw the zone into the picture; it leaves it at no side."""
    corners = [_seen(stage, np.array(corner)) for corner in _FLOOR]
    return Zone(id=ZONE, polygon=tuple(Point(x=each.x / ASPECT, y=each.y) for each in corners))


def _seen(stage: Stage, place: walks.Floats) -> Spot:
    pixel = stage.lens.pixel(place)
    assert pixel is not None
    return Spot(pixel[0], pixel[1])


def truth(stage: Stage) -> list[float]:
    """Return how long each visit really lasts; whoever is out for less than a zone's patience has not left."""
    floor = tuple(Spot(*corner) for corner in _FLOOR)
    patience = zone(stage).leaves_after.total_seconds()
    return [lasted for walk in stage.walks for lasted in _visits(walk, floor, patience)]


def _visits(walk: walks.Walk, floor: tuple[Spot, ...], patience: float) -> list[float]:
    times = np.arange(walk.times[0], walk.times[-1], 1 / _TIMES_A_SECOND)
    within = [float(time) for time in times if (place := walk.at(time)) is not None and inside(floor, Spot(*place))]
    if not within:
        return []
    breaks = [place + 1 for place, gap in enumerate(np.diff(within)) if gap > patience]
    parts = [within[first:last] for first, last in zip([0, *breaks], [*breaks, len(within)], strict=True)]
    return [part[-1] - part[0] for part in parts]


def measure(some: Sequence[Stage], rates: Sequence[float]) -> list[Dwelt]:
    """Watch all shops at all rates."""
    true = sorted(lasted for stage in some for lasted in truth(stage) if lasted >= 0.5)
    return [_measured([(stage.at(fps), zone(stage)) for stage in some], fps, true) for fps in rates]


def _measured(some: Sequence[tuple[Scene, Zone]], fps: float, true: Sequence[float]) -> Dwelt:
    ended: Counter[int] = Counter()
    lost: Counter[int] = Counter()
    for scene, place in some:
        watched = ours.watch(scene, (), [place])
        for each in watched.counted:
            ended.update(each.dwells.get(ZONE, {}))
            lost.update(each.lost.get(ZONE, {}))
        # Who is still there when the scene ends has stayed at least so long.
        lost.update(dwell.fine(each.lasted) for each in watched.state.visits if each.entered)
    median = dwell.median(ended, lost)
    return Dwelt(
        fps,
        float(np.median(true)),
        float("nan") if median is None else median,
        sum((ended + lost).values()),
        sum(lost.values()),
        len(true),
    )


def limited(dwelt: Sequence[Dwelt]) -> dict[str, float]:
    """Return what the limits bound: the worst of the rates for which numbers are promised."""
    return {"dwell_median_error": max(each.error for each in dwelt if each.fps >= PROMISED)}


def told(dwelt: Sequence[Dwelt]) -> list[dict[str, Any]]:
    """Return it for the results."""
    return [
        {
            "fps": each.fps,
            "true_median_s": round(each.truth, 2),
            "median_s": round(each.found, 2),
            "error": round(each.error, 4),
            "visits": each.visits,
            "of_which_lost": each.lost,
            "true_visits": each.true_visits,
        }
        for each in dwelt
    ]
