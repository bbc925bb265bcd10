"""Heads and faces out of pictures, but the one box that an alert concerns.

What is hidden is filled with one grey. Blocks of colour would look better, but the blocks of several pictures of one
face can be put together again, and networks tell people apart by 16 x 16 of them; of what is filled nothing is left.

It fails closed. A picture in which nobody knows where people are is filled wholly, and so is one in which whom the
alert concerns is none of those who were found: then what was found is not what the alert was raised of. Who was found
shortly before or after and not in the picture itself is hidden where they must be. Who stands before the concerned box
is hidden too, and with them what of it is behind their head. Where only parts of a picture were looked at, nothing is
left of it but the concerned box: nothing is known of what lies outside of the parts, nor of whom their edges cut.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from schemas.detections import FrameDetections, ObjectType
from schemas.geometry import Box

Picture = npt.NDArray[np.uint8]

GREY: Final = 127
AROUND: Final = timedelta(seconds=1)
"""Who was seen so long before or after is looked for in a picture."""
SPARSE: Final = timedelta(seconds=10)
"""Of a camera that takes fewer pictures the next ones count too, however sparse, but none that is farther than this."""
LIKELY: Final = 0.4
"""Who was found with this likelihood before and after a picture was there between."""

_HEAD: Final = 0.3
"""The part of a standing person's box, from the top, in which the head is."""
_SHOULDERS: Final = 0.6
"""Of whom only the upper half is seen, the head takes more of the box: so much of its width."""
_ABOVE, _BESIDE = 0.1, 0.05
"""So much of a box's height and width a head may lie outside of it."""
_FACE_MARGIN: Final = 0.25
_SAME: Final = 0.5
"""Heads that overlap by more are one person's: two boxes on one body."""
_SAME_GHOST: Final = 0.3
"""Who was found around a picture and not in it, where it concerns somebody, is taken for them: boxes flicker most where
two people are near, and hiding for each of them left nothing to see of whom it concerns (measured)."""
_SAME_FACE: Final = 0.3
_REACH: Final = 0.5
_REACH_PER_SECOND: Final = 1.5
"""How far a box may have gone in its own widths and still be the same person's. Too little hides more, never less."""
_GHOST_MARGIN: Final = 0.15
_MARGIN_PER_SECOND: Final = 0.5
_BLOCK: Final = 8
"""The pixels around a hidden one were coded together with it, in blocks of so many."""


class Region(NamedTuple):
    """A part of a picture, in pixels; may stick out of it."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, share: float) -> "Region":
        """Return it with so much of its width and height added on every side."""
        dx, dy = share * self.width, share * self.height
        return Region(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)

    def shares_of(self, width: int, height: int) -> Box:
        """Return it as shares of a picture of this size."""
        return Box(left=self.left / width, top=self.top / height, right=self.right / width, bottom=self.bottom / height)

    def holds(self, point: tuple[float, float]) -> bool:
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom


class Moment(NamedTuple):
    """Where people and faces were found at one time. Nobody found is something else than nobody having looked."""

    time: datetime
    people: tuple[Region, ...] = ()
    faces: tuple[Region, ...] = ()
    everywhere: bool = True
    """Else only parts of the picture were looked at."""


class Shot(NamedTuple):
    """One picture of a clip, the box in it that the alert concerns, and what was found in it: None if nobody knows.

    Where the box is not one of the people who were found, nobody knows either.
    """

    time: datetime
    picture: Picture
    concerned: Region
    found: Moment | None


class Hidden(NamedTuple):
    """A picture in which heads are hidden; `whole` where all of it had to be."""

    picture: Picture
    whole: bool


class FaceFinder(Protocol):
    """Finds faces, in whole pictures and in what is cut out of them around a head."""

    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        """Return boxes, as shares of this picture (height, width, 3). Too many are better than too few."""
        ...


def region(box: Box, width: int, height: int) -> Region:
    """Return a box in the pixels of a picture of this size."""
    return Region(box.left * width, box.top * height, box.right * width, box.bottom * height)


def moment_of(message: FrameDetections, at_least: float = 0) -> Moment:
    """Return where people and faces were found, in the pixels of the picture.

    Args:
        message: What was found in it.
        at_least: How likely they must be. In a picture itself whatever was found is hidden; before and after it only
            what is `LIKELY` tells that somebody was there: else boxes that flicker would hide whom the alert concerns.
    """
    found: dict[ObjectType, list[Region]] = {kind: [] for kind in ObjectType}
    for each in message.detections:
        if each.likelihood >= at_least:
            found[each.type].append(region(each.bounding_box, message.frame_width, message.frame_height))
    return Moment(
        message.utc_time, tuple(found[ObjectType.HUMAN]), tuple(found[ObjectType.HUMAN_FACE]), not message.regions
    )


def head_of(person: Region) -> Region:
    """Return the part of a person's box in which the head is, and a little more."""
    length = min(person.height, max(_HEAD * person.height, _SHOULDERS * person.width))
    return Region(
        person.left - _BESIDE * person.width,
        person.top - _ABOVE * person.height,
        person.right + _BESIDE * person.width,
        person.top + length,
    )


