"""The floor in metres: where a point of the picture lies, from four points or more whose places were measured.

Hartley and Zisserman, Multiple View Geometry, 2nd ed.: the normalised direct linear transform (algorithm 4.2), then
the least squares of what the clicks were off in the picture, by Gauss and Newton.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.estate import Homography
from schemas.geometry import Point

Floats = npt.NDArray[np.float64]

_ROUNDS = 12
_FLAT = 1e-6
"""Points whose spread across is less than this share of that along are on one line."""
_NEAR = 1e-4


class NoFloor(ValueError):
    """These points lie on no floor that the camera could see."""


class Place(NamedTuple):
    """A place on the floor, in metres."""

    x: float
    y: float


class Floor:
    """A camera's floor. Make it with `fit`."""

    def __init__(self, to_picture: Floats, errors_m: tuple[float, ...]) -> None:
        self._to_picture = to_picture
        self._to_floor = np.linalg.inv(to_picture)
        self.errors_m = errors_m
        """How far each measured point is from where its click lands, in metres."""

    def place(self, point: Point) -> Place | None:
        """Return where on the floor a point of the picture lies; None for what lies at or above the horizon."""
        x, y, w = self._to_floor @ (point.x, point.y, 1.0)
        if w * self._side <= _NEAR * abs(self._side):
            return None
        return Place(float(x / w), float(y / w))

    def point(self, place: Place) -> Point | None:
        """Return where in the picture a place on the floor is; None for what is behind the camera or far outside."""
        x, y, w = self._to_picture @ (place.x, place.y, 1.0)
        if w <= _NEAR or not (-0.5 <= x / w <= 1.5 and -0.5 <= y / w <= 1.5):
            return None
        return Point(x=float(x / w), y=float(y / w))

    def metres(self, one: Point, other: Point) -> float | None:
        """Return how far two points are apart on the floor; None where one is not on it."""
        a, b = self.place(one), self.place(other)
        return None if a is None or b is None else float(np.hypot(a.x - b.x, a.y - b.y))

    def scale(self, point: Point, step: float = 1e-3) -> float | None:
        """Return how many metres of floor a step down the picture is here, for a step as long as it is high."""
        far = self.metres(Point(x=point.x, y=point.y - step / 2), Point(x=point.x, y=min(point.y + step / 2, 1.5)))
        return None if far is None else far / step

    def speed(self, one: Point, other: Point, seconds: float) -> float | None:
        """Return a speed in metres a second, as ONVIF's `speed` has it."""
        far = self.metres(one, other)
        return None if far is None or seconds <= 0 else far / seconds

    @property
    def _side(self) -> float:
        """The sign of what lies on this side of the horizon: the inverse of a matrix may turn it round."""
        return float(np.sign(np.linalg.det(self._to_floor)) * np.sign(np.linalg.det(self._to_picture)))


def fit(measured: Homography) -> Floor:
    """Find the floor on which the measured points lie best.

    Raises:
        NoFloor: Three or more of four are on one line, or the points are not in the same order in both.
    """
    picture = np.array([(each.x, each.y) for each in measured.picture])
    floor = np.array(measured.floor_m, dtype=np.float64)
    if not (_spreads(picture) and _spreads(floor)):
        raise NoFloor("the points lie on one line, or nearly: choose them farther apart, in two directions")
    matrix = _refined(_linear(floor, picture), floor, picture)
    if not _sound(matrix, floor):
        raise NoFloor("a point would lie behind the camera: are the points in the same order in both lists?")
    found = Floor(matrix, ())
    return Floor(matrix, tuple(_off(found, one, other) for one, other in zip(measured.picture, floor, strict=True)))


def grid(floor: Floor, measured: Homography, step: float = 1.0) -> list[tuple[Point, ...]]:
    """Return lines on the floor, `step` metres apart, around what was measured, as points in the picture.

    Each line is broken where it leaves what can be seen.
    """
    places = np.array(measured.floor_m)
    low, high = np.floor(places.min(0) / step) * step - step, np.ceil(places.max(0) / step) * step + step
    along = [np.arange(start, end + step / 2, step) for start, end in zip(low, high, strict=True)]
    fine = [np.linspace(start, end, 65) for start, end in zip(low, high, strict=True)]
    lines = [[Place(float(x), float(y)) for y in fine[1]] for x in along[0]]
    lines += [[Place(float(x), float(y)) for x in fine[0]] for y in along[1]]
    return [part for line in lines for part in _parts([floor.point(each) for each in line])]


