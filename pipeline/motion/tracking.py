"""Following people at low frame rates.

At one to five frames a second boxes of one person no longer overlap, so this tracker looks at feet instead: how far
could the person have come, in body heights, since last seen? Two stages of likelihood as in ByteTrack (Zhang et al.,
ECCV 2022): sure boxes first, then what is left for people already followed. All times are event time; only sums,
products, quotients and square roots, so that every machine follows alike to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.motion.geometry import Spot, distance
from schemas.frozen import Frozen, UtcTime

Floats = NDArray[np.float64]

_NEVER = 1e9


class Sighting(NamedTuple):
    """A person's box in picture heights: the foot (bottom centre), size, and how likely it is a person."""

    foot: Spot
    width: float
    height: float
    likelihood: float


class Tracker(Frozen):
    """How people are followed. Speeds and distances are in body heights."""

    sure: float = 0.5
    """A box from this likelihood up may begin a track."""
    unsure: float = 0.2
    """A box from this likelihood up may continue one."""
    hits: int = 2
    """So many sightings make a track a person."""
    reach: float = 0.35
    """How far a foot may jump in no time: the jitter of boxes."""
    fastest: float = 1.6
    """Body heights a second; about 2.7 m/s."""
    steadiest: float = 0.3
    keeps: timedelta = timedelta(seconds=2)
    """How long someone who is not seen is waited for."""
    keeps_new: timedelta = timedelta(seconds=1.2)
    foresees: timedelta = timedelta(seconds=1)
    """How far ahead a speed is believed."""
    settles: timedelta = timedelta(seconds=0.25)
    """How quickly speed and doubt follow what is seen."""
    stretch: float = 1.65
    """A body is at most so many times taller or shorter than when last seen."""
    covered: float = 0.7
    """A box that so much of a followed one covers, or the other way round, is no further person."""


@dataclass(frozen=True, slots=True)
class Track:
    """One person while in view. `id` is 0 until the person has been seen often enough; it is never given twice."""

    id: int
    born: UtcTime
    seen: UtcTime
    hits: int
    missed: int
    """Frames since, without a sighting."""
    foot: Spot
    width: float
    height: float
    speed: Spot
    """Picture heights a second, to the right and down."""
    doubt: float
    """How far off the last guesses were, in body heights a second."""

    @property
    def known(self) -> bool:
        return self.id > 0


@dataclass(frozen=True, slots=True)
class Following:
    """Everyone who is followed at one camera in one epoch."""

    tracks: tuple[Track, ...] = ()
    next_id: int = 1


class Seen(NamedTuple):
    """A followed person in the present frame, and which of the sightings it is."""

    track: Track
    sighting: int


def follow(
    following: Following, sightings: Sequence[Sighting], time: datetime, how: Tracker
) -> tuple[Following, tuple[Seen, ...]]:
    """Take one frame in. Frames come in order of time.

    Returns:
        The people followed from here on, and those among them who are known and seen in this frame.
    """
    waited_for = [track for track in following.tracks if time - track.seen <= _patience(track, how)]
    pairs = _pair(waited_for, sightings, time, how)
    tracks: list[Track] = []
    seen: list[Seen] = []
    next_id = following.next_id
    for index, track in enumerate(waited_for):
        if index not in pairs:
            tracks.append(replace(track, missed=track.missed + 1))
            continue
        moved = _seen_again(track, sightings[pairs[index]], time, how)
        if not moved.known and moved.hits >= how.hits:
            moved, next_id = replace(moved, id=next_id), next_id + 1
        tracks.append(moved)
        seen.extend([Seen(moved, pairs[index])] if moved.known else [])
    for index in _strangers(sightings, set(pairs.values()), how):
        track = _begin(sightings[index], time, how)
        if how.hits <= 1:
            track, next_id = replace(track, id=next_id), next_id + 1
            seen.append(Seen(track, index))
        tracks.append(track)
    return Following(tuple(tracks), next_id), tuple(seen)


def hold(following: Following, time: datetime) -> tuple[Following, tuple[Track, ...]]:
    """Nothing has moved since the newest frame until `time`: whoever is seen in that is there, standing.

    Who is not has left, or is missed by the detector: devices send the frame in which somebody left and none after it.
    Measured, at 2 and 5 frames a second: people are counted as without stills, on drawn scenes and on labelled clips.

    Returns:
        The people followed from here on, and those among them who stand.
    """
    standing = {
        index: replace(track, seen=time, speed=Spot(0.0, 0.0))
        for index, track in enumerate(following.tracks)
        if not track.missed
    }
    tracks = tuple(standing.get(index, track) for index, track in enumerate(following.tracks))
    return replace(following, tracks=tracks), tuple(standing.values())


def _patience(track: Track, how: Tracker) -> timedelta:
    return how.keeps if track.known else how.keeps_new


def _pair(tracks: Sequence[Track], sightings: Sequence[Sighting], time: datetime, how: Tracker) -> dict[int, int]:
    """Which track is which sighting."""
    sure = [index for index, each in enumerate(sightings) if each.likelihood >= how.sure]
    unsure = [index for index, each in enumerate(sightings) if how.unsure <= each.likelihood < how.sure]
    known = [index for index, track in enumerate(tracks) if track.known]
    new = [index for index, track in enumerate(tracks) if not track.known]
    pairs: dict[int, int] = {}
    for some_tracks, some_sightings in ((known, sure), (known, unsure), (new, sure)):
        rows = [index for index in some_tracks if index not in pairs]
        columns = [index for index in some_sightings if index not in pairs.values()]
        costs = _costs([tracks[row] for row in rows], [sightings[column] for column in columns], time, how)
        pairs |= {rows[row]: columns[column] for row, column in greedy(costs)}
    return pairs


