"""What was seen in a frame, or why nothing could be: one message a frame."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from schemas.envelope import CameraMessage, DataClass
from schemas.frame import Cells, Sequence
from schemas.frozen import Frozen, UtcTime
from schemas.geometry import Box
from schemas.ids import NamedDevice, NamedKey

Likelihood = Annotated[float, Field(ge=0, le=1)]


class ObjectType(StrEnum):
    """ONVIF object types that we detect."""

    HUMAN = "Human"
    HUMAN_FACE = "HumanFace"


class Detection(Frozen):
    """A box with a class and a likelihood."""

    type: ObjectType
    likelihood: Likelihood
    bounding_box: Box


class FrameRef(Frozen):
    """Where a message lies in Kafka."""

    topic: str = Field(max_length=64)
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)


class DeviceMessage(CameraMessage):
    """A message with a place in its device's order: (device, boot, sequence)."""

    data_class: Literal[DataClass.LINKABLE] = DataClass.LINKABLE
    device_id: NamedDevice
    boot: Sequence
    sequence: Sequence


class FrameDetections(DeviceMessage):
    """All boxes of one frame, and where that frame lies."""

    ce_type: ClassVar[str] = "mimamori.frame-detections.v1"
    frame: FrameRef
    frame_width: int = Field(gt=0, le=16384)
    frame_height: int = Field(gt=0, le=16384)
    reference: bool = False
    motion_in_cells: Cells = ""
    regions: Annotated[tuple[Box, ...], Field(max_length=16)] = ()
    """Where was looked, in place of the whole picture; nothing is said of what lies outside. Empty: everywhere."""
    detections: Annotated[tuple[Detection, ...], Field(max_length=1000)] = ()


class Still(DeviceMessage):
    """Nothing moved from `from_time` to `utc_time`: no pixels, holds tracks, counts as coverage.

    `sequence` is its own number and the last that it speaks for; `frames` is how many captured pictures it stands for.
    """

    ce_type: ClassVar[str] = "mimamori.still.v1"
    first_sequence: Sequence
    from_time: UtcTime
    frames: int = Field(ge=1, le=10_000)
    since_frame: Sequence

    @model_validator(mode="after")
    def _runs_forward(self) -> "Still":
        if self.first_sequence > self.sequence or self.from_time > self.utc_time:
            raise ValueError("a still runs forward")
        return self


class Skipped(DeviceMessage):
    """Frames that nobody looked at: recorded, so that a replay passes over the same.

    Shed: there were more than could be looked at; coverage falls. Profile: the camera's profile has only some of its
    moving frames looked at, which is all that is expected; coverage does not fall, and tracks wait.
    """

    ce_type: ClassVar[str] = "mimamori.skipped.v1"
    first_sequence: Sequence
    frame: FrameRef
    reason: Literal["shed", "profile"] = "shed"


class Erased(DeviceMessage):
    """A frame whose key is gone: counted, never opened."""

    ce_type: ClassVar[str] = "mimamori.erased.v1"
    frame: FrameRef
    key_id: NamedKey


class Tick(CameraMessage):
    """Time has passed at a camera that says nothing; closes its windows. Never makes a later frame late."""

    ce_type: ClassVar[str] = "mimamori.tick.v1"
    data_class: Literal[DataClass.LINKABLE] = DataClass.LINKABLE
