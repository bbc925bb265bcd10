"""Boxes that never move: what looks like somebody for half an hour from one place is rather a thing.

On two cameras of real shops such things made most of the false boxes (one road cone 52 of 78; a mannequin and a clothes
rail 130 of 134). People who stand do not stand like that: from one look to the next their boxes stray. Whoever does is
set aside too; so nothing is set aside in silence, and a manager's refusal lasts.

Samples are some seconds apart, so that whoever walks past is gone by the next one. All times are event time; only sums,
products and quotients, so that every machine learns alike to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from pipeline.motion.regions import Sides, looked_at
from schemas.frozen import UtcTime
from schemas.geometry import Box

EVERY: Final = timedelta(seconds=5)
"""Between samples."""
ENOUGH: Final = timedelta(minutes=30)
"""What has stood for so long is set aside."""
SHARE: Final = 0.6
"""… if it was seen in so many of the samples: detectors see a thing now and then."""
STILL: Final = 0.03
"""… and the sides of its box strayed by no more of its height (standard deviation). A thing's box jitters by .01."""
SAME: Final = 0.75
"""From this overlap on two boxes may be of one thing."""
COVERS: Final = 0.6
"""From this overlap on a box is of a thing that is known: somebody beside it shares less."""
GONE: Final = timedelta(minutes=10)
"""What is set aside and not seen for so long is not there any more."""
MOST: Final = 32
_SLOWEST: Final = 0.02
"""Of a sample's weight in the mean: what stands for hours may be moved a little."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A box that was seen in one place again and again."""

    box: Sides
    """The mean of its sides: left, top, right, bottom."""
    since: UtcTime
    looks: int
    """Samples since it was first seen, …"""
    seen: int
    """… those in which it was seen, …"""
    missed: int
    """… and the last ones, in which it was not."""
    strays: float
    """The mean of the squares of how far the sides were off, in its heights."""
    aside: UtcTime | None = None
    """Since when it is set aside."""

    def as_box(self) -> Box:
        left, top, right, bottom = self.box
        return Box(left=left, top=top, right=right, bottom=bottom)


@dataclass(frozen=True, slots=True)
class Standings:
    """What stands in front of one camera."""

    time: UtcTime | None = None
    """Of the newest sample."""
    all: tuple[Standing, ...] = ()
    told: UtcTime | None = None
    """When was last told of what is set aside; None: nothing was, or it is known to be gone."""
    count: int = 0
    """How many things were told of then."""

    @property
    def aside(self) -> tuple[Standing, ...]:
        return tuple(each for each in self.all if each.aside is not None)


def look(
    before: Standings, boxes: Sequence[Box], time: UtcTime, people: Sequence[Box], regions: Sequence[Box] = ()
) -> Standings:
    """Take a picture's boxes in, if the next sample is due.

    Args:
        before: What stood there until now.
        boxes: All that may be people.
        time: When the picture was taken; pictures come in order of time.
        people: Where a manager has said that whoever stands there is a person.
        regions: Where was looked, if not everywhere: elsewhere nothing has moved since the picture before.
    """
    if before.time is not None and time - before.time < EVERY:
        return before
    left = list(boxes)
    found: list[Standing] = []
    for each in before.all:
        seen = _nearest(each, left)
        if seen is None and not looked_at(each.box, regions):
            found.append(_held(each, 1))
        else:
            found.append(_sampled(each, None if seen is None else left.pop(seen)))
    known = [each.as_box() for each in found]
    new = [each for each in left if not any(each.overlap(other) >= COVERS for other in known)]
    found += [Standing((box.left, box.top, box.right, box.bottom), time, 1, 1, 0, 0.0) for box in new]
    return _judged(before, found, time, people)


def hold(before: Standings, time: UtcTime, people: Sequence[Box]) -> Standings:
    """Nothing has moved since the newest picture until `time`: what stood there then still does."""
    passed = 0 if before.time is None else (time - before.time) // EVERY
    if before.time is None or passed < 1:
        return before
    return _judged(before, [_held(each, passed) for each in before.all], time, people)


def is_aside(box: Box, standings: Standings) -> bool:
    """Say whether a box is of something that is set aside."""
    return any(box.overlap(each.as_box()) >= COVERS for each in standings.aside)


def _nearest(standing: Standing, boxes: Sequence[Box]) -> int | None:
    there = standing.as_box()
    overlaps = [each.overlap(there) for each in boxes]
    best = max(overlaps, default=0.0)
    return overlaps.index(best) if best >= SAME else None


def _held(standing: Standing, samples: int) -> Standing:
    """Nothing has moved for so many samples: what was seen in the one before is there, what was not is not."""
    looks = standing.looks + samples
    if standing.missed:
        return replace(standing, looks=looks, missed=standing.missed + samples)
    return replace(standing, looks=looks, seen=standing.seen + samples)


def _sampled(standing: Standing, box: Box | None) -> Standing:
    if box is None:
        return replace(standing, looks=standing.looks + 1, missed=standing.missed + 1)
    weight = max(_SLOWEST, 1 / (standing.seen + 1))
    off = [now - mean for now, mean in zip((box.left, box.top, box.right, box.bottom), standing.box, strict=True)]
    left, top, right, bottom = (mean + weight * each for mean, each in zip(standing.box, off, strict=True))
    square = sum(each * each for each in off) / 4 / (box.height * box.height)
    return replace(
        standing,
        box=(left, top, right, bottom),
        looks=standing.looks + 1,
        seen=standing.seen + 1,
        missed=0,
        strays=standing.strays + weight * (square - standing.strays),
    )


def _judged(before: Standings, found: Sequence[Standing], time: UtcTime, people: Sequence[Box]) -> Standings:
    """Set aside what has stood for long enough, and let go of what is no longer there."""
    kept = [each for each in found if _stays(each, people)]
    # What has been seen most is nearest to being known.
    kept = sorted(kept, key=lambda each: each.seen, reverse=True)[:MOST]
    judged = tuple(replace(each, aside=time) if _is_thing(each, time) else each for each in kept)
    return replace(before, time=time, all=judged)


def _stays(standing: Standing, people: Sequence[Box]) -> bool:
    if any(standing.as_box().overlap(each) >= COVERS for each in people):
        return False
    if standing.aside is not None:
        return standing.missed < GONE // EVERY
    return 2 * standing.seen >= standing.looks


def _is_thing(standing: Standing, time: UtcTime) -> bool:
    if standing.aside is not None or time - standing.since < ENOUGH:
        return False
    often = standing.seen >= SHARE * max(standing.looks, ENOUGH // EVERY)
    return often and standing.strays <= STILL * STILL
