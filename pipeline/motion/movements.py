"""Movements: somebody crosses a line, or visits a zone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pipeline.motion.geometry import Segment, Spot, along, between, distance, inside, signed_distance, to_border
from pipeline.motion.tracking import Track
from schemas.alert import AlertFrame
from schemas.frozen import Frozen, UtcTime
from schemas.ids import LineId, ZoneId

Direction = Literal["in", "out"]


class Movements(Frozen):
    """When a movement counts. Distances are in body heights."""

    beside: float = 0.1
    """A line is crossed between its ends, or so little beside them."""
    enters_after: timedelta = timedelta(seconds=0.5)
    enters_at: int = 2
    """A visit begins with so many sightings, or after so long, whichever comes first."""
    arms_at: float = 0.3
    """Who went over and back, and never was so far from the line in between, only stood on it …"""
    lingers: timedelta = timedelta(seconds=2)
    """… or who was back so soon: the first crossing is taken back."""
    goes_at: float = 0.5
    """Whoever was so far from the line went somewhere, however soon they are back."""
    bridges: timedelta = timedelta(seconds=3)
    """Somebody lost before a line and found behind it so soon went over it: tracks break, crossings need not."""
    bridged_at: int = 2
    """Sightings of the found one, that it is clear which way they go."""
    strays: float = 0.8
    """How far from where they were going the found one may be, …"""
    hurries: float = 1.6
    """… and how much farther for each second between."""
    presumes: timedelta = timedelta(seconds=1)
    """Somebody lost for so long on the way to a line is taken to have gone over it, …"""
    presumes_from: int = 3
    """… if seen so often, …"""
    straight: float = 0.25
    """… if they went as foreseen, up to this many body heights a second, …"""
    behind: float = 0.3
    """… and if they would by now be so far behind it."""
    comes_within: float = 0.5
    """Who is first seen in a zone so near to its border has just come, …"""
    comes_at: float = 1.0
    """… or so much farther in for each second until they were known."""
    takes_over: float = 1.5
    """Somebody new so near to where a visitor was lost is that visitor: tracks break, visits need not."""


class Border(NamedTuple):
    """A line in picture heights, and how near to it, in body heights, feet are on neither side."""

    segment: Segment
    band: float


class Crossing(NamedTuple):
    """Somebody went over a line."""

    line_id: LineId
    track: int
    direction: Direction
    time: datetime
    """When that was clear."""
    moment: datetime
    """When the feet went over."""
    place: Spot
    takes_back: datetime | None = None
    """Nobody went anywhere: this takes the same track's crossing of that time back, which was the other way."""


@dataclass(frozen=True, slots=True)
class Over:
    """Where and when feet went over a line, while it is not clear yet whether they stay there."""

    place: Spot
    moment: UtcTime


@dataclass(frozen=True, slots=True)
class Side:
    """On which side of a line somebody last clearly was: -1 left of it, 1 right of it."""

    line_id: LineId
    track: int
    side: int
    foot: Spot
    """The last on that side, and its time."""
    time: UtcTime
    over: Over | None = None
    crossed: UtcTime | None = None
    """When the line was last crossed, for as long as that may be taken back."""


def cross(
    sides: Sequence[Side],
    lines: Mapping[LineId, Border],
    followed: Iterable[Track],
    seen: Sequence[Track],
    *,
    time: datetime,
    how: Movements,
) -> tuple[tuple[Side, ...], tuple[Crossing, ...]]:
    """Take one frame in.

    Args:
        sides: Where everybody was.
        lines: The camera's.
        followed: Everybody who is still followed; the others are forgotten.
        seen: Who is seen in this frame.
        time: This frame's.
        how: When it counts.

    Returns:
        Where everybody is, and who crossed what: in is from a line's left to its right.
    """
    live = {track.id: track for track in followed}
    where = {(side.line_id, side.track): side for side in sides if side.track in live}
    missed = [track for track in live.values() if track.seen < time and track.known and not track.unlooked]
    crossings: list[Crossing] = []
    for line_id, border in lines.items():
        at = _Line(line_id, *border, time, how)
        found = [_steps(at, where, track, missed) for track in seen]
        found += [_presumed(at, where, track) for track in missed]
        crossings += [each for each in found if each is not None]
    return tuple(where.values()), tuple(crossings)


def net(crossings: Iterable[Crossing]) -> Counter[tuple[LineId, Direction]]:
    """Count crossings by line and direction, without those that were taken back."""
    counts: Counter[tuple[LineId, Direction]] = Counter()
    for each in crossings:
        if each.takes_back is None:
            counts[each.line_id, each.direction] += 1
        else:
            counts[each.line_id, opposite(each.direction)] -= 1
    return counts


def opposite(direction: Direction) -> Direction:
    """The other way."""
    return "out" if direction == "in" else "in"


class _Line(NamedTuple):
    """A line at a moment."""

    id: LineId
    segment: Segment
    band: float
    time: datetime
    how: Movements


_Where = dict[tuple[LineId, int], Side]


