"""Following people at low frame rates.

At one to five frames a second boxes of one person no longer overlap, so this tracker looks at feet instead: how far,
in body heights, are they from where the person was going? That is weighed by how well the person's way is known, and
all people are matched together at the least cost (Kuhn 1955), where leaving somebody unmatched has a cost, too. A step
towards the camera looks shorter than one across; how much shorter is learnt from how people's heights grow down the
picture. Unlikely boxes are matched along with the others, begin nobody, and the unlikeliest only hold whoever is known
where they were foreseen (a narrow form of ByteTrack's second stage, Zhang et al., ECCV 2022). All times are event time;
only sums, products, quotients and square roots, so that every machine follows alike to the last bit.
"""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.motion.geometry import Spot, distance
from schemas.frozen import Frozen, UtcTime

_LEAST_APART = 0.02
"""Seconds: no speed is measured over less."""

_TELLS = 4
"""Sightings that say where somebody goes."""

_CALM = timedelta(seconds=10)
"""Nobody is left without a look for longer while nothing moves: devices send a reference frame by then."""

_USUAL_SLOPE = 0.3
"""How much taller people are for each further down the picture, before any was seen; and of how much it is worth, in
squares of picture heights."""
_PRIOR = 0.1
_BOXES_KEPT = 4000.0
"""Of so many boxes half are forgotten: a camera may be turned."""


class Sighting(NamedTuple):
    """A person's box in picture heights: the foot (bottom centre), size, and how likely it is a person."""

    foot: Spot
    width: float
    height: float
    likelihood: float


class Tracker(Frozen):
    """How people are followed. Speeds and distances are in body heights.

    Searched on simulated detections of UCY, ETH and drawn ways, 1 to 7 frames a second, seeds from 100 up.
    """

    begins: float = 0.5
    """A box from this likelihood up may begin a track."""
    continues: float = 0.4
    """A box from this likelihood up may continue one. Below, they are mostly nobody (.1 to .4 of them are people), …"""
    holds: float = 0.2
    """… and from this up only show that somebody seen `held_after` times is still where they were foreseen to be, …"""
    held_after: int = 3
    held_within: float = 0.25
    """… within so many body heights, …"""
    held_stretch: float = 1.2
    """… no more than so many times taller or shorter, …"""
    unlikely: float = 0.8
    """… and that costs this besides."""
    hits: int = 2
    """So many sightings make a track a person: only then is it counted, visits and raises alerts."""
    reach: float = 0.15
    """How far a foot may jump in no time: the jitter of boxes."""
    strays: float = 0.15
    """How much faster than it was doubted somebody may stray from the foreseen way."""
    fastest: float = 1.8
    """Body heights a second; about 2.7 m/s."""
    steadiest: float = 0.15
    keeps: timedelta = timedelta(seconds=3)
    """How long someone who is not seen is waited for."""
    keeps_hidden: timedelta = timedelta(seconds=4)
    """… who has somebody nearer in front."""
    keeps_new: timedelta = timedelta(seconds=1.5)
    """… who was seen too seldom to be a person."""
    foresees: timedelta = timedelta(seconds=4)
    """How far ahead a speed is believed."""
    settles: timedelta = timedelta(seconds=0.25)
    """How quickly speed and doubt follow what is seen."""
    stretch: float = 1.65
    """A body is at most so many times taller or shorter than when last seen."""
    cut: float = 0.75
    """A box lower than this, beside what somebody's was, is cut short: their feet are where they would be below it."""
    covered: float = 0.8
    """A box that so much of a followed one covers, or the other way round, is no further person."""
    hidden: float = 0.3
    """Somebody of whom so much is behind a nearer box is hidden."""
    far: float = 2.0
    """What being off the foreseen place costs, …"""
    far_once: float = 0.6
    """… so many times that for whoever was seen once, who may stand or walk either way, …"""
    tall: float = 0.5
    """… another height, …"""
    tall_once: float = 3.0
    """… so many times that for whoever was seen once: it is all that is known of them, …"""
    waiting: float = 0.3
    """… each second out of sight, …"""
    unmatched: float = 1.55
    """… and to be matched with nothing, …"""
    unmatched_slow: float = 0.85
    """… more by this for a second between frames, with its square."""
    enters: float = 0.8
    """What it costs besides to take a box at a side of the picture for whoever was seen once: others come in there …"""
    border: float = 1.0
    """… up to so many body heights from it for each second between frames."""
    alone: float = 0.5
    """Whoever set off, stopped or turned all at once is known again where so many body heights around are empty."""
    trusts: float = 0.8
    """How much of a step between where feet were foreseen and where they are seen is believed."""
    follows_others: int = 5
    """After so many people from one part of the picture, the next one from there is foreseen to go as they did."""
    focal: float = 0.7
    """The lens's focal length in picture heights, rather too short: steps are then taken for less foreshortened."""
    shortest: float = 3.0
    """A step towards the camera is taken to look at most so many times shorter than one across."""
    steady: float = 0.5
    """Whose guesses were no further off than this, in body heights a second, is one who tells where people go."""
    remembers: int = 20
    """People of whom the mean way is taken."""


