"""Stories: people who come, stop, meet and leave in a drawn shop, composed by name and seed, as long as wanted.

Whoever is not meant to meet keeps apart: no two are close enough to hide each other, and nobody comes in where somebody
has just gone out, so that what is to be counted can be counted. Only `groups`, `occlusion`, `children` and `busy` bring
people into each other's way, on purpose.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np

from pipeline.edge.drawn.figure import look
from pipeline.edge.drawn.name import Name, read
from pipeline.edge.drawn.scene import LEFT, RIGHT, Knot, Person, Scene, height_at, scene, walk

Random = np.random.Generator
Way = tuple[float, float]
"""Where people come from and where they go, as x."""
Places = Sequence[tuple[float, float, float]]
"""Where somebody goes, and how many seconds they rest there."""

_NEAREST, _FARTHEST = 500.0, 392.0
_APART: Final = 0.62
"""In body heights: whoever is nearer could hide the other."""
_AFTER: Final = 3.5
"""Seconds until somebody may come in where another has gone out."""
_STEP: Final = 0.2
_TRIES: Final = 24
_EMPTY: Final = 0.6
_BURST: Final = 20.0
"""Seconds for which people are about at the least, where they are not always."""
_UNSEEN: Final = 1.0
"""Seconds of a walk that lie outside of the picture, about."""
_WAYS: Final = ((LEFT, RIGHT), (RIGHT, LEFT))


def named(text: str) -> Scene:
    """Stage the scene of a name: see `pipeline.edge.drawn.name`.

    Raises:
        UnknownScene: There is no such scene.
    """
    name = read(text)
    staged = scene(name.seed) if not name.people else _story(name)
    return replace(staged, name=text, picture=name.picture, tamper=name.tamper)


def _story(name: Name) -> Scene:
    random = np.random.default_rng([name.seed, 4])
    parts = [_PARTS[word] for word in name.people if word != "busy"] or [_crossing]
    busy = "busy" in name.people
    people: list[Person] = []
    moment, number = 0.5, 0
    while moment < name.seconds:
        part, way = parts[number % len(parts)], _WAYS[int(random.integers(2))]
        for attempt in range(_TRIES):
            come = part(random, moment + 0.4 * attempt, way)
            if _fits(come, name) and (busy or all(_apart(one, other) for one in come for other in people[-12:])):
                people += come
                moment = _next(random, come, busy=busy)
                number += 1
                break
        else:
            moment += 2.0
    return Scene(name.seed, tuple(_dressed(random, people)), name.seconds)


def _next(random: Random, come: Sequence[Person], *, busy: bool) -> float:
    return come[0].path[0].at + (random.uniform(0.9, 1.4) if busy else random.uniform(1.5, 4.0))


def _dressed(random: Random, people: Sequence[Person]) -> list[Person]:
    """Number people as they come, and dress each."""
    ordered = sorted(people, key=lambda person: person.path[0].at)
    return [replace(each, number=number, look=look(random)) for number, each in enumerate(ordered, start=1)]


def _fits(come: Sequence[Person], name: Name) -> bool:
    """Say whether all of it happens before the end, and in that part of a minute in which people are about."""
    begin, end = min(each.path[0].at for each in come), max(each.path[-1].at for each in come)
    if end > name.seconds - _EMPTY:
        return False
    if name.active >= 100:
        return True
    share = name.active / 100
    period = max(60.0, _BURST / share)
    return begin // period == (end - _UNSEEN) // period and (end - _UNSEEN) % period <= share * period


# --- what may happen; each begins with somebody out of sight at `moment` ---------------------------------------------


def _crossing(random: Random, moment: float, way: Way) -> list[Person]:
    if random.uniform() < 0.25:
        return [_turn(random, moment)]
    return [_person(random, moment, [(end, _lane(random), 0) for end in way])]


def _turn(random: Random, moment: float) -> Person:
    lane = _lane(random)
    return _person(
        random, moment, [(LEFT, lane, 0), (random.uniform(440, 600), lane, random.uniform(0.4, 1)), (LEFT, lane, 0)]
    )


def _stop(random: Random, moment: float, way: Way) -> list[Person]:
    lane, x = _lane(random), random.uniform(450, 590)
    rest = random.uniform(2, 6) if random.uniform() < 0.6 else random.uniform(10, 18)
    return [_person(random, moment, [(LEFT, lane, 0), (x, lane, rest), (way[0], lane, 0)])]


def _staff(random: Random, moment: float, way: Way) -> list[Person]:
    return [
        _person(
            random, moment, [(way[0], 486, 0), (random.uniform(780, 840), 486, random.uniform(2.5, 5)), (RIGHT, 486, 0)]
        )
    ]


def _group(random: Random, moment: float, way: Way) -> list[Person]:
    """Two or three in a row, half a body apart, on lanes beside each other."""
    lane, pace = random.uniform(420, 455), random.uniform(0.86, 0.96)
    return [
        _person(random, moment + 0.55 * behind, [(end, lane + 16 * behind, 0) for end in way], pace=pace)
        for behind in range(int(random.integers(2, 4)))
    ]


def _meeting(random: Random, moment: float, way: Way) -> list[Person]:
    """One each way, on lanes so near to each other that in the middle the nearer hides the other."""
    lane = random.uniform(400, 440)
    deeper = lane + random.uniform(24, 44)
    return [
        _person(random, moment, [(end, lane, 0) for end in way], pace=0.92),
        _person(random, moment + random.uniform(0, 1.2), [(end, deeper, 0) for end in way[::-1]], pace=0.92),
    ]


def _child(random: Random, moment: float, way: Way) -> list[Person]:
    """A child, two thirds as tall, walks a step behind somebody, nearer to the camera."""
    lane = random.uniform(450, 470)
    pace = random.uniform(0.78, 0.86)
    adult = _person(random, moment, [(end, lane, 0) for end in way], pace=pace)
    steps = _person(random, moment + 0.75, [(end, lane + 20, 0) for end in way], pace=pace)
    return [adult, replace(steps, tall=0.66)]


def _trolley(random: Random, moment: float, way: Way) -> list[Person]:
    lane = random.uniform(420, 480)
    pushed = _person(random, moment, [(end, lane, 0) for end in way], pace=random.uniform(0.7, 0.8))
    return [replace(pushed, pushes=True)]


_PARTS: Final[dict[str, Callable[[Random, float, Way], list[Person]]]] = {
    "crossings": _crossing,
    "stops": _stop,
    "groups": _group,
    "occlusion": _meeting,
    "children": _child,
    "trolleys": _trolley,
    "staff": _staff,
}


def _person(random: Random, moment: float, places: Places, pace: float | None = None) -> Person:
    path = walk(moment, places, random.uniform(0.86, 0.96) if pace is None else pace)
    return Person(0, look(random), path)


def _lane(random: Random) -> float:
    return float(random.uniform(_FARTHEST, _NEAREST))


# --- keeping apart ---------------------------------------------------------------------------------------------------


def _apart(one: Person, other: Person) -> bool:
    return not (_meets(one, other) or _follows(one, other) or _follows(other, one))


def _follows(one: Person, other: Person) -> bool:
    """Say whether one comes in where the other goes out at about that time."""
    comes, gone = one.path[0], other.path[-1]
    return comes.x == gone.x and -1.0 < comes.at - gone.at < _AFTER


def _meets(one: Person, other: Person) -> bool:
    begin, end = max(one.path[0].at, other.path[0].at), min(one.path[-1].at, other.path[-1].at)
    return any(map(partial(_close, one, other), np.arange(begin, end, _STEP)))


def _close(one: Person, other: Person, at: float) -> bool:
    a, b = _place(one.path, at), _place(other.path, at)
    wide = 1.5 if one.pushes or other.pushes else 1.0
    return abs(a.x - b.x) < _APART * wide * max(height_at(a.y), height_at(b.y))


def _place(path: Sequence[Knot], at: float) -> Knot:
    for before, after in pairwise(path):
        if before.at <= at < after.at:
            share = (at - before.at) / (after.at - before.at)
            return Knot(at, before.x + share * (after.x - before.x), before.y + share * (after.y - before.y))
    return path[-1]