def _parts(points: Sequence[Point | None]) -> list[tuple[Point, ...]]:
    parts: list[list[Point]] = [[]]
    for each in points:
        if each is None:
            parts.append([])
        else:
            parts[-1].append(each)
    return [tuple(each) for each in parts if len(each) > 1]


def _off(floor: Floor, clicked: Point, measured: Floats) -> float:
    found = floor.place(clicked)
    return float("inf") if found is None else float(np.hypot(found.x - measured[0], found.y - measured[1]))


def _spreads(points: Floats) -> bool:
    """Say whether points go in two directions, whichever of them is left out of four."""
    left_out = [np.delete(points, each, axis=0) for each in range(len(points))] if len(points) == 4 else [points]
    for some in left_out:
        along, across = np.linalg.svd(some - some.mean(0), compute_uv=False)[:2]
        if across <= max(along, 1e-12) * _FLAT:
            return False
    return True


def _normalising(points: Floats) -> Floats:
    """Return what moves points to the origin, and so that they are the square root of two from it on average."""
    middle = points.mean(0)
    far = np.sqrt(2) / max(float(np.linalg.norm(points - middle, axis=1).mean()), 1e-12)
    return np.array([[far, 0, -far * middle[0]], [0, far, -far * middle[1]], [0, 0, 1]])


def _linear(start: Floats, end: Floats) -> Floats:
    """Return the direct linear transform from one to the other."""
    before, after = _normalising(start), _normalising(end)
    rows = []
    for (x, y), (u, v) in zip(_moved(before, start), _moved(after, end), strict=True):
        rows += [[-x, -y, -1, 0, 0, 0, u * x, u * y, u], [0, 0, 0, -x, -y, -1, v * x, v * y, v]]
    found = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    return _signed(np.asarray(np.linalg.inv(after) @ found @ before), start)


def _signed(matrix: Floats, points: Floats) -> Floats:
    """Return the matrix, of which nothing but its scale is free, with what is seen in front of the camera."""
    scaled: Floats = matrix / np.linalg.norm(matrix)
    return scaled if (_deep(scaled, points) > 0).sum() * 2 >= len(points) else -scaled


def _refined(matrix: Floats, start: Floats, end: Floats) -> Floats:
    """Make the squares of what the points are off smaller, until they are least."""
    best, least = matrix, _squares(matrix, start, end)
    for _ in range(_ROUNDS):
        step, *_ = np.linalg.lstsq(_slopes(best, start), (end - _moved(best, start)).ravel(), rcond=1e-12)
        tried = _signed(best + step.reshape(3, 3), start)
        squares = _squares(tried, start, end)
        if not squares < least:
            break
        best, least = tried, squares
    return best


def _slopes(matrix: Floats, points: Floats) -> Floats:
    """Return how each moved coordinate changes with each of the nine numbers."""
    rows, deep = [], _deep(matrix, points)
    for (x, y), (u, v), w in zip(points, _moved(matrix, points), deep, strict=True):
        here = np.array([x, y, 1.0]) / w
        rows += [[*here, 0, 0, 0, *(-u * here)], [0, 0, 0, *here, *(-v * here)]]
    return np.array(rows)


def _squares(matrix: Floats, start: Floats, end: Floats) -> float:
    return float(((end - _moved(matrix, start)) ** 2).sum())


def _sound(matrix: Floats, points: Floats) -> bool:
    """Say whether all points lie before the camera, and it sees the floor at all."""
    return bool((_deep(matrix, points) > _NEAR * np.abs(matrix).max()).all()) and np.linalg.cond(matrix) < 1e12


def _deep(matrix: Floats, points: Floats) -> Floats:
    return np.asarray(points @ matrix[2, :2] + matrix[2, 2])


def _moved(matrix: Floats, points: Floats) -> Floats:
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:])
