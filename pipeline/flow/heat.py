"""Where people stood: person-seconds by cell of the picture, nobody for longer than a minute a cell.

What somebody adds is kept by track only while the track is followed; then it is sums, and how many people are in them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.flow import HEAT_ACROSS, HEAT_DOWN

MOST: Final = 60_000
"""Milliseconds that one track adds to a cell in a window: a salesperson at the till outshines nobody."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Of one published window, in milliseconds by cell."""

    going: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """Of each track that is still followed."""
    summed: Mapping[int, int] = field(default_factory=dict)
    people: Mapping[int, int] = field(default_factory=dict)
    """How many tracks are in the sums."""


NONE: Final = Heat()


def cell(x: float, y: float) -> int:
    """Return the cell of a foot; x and y are shares of the picture. Feet below its edge stand in its last row."""
    column = min(max(int(x * HEAT_ACROSS), 0), HEAT_ACROSS - 1)
    row = min(max(int(y * HEAT_DOWN), 0), HEAT_DOWN - 1)
    return row * HEAT_ACROSS + column


def warmed(heat: Heat, where: Mapping[int, int], milliseconds: int, followed: Iterable[int]) -> Heat:
    """Add where tracks stood for so long; `where` is each one's cell. Who is not followed any more is summed up."""
    going = dict(heat.going)
    for track, place in where.items():
        cells = going.get(track, {})
        going[track] = {**cells, place: min(cells.get(place, 0) + milliseconds, MOST)}
    gone = going.keys() - set(followed)
    if not gone:
        return Heat(going, heat.summed, heat.people)
    return _folded(Heat(going, heat.summed, heat.people), gone)


def _folded(heat: Heat, gone: Iterable[int]) -> Heat:
    going, summed, people = dict(heat.going), dict(heat.summed), dict(heat.people)
    for track in gone:
        for place, milliseconds in going.pop(track).items():
            summed[place] = summed.get(place, 0) + milliseconds
            people[place] = people.get(place, 0) + 1
    return Heat(going, summed, people)


def summed_up(heat: Heat) -> Heat:
    """Nobody is followed any more."""
    return _folded(heat, tuple(heat.going)) if heat.going else heat


def grid(heat: Heat, least: int, *, digits: int = 0) -> tuple[float, ...]:
    """Return person-seconds of every cell, row by row; 0 where fewer people than `least` were, as where nobody was.

    A cell that says "somebody, but few" would say where one person stood.

    Args:
        heat: Of a window.
        least: So many different tracks at least.
        digits: Of seconds, after the point.
    """
    whole = summed_up(heat)
    told = {each: value for each, value in whole.summed.items() if whole.people[each] >= least}
    return tuple(round(told.get(each, 0) / 1000, digits) for each in range(HEAT_ACROSS * HEAT_DOWN))
