"""Spots, polygons and lines on the picture, all measured in picture heights."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from schemas.geometry import Point


class Spot(NamedTuple):
    """A place on the picture in picture heights, so that a step sideways is as long as a step down."""

    x: float
    y: float


class Segment(NamedTuple):
    """A stretch from start to end."""

    start: Spot
    end: Spot


def spot(point: Point, aspect: float) -> Spot:
    """Place a normalised point; `aspect` is the picture's width over its height."""
    return Spot(point.x * aspect, point.y)


def distance(a: Spot, b: Spot) -> float:
    # Not hypot: a square root is rounded alike on every machine, so that a replay is bit for bit the same.
    return math.sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y))


def inside(polygon: Sequence[Spot], place: Spot) -> bool:
    """Say whether a spot lies in a polygon (even-odd rule)."""
    within = False
    before = polygon[-1]
    for corner in polygon:
        if (corner.y > place.y) != (before.y > place.y):
            share = (place.y - corner.y) / (before.y - corner.y)
            within ^= place.x < corner.x + share * (before.x - corner.x)
        before = corner
    return within


def to_border(polygon: Sequence[Spot], place: Spot) -> float:
    """How far a spot is from the nearest side of a polygon, from within or from without."""
    sides = zip((polygon[-1], *polygon[:-1]), polygon, strict=True)
    return min(distance(place, _nearest(Segment(*side), place)) for side in sides)


def _nearest(side: Segment, place: Spot) -> Spot:
    share = along(side, place) if side.start != side.end else 0.0
    return between(side.start, side.end, min(1.0, max(0.0, share)))


def signed_distance(line: Segment, place: Spot) -> float:
    """Distance from the line through a segment: positive right of it, looking from start to end on the screen."""
    across_x, across_y = line.end.x - line.start.x, line.end.y - line.start.y
    return (across_x * (place.y - line.start.y) - across_y * (place.x - line.start.x)) / distance(line.start, line.end)


def along(line: Segment, place: Spot) -> float:
    """Where a spot lies along a segment: 0 beside its start, 1 beside its end."""
    across_x, across_y = line.end.x - line.start.x, line.end.y - line.start.y
    length = across_x * across_x + across_y * across_y
    return (across_x * (place.x - line.start.x) + across_y * (place.y - line.start.y)) / length


def between(a: Spot, b: Spot, share: float) -> Spot:
    """The spot a share of the way from a to b."""
    return Spot(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y))
