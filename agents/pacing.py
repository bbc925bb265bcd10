"""How many of a camera's moving pictures have to be looked at: following at fewer has to say the same of who is who."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from models.detector import Detector, Look
from models.networks.letterbox import Picture
from pipeline.motion import standing, tracking
from pipeline.motion.geometry import spot
from pipeline.motion.tracking import Following, Sighting, Tracker
from schemas.detections import Detection, ObjectType
from schemas.estate import Camera, Profile

ALIKE: Final = 0.99
"""IDF1 of following at fewer pictures against following at all of them, from which on fewer will do: no truth is
needed for it. Every second of 5 pictures a second costs .03 to .05 of IDF1 to the truth over all pictures even where it
is .92 (a group that walks about) or .98 (drawn shops), since who comes and goes between two looks is seen for less long
(measured, 24 clips). So fewer are looked at only where hardly anything happens, or where a profile says so."""
SLOWEST: Final = 2.3
"""Pictures a second below which lines are not counted well."""
FEWEST: Final = 40
"""Boxes of people who are followed, from whom something can be learnt."""
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)

People = Sequence[Detection]
Tracks = dict[tuple[int, int], int]
"""Who is who: tracks by picture and place among its boxes."""


class Paced(NamedTuple):
    """What following every so-manyth picture came to."""

    every: int
    alike: float
    """Of its boxes and those of following at each picture, how many are one another's person (IDF1); whichever
    picture is the first, the least."""


def paced(
    pictures: Iterable[Picture], detector: Detector, profile: Profile, fps: float, camera: Camera | None = None
) -> list[Paced]:
    """Follow people at fewer pictures, and say how far that is what following at all of them says.

    Args:
        pictures: One after the other, `fps` a second, without gaps.
        detector: What finds people.
        profile: How it looks at them.
        fps: Pictures a second.
        camera: Whose they are, where that is known: it says who is followed, and what is a thing.

    Returns:
        One for each so-manyth picture that counts lines well; none where too few people are seen.
    """
    boxes: list[People] = []
    aspect = 1.0
    for picture in pictures:
        aspect = picture.shape[1] / picture.shape[0]
        # What moved is not said, so that of regions too the whole is looked at: who is outside of them is held anyway.
        found = detector.detect_all([Look(picture, profile)])[0].detections
        boxes.append([each for each in found if each.type is ObjectType.HUMAN and not _is_drawn(each, camera)])
    how = Tracker() if camera is None else Tracker(begins=camera.people_from)
    whole = _followed(boxes, range(len(boxes)), fps, aspect, how)
    if len(whole) < FEWEST:
        return []
    tried = []
    for every in range(2, int(fps / SLOWEST) + 1):
        chosen = [range(first, len(boxes), every) for first in range(every)]
        tried.append(
            Paced(every, min(_alike(whole, _followed(boxes, each, fps, aspect, how), each) for each in chosen))
        )
    return tried


def _is_drawn(person: Detection, camera: Camera | None) -> bool:
    """Say whether a manager has drawn a thing there."""
    things = () if camera is None else camera.not_people
    return any(person.bounding_box.overlap(each) >= standing.COVERS for each in things)


def enough(tried: Sequence[Paced]) -> int:
    """Return of how many pictures one will do: the most, of which this and all fewer say the same."""
    every = 1
    for each in tried:
        if each.alike < ALIKE:
            break
        every = each.every
    return every


def _followed(boxes: Sequence[People], chosen: Sequence[int], fps: float, aspect: float, how: Tracker) -> Tracks:
    following, found = Following(), {}
    for picture in chosen:
        sightings = [
            Sighting(spot(box.foot, aspect), box.width * aspect, box.height, each.likelihood)
            for each in boxes[picture]
            for box in (each.bounding_box,)
        ]
        time = _START + timedelta(seconds=picture / fps)
        following, seen = tracking.follow(following, sightings, time, how, wide=aspect)
        found.update({(picture, each.sighting): each.track.id for each in seen if each.track.known})
    return found


def _alike(whole: Tracks, fewer: Tracks, chosen: Sequence[int]) -> float:
    """Return the IDF1 of two followings of the same boxes (Ristani 2016)."""
    looked = set(chosen)
    there = {place: track for place, track in whole.items() if place[0] in looked}
    both = Counter((track, fewer[place]) for place, track in there.items() if place in fewer)
    most = max(both.values(), default=0)
    rows = sorted({track for track, _ in both})
    # What two tracks do not share is what it costs to take them for one.
    candidates = [[(other, most - count) for (track, other), count in both.items() if track == row] for row in rows]
    pairs = tracking.match(candidates, most)
    same = sum(both[rows[row], other] for row, other in pairs.items())
    return 2 * same / max(1, len(there) + len(fewer))
