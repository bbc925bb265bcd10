"""Counting in tumbling windows of event time: what happened in, windows to tell out.

Counted is by the minute; a minute is final when the newest frame is a second past its end, and is then a part of the
window that is published. No minute's count leaves the state. A tick closes the windows of a silent camera for the time
being: should its frames come after all, the window is told again, whole, with a higher version. Windows that are noised
are told once: a silent camera's when no frame of them can still live.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pipeline.flow import bounds, heat
from pipeline.flow.bounds import Bounds, Kind
from pipeline.flow.heat import Heat
from pipeline.flow.tally import NOTHING, Tally, added
from schemas.frozen import UtcTime
from schemas.ids import LineId

WAITS: Final = timedelta(seconds=1)
"""The watermark is so long before the newest frame."""

MOST_AT_ONCE: Final = 200
"""After a longer silence only so many empty windows are told; what is not told was not seen."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Counting(NamedTuple):
    """How a camera is counted."""

    inside: timedelta
    """Length of the windows in which is counted."""
    window: timedelta
    """Length of those that are published: some of the others."""
    told_apart: int = 0
    """So many tracks behind a count are told apart."""
    warms: bool = True
    """A heat map is made."""
    once: timedelta | None = None
    """Windows are noised and told once; a silent camera's after so long, when none of their frames lives."""


@dataclass(frozen=True, slots=True)
class Minute:
    """A window in which is counted, not final yet."""

    start: UtcTime
    tally: Tally


@dataclass(frozen=True, slots=True)
class Window:
    """A window to be published, not final yet: the sum of its minutes that are."""

    start: UtcTime
    tally: Tally = NOTHING
    heat: Heat = heat.NONE
    told: Tally | None = None
    """All that was counted when a tick told it."""


