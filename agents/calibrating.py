"""A camera's floor in metres: fitted to what was measured, and drawn as a grid on a picture without anybody in it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final, NamedTuple, Protocol

import cv2
import numpy as np

from pipeline.clock import SystemClock
from pipeline.edge.capture import Rate, open_source
from pipeline.edge.clip import open_clip
from pipeline.edge.mask import paint
from pipeline.evidence.backdrop import Seen, backdrop
from pipeline.evidence.hide import FaceFinder, Picture, Region, region
from pipeline.motion.floor import Floor, Place, fit, grid
from schemas.detections import Detection, ObjectType
from schemas.estate import Camera, Homography
from schemas.geometry import Point

PICTURES: Final = 24
"""Of so many a backdrop is put together here: nobody looks at it before people are out of it."""
APART: Final = timedelta(seconds=2)

_GRID: Final = (180, 224, 111)
_POINT: Final = (80, 190, 255)
_INK: Final = (255, 255, 255)
_EDGE: Final = (22, 21, 16)


class BadPoint(ValueError):
    """A measured point that is none."""


class Finder(Protocol):
    """Finds people and faces: `models.detector.Detector`."""

    def detect(self, bgr: Picture) -> Sequence[Detection]: ...


class Measured(NamedTuple):
    """A fitted floor, and what it was fitted to."""

    homography: Homography
    floor: Floor

    def lines(self) -> Iterator[str]:
        """Say what is off, point by point, and how long a metre is where."""
        points = zip(self.homography.picture, self.homography.floor_m, self.floor.errors_m, strict=True)
        for number, (point, (x, y), off) in enumerate(points, start=1):
            yield f"{number}: picture {point.x:.4f},{point.y:.4f} = floor {x:g},{y:g} m, off by {off * 100:.1f} cm"
        if len(self.homography.picture) == 4:
            yield "four points always fit: a fifth would show how well they were measured"
        for height in (0.95, 0.75, 0.55):
            if (scale := self.floor.scale(Point(x=0.5, y=height))) is not None:
                yield f"a hundredth of the picture down is {scale / 100:.3f} m at {height:.0%} of its height"


def measured(points: Sequence[str]) -> Measured:
    """Fit a floor to points as they are typed: `x,y=X,Y`, shares of the picture and metres of floor.

    Raises:
        BadPoint: Naming the one that is none, or what they lack.
    """
    pairs = [_pair(each) for each in points]
    if len(pairs) < 4:
        raise BadPoint("four points or more, no three of them on one line")
    homography = Homography(picture=tuple(one for one, _ in pairs), floor_m=tuple(other for _, other in pairs))
    return Measured(homography, fit(homography))


def _pair(text: str) -> tuple[Point, tuple[float, float]]:
    try:
        picture, floor = text.split("=")
        (x, y), (east, north) = (map(float, part.split(",")) for part in (picture, floor))
        return Point(x=x, y=y), (east, north)
    except ValueError:
        raise BadPoint(f"{text!r} is no point; one is 0.25,0.80=1.5,3.0: shares of the picture = metres") from None


def pictures(source: str, camera: Camera) -> Iterator[Picture]:
    """Give some pictures of a source, some time apart, masked as the device does."""
    for each in islice(_taken(source), PICTURES):
        yield paint(each, camera.masks)


def _taken(source: str) -> Iterator[Picture]:
    if source.isdecimal() or "://" in source:
        rate = Rate(1 / APART.total_seconds())
        live = open_source(source, rate, loop=False, clock=SystemClock(), wait=lambda _: False)
        yield from (each.bgr for each in live.pictures())
        return
    due = timedelta(0)
    for shot in open_clip(source).shots():
        if shot.time >= due:
            due = shot.time + APART
            yield shot.see()


def empty(taken: Iterable[Picture], finder: Finder, faces: FaceFinder) -> Picture | None:
    """Put a picture together in which nobody is; None of too few pictures."""
    return backdrop([_seen(each, finder.detect(each)) for each in taken], faces)


def _seen(picture: Picture, found: Sequence[Detection]) -> Seen:
    height, width = picture.shape[:2]

    def regions(kind: ObjectType) -> tuple[Region, ...]:
        return tuple(region(each.bounding_box, width, height) for each in found if each.type is kind)

    return Seen(picture, regions(ObjectType.HUMAN), regions(ObjectType.HUMAN_FACE))


def with_grid(picture: Picture, found: Measured) -> Picture:
    """Draw the floor's metres, and the points that were measured."""
    drawn = picture.copy()
    for line in grid(found.floor, found.homography):
        cv2.polylines(drawn, [_pixels(line, drawn)], isClosed=False, color=_GRID, thickness=1, lineType=cv2.LINE_AA)
    for point, (x, y) in zip(found.homography.picture, found.homography.floor_m, strict=True):
        _mark(drawn, point, f"{x:g},{y:g} m", _POINT)
    for place, text in ((Place(0, 0), "0"), (Place(1, 0), "x 1 m"), (Place(0, 1), "y 1 m")):
        if (there := found.floor.point(place)) is not None:
            _mark(drawn, there, text, _GRID)
    return drawn


def with_rulers(picture: Picture) -> Picture:
    """Draw tenths of the picture, by which points can be read off."""
    drawn = picture.copy()
    height, width = drawn.shape[:2]
    for tenth in range(1, 10):
        x, y = tenth * width // 10, tenth * height // 10
        cv2.line(drawn, (x, 0), (x, height), _GRID, 1, cv2.LINE_AA)
        cv2.line(drawn, (0, y), (width, y), _GRID, 1, cv2.LINE_AA)
        _write(drawn, (x + 3, 14), f".{tenth}")
        _write(drawn, (3, y - 4), f".{tenth}")
    return drawn


def _pixels(points: Sequence[Point], picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    height, width = picture.shape[:2]
    return np.array([(round(each.x * width), round(each.y * height)) for each in points], np.int32)


def _mark(picture: Picture, point: Point, text: str, colour: tuple[int, int, int]) -> None:
    (x, y) = (int(each) for each in _pixels([point], picture)[0])
    cv2.circle(picture, (x, y), 5, _EDGE, -1, cv2.LINE_AA)
    cv2.circle(picture, (x, y), 4, colour, -1, cv2.LINE_AA)
    _write(picture, (x + 7, y - 7), text)


def _write(picture: Picture, place: tuple[int, int], text: str) -> None:
    for colour, thick in ((_EDGE, 3), (_INK, 1)):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thick, cv2.LINE_AA)