def hide_clip(shots: Sequence[Shot], between: Sequence[Moment], finder: FaceFinder) -> list[Hidden]:
    """Hide in each picture of a clip everybody but whom the alert concerns.

    Args:
        shots: The pictures; they are not changed.
        between: What was likely found in the pictures before, between and after them, their own included.
        finder: Looks once more for faces, where heads are and in the whole picture.
    """
    return [_hidden(each, between, finder) for each in shots]


def _hidden(shot: Shot, between: Sequence[Moment], finder: FaceFinder) -> Hidden:
    if shot.found is None or shot.concerned not in shot.found.people:
        return Hidden(filled(shot.picture), whole=True)
    found = with_faces(shot.picture, shot.found, finder)
    hidden = hide(shot.picture, to_hide(found, between, shot.concerned))
    if not found.everywhere:
        hidden = alone(hidden, (shot.concerned, head_of(shot.concerned)))
    return Hidden(hidden, whole=False)


def with_faces(picture: Picture, found: Moment, finder: FaceFinder) -> Moment:
    """Look for faces in a picture and around each head in it, and add them to what was found."""
    height, width = picture.shape[:2]
    places = [Region(0, 0, width, height), *(_inside(head_of(each).grown(0.25), picture) for each in found.people)]
    more = [
        Region(place.left + face.left, place.top + face.top, place.left + face.right, place.top + face.bottom)
        for place in places
        if place.width >= 1 and place.height >= 1
        for face in _faces(picture, place, finder)
    ]
    return found._replace(faces=(*found.faces, *more))


def to_hide(own: Moment, around: Sequence[Moment], concerned: Region | None) -> list[Region]:
    """Decide what has to be hidden in a picture.

    Args:
        own: What was found in it.
        around: What was found at other times; those too far away in time do not count.
        concerned: The one who stays visible, if any.
    """
    others, spared = _apart(own, concerned)
    head = None if concerned is None else head_of(concerned)
    people = [*own.people, *(() if concerned is None or len(others) < len(own.people) else (concerned,))]
    # A picture of which only parts were looked at tells who was there, not who was not: the next whole one counts too.
    whole = [each for each in around if each.everywhere]
    known = [around] if len(whole) == len(around) else [around, whole]
    ghosts = [each for some in known for each in _ghosts(own, people, some, _people)]
    strays = [each for some in known for each in _ghosts(own, own.faces, some, _strays)]
    return [
        *map(head_of, others),
        *(each.grown(_FACE_MARGIN) for each in own.faces if each not in spared),
        *(
            head_of(each.place).grown(_GHOST_MARGIN + each.doubt)
            for each in ghosts
            if concerned is None or overlap(each.place, concerned) < _SAME_GHOST
        ),
        *(
            each.place.grown(_FACE_MARGIN + each.doubt)
            for each in strays
            if head is None or not head.holds(each.place.centre)
        ),
    ]


def hide(picture: Picture, regions: Sequence[Region]) -> Picture:
    """Return a copy of a picture (height, width, 3) with these parts of it filled."""
    copy = picture.copy()
    for part in _parts(picture, regions):
        copy[part] = GREY
    return copy


def alone(picture: Picture, regions: Sequence[Region]) -> Picture:
    """Return a copy of a picture (height, width, 3) in which all but these parts is filled."""
    copy = filled(picture)
    for part in _parts(picture, regions):
        copy[part] = picture[part]
    return copy


def _parts(picture: Picture, regions: Sequence[Region]) -> Iterator[tuple[slice, slice]]:
    for each in regions:
        left, top, right, bottom = (int(side) for side in _inside(each, picture))
        if left < right and top < bottom:
            yield _blocks(top, bottom), _blocks(left, right)