@dataclass(frozen=True, slots=True)
class Track:
    """Somebody in view, or what was once taken for somebody. `id` is never given twice."""

    id: int
    known: bool
    """Seen often enough to be a person."""
    born: UtcTime
    seen: UtcTime
    hits: int
    missed: int
    """Frames since, without a sighting."""
    hidden: bool
    """Behind somebody nearer, when last not seen."""
    foot: Spot
    width: float
    height: float
    speed: Spot
    """Picture heights a second, to the right and down."""
    doubt: float
    """How far off the last guesses were, in body heights a second."""
    place: Spot
    """Where the feet are believed to be: between where they were seen and where they were foreseen."""
    began: Spot
    """Where the feet were first seen."""
    calm: timedelta | None = None
    """For how long nothing has moved since something did that nobody looked at; None: nothing has, or not since."""

    @property
    def unlooked(self) -> bool:
        """Whether nobody has looked since they may have gone."""
        return self.calm is not None and not self.missed

    def gone(self, time: datetime) -> timedelta:
        """How long they may have been going on, out of sight."""
        return time - self.seen - (self.calm or timedelta(0))


@dataclass(frozen=True, slots=True)
class Way:
    """How people go who begin in one part of the picture: the mean of the last ones, in body heights a second."""

    cell: int
    people: int
    speed: Spot


@dataclass(frozen=True, slots=True)
class Perspective:
    """How much taller people are towards the lower side of the picture: a running regression of height on foot row."""

    boxes: float = 0.0
    row: float = 0.0
    """The mean foot, in picture heights from above, …"""
    height: float = 0.0
    """… and the mean height."""
    rows: float = 0.0
    """Sum of squares of feet about their mean, …"""
    both: float = 0.0
    """… and of their products with heights."""

    @property
    def slope(self) -> float:
        """How much taller, for each further down; 1.7 m by the camera's height over the floor.

        That of a camera 5.7 m high until enough was seen.
        """
        return (self.both + _PRIOR * _USUAL_SLOPE) / (self.rows + _PRIOR)


@dataclass(frozen=True, slots=True)
class Following:
    """Everyone who is followed at one camera in one epoch."""

    tracks: tuple[Track, ...] = ()
    next_id: int = 1
    people: int = 0
    """How many tracks have become known so far."""
    ways: tuple[Way, ...] = ()
    """By cell; nobody's in particular."""
    perspective: Perspective = Perspective()


class Seen(NamedTuple):
    """A followed track in the present frame, and which of the sightings it is."""

    track: Track
    sighting: int


