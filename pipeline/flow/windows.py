"""Counting in tumbling windows of event time: what happened in, flow and coverage windows out.

A window is final when the newest frame is a second past its end. A tick closes the windows of a silent camera for the
time being: should its frames come after all, the window is told again, whole, with a higher version.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from pipeline.flow import privacy
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, FlowSettings
from schemas.flow import MOST, CoverageWindow, FlowWindow, Metric
from schemas.frozen import UtcTime, iso
from schemas.ids import LineId, NoticeId, StoreId, ZoneId, event_id

DWELL_EDGES: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds; the first bin of a dwell histogram is below the first edge, the last from the last edge up."""

WAITS: Final = timedelta(seconds=1)
"""The watermark is so long before the newest frame."""

MOST_AT_ONCE: Final = 200
"""After a longer silence only so many empty windows are told; what is not told was not seen."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted in a window or a part of it. Whole numbers only, so that sums are exact."""

    analysed: int = 0
    stills: int = 0
    """Captured pictures that stills stand for."""
    skipped: int = 0
    erased: int = 0
    late: int = 0
    missing: int = 0
    """Sequence numbers that did not come."""
    people: int = 0
    """Who became known in it."""
    watched: int = 0
    """Microseconds in which the camera saw."""
    came_in: Mapping[LineId, int] = field(default_factory=dict)
    went_out: Mapping[LineId, int] = field(default_factory=dict)
    present: Mapping[ZoneId, int] = field(default_factory=dict)
    """Microseconds that people were in a zone, summed over people."""
    visitors: Mapping[ZoneId, int] = field(default_factory=dict)
    """Who began a visit, or was in one when the window began."""
    dwells: Mapping[ZoneId, Mapping[int, int]] = field(default_factory=dict)
    """Visits that ended, by bin of `DWELL_EDGES`."""


def added(a: Tally, b: Tally) -> Tally:
    """Both together."""
    return Tally(**{each.name: _sum(getattr(a, each.name), getattr(b, each.name)) for each in fields(Tally)})


def _sum(a: Any, b: Any) -> Any:
    if isinstance(a, int):
        return a + b
    both = dict(a)
    for key, value in b.items():
        both[key] = _sum(both[key], value) if key in both else value
    return both


def dwell(zone: ZoneId, lasted: timedelta) -> Tally:
    """One visit that ended."""
    return Tally(dwells={zone: {bisect_right(DWELL_EDGES, lasted.total_seconds()): 1}})


@dataclass(frozen=True, slots=True)
class Window:
    """A window that is not final yet."""

    start: UtcTime
    tally: Tally
    told: bool = False
    """Everything in it has been told already."""


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of one camera that are not final."""

    going: tuple[Window, ...] = ()
    final: UtcTime | None = None
    """All before are final."""
    told: UtcTime | None = None
    """All before have been told, by a tick perhaps."""


def start_of(time: datetime, length: timedelta) -> datetime:
    """Return when the window began in which a time lies."""
    return time - (time - _EPOCH) % length


def count(windows: Windows, length: timedelta, time: datetime, what: Tally) -> Windows:
    """Count something that happened at a time. What is final stays as it is: then it counts for nothing."""
    start = start_of(time, length)
    if windows.final is not None and start < windows.final:
        return windows
    before = next((each for each in windows.going if each.start == start), Window(start, Tally()))
    now = Window(start, added(before.tally, what))
    others = (each for each in windows.going if each.start != start)
    return Windows(
        going=tuple(sorted((now, *others), key=lambda each: each.start)),
        final=windows.final if windows.final is not None else start,
        told=windows.told if windows.told is not None else start,
    )


def parts(since: datetime, until: datetime, length: timedelta) -> Iterator[tuple[datetime, int]]:
    """Cut a span at the borders of windows: each part's start, and its microseconds."""
    while since < until:
        end = min(start_of(since, length) + length, until)
        yield since, (end - since) // _MICROSECOND
        since = end


class Closed(NamedTuple):
    """A window to tell."""

    start: datetime
    tally: Tally


def close(windows: Windows, length: timedelta, newest: datetime) -> tuple[Windows, tuple[Closed, ...]]:
    """A frame of this time has come: what ended a second before is final."""
    border = start_of(newest - WAITS, length)
    if windows.final is None or border <= windows.final:
        return windows, ()
    told = _told(windows, length, border)
    kept = tuple(each for each in windows.going if each.start >= border)
    return Windows(kept, border, max(border, windows.told or border)), told


