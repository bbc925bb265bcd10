"""What a detector would see of people who walk: their ways through a simulated camera, from a seed.

The truth is exact; what is seen is it with misses that come in runs, covered people, jitter, false boxes that come and
go, and now and then a thing that is taken for somebody and never moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import walks
from numpy.typing import NDArray
from walks import Walk

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ASPECT: Final = 16 / 9
SECONDS: Final = 60.0
KINDS: Final = ("drawn", "UCY_zara01", "ETH_seq_hotel")
"""A seed's kind is its rest by three."""

_TALL: Final = 1.7
_WIDE: Final = 0.41
_SIGHT: Final = (2.0, 26.0)


class Frame(NamedTuple):
    """One frame: who is there, and what a detector sees. Boxes are left, top, right, bottom in picture heights."""

    time: float
    ids: Ints
    truth: Floats
    seen: Floats
    likelihoods: Floats


@dataclass(frozen=True)
class Scene:
    """A run of frames at one rate."""

    name: str
    fps: float
    frames: tuple[Frame, ...]
    aspect: float = ASPECT


@dataclass(frozen=True)
class Lens:
    """A camera on a wall, looking down: place, heading, height in metres, tilt in radians, focal length in heights."""

    place: Floats
    heading: float
    height: float = 3.2
    tilt: float = 0.42
    focal: float = 0.95

    def pixel(self, place: Floats, up: float = 0.0) -> tuple[float, float, float] | None:
        """Project a point: x, y in picture heights from the left top, and its distance; None behind the lens."""
        side, ahead = _turned(place - self.place, self.heading)
        down = self.height - up
        depth = ahead * np.cos(self.tilt) + down * np.sin(self.tilt)
        if depth < 0.5:
            return None
        below = down * np.cos(self.tilt) - ahead * np.sin(self.tilt)
        return ASPECT / 2 + self.focal * side / depth, 0.5 + self.focal * below / depth, float(depth)

    def box(self, place: Floats) -> tuple[Floats, float] | None:
        """The box of somebody who stands there, and how far away; None where their feet are out of the picture."""
        foot, head = self.pixel(place), self.pixel(place, _TALL)
        if foot is None or head is None or not _SIGHT[0] <= foot[2] <= _SIGHT[1]:
            return None
        high = foot[1] - head[1]
        left, right = foot[0] - high * _WIDE / 2, foot[0] + high * _WIDE / 2
        if right < 0.05 or left > ASPECT - 0.05 or not 0.02 < foot[1] < 1.0:
            return None
        return np.array([left, head[1], right, foot[1]]), foot[2]


@dataclass(frozen=True)
class Sight:
    """How well a detector sees: what labelled clips say of a nano detector."""

    missed: float = 0.08
    fades: float = 0.25
    """Whoever was missed is missed again with this much more probability: misses come in runs."""
    jitter: float = 0.04
    false: float = 0.15
    """False boxes a frame that come and go."""
    thing: float = 0.4
    """How often a thing that looks like somebody is taken for one, in scenes that have one."""


SIGHT: Final = Sight()


@dataclass(frozen=True)
class Stage:
    """People, a camera and a stretch of time: what can be looked at, at any rate."""

    name: str
    walks: Sequence[Walk]
    lens: Lens
    begin: float
    seconds: float
    seed: int
    thing: bool = False

    def at(self, fps: float) -> Scene:
        """Look at it so many times a second."""
        rng = np.random.default_rng((self.seed, round(fps * 100)))
        thing = _thing(rng) if self.thing else None
        frames: list[Frame] = []
        missed: set[int] = set()
        for number in range(int(self.seconds * fps)):
            time = number / fps
            there = [
                (index, box) for index, walk in enumerate(self.walks) if (box := self._box(walk, time)) is not None
            ]
            frame, missed = _look(time, there, missed, thing, rng)
            frames.append(frame)
        return Scene(self.name, fps, tuple(frames))

    def _box(self, walk: Walk, time: float) -> tuple[Floats, float] | None:
        place = walk.at(self.begin + time)
        return None if place is None else self.lens.box(place)