@dataclass(frozen=True, slots=True)
class Inside:
    """How many people are behind each line, by what was published until then."""

    until: UtcTime | None = None
    people: Mapping[LineId, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of one camera that are not final."""

    going: tuple[Minute, ...] = ()
    whole: tuple[Window, ...] = ()
    final: UtcTime | None = None
    """All minutes before are final."""
    closed: UtcTime | None = None
    """All published windows before are final."""
    told: UtcTime | None = None
    """All before have been told, by a tick perhaps."""
    inside: Inside = field(default_factory=Inside)
    bounds: Bounds = field(default_factory=dict)


def start_of(time: datetime, length: timedelta) -> datetime:
    """Return when the window began in which a time lies."""
    return time - (time - _EPOCH) % length


def count(windows: Windows, how: Counting, time: datetime, what: Tally) -> Windows:
    """Count something that happened at a time. What is final stays as it is: then it counts for nothing."""
    start = start_of(time, how.inside)
    if windows.final is None:
        windows = _begun(windows, how, start)
    elif start < windows.final:
        return windows
    before = next((each.tally for each in windows.going if each.start == start), NOTHING)
    now = Minute(start, added(before, what, how.told_apart))
    others = [each for each in windows.going if each.start != start]
    going = (*others, now) if not others or others[-1].start < start else tuple(sorted((now, *others), key=_start))
    return _counted(windows, going, windows.whole)


def _counted(windows: Windows, going: tuple[Minute, ...], whole: tuple[Window, ...]) -> Windows:
    # Not `replace`, which takes ten times as long, and this is done several times a picture.
    return Windows(going, whole, windows.final, windows.closed, windows.told, windows.inside, windows.bounds)


def _start(each: Minute | Window) -> datetime:
    return each.start


def _begun(windows: Windows, how: Counting, start: datetime) -> Windows:
    whole = start_of(start, how.window)
    told = windows.told if windows.told is not None else whole
    return replace(windows, final=start, closed=whole, told=told)


def warm(
    windows: Windows,
    how: Counting,
    since: datetime,
    until: datetime,
    *,
    where: Mapping[int, int],
    followed: Iterable[int],
) -> Windows:
    """Add where people stood in a span: `where` is each track's cell, `followed` are the tracks that go on."""
    if not how.warms or windows.closed is None:
        return windows
    live = tuple(followed)
    for time, microseconds in parts(since, until, how.window):
        start = start_of(time, how.window)
        before = next((each for each in windows.whole if each.start == start), Window(start))
        if start < windows.closed or not (where or before.heat.going):
            continue
        warmed = heat.warmed(before.heat, where, microseconds // 1000, live)
        after = Window(start, before.tally, warmed, before.told)
        windows = _counted(windows, windows.going, _with(windows.whole, after))
    return windows


def may_count(windows: Windows, how: Counting, track: int, kind: Kind) -> tuple[Windows, bool]:
    """Say whether something that a track did counts: where windows are noised, so much of each kind and no more."""
    if how.once is None:
        return windows, True
    after, may = bounds.use(windows.bounds, track, kind)
    return (replace(windows, bounds=after), may) if may else (windows, False)


def forget(windows: Windows, live: Iterable[int]) -> Windows:
    """Forget how much the tracks have counted for that are no more."""
    after = bounds.kept(windows.bounds, live) if windows.bounds else windows.bounds
    return windows if after is windows.bounds else replace(windows, bounds=after)


def without_tracks(windows: Windows) -> Windows:
    """Nobody is followed any more: of where they stood only sums are kept, and nothing of what each counted for."""
    whole = tuple(replace(each, heat=heat.summed_up(each.heat)) for each in windows.whole)
    return replace(windows, whole=whole, bounds={})


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
    heat: Heat = heat.NONE
    before: Tally | None = None
    """As it was told before."""
    final: bool = True
    """Nothing is added to it any more."""


def close(windows: Windows, how: Counting, newest: datetime) -> tuple[Windows, tuple[Closed, ...]]:
    """A frame of this time has come: what ended a second before is final."""
    border = start_of(newest - WAITS, how.inside)
    if windows.final is None or windows.closed is None or border <= windows.final:
        return windows, ()
    ended = [each for each in windows.going if each.start < border]
    windows = replace(
        windows,
        going=windows.going[len(ended) :],
        whole=_folded(windows.whole, ended, how),
        final=border,
    )
    return _closed(windows, how, start_of(border, how.window))


def _closed(windows: Windows, how: Counting, border: datetime) -> tuple[Windows, tuple[Closed, ...]]:
    if windows.closed is None or border <= windows.closed:
        return windows, ()
    told = windows.told or border
    ended = tuple(each for each in windows.whole if each.start < border)
    since = windows.closed if how.once is not None else told
    closed = tuple(
        Closed(each.start, each.tally, each.heat, each.told)
        for each in (*ended, *_silent(ended, since, border, how))
        if each.told != each.tally or how.once is not None
    )
    whole = windows.whole[len(ended) :]
    after = replace(windows, whole=whole, closed=border, told=max(border, told))
    return after, tuple(sorted(closed, key=lambda each: each.start))


def tick(windows: Windows, how: Counting, time: datetime) -> tuple[Windows, tuple[Closed, ...]]:
    """Time has passed at a silent camera: tell what has ended, and keep it, for frames may still come."""
    windows, final = _dead(windows, how, time)
    border = start_of(time - WAITS, how.window)
    if windows.told is None:
        return replace(windows, told=start_of(time, how.window)), final
    if border <= windows.told:
        return windows, final
    now = _folded(windows.whole, windows.going, how)
    ended = tuple(each for each in now if each.start < border)
    closed = tuple(
        Closed(each.start, each.tally, each.heat, each.told, final=False)
        for each in (*ended, *_silent(ended, windows.told, border, how))
        if each.told != each.tally
    )
    whole = {each.start: each for each in windows.whole}
    kept = {each.start: replace(whole.get(each.start, Window(each.start)), told=each.tally) for each in ended}
    after = replace(windows, whole=tuple(sorted((whole | kept).values(), key=_start)), told=border)
    return after, (*final, *sorted(closed, key=lambda each: each.start))


def _dead(windows: Windows, how: Counting, time: datetime) -> tuple[Windows, tuple[Closed, ...]]:
    """Close for good what is noised and so long ago that no frame of it can still be opened."""
    if how.once is None or windows.final is None:
        return windows, ()
    return close(windows, how, time - how.once)


def _silent(known: Iterable[Window], since: datetime, border: datetime, how: Counting) -> tuple[Window, ...]:
    """Return the windows of which nothing is known, the latest of them."""
    starts = {each.start for each in known}
    count_ = min((border - since) // how.window, MOST_AT_ONCE)
    silent = (border - how.window * back for back in range(count_, 0, -1))
    return tuple(Window(start) for start in silent if start not in starts)


def _folded(whole: tuple[Window, ...], minutes: Iterable[Minute], how: Counting) -> tuple[Window, ...]:
    """Add minutes to the windows that they are a part of."""
    for each in minutes:
        start = start_of(each.start, how.window)
        before = next((one for one in whole if one.start == start), Window(start))
        whole = _with(whole, replace(before, tally=added(before.tally, each.tally, how.told_apart)))
    return whole


def _with(whole: tuple[Window, ...], now: Window) -> tuple[Window, ...]:
    others = [each for each in whole if each.start != now.start]
    return tuple(sorted((now, *others), key=_start))