def follow(
    following: Following, sightings: Sequence[Sighting], time: datetime, how: Tracker, *, wide: float
) -> tuple[Following, tuple[Seen, ...]]:
    """Take one frame in. Frames come in order of time.

    Args:
        following: Who was followed until now.
        sightings: The boxes that may be people.
        time: When the frame was taken.
        how: How people are followed.
        wide: The picture's width in picture heights.

    Returns:
        Who is followed from here on, and who of them is seen in this frame; the new ones too, who may be nobody.
    """
    waited_for = [track for track in following.tracks if _is_awaited(track, time, how)]
    guesses = [_guess(track, time, how) for track in waited_for]
    slope = following.perspective.slope
    candidates = [
        _candidates(track, guess, sightings, time, how, slope=slope)
        for track, guess in zip(waited_for, guesses, strict=True)
    ]
    # The longer between frames, the more may happen, and the more a doubtful pair is worth.
    pause = min((track.gone(time).total_seconds() for track in waited_for), default=0.0)
    # People who walk behind one another stand where the one in front just was: only who comes in tells them apart.
    dear = {index for index, each in enumerate(sightings) if _is_at_border(each, wide, how.border * pause)}
    candidates = [
        [(index, cost + how.enters if index in dear and track.hits == 1 else cost) for index, cost in each]
        for track, each in zip(waited_for, candidates, strict=True)
    ]
    pairs = match(candidates, how.unmatched + how.unmatched_slow * pause * pause)
    pairs |= _alone(waited_for, sightings, pairs, time, how)
    tracks: list[Track] = []
    seen: list[Seen] = []
    for index, track in enumerate(waited_for):
        sighting = pairs.get(index)
        if sighting is None:
            hidden = _behind(guesses[index], track, sightings, how)
            tracks.append(replace(track, missed=track.missed + 1, hidden=hidden))
            continue
        moved = _seen_again(track, sightings[sighting], time, how)
        tracks.append(moved)
        seen.append(Seen(moved, sighting))
    strangers = _strangers(sightings, set(pairs.values()), how)
    begun = [
        Seen(_begin(id_, sightings[index], following.ways, time, how), index)
        for id_, index in enumerate(strangers, start=following.next_id)
    ]
    people = sum(each.track.known and each.track.hits == how.hits for each in (*seen, *begun))
    after = Following(
        tracks=(*tracks, *(each.track for each in begun)),
        next_id=following.next_id + len(begun),
        people=following.people + people,
        ways=_learnt(following.ways, [each.track for each in seen], how),
        perspective=_foreshortening(following.perspective, [sightings[each.sighting] for each in seen], how),
    )
    return after, (*seen, *begun)


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
        if not track.missed and track.calm is None and track.seen < time
    }
    tracks = tuple(standing.get(index, track) for index, track in enumerate(following.tracks))
    return replace(following, tracks=tracks), tuple(each for each in standing.values() if each.known)


def wait(following: Following, since: datetime, time: datetime) -> Following:
    """Nothing has moved from `since` to `time`, but something had before that nobody looked at.

    Whoever is not known to be there may have gone in it, or stands there: the next look says which. Until then nobody
    goes on, and nobody is missed.
    """
    tracks = tuple(
        track
        if track.missed or track.seen >= time
        else replace(track, calm=(track.calm or timedelta(0)) + max(time - since, timedelta(0)))
        for track in following.tracks
    )
    return replace(following, tracks=tracks)


def unmissed(following: Following, before: Following, elsewhere: AbstractSet[int], time: datetime) -> Following:
    """Whoever was `elsewhere` than was looked at `time`, and is not seen all the same, is followed as before."""
    was = {track.id: track for track in before.tracks if track.id in elsewhere}
    tracks = tuple(was.get(track.id, track) if track.seen < time else track for track in following.tracks)
    return replace(following, tracks=tracks)


def away(following: Following) -> set[int]:
    """Return the ids of those who are out of sight, or whom nobody has looked for."""
    return {track.id for track in following.tracks if track.missed or track.unlooked}


def awaited(following: Following, time: datetime, how: Tracker) -> set[int]:
    """Return the ids of those who are out of sight and are still waited for at `time`."""
    return {track.id for track in following.tracks if track.seen < time and _is_awaited(track, time, how)}


def _is_awaited(track: Track, time: datetime, how: Tracker) -> bool:
    if track.unlooked:
        return time - track.seen <= _CALM + _patience(track, how)
    return track.gone(time) <= _patience(track, how)


