"""Closed windows in, messages out: with what may be told of few people, or with noise, and with what was seen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.flow import dwell, heat, noise, opening, privacy
from pipeline.flow.budget import Export, Part, Release
from pipeline.flow.tally import Tally, Who
from pipeline.flow.windows import Closed, Counting, Inside, Windows, close, tick
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, FlowSettings, Schedule
from schemas.flow import DWELL_EDGES, MOST, CoverageWindow, FlowWindow, Metric, Noise
from schemas.frozen import iso
from schemas.ids import LineId, NoticeId, StoreId, ZoneId, event_id

Told = FlowWindow | CoverageWindow

_UTC: Final = ZoneInfo("UTC")
_ALWAYS: Final = Schedule()
_WITHHELD_IS: Final = Fraction(1, 2)
"""Where a count is withheld, people inside are worked out with so many times k: the middle of what it can be."""


@dataclass(frozen=True)
class Publisher:
    """What stands on every window of a camera, and how it is counted."""

    store_id: StoreId
    camera: Camera
    settings: FlowSettings
    notice_id: NoticeId
    module: Module
    lives: timedelta
    timezone: ZoneInfo = _UTC
    opens: Schedule = _ALWAYS
    export: Export | None = None
    """Needed where the profile is export."""
    frames_live: timedelta = timedelta(hours=1)

    @cached_property
    def counting(self) -> Counting:
        exported = self.settings.profile == "export"
        return Counting(
            inside=self.settings.inside,
            window=self.settings.window,
            told_apart=0 if exported else privacy.told_apart(privacy.least(self.settings), len(DWELL_EDGES) + 1),
            warms=not exported,
            once=self.frames_live if exported else None,
        )


def close_and_publish(
    windows: Windows, by: Publisher, newest: datetime, version: int
) -> tuple[Windows, tuple[Told, ...]]:
    """A frame of this time has come: tell what is final.

    Raises:
        Unavailable: The ledger of what was exported is away.
    """
    windows, closed = close(windows, by.counting, newest)
    return published(windows, closed, by, version) if closed else (windows, ())


def tick_and_publish(windows: Windows, by: Publisher, time: datetime, version: int) -> tuple[Windows, tuple[Told, ...]]:
    """Time has passed at a silent camera: tell what has ended.

    Raises:
        Unavailable: The ledger of what was exported is away.
    """
    windows, closed = tick(windows, by.counting, time)
    return published(windows, closed, by, version) if closed else (windows, ())


def published(
    windows: Windows, closed: Sequence[Closed], by: Publisher, version: int
) -> tuple[Windows, tuple[Told, ...]]:
    """Write windows down in order, and remember how many people are inside after those that are final."""
    told: list[Told] = []
    inside = windows.inside
    for each in closed:
        flows, inside = publish(each, by, version, inside)
        told.extend(flows)
        if each.final:
            windows = replace(windows, inside=inside)
    return windows, tuple(told)


def publish(closed: Closed, by: Publisher, version: int, inside: Inside) -> tuple[tuple[Told, ...], Inside]:
    """Write a window down: one message for each line, direction, zone and metric, and its coverage. Zeros too.

    Returns:
        The messages, coverage last, and how many people are inside by what they say.
    """
    if by.settings.profile == "export":
        told = list(_noised(closed, by)) if closed.final else []
    else:
        told = [_told(each, by) for each in _counts(closed, by)]
        inside = _entered(inside, told, closed, by)
        told += [_Say(_Place(line=line), Metric.OCCUPANCY, (people,)) for line, people in inside.people.items()]
        # Of a map no difference between two versions may be taken: it stays as it was first told.
        told += [_warmth(closed, by)] if closed.before is None else []
    flows = (_flow(closed, each, by, version) for each in told)
    return (*flows, _coverage(closed, by, version)), inside


class _Place(NamedTuple):
    """Of a line, of a zone, or of the whole picture."""

    line: LineId | None = None
    zone: ZoneId | None = None


class _Count(NamedTuple):
    """A count before anything is withheld."""

    place: _Place
    metric: Metric
    values: tuple[float, ...]
    people: tuple[int, ...]
    """How many people are behind each of the values."""
    events: tuple[int, ...]
    """How many crossings or visits."""


class _Say(NamedTuple):
    """A count as it may be told."""

    place: _Place
    metric: Metric
    values: tuple[float, ...]
    suppressed: bool = False
    withheld: tuple[int, ...] = ()
    noise: Noise | None = None


# Exact counts.


def _counts(closed: Closed, by: Publisher) -> list[_Count]:
    """Return every count of a window. One that was told before stays, unless k more are behind it by now.

    Else two versions of a window, taken from one another, would tell of fewer.
    """
    now = [*_of_lines(closed.tally, by.camera), *_of_zones(closed.tally, by.camera)]
    if closed.before is None:
        return now
    k = privacy.least(by.settings)
    then = [*_of_lines(closed.before, by.camera), *_of_zones(closed.before, by.camera)]
    return [
        old if privacy.suppressed([abs(a - b) for a, b in zip(new.events, old.events, strict=True)], k) else new
        for new, old in zip(now, then, strict=True)
    ]


def _of_lines(tally: Tally, camera: Camera) -> Iterator[_Count]:
    for line in camera.lines:
        for metric, direction, counts in (
            (Metric.LINE_IN, "in", tally.came_in),
            (Metric.LINE_OUT, "out", tally.went_out),
        ):
            number = max(counts.get(line.id, 0), 0)
            # No more people than crossings: who went over and was taken back is remembered, and is nobody here.
            people = min(_people(tally, Who(direction, line.id)), number)
            yield _Count(_Place(line=line.id), metric, (float(number),), (people,), (number,))


def _of_zones(tally: Tally, camera: Camera) -> Iterator[_Count]:
    for zone in camera.zones:
        place = _Place(zone=zone.id)
        mean = tally.present.get(zone.id, 0) / tally.watched if tally.watched else 0.0
        there = (_people(tally, Who("zone", zone.id)),)
        yield _Count(place, Metric.OCCUPANCY, (mean,), there, (tally.visitors.get(zone.id, 0),))
        ended, lost = tally.dwells.get(zone.id, {}), tally.lost.get(zone.id, {})
        bins = dwell.histogram(ended)
        behind = tuple(_people(tally, Who("dwell", zone.id, each)) for each in range(len(bins)))
        yield _Count(place, Metric.DWELL_HISTOGRAM, tuple(map(float, bins)), behind, bins)
        median = dwell.median(ended, lost)
        stays = (_people(tally, Who("stay", zone.id)),)
        visits = (sum(ended.values()) + sum(lost.values()),)
        yield _Count(place, Metric.DWELL_MEDIAN, () if median is None else (median,), stays, visits)


def _people(tally: Tally, who: Who) -> int:
    return len(tally.who.get(str(who), ()))


def _told(count: _Count, by: Publisher) -> _Say:
    """Withhold what is about few people, and round what is finer than anybody needs."""
    digits = _DIGITS.get(count.metric, (0, 0))[by.settings.profile != "demo"]
    values = tuple(round(each, digits) for each in count.values)
    withheld = privacy.withheld(count.people, privacy.least(by.settings))
    return _say(_Say(count.place, count.metric, values), withheld, of=len(count.people))


def _say(say: _Say, withheld: tuple[int, ...], *, of: int) -> _Say:
    if len(withheld) == of:
        return say._replace(values=(), suppressed=True)
    values = tuple(0.0 if index in withheld else each for index, each in enumerate(say.values))
    return say._replace(values=values, withheld=withheld)


_DIGITS: Final[Mapping[Metric, tuple[int, int]]] = {Metric.OCCUPANCY: (4, 2), Metric.DWELL_MEDIAN: (1, 0)}
"""So many digits in a demo, and where numbers are published."""


def _warmth(closed: Closed, by: Publisher) -> _Say:
    digits = 1 if by.settings.profile == "demo" else 0
    return _Say(_Place(), Metric.HEAT, heat.grid(closed.heat, privacy.least(by.settings), digits=digits))


# Noised counts.


def _noised(closed: Closed, by: Publisher) -> Iterator[_Say]:
    """Every exported count of a window, with its noise; none where the ledger does not allow it."""
    export = by.export
    if export is None:
        raise ValueError("the export profile needs a secret and a ledger")
    wanted = list(_exported(closed.tally, by.camera))
    day = closed.start.astimezone(by.timezone).date()
    key = noise.day_key(export.secret, by.store_id, day)
    window = (by.camera.id, iso(closed.start), by.settings.window)
    release = Release(
        store_id=by.store_id,
        day=day,
        camera_id=by.camera.id,
        window_start=closed.start,
        micro=export.micro,
        budget=export.budget,
        terms=noise.sealed(key, ("terms", *(f"{part} {share}" for part, share in sorted(export.shares.items())))),
        content=noise.sealed(key, ("content", *window, *(f"{each.place} {each.bins}" for each in wanted))),
    )
    allowed = export.ledger.allows(release)
    for each in wanted:
        if not allowed:
            yield _Say(each.place, each.metric, (), suppressed=True)
            continue
        share = export.shares[each.part]
        how = Noise(
            mechanism="geometric", epsilon=float(share.each), day_epsilon=by.settings.epsilon, cells=share.cells
        )
        name = (*window, each.metric.value, each.place)
        # The count is a part of the name: were a window ever counted otherwise, their difference would not be exact.
        values = tuple(
            float(count + noise.geometric(share.each, noise.Dice(key, (*name, index, count))))
            for index, count in enumerate(each.bins)
        )
        # What is small after noise would be taken for people, and is mostly noise.
        small = tuple(index for index, value in enumerate(values) if value < by.settings.suppressed_below)
        yield _say(_Say(each.place, each.metric, values, noise=how), small, of=len(values))


class _Exported(NamedTuple):
    part: Part
    place: _Place
    metric: Metric
    bins: tuple[int, ...]


def _exported(tally: Tally, camera: Camera) -> Iterator[_Exported]:
    for line in camera.lines:
        place = _Place(line=line.id)
        yield _Exported("crossings", place, Metric.LINE_IN, (tally.came_in.get(line.id, 0),))
        yield _Exported("crossings", place, Metric.LINE_OUT, (tally.went_out.get(line.id, 0),))
    for zone in camera.zones:
        place = _Place(zone=zone.id)
        yield _Exported("zones", place, Metric.VISITORS, (tally.visitors.get(zone.id, 0),))
        bins = dwell.histogram(tally.dwells.get(zone.id, {}))
        yield _Exported("dwell", place, Metric.DWELL_HISTOGRAM, bins)


# People inside, by what is told of who came and went: it tells nothing more.


def _entered(inside: Inside, told: Iterable[_Say], closed: Closed, by: Publisher) -> Inside:
    until = closed.start + by.settings.window
    people = {line.id: inside.people.get(line.id, 0.0) for line in by.camera.lines}
    for each in told:
        line = each.place.line
        if line is not None:
            people[line] += _said(each, by) * (1 if each.metric is Metric.LINE_IN else -1)
    if opening.closes_between(by.opens, by.timezone, inside.until or closed.start, until):
        return Inside(until, dict.fromkeys(people, 0.0))
    # Fewer than nobody are never inside: somebody was not seen to come.
    return Inside(until, {line: max(number, 0.0) for line, number in people.items()})


def _said(say: _Say, by: Publisher) -> float:
    return say.values[0] if say.values else float(privacy.least(by.settings) * _WITHHELD_IS)


# Messages.


def coverage(tally: Tally, camera: Camera, length: timedelta) -> float:
    """Return the share of the expected pictures that were looked at, or known to show nothing new.

    What the camera's profile passes over is seen enough of, by decision: it does not make coverage fall.
    """
    wanted = expected(tally, camera, length)
    return min(1.0, (tally.analysed + tally.stills + tally.passed) / wanted) if wanted else 0.0


def expected(tally: Tally, camera: Camera, length: timedelta) -> int:
    """Return how many pictures there should be: as its rate says, or more, when more are known of."""
    seen = tally.analysed + tally.stills + tally.passed
    known = seen + tally.skipped + tally.erased + tally.late + tally.missing
    return max(known, round(camera.fps * length.total_seconds()))


def _flow(closed: Closed, say: _Say, by: Publisher, version: int) -> FlowWindow:
    return FlowWindow(
        **_envelope(closed, by, version, f"{say.metric}/{say.place.line or say.place.zone or ''}"),
        line_id=say.place.line,
        zone_id=say.place.zone,
        metric=say.metric,
        values=say.values,
        coverage=coverage(closed.tally, by.camera, by.settings.window),
        suppressed=say.suppressed,
        suppressed_below=privacy.least(by.settings),
        withheld=say.withheld,
        noise=say.noise,
    )


def _coverage(closed: Closed, by: Publisher, version: int) -> CoverageWindow:
    tally = closed.tally
    exported = by.settings.profile == "export"
    return CoverageWindow(
        **_envelope(closed, by, version, "coverage"),
        # A device whose numbers leap has lost more than can be told.
        frames_expected=min(expected(tally, by.camera, by.settings.window), MOST),
        # Pictures in which something moved, told apart from those in which nothing did, say when somebody was there.
        frames_analysed=tally.analysed + (tally.stills + tally.passed if exported else 0),
        stills=0 if exported else tally.stills,
        passed=0 if exported else tally.passed,
        skipped=min(tally.skipped, MOST),
        erased=tally.erased,
        late=tally.late,
        people_tracked=None if exported or _hides_people(tally, by) else tally.people,
    )


def _hides_people(tally: Tally, by: Publisher) -> bool:
    """Say whether so few became known, or crossed a line, of whom this would be the sum: whoever comes crosses one."""
    crossings = [people for each in _of_lines(tally, by.camera) for people in each.people]
    return privacy.suppressed((tally.people, *crossings), privacy.least(by.settings))


def _envelope(closed: Closed, by: Publisher, version: int, what: str) -> dict[str, Any]:
    length = by.settings.window
    return {
        "event_id": event_id("flow", by.store_id, by.camera.id, what, iso(closed.start), length, version),
        "store_id": by.store_id,
        "camera_id": by.camera.id,
        "utc_time": closed.start,
        "purpose": Purpose.PEOPLE_FLOW,
        "expires_at": closed.start + by.lives,
        "notice_id": by.notice_id,
        "module": by.module,
        "profile": by.settings.profile,
        "window_start": closed.start,
        "window_length": length,
        "version": version,
    }
