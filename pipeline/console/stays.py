"""Where people were and how long: a day's heat map by camera and stays by zone, each with how much was seen."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import fmean

from pipeline.console import spoken
from pipeline.console.places import Names
from pipeline.console.words import Words
from pipeline.flow.rows import FlowRow
from schemas.flow import DWELL_EDGES, HEAT_ACROSS, HEAT_DOWN, Metric
from schemas.frozen import Frozen


class Heat(Frozen):
    """The person-seconds of one camera's picture; `cells` row by row from the upper left, 1 where there are most."""

    camera: str
    across: int
    down: int
    cells: tuple[float, ...]
    text: str
    coverage: str


class Bin(Frozen):
    """Visits of one length; `share` of the most."""

    label: str
    count: str
    share: float


class Stays(Frozen):
    """How long people stayed in one zone."""

    zone: str
    camera: str
    median: str
    bins: tuple[Bin, ...]
    note: str
    coverage: str


def heats(rows: Sequence[FlowRow], names: Names, words: Words) -> tuple[Heat, ...]:
    """Add up the heat maps of each camera. What was withheld is 0, and where all of it was there is none."""
    told = [row for row in rows if row.metric == Metric.HEAT.value and len(row.values) == HEAT_ACROSS * HEAT_DOWN]
    return tuple(
        _heat(camera, [row for row in told if row.camera_id == camera], names, words)
        for camera in sorted({row.camera_id for row in told})
    )


def _heat(camera: str, rows: Sequence[FlowRow], names: Names, words: Words) -> Heat:
    sums = [sum(cell) for cell in zip(*(row.values for row in rows), strict=True)]
    most = max(sums)
    return Heat(
        camera=names.camera(camera),
        across=HEAT_ACROSS,
        down=HEAT_DOWN,
        # Noise may leave a little less than nothing.
        cells=tuple(round(max(each, 0) / most, 3) if most > 0 else 0.0 for each in sums),
        text=words("flow.heat.most", seconds=spoken.number(round(most))),
        coverage=_seen(rows, words),
    )


def stays(rows: Sequence[FlowRow], names: Names, words: Words) -> tuple[Stays, ...]:
    """Say of each zone how long visits were, and the newest median that is known."""
    dwell = [row for row in rows if row.metric in {Metric.DWELL_HISTOGRAM.value, Metric.DWELL_MEDIAN.value}]
    return tuple(
        _stays([row for row in dwell if (row.camera_id, row.zone_id) == place], names, words)
        for place in sorted({(row.camera_id, row.zone_id) for row in dwell})
    )


def _stays(rows: Sequence[FlowRow], names: Names, words: Words) -> Stays:
    told = [row for row in rows if row.metric == Metric.DWELL_HISTOGRAM.value and row.values]
    counts = [sum(cell) for cell in zip(*(row.values for row in told), strict=False)]
    medians = [row for row in rows if row.metric == Metric.DWELL_MEDIAN.value and row.values]
    newest = max(medians, key=lambda row: row.window_start, default=None)
    withheld = sum(row.suppressed or bool(row.withheld) for row in rows if row.metric == Metric.DWELL_HISTOGRAM.value)
    first = rows[0]
    return Stays(
        zone=names.zone(first.camera_id, first.zone_id),
        camera=names.camera(first.camera_id),
        median=words("flow.dwell.median", length=_length(newest.values[0], words)) if newest else "",
        bins=tuple(_bins(counts, words)),
        note=words("flow.dwell.withheld", count=withheld) if withheld else "",
        coverage=_seen(rows, words),
    )


def _bins(counts: Sequence[float], words: Words) -> Iterable[Bin]:
    most = max((*counts, 1.0))
    edges = [_length(each, words) for each in DWELL_EDGES]
    labels = [
        words("flow.dwell.below", length=edges[0]),
        *(words("flow.dwell.between", begin=begin, end=end) for begin, end in itertools.pairwise(edges)),
        words("flow.dwell.from", length=edges[-1]),
    ]
    for label, count in zip(labels, counts, strict=False):
        yield Bin(label=label, count=spoken.number(count), share=round(max(count, 0) / most, 3))


def _length(seconds: float, words: Words) -> str:
    return spoken.length(timedelta(seconds=round(seconds)), words)


def _seen(rows: Sequence[FlowRow], words: Words) -> str:
    return words("flow.seen", share=spoken.percent(fmean(row.coverage for row in rows)))
