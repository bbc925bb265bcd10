"""Who is where in a drawn shop, and when: a function of (seed, time), the same on every machine.

One round lasts ROUND and begins and ends with an empty shop, so rounds follow each other without a seam. In each round

- a visitor comes in, stays long in the middle of the shop, and leaves;
- meanwhile somebody comes from the back into the staff area, and leaves again;
- a visitor walks through along the shelves, past the staff area;
- one follows, turns into the staff area, stops there, and goes on;
- a visitor comes in, turns round and leaves.

No two of them are ever close enough to hide each other, and nobody comes in where somebody has just gone out: what is
to be counted can be counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from pipeline.edge.drawn.figure import HEIGHT, STEPS, Look, look
from pipeline.edge.drawn.name import Span

WIDTH: Final = 960
PIXELS_HIGH: Final = 540
ROUND: Final = timedelta(seconds=45)

_HORIZON: Final = 100.0
_PERSON: Final = 0.567
"""Height of a person for each pixel that the feet are below the horizon: 1.7 m seen from 3 m up."""
_OFF: Final = 75.0
"""How far outside the picture people come from and go to: they and their shadow are out of sight there."""
LEFT: Final = -_OFF
RIGHT: Final = WIDTH + _OFF
_STRIDE: Final = 0.78
"""Two steps, in body heights."""
_NEAR, _MIDDLE, _FAR = 486.0, 436.0, 386.0


@dataclass(frozen=True)
class Knot:
    """A moment of a path: seconds into the round, and where the feet are, in pixels of the picture."""

    at: float
    x: float
    y: float


@dataclass(frozen=True)
class Person:
    """Somebody drawn, and their path through one round, straight from knot to knot."""

    number: int
    look: Look
    path: tuple[Knot, ...]
    tall: float = 1.0
    """In shares of a grown-up."""
    pushes: bool = False
    """A trolley, in front of them."""


@dataclass(frozen=True)
class Pose:
    """Where somebody is at one moment, how tall, and at which step; None is standing."""

    person: Person
    x: float
    y: float
    step: int | None
    to_left: bool

    @property
    def factor(self) -> float:
        """How much smaller than the master sprite."""
        return height_at(self.y) * self.person.tall / HEIGHT


@dataclass(frozen=True)
class Scene:
    """One seed's shop, who comes, and what is done to the camera."""

    seed: int
    people: tuple[Person, ...]
    length: float = ROUND.total_seconds()
    """Seconds after which it begins anew."""
    name: str = ""
    picture: tuple[str, ...] = ()
    """What happens to every picture: see `name.PICTURE`."""
    tamper: Mapping[str, Span] = field(default_factory=dict)
    """What is done to the camera, and when: see `name.TAMPER`."""

    def poses(self, seconds: float) -> tuple[Pose, ...]:
        """Who is in sight or just outside, the farthest first. Any time is welcome: rounds repeat."""
        moment = self.moment(seconds)
        found = [pose for person in self.people if (pose := _pose(person, moment)) is not None]
        return tuple(sorted(found, key=lambda pose: (pose.y, pose.person.number)))

    def moment(self, seconds: float) -> float:
        """The moment of the scene that a picture shows; a frozen one shows an earlier."""
        moment = seconds % self.length
        frozen = self.tamper.get("frozen")
        return frozen.begin if frozen is not None and frozen.holds(moment) else moment


def scene(seed: int) -> Scene:
    """Stage the round: everybody's path, pace and clothes a little different for each seed."""
    random = np.random.default_rng([seed, 1])
    right, left = RIGHT, LEFT
    middle, staff = 500 + _some(random, 15), 800 + _some(random, 12)
    turn = 470 + _some(random, 20)
    paths = (
        _walk(random, 1.0, [(left, _MIDDLE, 0), (middle, _MIDDLE, 13.0), (left, _MIDDLE, 0)]),
        _walk(random, 6.5, [(right, _NEAR, 0), (staff, _NEAR, 4.0), (right, _NEAR, 0)]),
        _walk(random, 25.2, [(left, _FAR, 0), (right, _FAR, 0)]),
        _walk(random, 28.9, [(left, _NEAR, 0), (staff, _NEAR, 3.0), (right, _NEAR, 0)]),
        _walk(random, 33.2, [(left, _MIDDLE, 0), (turn, _MIDDLE, 0.6), (left, _MIDDLE, 0)]),
    )
    return Scene(seed, tuple(Person(number, look(random), path) for number, path in enumerate(paths, start=1)))


def height_at(y: float) -> float:
    """How tall somebody is, in pixels, whose feet are at `y`."""
    return (y - _HORIZON) * _PERSON


def _walk(random: np.random.Generator, start: float, stops: Sequence[tuple[float, float, float]]) -> tuple[Knot, ...]:
    """Walk from stop to stop, each (x, y, seconds of rest), at one pace of about 0.9 body heights a second."""
    pace = 0.92 + _some(random, 0.04)
    return walk(start + _some(random, 0.3), stops, pace)


def walk(moment: float, stops: Sequence[tuple[float, float, float]], pace: float) -> tuple[Knot, ...]:
    """Walk from stop to stop, each (x, y, seconds of rest); the pace is in body heights a second."""
    (x, y, _), *others = stops
    knots = [Knot(moment, x, y)]
    for next_x, next_y, rest in others:
        moment += float(np.hypot(next_x - x, next_y - y)) / (pace * height_at((y + next_y) / 2))
        x, y = next_x, next_y
        knots.append(Knot(moment, x, y))
        if rest:
            moment += rest
            knots.append(Knot(moment, x, y))
    return tuple(knots)


def _pose(person: Person, moment: float) -> Pose | None:
    if not person.path[0].at <= moment < person.path[-1].at:
        return None
    for before, after in pairwise(person.path):
        if before.at <= moment < after.at:
            return _between(person, before, after, moment)
    return None


def _between(person: Person, before: Knot, after: Knot, moment: float) -> Pose:
    share = (moment - before.at) / (after.at - before.at)
    x, y = before.x + share * (after.x - before.x), before.y + share * (after.y - before.y)
    if (before.x, before.y) == (after.x, after.y):
        return Pose(person, x, y, None, to_left=False)
    walked = float(np.hypot(x - before.x, y - before.y)) / (_STRIDE * height_at(y) * person.tall)
    return Pose(person, x, y, int(walked * STEPS) % STEPS, to_left=after.x < before.x)


def _some(random: np.random.Generator, much: float) -> float:
    return float(random.uniform(-much, much))