def tick(windows: Windows, length: timedelta, time: datetime) -> tuple[Windows, tuple[Closed, ...]]:
    """Time has passed at a silent camera: tell what has ended, and keep it, for frames may still come."""
    border = start_of(time - WAITS, length)
    if windows.told is None:
        return replace(windows, told=start_of(time, length)), ()
    if border <= windows.told:
        return windows, ()
    told = _told(windows, length, border)
    going = tuple(replace(each, told=True) if each.start < border else each for each in windows.going)
    return Windows(going, windows.final, border), told


def _told(windows: Windows, length: timedelta, border: datetime) -> tuple[Closed, ...]:
    """Every window before the border that has not been told as it is now, the empty ones too."""
    told = windows.told or border
    changed = {each.start: each.tally for each in windows.going if each.start < border and not each.told}
    empty = (border - told) // length
    known = {each.start for each in windows.going}
    silent = [
        start for back in range(min(empty, MOST_AT_ONCE), 0, -1) if (start := border - back * length) not in known
    ]
    return tuple(Closed(start, changed.get(start, Tally())) for start in sorted({*changed, *silent}))


class Publisher(NamedTuple):
    """What stands on every window of a camera."""

    store_id: StoreId
    camera: Camera
    settings: FlowSettings
    notice_id: NoticeId
    module: Module
    lives: timedelta


def publish(closed: Closed, by: Publisher, version: int) -> tuple[FlowWindow | CoverageWindow, ...]:
    """Write a window down: one message for each line, direction, zone and metric, and its coverage. Zeros too."""
    counts = [
        *_of_lines(closed.tally, by.camera),
        *_of_zones(closed.tally, by.camera),
    ]
    flows = (_flow(closed, each, by, version) for each in counts)
    return (*flows, _coverage(closed, by, version))


class _Count(NamedTuple):
    metric: Metric
    line_id: LineId | None
    zone_id: ZoneId | None
    values: tuple[float, ...]
    people: tuple[int, ...]


def _of_lines(tally: Tally, camera: Camera) -> Iterator[_Count]:
    for line in camera.lines:
        for metric, counts in ((Metric.LINE_IN, tally.came_in), (Metric.LINE_OUT, tally.went_out)):
            number = counts.get(line.id, 0)
            yield _Count(metric, line.id, None, (float(number),), (number,))


def _of_zones(tally: Tally, camera: Camera) -> Iterator[_Count]:
    for zone in camera.zones:
        mean = tally.present.get(zone.id, 0) / tally.watched if tally.watched else 0.0
        yield _Count(Metric.OCCUPANCY, None, zone.id, (round(mean, 4),), (tally.visitors.get(zone.id, 0),))
        ended = tally.dwells.get(zone.id, {})
        dwells = tuple(ended.get(each, 0) for each in range(len(DWELL_EDGES) + 1))
        yield _Count(Metric.DWELL_HISTOGRAM, None, zone.id, tuple(map(float, dwells)), dwells)


def coverage(tally: Tally, camera: Camera, length: timedelta) -> float:
    """Return the share of the expected pictures that were looked at, or known to show nothing new."""
    wanted = expected(tally, camera, length)
    return min(1.0, (tally.analysed + tally.stills) / wanted) if wanted else 0.0


def expected(tally: Tally, camera: Camera, length: timedelta) -> int:
    """Return how many pictures there should be: as its rate says, or more, when more are known of."""
    known = tally.analysed + tally.stills + tally.skipped + tally.erased + tally.late + tally.missing
    return max(known, round(camera.fps * length.total_seconds()))


def _flow(closed: Closed, what: _Count, by: Publisher, version: int) -> FlowWindow:
    k = privacy.least(by.settings)
    withheld = privacy.suppressed(what.people, k)
    place = what.line_id or what.zone_id
    return FlowWindow(
        **_envelope(closed, by, version, f"{what.metric}/{place}"),
        line_id=what.line_id,
        zone_id=what.zone_id,
        metric=what.metric,
        values=() if withheld else what.values,
        coverage=coverage(closed.tally, by.camera, by.settings.window),
        suppressed=withheld,
        suppressed_below=k,
    )


def _coverage(closed: Closed, by: Publisher, version: int) -> CoverageWindow:
    tally = closed.tally
    withheld = privacy.suppressed((tally.people,), privacy.least(by.settings))
    return CoverageWindow(
        **_envelope(closed, by, version, "coverage"),
        # A device whose numbers leap has lost more than can be told.
        frames_expected=min(expected(tally, by.camera, by.settings.window), MOST),
        frames_analysed=tally.analysed,
        stills=tally.stills,
        skipped=min(tally.skipped, MOST),
        erased=tally.erased,
        late=tally.late,
        people_tracked=None if withheld else tally.people,
    )


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