def _steps(at: _Line, where: _Where, track: Track, missed: Sequence[Track]) -> Crossing | None:
    """Somebody is seen: take note of where, and say so if that is over the line."""
    before = where.get((at.id, track.id))
    far = signed_distance(at.segment, track.foot)
    side = 1 if far > 0 else -1
    clear = abs(far) > at.band * track.height
    now = _side(before, Side(at.id, track.id, side, track.foot, at.time), at.segment, clear=clear)
    if now is None:
        return None
    if missed and track.known and track.hits == at.how.bridged_at and now.side == side:
        lost = _lost_before(at, where, track, missed)
        if lost is not None:
            before = where.pop((at.id, lost.id))
            now = replace(now, over=_went_over(before, now, at.segment))
    crossing = _crossing(before, now, at.segment, at.how.beside * track.height)
    if crossing is not None:
        now = replace(now, crossed=None if crossing.takes_back else at.time)
    elif now.crossed is not None and abs(far) > at.how.arms_at * track.height:
        # Far enough off for so long, or farther: the next time is another crossing.
        gone = at.time - now.crossed > at.how.lingers or abs(far) > at.how.goes_at * track.height
        now = replace(now, crossed=None if gone else now.crossed)
    where[at.id, track.id] = now
    return crossing


def _presumed(at: _Line, where: _Where, track: Track) -> Crossing | None:
    """Somebody went straight for the line, was lost before it, and must be behind it by now.

    Should they be seen on this side after all, then that takes the crossing back.
    """
    before, how, waited = where.get((at.id, track.id)), at.how, track.gone(at.time)
    if before is None or not how.presumes <= waited <= how.bridges:
        return None
    if track.doubt > how.straight or track.hits < how.presumes_from:
        return None
    there = _foreseen(track, waited)
    if signed_distance(at.segment, there) * -before.side < how.behind * track.height:
        return None
    now = _side(before, Side(at.id, track.id, -before.side, there, at.time), at.segment, clear=True)
    crossing = None if now is None else _crossing(before, now, at.segment, how.beside * track.height)
    if now is None or crossing is None:
        return None
    where[at.id, track.id] = replace(now, crossed=None if crossing.takes_back else at.time)
    return crossing


def _foreseen(track: Track, waited: timedelta) -> Spot:
    ahead = waited.total_seconds()
    return Spot(track.place.x + track.speed.x * ahead, track.place.y + track.speed.y * ahead)


def _lost_before(at: _Line, where: _Where, found: Track, missed: Sequence[Track]) -> Track | None:
    """Somebody who was lost on the other side of the line, and would by now be where somebody new goes on."""
    here, began = signed_distance(at.segment, found.foot), signed_distance(at.segment, found.began)
    if here * (here - began) < 0:
        return None  # comes towards the line
    fits: list[tuple[float, int, Track]] = []
    for track in missed:
        side = where.get((at.id, track.id))
        waited = track.gone(found.born)
        if side is None or (side.side > 0) == (here > 0) or not timedelta(0) < waited <= at.how.bridges:
            continue
        off = distance(_foreseen(track, waited), found.began) / found.height
        if off <= at.how.strays + at.how.hurries * waited.total_seconds():
            fits.append((off, track.id, track))
    return min(fits)[2] if fits else None


def _side(before: Side | None, now: Side, line: Segment, *, clear: bool) -> Side | None:
    """Where somebody is by now: a new side only when it is clear, and when it was not before, not at all."""
    if before is None:
        return now if clear else None
    if now.side == before.side:
        return replace(now, crossed=before.crossed)
    over = before.over or _went_over(before, now, line)
    return replace(now, over=over, crossed=before.crossed) if clear else replace(before, over=over)


def _went_over(before: Side, now: Side, line: Segment) -> Over:
    far_before, far_now = abs(signed_distance(line, before.foot)), abs(signed_distance(line, now.foot))
    share = far_before / (far_before + far_now)
    return Over(between(before.foot, now.foot, share), before.time + (now.time - before.time) * share)


def _crossing(before: Side | None, now: Side, line: Segment, beside: float) -> Crossing | None:
    if before is None or before.side == now.side or now.over is None or not _on(line, now.over.place, beside):
        return None
    direction: Direction = "in" if now.side > 0 else "out"
    back = before.crossed if before.track == now.track else None
    return Crossing(now.line_id, now.track, direction, now.time, now.over.moment, now.over.place, back)


def _on(line: Segment, place: Spot, beside: float) -> bool:
    slack = beside / distance(line.start, line.end)
    return -slack <= along(line, place) <= 1 + slack