def crowd(footage: Path | None, seed: int) -> Stage:
    """One seed's minute: ways of UCY and ETH where there is footage, drawn ones else and every third time."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % 3] if footage is not None else KINDS[0]
    if footage is None or kind == KINDS[0]:
        ways, begin = walks.drawn(rng, people=26, since=-20, until=SECONDS), 0.0
        centre, heading = np.array([0.0, 6.0]), 0.0
    else:
        ways = walks.of_obsmat(footage / "traj" / kind / "obsmat.txt")
        begin = rng.uniform(min(each.times[0] for each in ways), max(each.times[-1] for each in ways) - SECONDS)
        centre, heading = np.median(np.concatenate([each.places for each in ways]), axis=0), rng.uniform(0, 2 * np.pi)
    lens = _facing(centre, heading, rng.uniform(7, 9), height=rng.uniform(2.8, 3.6), tilt=rng.uniform(0.33, 0.5))
    return Stage(f"{kind}-{seed}", ways, lens, begin, SECONDS, seed, thing=seed % 2 == 0)


def _facing(centre: Floats, heading: float, away: float, *, height: float, tilt: float) -> Lens:
    return Lens(centre - away * np.array([np.sin(heading), np.cos(heading)]), heading, height, tilt)


# --- What a detector sees ----------------------------------------------------------------------------------------


def _look(
    time: float,
    there: Sequence[tuple[int, tuple[Floats, float]]],
    missed: set[int],
    thing: Floats | None,
    rng: np.random.Generator,
) -> tuple[Frame, set[int]]:
    ids = np.array([index for index, _ in there], dtype=np.int64)
    boxes = np.array([box for _, (box, _) in there]).reshape(-1, 4)
    covered = _covered(boxes, np.array([depth for _, (_, depth) in there]))
    seen: list[Floats] = []
    likelihoods: list[float] = []
    now_missed: set[int] = set()
    for index, box, hidden in zip(ids.tolist(), boxes, covered, strict=True):
        chance = SIGHT.missed + (SIGHT.fades if index in missed else 0.0) + max(0.0, (hidden - 0.35) * 1.4)
        # Drawn whether it is needed or not, so that one person's fate does not shift the others'.
        drawn, noise, sure = rng.random(), rng.normal(0, SIGHT.jitter, 4), rng.beta(9, 2.2)
        if drawn < chance:
            now_missed.add(index)
            continue
        seen.append(box + noise * (box[3] - box[1]) * np.array([0.5, 0.6, 0.5, 0.6]))
        likelihoods.append(float(np.clip(sure * (1 - 0.7 * hidden), 0.06, 0.98)))
    for box, likelihood in _false(thing, rng):
        seen.append(box)
        likelihoods.append(likelihood)
    clipped, kept = _clipped(np.array(seen).reshape(-1, 4))
    return Frame(time, ids, _clipped(boxes)[0], clipped[kept], np.array(likelihoods)[kept]), now_missed


def _false(thing: Floats | None, rng: np.random.Generator) -> list[tuple[Floats, float]]:
    found = [(_somewhere(rng), float(rng.beta(2, 4))) for _ in range(rng.poisson(SIGHT.false))]
    if thing is not None:
        drawn, noise, sure = rng.random(), rng.normal(0, 0.01, 4), float(np.clip(rng.normal(0.3, 0.07), 0.06, 0.6))
        found += [(thing + noise * (thing[3] - thing[1]), sure)] if drawn < SIGHT.thing else []
    return found


def _thing(rng: np.random.Generator) -> Floats:
    return _somewhere(rng)


def _somewhere(rng: np.random.Generator) -> Floats:
    high, x, y = rng.uniform(0.08, 0.5), rng.uniform(0, ASPECT), rng.uniform(0.3, 1.0)
    return np.array([x - high * _WIDE / 2, y - high, x + high * _WIDE / 2, y])


def _clipped(boxes: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Cut boxes to the picture, and say which of them something is left of."""
    inside = np.clip(boxes, 0, np.array([ASPECT, 1, ASPECT, 1]))
    kept: NDArray[np.bool_] = np.all(inside[:, 2:] - inside[:, :2] > 0.01, axis=1)
    return inside, kept


def _covered(boxes: Floats, depths: Floats) -> Floats:
    """How much of each box nearer ones hide: the largest share by any one of them."""
    wide = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    high = np.minimum(boxes[:, None, 3], boxes[None, :, 3]) - np.maximum(boxes[:, None, 1], boxes[None, :, 1])
    common = np.clip(wide, 0, None) * np.clip(high, 0, None)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    nearer = depths[None, :] < depths[:, None]
    shares: Floats = np.where(nearer, common / areas[:, None], 0.0).max(axis=1, initial=0.0)
    return shares


def _turned(place: Floats, heading: float) -> tuple[float, float]:
    cos, sin = np.cos(heading), np.sin(heading)
    return float(place[0] * cos - place[1] * sin), float(place[0] * sin + place[1] * cos)
