"""How devices and cameras are."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import CameraMessage, DataClass
from schemas.ids import NamedDevice


class CameraState(StrEnum):
    """What ails a camera."""

    WELL = "well"
    COVERED = "covered"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    FROZEN = "frozen"
    SILENT = "silent"


class CameraHealth(CameraMessage):
    """A camera's state changed."""

    ce_type: ClassVar[str] = "mimamori.camera-health.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    state: CameraState


class DeviceHealth(CameraMessage):
    """What a publisher did since its boot."""

    ce_type: ClassVar[str] = "mimamori.device-health.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    device_id: NamedDevice
    boot: int = Field(ge=0)
    captured: int = Field(ge=0)
    frames: int = Field(ge=0)
    stills: int = Field(ge=0)
    dropped: int = Field(ge=0)
    spooled: int = Field(default=0, ge=0, description="Frames and stills that wait on the device's disk")
