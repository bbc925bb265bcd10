"""What watching no longer takes for somebody, since it never moves: for a person to confirm or to refuse."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.detections import Likelihood
from schemas.envelope import CameraMessage, DataClass
from schemas.frozen import Frozen, UtcTime
from schemas.geometry import Box


class Thing(Frozen):
    """A box that has stood in one place for long: a mannequin, a poster, or somebody who stands very still."""

    bounding_box: Box
    since: UtcTime = Field(description="When it was first seen there")
    set_aside: UtcTime = Field(description="From when on it is nobody")
    share: Likelihood = Field(description="Of the samples since it was first seen, those in which it was")


class SetAside(CameraMessage):
    """All that is set aside at a camera. Sent when that changes, and again every few minutes; the newest counts."""

    ce_type: ClassVar[str] = "mimamori.set-aside.v1"
    data_class: Literal[DataClass.LINKABLE] = DataClass.LINKABLE
    things: Annotated[tuple[Thing, ...], Field(max_length=32)] = ()