class Area(NamedTuple):
    """A zone in picture heights, and how long somebody must be gone from it to have left."""

    polygon: tuple[Spot, ...]
    leaves_after: timedelta


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody is in a zone. Several tracks, if the person was lost and found again."""

    zone_id: ZoneId
    first: int
    """The track that began it; with zone and epoch, the visit's name."""
    track: int
    """Who it is by now."""
    since: UtcTime
    until: UtcTime
    """When last seen in it."""
    hits: int
    entered: bool
    foot: Spot
    height: float
    least: Spot
    most: Spot
    fired: tuple[str, ...] = ()
    """The rules that have had their say."""
    frames: tuple[AlertFrame, ...] = ()
    """Some of the frames in which the visitor was seen, in order."""
    framed: UtcTime | None = None
    """When the last of them was taken."""
    newest: AlertFrame | None = None
    """The newest frame in which the visitor was seen."""
    came: bool = True
    """Whether they were seen to come; else they were there before, for nobody knows how long."""
    outside: bool = False
    """Whether they were seen outside since, for a moment so far."""

    @property
    def lasted(self) -> timedelta:
        return self.until - self.since

    @property
    def extent(self) -> float:
        """How far apart the visitor's farthest places are, in body heights."""
        return distance(self.least, self.most) / self.height


class Visiting(NamedTuple):
    """What a frame did to the visits: those that go on, and those that ended with it."""

    visits: tuple[Visit, ...]
    left: tuple[Visit, ...]


def visit(
    visits: Sequence[Visit],
    areas: Mapping[ZoneId, Area],
    seen: Sequence[Track],
    time: datetime,
    how: Movements,
    *,
    awaited: AbstractSet[int] = frozenset(),
) -> Visiting:
    """Take one frame in; `seen` is who is seen in it, `awaited` which tracks are out of sight and waited for.

    Whoever is waited for, and was last seen in a zone, has not left it.
    """
    going: list[Visit] = []
    left: list[Visit] = []
    for each in visits:
        area = areas.get(each.zone_id)
        waited_for = each.track in awaited and not each.outside
        if area is not None and (time - each.until <= area.leaves_after or waited_for):
            going.append(each)
        elif each.entered:
            left.append(each)
    for zone_id, area in areas.items():
        within = [track for track in seen if inside(area.polygon, track.foot)]
        without = {track.id for track in seen} - {track.id for track in within}
        going = [
            replace(each, outside=True) if each.zone_id == zone_id and each.track in without else each for each in going
        ]
        going = _seen_within(going, zone_id, area, within, seen, time=time, how=how)
    return Visiting(tuple(going), tuple(left))


def held(visits: Sequence[Visit], standing: Sequence[Track], time: datetime) -> tuple[Visit, ...]:
    """Nothing has moved until `time`: visitors who stand still are still there."""
    ids = {track.id for track in standing}
    return tuple(replace(each, until=time) if each.track in ids else each for each in visits)


def _seen_within(
    visits: list[Visit],
    zone_id: ZoneId,
    area: Area,
    within: Sequence[Track],
    seen: Sequence[Track],
    *,
    time: datetime,
    how: Movements,
) -> list[Visit]:
    going = list(visits)
    places = {each.track: index for index, each in enumerate(going) if each.zone_id == zone_id}
    for track in within:
        if track.id in places:
            index = places[track.id]
            going[index] = _stays(going[index], track, time, how)
    for track in within:
        if track.id in places:
            continue
        lost = _lost_near(going, zone_id, track, {each.id for each in seen}, how)
        if lost is None:
            going.append(_comes(zone_id, area, track, time, how))
        else:
            going[lost] = _stays(replace(going[lost], track=track.id), track, time, how)
    return going


def _lost_near(visits: Sequence[Visit], zone_id: ZoneId, track: Track, seen: set[int], how: Movements) -> int | None:
    """The visit of somebody who is out of sight, was last seen near here, and could have got here."""
    near = [
        (distance(each.foot, track.foot) / track.height, index)
        for index, each in enumerate(visits)
        if each.zone_id == zone_id and each.track not in seen and not each.outside
    ]
    return min((index for far, index in sorted(near)[:1] if far <= how.takes_over), default=None)


def _comes(zone_id: ZoneId, area: Area, track: Track, time: datetime, how: Movements) -> Visit:
    # Who has just become known was first seen a moment ago, and most likely here.
    just_known = track.hits == 2
    farthest = how.comes_within + how.comes_at * (time - track.born).total_seconds()
    was_there = just_known and inside(area.polygon, track.began)
    hits = track.hits if just_known else 1
    return Visit(
        zone_id=zone_id,
        first=track.id,
        track=track.id,
        since=track.born if just_known else time,
        until=time,
        hits=hits,
        entered=hits >= how.enters_at,
        foot=track.foot,
        height=track.height,
        least=track.foot,
        most=track.foot,
        came=not was_there or to_border(area.polygon, track.began) <= farthest * track.height,
    )


def _stays(before: Visit, track: Track, time: datetime, how: Movements) -> Visit:
    hits = before.hits + 1
    foot = track.foot
    return replace(
        before,
        until=time,
        outside=False,
        hits=hits,
        entered=before.entered or hits >= how.enters_at or time - before.since >= how.enters_after,
        foot=foot,
        height=track.height,
        least=Spot(min(before.least.x, foot.x), min(before.least.y, foot.y)),
        most=Spot(max(before.most.x, foot.x), max(before.most.y, foot.y)),
    )
