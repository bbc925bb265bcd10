"""What is true of a drawn scene: who was where in each picture, who crossed which line when, who visited which zone.

Worked out from the paths themselves, not from pictures; it is what counts are asserted against.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Literal

from pipeline.edge.drawn.render import Renderer
from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH, Knot, Person, Scene
from schemas.estate import Camera, Line, Zone
from schemas.frozen import Frozen
from schemas.geometry import Box, Point
from schemas.ids import LineId, ZoneId

Place = tuple[float, float]


class Crossing(Frozen):
    """Somebody's feet go over a line."""

    line_id: LineId
    person: int
    direction: Literal["in", "out"]
    at: float
    """Seconds from the start."""


class Visit(Frozen):
    """Somebody's feet are in a zone."""

    zone_id: ZoneId
    person: int
    begin: float
    end: float


class Tampering(Frozen):
    """What is done to the camera, as `name.TAMPER` calls it."""

    what: str
    begin: float
    end: float


class TruePerson(Frozen):
    """Somebody's whole box in one picture, cut at the picture's edge, and the share of them that can be seen in it."""

    person: int
    bounding_box: Box
    visible: float


class TrueFrame(Frozen):
    """One picture. `frame` counts from 1."""

    frame: int
    at: float
    people: tuple[TruePerson, ...]


class Truth(Frozen):
    """All that is true of so many seconds of one scene. People are numbered anew in each round."""

    seed: int
    name: str = ""
    seconds: float
    fps: float
    width: int = WIDTH
    height: int = PIXELS_HIGH
    people: int
    crossings: tuple[Crossing, ...]
    visits: tuple[Visit, ...]
    tampering: tuple[Tampering, ...] = ()
    frames: tuple[TrueFrame, ...] = ()

    def crossed(self, line: LineId, direction: Literal["in", "out"]) -> int:
        """How often a line was crossed."""
        return sum((each.line_id, each.direction) == (line, direction) for each in self.crossings)

    def visited(self, zone: ZoneId, longer_than: timedelta = timedelta(0)) -> int:
        """How many visits to a zone lasted longer than this."""
        seconds = longer_than.total_seconds()
        return sum(each.zone_id == zone and each.end - each.begin > seconds for each in self.visits)

    def stayed(self, zone: ZoneId) -> tuple[float, ...]:
        """How many seconds each visit to a zone lasted, the shortest first."""
        return tuple(sorted(round(each.end - each.begin, 3) for each in self.visits if each.zone_id == zone))


def truth(scene: Scene, camera: Camera, seconds: float | None = None, *, fps: float = 5) -> Truth:
    """Tell what happens from 0 to `seconds` at the camera's lines and zones, whether the camera sees it or not.

    Args:
        scene: What is staged; it repeats.
        camera: Its lines and zones are asked about.
        seconds: How long; visits that last beyond are cut there. None: the whole scene once.
        fps: Of the pictures whose boxes are told; 0 tells none.
    """
    seconds = scene.length if seconds is None else seconds
    people = list(_repeated(scene, seconds))
    return Truth(
        seed=scene.seed,
        name=scene.name,
        seconds=seconds,
        fps=fps,
        people=len(people),
        crossings=_in_time(crossings(people, camera.lines), seconds),
        visits=tuple(each for each in visits(people, camera.zones, seconds)),
        tampering=tuple(_tampering(scene, seconds)),
        frames=tuple(_frames(scene, seconds, fps)) if fps else (),
    )


def crossings(people: Iterable[Person], lines: Sequence[Line]) -> Iterator[Crossing]:
    """Find where paths cut lines."""
    for person in people:
        for before, after in pairwise(person.path):
            for line in lines:
                if (share := _cut(_feet(before), _feet(after), _pixel(line.start), _pixel(line.end))) is not None:
                    at = before.at + share * (after.at - before.at)
                    way: Literal["in", "out"] = "in" if _right_of(line, after) else "out"
                    yield Crossing(line_id=line.id, person=person.number, direction=way, at=round(at, 3))


def visits(people: Iterable[Person], zones: Sequence[Zone], seconds: float) -> Iterator[Visit]:
    """Find the spans in which paths lie in zones, before `seconds`."""
    for person in people:
        for zone in zones:
            for begin, end in _spans(person.path, [_pixel(corner) for corner in zone.polygon]):
                if begin < seconds:
                    ends = round(min(end, seconds), 3)
                    yield Visit(zone_id=zone.id, person=person.number, begin=round(begin, 3), end=ends)