def greedy(costs: Floats) -> list[tuple[int, int]]:
    """Pair rows with columns, cheapest first.

    In crowds at low rates better than the best total, which gives one good pair away for two bad ones.
    """
    rows, columns = np.nonzero(costs < _NEVER)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for place in np.argsort(costs[rows, columns], kind="stable").tolist():
        row, column = int(rows[place]), int(columns[place])
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return sorted(pairs.items())


def _costs(tracks: Sequence[Track], sightings: Sequence[Sighting], time: datetime, how: Tracker) -> Floats:
    """Shape (tracks, sightings); `_NEVER` where one cannot be the other."""
    if not tracks or not sightings:
        return np.zeros((len(tracks), len(sightings)))
    waited = np.array([(time - track.seen).total_seconds() for track in tracks])
    guess = np.array([_guess(track, time, how) for track in tracks])
    here = np.array([(*each.foot, each.width, each.height) for each in sightings])
    dx = guess[:, None, 0] - here[None, :, 0]
    dy = guess[:, None, 1] - here[None, :, 1]
    bodies = (guess[:, None, 3] + here[None, :, 3]) / 2
    reach = how.reach + np.minimum(how.fastest, np.array([track.doubt for track in tracks]) + how.reach) * waited
    far = np.sqrt(dx * dx + dy * dy) / bodies / reach[:, None]
    taller = np.maximum(guess[:, None, 3], here[None, :, 3]) / np.minimum(guess[:, None, 3], here[None, :, 3])
    cost = 0.5 * far + 0.5 * (1 - overlap(guess, here)) + 0.5 * (taller - 1)
    return np.where((far > 1) | (taller > how.stretch), _NEVER, cost)


def _guess(track: Track, time: datetime, how: Tracker) -> tuple[float, float, float, float]:
    ahead = min(time - track.seen, how.foresees).total_seconds()
    foot, speed = track.foot, track.speed
    return foot.x + speed.x * ahead, foot.y + speed.y * ahead, track.width, track.height


def shared(a: Floats, b: Floats) -> Floats:
    """The area that boxes (x of foot, y of foot, width, height) of `a` share with those of `b`."""
    right = np.minimum(a[:, None, 0] + a[:, None, 2] / 2, b[None, :, 0] + b[None, :, 2] / 2)
    left = np.maximum(a[:, None, 0] - a[:, None, 2] / 2, b[None, :, 0] - b[None, :, 2] / 2)
    bottom = np.minimum(a[:, None, 1], b[None, :, 1])
    top = np.maximum(a[:, None, 1] - a[:, None, 3], b[None, :, 1] - b[None, :, 3])
    area: Floats = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    return area


def overlap(a: Floats, b: Floats) -> Floats:
    """Intersection over union."""
    common = shared(a, b)
    union: Floats = (a[:, 2] * a[:, 3])[:, None] + (b[:, 2] * b[:, 3])[None, :] - common
    return common / union


def _strangers(sightings: Sequence[Sighting], taken: set[int], how: Tracker) -> list[int]:
    """Sure sightings that are nobody's, and not a part of somebody who is already followed."""
    left = [index for index, each in enumerate(sightings) if index not in taken and each.likelihood >= how.sure]
    if not left or not taken:
        return left
    boxes = np.array([(*each.foot, each.width, each.height) for each in sightings])
    areas = boxes[:, 2] * boxes[:, 3]
    common = shared(boxes, boxes) / np.minimum(areas[:, None], areas[None, :])
    return [index for index in left if not any(common[index, other] > how.covered for other in taken)]


def _begin(sighting: Sighting, time: datetime, how: Tracker) -> Track:
    return Track(
        id=0,
        born=time,
        seen=time,
        hits=1,
        missed=0,
        foot=sighting.foot,
        width=sighting.width,
        height=sighting.height,
        speed=Spot(0.0, 0.0),
        doubt=how.fastest,
    )


def _seen_again(track: Track, sighting: Sighting, time: datetime, how: Tracker) -> Track:
    passed = max((time - track.seen).total_seconds(), 0.02)
    quick = passed / (passed + how.settles.total_seconds())
    foot = sighting.foot
    measured = Spot((foot.x - track.foot.x) / passed, (foot.y - track.foot.y) / passed)
    speed = measured if track.hits == 1 else _mixed(track.speed, measured, quick)
    guessed = Spot(track.foot.x + track.speed.x * passed, track.foot.y + track.speed.y * passed)
    error = min(how.fastest, distance(foot, guessed) / sighting.height / passed)
    return replace(
        track,
        seen=time,
        hits=track.hits + 1,
        missed=0,
        foot=foot,
        width=(track.width + sighting.width) / 2,
        height=(track.height + sighting.height) / 2,
        speed=speed,
        doubt=max(how.steadiest, track.doubt + quick * (error - track.doubt)),
    )


def _mixed(old: Spot, new: Spot, share: float) -> Spot:
    return Spot(old.x + share * (new.x - old.x), old.y + share * (new.y - old.y))