def _blocks(first: int, last: int) -> slice:
    return slice(first // _BLOCK * _BLOCK, -(-last // _BLOCK) * _BLOCK)


def filled(picture: Picture) -> Picture:
    """Return a picture of the same size in which nothing is to be seen."""
    return np.full_like(picture, GREY)


def _faces(picture: Picture, place: Region, finder: FaceFinder) -> list[Region]:
    left, top, right, bottom = (int(side) for side in place)
    crop = picture[top:bottom, left:right]
    return [region(each, crop.shape[1], crop.shape[0]) for each in finder.find_faces(crop)]


def _apart(own: Moment, concerned: Region | None) -> tuple[list[Region], list[Region]]:
    """Part the people of a picture from whom it concerns; return the others, and the faces of the one."""
    if concerned is None:
        return list(own.people), []
    head = head_of(concerned)
    others = [each for each in own.people if overlap(head_of(each), head) < _SAME]
    here = [each for each in own.faces if head.holds(each.centre)]
    # One body has one face: another one there is somebody else's, who looks over a shoulder or is carried.
    best = min(here, key=lambda each: _away(each, head), default=None)
    return others, [] if best is None else [each for each in here if overlap(each, best) >= _SAME_FACE]


def _away(face: Region, head: Region) -> float:
    (x, y), (there_x, there_y) = face.centre, head.centre
    return (x - there_x) ** 2 + (y - there_y) ** 2


# Who was there before or after, and must be there now.


class Sighting(NamedTuple):
    """Where somebody was found, so many seconds after the picture; before it, fewer than none."""

    seconds: float
    place: Region


class Ghost(NamedTuple):
    """Where somebody must be who was not found there, and how uncertain that is, in shares of what is hidden."""

    place: Region
    doubt: float


def _people(moment: Moment) -> Sequence[Region]:
    return moment.people


def _strays(moment: Moment) -> Sequence[Region]:
    """Return the faces of nobody who was found: the others go with their people."""
    heads = [head_of(each) for each in moment.people]
    return [each for each in moment.faces if not any(head.holds(each.centre) for head in heads)]


def _ghosts(
    own: Moment, places: Sequence[Region], around: Sequence[Moment], kind: Callable[[Moment], Sequence[Region]]
) -> list[Ghost]:
    """Return where those must be who were seen before and after and not now.

    At an end of what was looked at, to have been seen on the one side is enough, and so it is where pictures are so far
    apart that nobody knows what was between.
    """
    here = [Sighting(0, each) for each in places]
    before, after = (_sightings(own, around, kind, side) for side in (-1, 1))
    was, will_be = _lost(here, before), _lost(here, after)
    between = [Ghost(_between(was[one], will_be[other]), 0) for one, other in _pairs(was, will_be)]
    if _is_near(before) and _is_near(after):
        return between
    return between + [Ghost(each.place, _MARGIN_PER_SECOND * abs(each.seconds)) for each in was + will_be]


def _sightings(
    own: Moment, around: Sequence[Moment], kind: Callable[[Moment], Sequence[Region]], side: int
) -> list[tuple[float, list[Sighting]]]:
    """Return what was found on one side of a picture, the nearest first, and how many seconds away.

    Where nothing is near and pictures are sparse, that is the one that comes next.
    """
    gaps = sorted(((each.time - own.time).total_seconds() * side, number) for number, each in enumerate(around))
    beside = [(gap, number) for gap, number in gaps if gap > 0]
    near = [each for each in beside if each[0] <= AROUND.total_seconds()]
    next_ = [each for each in beside[:1] if each[0] <= _farthest(own, around)]
    found = [(gap, kind(around[number])) for gap, number in near or next_]
    return [(gap, [Sighting(gap * side, place) for place in places]) for gap, places in found]


def _farthest(own: Moment, around: Sequence[Moment]) -> float:
    """Say how many seconds away a picture may be that is still the next one: one is missing now and then."""
    times = sorted({own.time, *(each.time for each in around)})
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    return min(2.5 * median(gaps), SPARSE.total_seconds()) if gaps else 0


def _is_near(sightings: Sequence[tuple[float, object]]) -> bool:
    return bool(sightings) and sightings[0][0] <= AROUND.total_seconds()


def _lost(here: Sequence[Sighting], sightings: Sequence[tuple[float, Sequence[Sighting]]]) -> list[Sighting]:
    """Follow people away from a picture, and return those who turn up without having been in it."""
    last, lost = list(here), []
    for _, found in sightings:
        pairs = dict(_pairs(last, found))
        new = [each for number, each in enumerate(found) if number not in pairs.values()]
        last = [*(found[pairs[number]] if number in pairs else each for number, each in enumerate(last)), *new]
        lost += new
    return lost


def _pairs(ones: Sequence[Sighting], others: Sequence[Sighting]) -> list[tuple[int, int]]:
    """Say which sightings are one person's, nearest first, each once."""
    near = sorted(
        (far, one, other)
        for one, first in enumerate(ones)
        for other, second in enumerate(others)
        if (far := _far(first.place, second.place)) <= _REACH + _REACH_PER_SECOND * abs(first.seconds - second.seconds)
    )
    pairs: dict[int, int] = {}
    for _, one, other in near:
        if one not in pairs and other not in pairs.values():
            pairs[one] = other
    return list(pairs.items())


def _far(one: Region, other: Region) -> float:
    """Return how far apart two boxes are, in their own widths and heights; boxes of other sizes are farther."""
    (x, y), (there_x, there_y) = one.centre, other.centre
    width, height = max(min(one.width, other.width), 1e-6), max(min(one.height, other.height), 1e-6)
    larger = max(one.height, other.height) / height
    return abs(x - there_x) / width + abs(y - there_y) / height + (larger - 1)


def _between(before: Sighting, after: Sighting) -> Region:
    """Return where somebody is on the way from one place to another."""
    share = before.seconds / (before.seconds - after.seconds)
    return Region(*(one + share * (other - one) for one, other in zip(before.place, after.place, strict=True)))


def overlap(one: Region, other: Region) -> float:
    """Return the share of both that is common to both."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - shared
    return shared / union if union > 0 else 0.0


def _inside(part: Region, picture: Picture) -> Region:
    """Cut to the picture, in whole pixels."""
    height, width = picture.shape[:2]
    return Region(
        max(0, int(np.floor(part.left))),
        max(0, int(np.floor(part.top))),
        min(width, int(np.ceil(part.right))),
        min(height, int(np.ceil(part.bottom))),
    )
