"""De-identified people flow: counts in windows, and how much was seen to count them."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from schemas.envelope import CameraMessage, DataClass, Purpose
from schemas.frozen import Frozen, Length, UtcTime
from schemas.ids import NamedLine, NamedZone

PUBLISHED_LENGTH = timedelta(minutes=15)
"""No published number is finer than this (R51)."""

EXPORTED_LENGTH = timedelta(hours=1)
"""No number that is made for outsiders is finer than this."""

EXPORTED_FROM = 5
"""No number below this is exported, whatever the settings say: what is noised is still not to be guessed at."""

HEAT_ACROSS, HEAT_DOWN = 32, 18
"""The grid of a heat map over the picture: `values` are its cells row by row, from the upper left."""

DWELL_EDGES = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds; the first bin of a dwell histogram is below the first edge, the last from the last edge up."""

MOST = 2**32 - 1
"""No count is larger: it is what the warehouse holds."""

LONGEST = timedelta(days=1)


Count = Annotated[int, Field(ge=0, le=MOST)]


class Metric(StrEnum):
    """What a window counts."""

    LINE_IN = "line_in"
    LINE_OUT = "line_out"
    OCCUPANCY = "occupancy"
    """Of a zone: people in it, on the average while the camera saw. Of a line: people behind it at the window's end,
    by what was published of who came and went since the store closed last."""
    VISITORS = "visitors"
    """How many were in a zone; exported in place of its occupancy."""
    DWELL_HISTOGRAM = "dwell_histogram"
    """Visits to a zone that ended, by bin of `DWELL_EDGES`."""
    DWELL_MEDIAN = "dwell_median"
    """Seconds, by Kaplan and Meier: who was lost from sight had stayed at least so long. No value: not known."""
    HEAT = "heat"
    """Person-seconds by cell of the picture; a cell with fewer people than may be told of is 0, as if nobody were."""


class Noise(Frozen):
    """How a number was noised."""

    mechanism: Literal["geometric"]
    epsilon: float = Field(gt=0)
    """Spent on this number: its noise is n with a probability in proportion to exp(-epsilon |n|)."""
    day_epsilon: float | None = Field(default=None, gt=0)
    """Spent by all numbers of this store and day together, on one visit."""
    cells: int | None = Field(default=None, ge=1)
    """One visit changes this camera's numbers of this kind by no more, all together."""


class Window(CameraMessage):
    """A span of event time at one camera, with a version: the full value, never a change."""

    data_class: Literal[DataClass.DEIDENTIFIED] = DataClass.DEIDENTIFIED
    purpose: Literal[Purpose.PEOPLE_FLOW] = Purpose.PEOPLE_FLOW
    profile: Literal["published", "demo", "export"] = "published"
    window_start: UtcTime
    window_length: Annotated[Length, Field(ge=timedelta(seconds=1), le=LONGEST)]
    version: int = Field(ge=0, lt=2**63)

    @model_validator(mode="after")
    def _no_finer_than_published(self) -> "Window":
        if self.profile != "demo" and self.window_length < PUBLISHED_LENGTH:
            raise ValueError("a window under 15 minutes needs the demo profile (R51)")
        if self.profile == "export" and self.window_length < EXPORTED_LENGTH:
            raise ValueError("a window under an hour is not exported")
        if self.utc_time != self.window_start:
            raise ValueError("a window's time is its start: no time is finer than the window (R51)")
        return self


class FlowWindow(Window):
    """One count: of a line, of a zone, or a heat map of the picture.

    `values` has one number, or the bins of a histogram, or the cells of a grid; none where suppressed or not known.
    """

    ce_type: ClassVar[str] = "mimamori.flow-window.v1"
    line_id: NamedLine | None = None
    zone_id: NamedZone | None = None
    metric: Metric
    values: Annotated[tuple[float, ...], Field(max_length=4096)]
    coverage: float = Field(ge=0, le=1)
    suppressed: bool = False
    suppressed_below: Count
    withheld: Annotated[tuple[Annotated[int, Field(ge=0, lt=4096)], ...], Field(max_length=4096)] = ()
    """Which of the values are withheld though the others are told; a withheld one is written as 0."""
    noise: Noise | None = None

    @model_validator(mode="after")
    def _is_of_one_place(self) -> "FlowWindow":
        places = (self.line_id is not None) + (self.zone_id is not None)
        if places != (0 if self.metric is Metric.HEAT else 1):
            raise ValueError("a flow window is of one line or of one zone; a heat map of neither")
        if self.metric is Metric.HEAT and len(self.values) not in {0, HEAT_ACROSS * HEAT_DOWN}:
            raise ValueError(f"a heat map has {HEAT_ACROSS} cells across and {HEAT_DOWN} down")
        return self

    @model_validator(mode="after")
    def _tells_no_more_than_it_may(self) -> "FlowWindow":
        if self.profile != "demo" and self.suppressed_below < 1:
            raise ValueError("small numbers must be suppressed outside the demo profile")
        if self.suppressed and self.values:
            raise ValueError("a suppressed window has no values")
        if any(each >= len(self.values) or self.values[each] for each in self.withheld):
            raise ValueError("a value that is withheld is written as 0")
        if self.profile == "export" and (self.suppressed_below < EXPORTED_FROM or (self.values and not self.noise)):
            raise ValueError("what is exported is noised, and suppressed below 5 after that")
        return self


class CoverageWindow(Window):
    """How much of a window was seen, and how many people were followed in it."""

    ce_type: ClassVar[str] = "mimamori.coverage-window.v1"
    frames_expected: Count
    frames_analysed: Count
    stills: Count
    skipped: Count
    erased: Count
    late: Count
    passed: Count = 0
    """Pictures that the camera's profile passes over: seen enough of, by decision. Coverage does not fall for them."""
    people_tracked: Count | None
    """None where it is withheld: somebody was there, but fewer than may be told of."""
