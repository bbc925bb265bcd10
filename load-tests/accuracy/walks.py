"""People's ways over a floor: recorded ones (UCY, ETH, HERMES), and visits to a shop that are drawn from a seed."""

import itertools
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DOOR: Final = 12.0
"""How far from the shop's back wall the door of the drawn shop is, in metres."""


class Walk(NamedTuple):
    """One person's way: times in seconds, places in metres, shapes (n,) and (n, 2)."""

    times: Floats
    places: Floats

    def at(self, time: float) -> Floats | None:
        """Where the person is; None before and after."""
        if not self.times[0] <= time <= self.times[-1]:
            return None
        return np.array([np.interp(time, self.times, self.places[:, axis]) for axis in (0, 1)])


def of_obsmat(path: Path) -> list[Walk]:
    """Read trajectories of UCY and ETH: frame (25 a second), id, x, -, y in metres."""
    rows = np.loadtxt(path)
    ways = (rows[rows[:, 1] == person] for person in np.unique(rows[:, 1]))
    return [Walk(own[:, 0] / 25, own[:, [2, 4]]) for own in ways if len(own) > 2]


def of_hermes(path: Path) -> list[Walk]:
    """Read corridor walkers, all of whom walk its whole length: id, frame (16 a second), x, y, z in centimetres."""
    rows = np.loadtxt(path)
    ways = (rows[rows[:, 0] == person] for person in np.unique(rows[:, 0]))
    begin = rows[:, 1].min()
    return [Walk((own[:, 1] - begin) / 16, own[:, 2:4] / 100) for own in ways if len(own) > 2]


def drawn(rng: np.random.Generator, *, people: int, since: float, until: float) -> list[Walk]:
    """Make shop visitors: they come through the door, stand in front of shelves, and go; some in pairs."""
    walks: list[Walk] = []
    for _ in range(people):
        stops = [rng.uniform((-4, 2), (4, DOOR - 1)) for _ in range(rng.integers(1, 4))]
        walk = _visit(rng.uniform(since, until), [_outside(rng), *stops, _outside(rng)], rng)
        walks.append(walk)
        if rng.random() < 0.25:
            beside = np.array([0.65, rng.uniform(-0.2, 0.2)])
            walks.append(Walk(walk.times + 0.2, walk.places + beside))
    return walks


def _outside(rng: np.random.Generator) -> Floats:
    return np.array([rng.uniform(-5, 5), DOOR + 3])


def _visit(begin: float, stops: list[Floats], rng: np.random.Generator) -> Walk:
    times, places = [begin], [stops[0]]
    for here, there in itertools.pairwise(stops):
        times.append(times[-1] + float(np.linalg.norm(there - here)) / rng.uniform(0.6, 1.4))
        places.append(there)
        times.append(times[-1] + rng.exponential(4.0) + 0.1)
        places.append(there + rng.normal(0, 0.1, 2))
    # Whoever is outside is gone: nobody stands there.
    return Walk(np.array(times[:-1]), np.array(places[:-1]))
