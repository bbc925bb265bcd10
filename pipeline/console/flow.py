"""A store's windows as a chart: what came in and went out by line, who was there by zone, and how much was seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import Final, NamedTuple

from pipeline.console import places, spoken
from pipeline.console.places import Names
from pipeline.console.stays import Heat, Stays, heats, stays
from pipeline.console.words import Words
from pipeline.flow.rows import FlowRow
from schemas.estate import Estate, Store
from schemas.flow import Metric
from schemas.frozen import Frozen

SHOWN: Final = 96
"""Windows in a chart: a day of 15-minute windows. Of a demo's short ones, the latest."""

CHARTED: Final = (Metric.LINE_IN.value, Metric.LINE_OUT.value, Metric.OCCUPANCY.value)

Numbers = tuple[float | None, ...]


class WindowLabel(Frozen):
    """One place on the time axis."""

    label: str
    coverage: float | None


class Series(Frozen):
    """One line or zone over the windows. None: no data, or suppressed where `suppressed` says so."""

    kind: str
    kind_name: str
    id: str
    name: str
    camera: str
    come: Numbers = ()
    go: Numbers = ()
    occupancy: Numbers = ()
    suppressed: tuple[bool, ...] = ()


class Totals(Frozen):
    """The day so far. What was suppressed is not in it, and it says so."""

    come: float
    go: float
    withheld: int
    text: str


class FlowPanel(Frozen):
    """All that the chart needs, in one language."""

    store_id: str
    store: str
    timezone: str
    date: str
    length: str
    every: str
    seen: str
    """How much of all that was counted was seen."""
    profile: str
    noised: str
    windows: tuple[WindowLabel, ...]
    series: tuple[Series, ...]
    totals: Totals
    heats: tuple[Heat, ...]
    stays: tuple[Stays, ...]
    description: str


class _Place(NamedTuple):
    kind: str
    camera: str
    id: str


def panel(store: Store, rows: Sequence[FlowRow], estate: Estate, now: datetime, words: Words) -> FlowPanel:
    """Lay the rows of a store's day out on a time axis."""
    zone, names = places.timezone(estate, store.id), Names(estate, store.id)
    length = timedelta(seconds=rows[-1].window_seconds) if rows else estate.flow.window
    same = [row for row in rows if timedelta(seconds=row.window_seconds) == length]
    alike = [row for row in same if row.metric in CHARTED]
    starts = axis(alike, length)
    every = spoken.length(length, words)
    return FlowPanel(
        store_id=store.id,
        store=store.name or store.id,
        timezone=store.timezone,
        date=spoken.date(now, zone),
        length=every,
        every=words("flow.window", length=every, timezone=store.timezone),
        seen=spoken_coverage(same, words),
        profile=rows[-1].profile if rows else estate.flow.profile,
        noised=words("flow.noised") if any(row.noise_epsilon is not None for row in same) else "",
        windows=tuple(
            WindowLabel(
                label=(spoken.clock if length < timedelta(minutes=1) else spoken.hour)(start, zone),
                coverage=_coverage(alike, start),
            )
            for start in starts
        ),
        series=tuple(_series(place, some, starts, names, words) for place, some in by_place(alike).items()),
        totals=totals(rows, words),
        heats=heats(same, names, words),
        stays=stays(same, names, words),
        description=words("flow.chart", store=store.name or store.id),
    )


def axis(rows: Sequence[FlowRow], length: timedelta) -> tuple[datetime, ...]:
    """Every window from the first to the last, empty ones too, but no more than can be shown."""
    if not rows:
        return ()
    last = max(row.window_start for row in rows)
    first = max(min(row.window_start for row in rows), last - length * (SHOWN - 1))
    count = (last - first) // length + 1
    return tuple(last - length * back for back in reversed(range(count)))


def by_place(rows: Sequence[FlowRow]) -> Mapping[_Place, list[FlowRow]]:
    """Lines before zones, each by camera and name."""
    found: dict[_Place, list[FlowRow]] = {}
    for row in rows:
        place = (
            _Place("line", row.camera_id, row.line_id) if row.line_id else _Place("zone", row.camera_id, row.zone_id)
        )
        found.setdefault(place, []).append(row)
    return {place: found[place] for place in sorted(found)}


def totals(rows: Sequence[FlowRow], words: Words) -> Totals:
    """Sum the day's crossings that were published."""
    crossings = [row for row in rows if row.metric in {Metric.LINE_IN.value, Metric.LINE_OUT.value}]
    come = sum(value(row) or 0 for row in crossings if row.metric == Metric.LINE_IN.value)
    go = sum(value(row) or 0 for row in crossings if row.metric == Metric.LINE_OUT.value)
    withheld = len({(row.camera_id, row.line_id, row.window_start) for row in crossings if row.suppressed})
    return Totals(
        come=come,
        go=go,
        withheld=withheld,
        text=words(
            "flow.totals.at_least" if withheld else "flow.totals",
            come=spoken.number(come),
            go=spoken.number(go),
            count=withheld,
        ),
    )


def spoken_coverage(rows: Sequence[FlowRow], words: Words) -> str:
    """Say how much was seen of what these counts are of."""
    return words("flow.seen", share=spoken.percent(fmean(row.coverage for row in rows))) if rows else ""


def value(row: FlowRow) -> float | None:
    """The one number of a row, or none where it was withheld."""
    return row.values[0] if row.values and not row.suppressed else None


def _coverage(rows: Sequence[FlowRow], start: datetime) -> float | None:
    here = [row.coverage for row in rows if row.window_start == start]
    return round(sum(here) / len(here), 3) if here else None


def _series(place: _Place, rows: Sequence[FlowRow], starts: Sequence[datetime], names: Names, words: Words) -> Series:
    by_metric = {metric: {row.window_start: row for row in rows if row.metric == metric} for metric in CHARTED}
    withheld = {row.window_start for row in rows if row.suppressed}

    def numbers(metric: Metric) -> Numbers:
        cells = by_metric[metric.value]
        return tuple(value(cells[start]) if start in cells else None for start in starts) if cells else ()

    return Series(
        kind=place.kind,
        kind_name=words(f"flow.{place.kind}"),
        id=place.id,
        name=names.line(place.camera, place.id) if place.kind == "line" else names.zone(place.camera, place.id),
        camera=names.camera(place.camera),
        come=numbers(Metric.LINE_IN),
        go=numbers(Metric.LINE_OUT),
        occupancy=numbers(Metric.OCCUPANCY),
        suppressed=tuple(start in withheld for start in starts),
    )
