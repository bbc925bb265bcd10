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

MOST = 2**32 - 1
"""No count is larger: it is what the warehouse holds."""

LONGEST = timedelta(days=1)


Count = Annotated[int, Field(ge=0, le=MOST)]


class Metric(StrEnum):
    """What a window counts."""

    LINE_IN = "line_in"
    LINE_OUT = "line_out"
    OCCUPANCY = "occupancy"
    DWELL_HISTOGRAM = "dwell_histogram"
    HEAT = "heat"


class Noise(Frozen):
    """How a number was noised."""

    mechanism: Literal["geometric"]
    epsilon: float = Field(gt=0)


class Window(CameraMessage):
    """A span of event time at one camera, with a version: the full value, never a change."""

    data_class: Literal[DataClass.DEIDENTIFIED] = DataClass.DEIDENTIFIED
    purpose: Literal[Purpose.PEOPLE_FLOW] = Purpose.PEOPLE_FLOW
    profile: Literal["published", "demo"] = "published"
    window_start: UtcTime
    window_length: Annotated[Length, Field(ge=timedelta(seconds=1), le=LONGEST)]
    version: int = Field(ge=0, lt=2**63)

    @model_validator(mode="after")
    def _no_finer_than_published(self) -> "Window":
        if self.profile != "demo" and self.window_length < PUBLISHED_LENGTH:
            raise ValueError("a window under 15 minutes needs the demo profile (R51)")
        if self.utc_time != self.window_start:
            raise ValueError("a window's time is its start: no time is finer than the window (R51)")
        return self


class FlowWindow(Window):
    """One count of one line or zone. `values` has one number, or the bins of a histogram; none where suppressed."""

    ce_type: ClassVar[str] = "mimamori.flow-window.v1"
    line_id: NamedLine | None = None
    zone_id: NamedZone | None = None
    metric: Metric
    values: Annotated[tuple[float, ...], Field(max_length=4096)]
    coverage: float = Field(ge=0, le=1)
    suppressed: bool = False
    suppressed_below: Count
    noise: Noise | None = None

    @model_validator(mode="after")
    def _is_of_one_place_and_suppressed(self) -> "FlowWindow":
        if (self.line_id is None) == (self.zone_id is None):
            raise ValueError("a flow window is of one line or of one zone")
        if self.profile != "demo" and self.suppressed_below < 1:
            raise ValueError("small numbers must be suppressed outside the demo profile")
        if self.suppressed and self.values:
            raise ValueError("a suppressed window has no values")
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
    people_tracked: Count | None
    """None where it is withheld: somebody was there, but fewer than may be told of."""