def _patience(track: Track, how: Tracker) -> timedelta:
    if not track.known:
        return how.keeps_new
    return how.keeps_hidden if track.hidden else how.keeps


def _guess(track: Track, time: datetime, how: Tracker) -> Spot:
    ahead = min(track.gone(time), how.foresees).total_seconds()
    return Spot(track.place.x + track.speed.x * ahead, track.place.y + track.speed.y * ahead)


def _is_at_border(sighting: Sighting, wide: float, width: float) -> bool:
    """Say whether somebody may just have come in from a side of the picture; `width` in body heights."""
    half = sighting.width / 2
    return min(sighting.foot.x - half, wide - sighting.foot.x - half) <= width * sighting.height


def _candidates(
    track: Track, guess: Spot, sightings: Sequence[Sighting], time: datetime, how: Tracker, *, slope: float
) -> list[tuple[int, float]]:
    """Which sightings a track could be, and at what cost."""
    waited = track.gone(time).total_seconds()
    strays = min(how.fastest, track.doubt + how.strays) * waited
    reach = how.reach + strays
    once = track.hits == 1
    # To the power of three quarters: between a plain distance and one in shares of the reach; better than both.
    scale = how.far * (how.far_once if once else 1.0) / math.sqrt(reach * math.sqrt(reach))
    tall = how.tall * (how.tall_once if once else 1.0)
    least = how.holds if track.hits >= how.held_after else how.continues
    widest = reach * track.height * (1 + how.stretch) / 2
    found: list[tuple[int, float]] = []
    for index, each in enumerate(sightings):
        across = guess.x - each.foot.x
        if abs(across) > widest or each.likelihood < least:
            continue
        unlikely = each.likelihood < how.continues
        height, down = (track.height + each.height) / 2, guess.y - each.foot.y
        far = math.sqrt(across * across + down * down) / height
        taller = max(track.height, each.height) / min(track.height, each.height)
        if far > (how.held_within if unlikely else reach) or taller > (how.held_stretch if unlikely else how.stretch):
            continue
        # Boxes jitter up and down as they do sideways; only what somebody may have walked is foreshortened. Of equal
        # area, so that a step costs the same on average whichever way people go.
        shorter = reach / (how.reach + strays / min(how.shortest, max(1.0, how.focal * slope / height)))
        far = math.sqrt((across * across + down * down * shorter * shorter) / shorter) / height
        cost = scale * far + tall * (taller - 1) + how.waiting * waited
        found.append((index, cost + how.unlikely if unlikely else cost))
    return found


def _alone(
    tracks: Sequence[Track], sightings: Sequence[Sighting], pairs: Mapping[int, int], time: datetime, how: Tracker
) -> dict[int, int]:
    """Pair who set off, stopped or turned all at once, where nobody else is near who could be meant."""
    taken = set(pairs.values())
    likely = [index for index, each in enumerate(sightings) if each.likelihood >= how.begins]
    left = [index for index in likely if index not in taken]
    lost = [row for row, track in enumerate(tracks) if row not in pairs and not track.missed] if left else []
    found: dict[int, int] = {}
    for row in lost:
        track = tracks[row]
        reach = (how.reach + how.fastest * track.gone(time).total_seconds()) * track.height
        around = reach + how.alone * track.height
        near = [index for index in likely if distance(track.foot, sightings[index].foot) <= around]
        if len(near) != 1 or near[0] not in left:
            continue
        sighting = sightings[near[0]]
        others = (each for place, each in enumerate(tracks) if place != row and not each.missed)
        alone = not any(distance(each.foot, sighting.foot) <= around for each in others)
        taller = max(track.height, sighting.height) / min(track.height, sighting.height)
        if alone and taller <= how.stretch and distance(track.foot, sighting.foot) <= reach:
            found[row] = near[0]
    return found


class _Prices(NamedTuple):
    """What rows and columns cost so far: no pair is cheaper than both together (the dual problem)."""

    rows: list[float]
    columns: dict[int, float]


class _Path(NamedTuple):
    """Who has to give way so that one more row is matched."""

    row: int
    column: int | None
    """Where the path ends: a column that was free, or none, where the row gives its own up."""
    came: dict[int, int]
    """From which row each column was reached."""