def _repeated(scene: Scene, seconds: float) -> Iterator[Person]:
    """Everybody who comes in the time, round after round, each with a number of their own."""
    each_round = scene.length
    for number in range(math.ceil(seconds / each_round)):
        start = number * each_round
        for person in scene.people:
            path = tuple(Knot(knot.at + start, knot.x, knot.y) for knot in person.path)
            if path[0].at < seconds:
                yield Person(person.number + number * len(scene.people), person.look, path)


def _tampering(scene: Scene, seconds: float) -> Iterator[Tampering]:
    for number in range(math.ceil(seconds / scene.length)):
        start = number * scene.length
        for what, (begin, end) in scene.tamper.items():
            last = min(start + (scene.length if end is None else min(end, scene.length)), seconds)
            if start + begin < last:
                yield Tampering(what=what, begin=start + begin, end=last)


def _in_time(found: Iterable[Crossing], seconds: float) -> tuple[Crossing, ...]:
    return tuple(sorted((each for each in found if each.at < seconds), key=lambda each: each.at))


def _frames(scene: Scene, seconds: float, fps: float) -> Iterator[TrueFrame]:
    renderer = Renderer(scene)
    for index in range(math.ceil(seconds * fps)):
        at = index / fps
        first = int(at // scene.length) * len(scene.people)
        people = tuple(
            TruePerson(person=first + placed.person, bounding_box=_normal(placed.box), visible=round(placed.visible, 3))
            for placed in renderer.boxes(at)
        )
        yield TrueFrame(frame=index + 1, at=round(at, 3), people=people)


def _spans(path: Sequence[Knot], polygon: Sequence[Place]) -> Iterator[tuple[float, float]]:
    """Cut the path where it meets the polygon's edges, and join the pieces that lie inside."""
    begin: float | None = None
    for before, after in pairwise(path):
        for start, end in pairwise(_cuts(before, after, polygon)):
            middle = (start + end) / 2
            if _inside(polygon, _along(before, after, middle)):
                begin = start if begin is None else begin
            elif begin is not None:
                yield begin, start
                begin = None
    if begin is not None:
        yield begin, path[-1].at


def _cuts(before: Knot, after: Knot, polygon: Sequence[Place]) -> list[float]:
    """Return the times at which one straight piece begins, meets an edge, and ends."""
    edges = zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    shares = (_cut(_feet(before), _feet(after), *edge) for edge in edges)
    met = sorted(before.at + share * (after.at - before.at) for share in shares if share is not None)
    return [before.at, *met, after.at]


def _along(before: Knot, after: Knot, at: float) -> Place:
    share = (at - before.at) / (after.at - before.at)
    return before.x + share * (after.x - before.x), before.y + share * (after.y - before.y)


def _cut(start: Place, end: Place, one: Place, other: Place) -> float | None:
    """Return the share of start→end at which it meets one→other, if it does."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    ex, ey = other[0] - one[0], other[1] - one[1]
    turn = dx * ey - dy * ex
    if turn == 0:
        return None
    fx, fy = one[0] - start[0], one[1] - start[1]
    share, beside = (fx * ey - fy * ex) / turn, (fx * dy - fy * dx) / turn
    return share if 0 <= share < 1 and 0 <= beside < 1 else None


def _right_of(line: Line, knot: Knot) -> bool:
    """Say whether somebody stands right of a line, seen from its start to its end on the screen."""
    (x0, y0), (x1, y1) = _pixel(line.start), _pixel(line.end)
    return (x1 - x0) * (knot.y - y0) - (y1 - y0) * (knot.x - x0) > 0


def _inside(polygon: Sequence[Place], place: Place) -> bool:
    x, y = place
    within = False
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            within = not within
    return within


def _feet(knot: Knot) -> Place:
    return knot.x, knot.y


def _pixel(point: Point) -> Place:
    return point.x * WIDTH, point.y * PIXELS_HIGH


def _normal(box: tuple[int, int, int, int]) -> Box:
    left, top, right, bottom = box
    return Box(left=left / WIDTH, top=top / PIXELS_HIGH, right=right / WIDTH, bottom=bottom / PIXELS_HIGH)