def match(candidates: Sequence[Sequence[tuple[int, float]]], unmatched: float) -> dict[int, int]:
    """Pair rows with columns so that all costs together are least; a row that goes without costs `unmatched`.

    Shortest augmenting paths (Jonker and Volgenant 1987) over the few pairs that can be, so that there is no matrix.

    Args:
        candidates: For each row, columns it may have and what that costs; never less than 0.
        unmatched: A pair that costs more is none.
    """
    prices = _Prices([0.0] * len(candidates), {})
    row_of: dict[int, int] = {}
    column_of: dict[int, int] = {}
    for start in range(len(candidates)):
        path = _shortest(start, candidates, unmatched, prices, row_of)
        _exchange(path, start, row_of, column_of)
    return column_of


def _shortest(
    start: int,
    candidates: Sequence[Sequence[tuple[int, float]]],
    unmatched: float,
    prices: _Prices,
    row_of: dict[int, int],
) -> _Path:
    """Find the cheapest way to match one more row, and set prices by it."""
    near: dict[int, float] = {}
    came: dict[int, int] = {}
    done: dict[int, float] = {}
    rows = {start: 0.0}
    row, length = start, 0.0
    gives_up, without = start, math.inf
    while True:
        if length + unmatched - prices.rows[row] < without:
            gives_up, without = row, length + unmatched - prices.rows[row]
        for column, cost in candidates[row]:
            whole = length + cost - prices.rows[row] - prices.columns.get(column, 0.0)
            if column not in done and whole < near.get(column, math.inf):
                near[column], came[column] = whole, row
        length, nearest = min(((whole, column) for column, whole in near.items()), default=(math.inf, -1))
        if without <= length:
            length, path = without, _Path(gives_up, None, came)
            break
        done[nearest] = near.pop(nearest)
        if nearest not in row_of:
            path = _Path(came[nearest], nearest, came)
            break
        row = row_of[nearest]
        rows[row] = length
    for each, reached in rows.items():
        prices.rows[each] += length - reached
    for column, reached in done.items():
        prices.columns[column] = prices.columns.get(column, 0.0) - (length - reached)
    return path


def _exchange(path: _Path, start: int, row_of: dict[int, int], column_of: dict[int, int]) -> None:
    """Let everybody along a path take the column of the next."""
    row, column = path.row, path.column
    if column is None:
        column = column_of.pop(row, None)
        if column is None:
            return
        row = path.came[column]
    while True:
        before = column_of.get(row)
        column_of[row], row_of[column] = column, row
        if row == start or before is None:
            return
        column, row = before, path.came[before]


def shared(a: Sighting, b: Sighting) -> float:
    """The area that two boxes share."""
    wide = min(a.foot.x + a.width / 2, b.foot.x + b.width / 2) - max(a.foot.x - a.width / 2, b.foot.x - b.width / 2)
    high = min(a.foot.y, b.foot.y) - max(a.foot.y - a.height, b.foot.y - b.height)
    return wide * high if wide > 0 and high > 0 else 0.0


def _behind(guess: Spot, track: Track, sightings: Sequence[Sighting], how: Tracker) -> bool:
    there = Sighting(guess, track.width, track.height, 0.0)
    least = how.hidden * track.width * track.height
    lowest = guess.y - 0.1 * track.height
    return any(each.foot.y > lowest and shared(each, there) > least for each in sightings)


def _strangers(sightings: Sequence[Sighting], taken: set[int], how: Tracker) -> list[int]:
    """Likely sightings that are nobody's, and not a part of somebody who is already followed."""
    left = [index for index, each in enumerate(sightings) if index not in taken and each.likelihood >= how.begins]
    others = [sightings[index] for index in taken]
    return [index for index in left if not any(_covers(sightings[index], other, how.covered) for other in others)]


def _covers(a: Sighting, b: Sighting, share: float) -> bool:
    return shared(a, b) > share * min(a.width * a.height, b.width * b.height)


def _cell(place: Spot) -> int:
    """Which part of the picture, in quarters of its height."""
    return max(0, min(3, int(place.y * 4))) * 16 + max(0, min(15, int(place.x * 4)))


def _learnt(ways: tuple[Way, ...], seen: Sequence[Track], how: Tracker) -> tuple[Way, ...]:
    """Take note of where those went who have just been seen often enough to say."""
    for track in seen:
        if track.hits != _TELLS or track.doubt > how.steady:
            continue
        cell, scale = _cell(track.began), 1 / ((track.seen - track.born).total_seconds() * track.height)
        speed = Spot((track.foot.x - track.began.x) * scale, (track.foot.y - track.began.y) * scale)
        before = next((each for each in ways if each.cell == cell), Way(cell, 0, speed))
        people = min(before.people + 1, how.remembers)
        now = Way(cell, people, _mixed(before.speed, speed, 1 / people))
        ways = (*(each for each in ways if each.cell != cell), now)
    return ways


def _foreshortening(before: Perspective, seen: Sequence[Sighting], how: Tracker) -> Perspective:
    """Take note of how tall people are who stand where they do (Welford 1962, for a regression)."""
    boxes, row, height, rows, both = before.boxes, before.row, before.height, before.rows, before.both
    for each in seen:
        if each.likelihood < how.begins:
            continue
        if boxes >= _BOXES_KEPT:
            boxes, rows, both = boxes / 2, rows / 2, both / 2
        boxes += 1
        off = each.foot.y - row
        row += off / boxes
        height += (each.height - height) / boxes
        rows += off * (each.foot.y - row)
        both += off * (each.height - height)
    return Perspective(boxes, row, height, rows, both)


def _begin(id_: int, sighting: Sighting, ways: Sequence[Way], time: datetime, how: Tracker) -> Track:
    cell = _cell(sighting.foot)
    way = next((each for each in ways if each.cell == cell and each.people >= how.follows_others), None)
    usual = Spot(0.0, 0.0) if way is None else way.speed
    return Track(
        id=id_,
        known=how.hits <= 1,
        born=time,
        seen=time,
        hits=1,
        missed=0,
        hidden=False,
        foot=sighting.foot,
        width=sighting.width,
        height=sighting.height,
        speed=Spot(usual.x * sighting.height, usual.y * sighting.height),
        doubt=how.fastest,
        place=sighting.foot,
        began=sighting.foot,
    )


def _seen_again(track: Track, sighting: Sighting, time: datetime, how: Tracker) -> Track:
    passed = max(track.gone(time).total_seconds(), _LEAST_APART)
    quick = passed / (passed + how.settles.total_seconds())
    foot, place = sighting.foot, track.place
    measured = Spot((foot.x - place.x) / passed, (foot.y - place.y) / passed)
    speed = measured if track.hits == 1 else _mixed(track.speed, measured, quick)
    guessed = Spot(place.x + track.speed.x * passed, place.y + track.speed.y * passed)
    error = min(how.fastest, distance(foot, guessed) / sighting.height / passed)
    return Track(
        id=track.id,
        known=track.known or track.hits + 1 >= how.hits,
        born=track.born,
        seen=time,
        hits=track.hits + 1,
        missed=0,
        hidden=False,
        foot=_foot(track, sighting, how),
        width=(track.width + sighting.width) / 2,
        height=(track.height + sighting.height) / 2,
        speed=speed,
        doubt=max(how.steadiest, track.doubt + quick * (error - track.doubt)),
        place=foot if track.hits == 1 else _mixed(guessed, foot, how.trusts),
        began=track.began,
    )


def _foot(track: Track, sighting: Sighting, how: Tracker) -> Spot:
    """Where somebody's feet are, whom a shelf or a door may hide from the knees down."""
    if sighting.height >= how.cut * track.height:
        return sighting.foot
    return Spot(sighting.foot.x, sighting.foot.y - sighting.height + track.height)


def _mixed(old: Spot, new: Spot, share: float) -> Spot:
    return Spot(old.x + share * (new.x - old.x), old.y + share * (new.y - old.y))
