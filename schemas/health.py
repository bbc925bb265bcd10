"""How devices and cameras are."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import CameraMessage, DataClass
from schemas.frozen import Frozen, UtcTime
from schemas.ids import NamedDevice


class CameraState(StrEnum):
    """What ails a camera."""

    WELL = "well"
    COVERED = "covered"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    FROZEN = "frozen"
    SILENT = "silent"


class Picture(Frozen):
    """What was measured of a camera's newest picture, against how the camera usually sees."""

    edges_kept: float = Field(ge=0, le=1, description="Share of the usual edges of things that are still there")
    bare: float = Field(ge=0, le=1, description="Share of the picture where there usually are edges, and now are none")
    sharpness: float = Field(ge=0, description="1: as sharp as usual")
    moved: float = Field(ge=0, description="How far the view has moved, in shares of the picture's width")
    brightness: float = Field(ge=0, le=1, description="0: black, 1: white")
    same_for: float = Field(ge=0, description="Seconds for which the very same picture has come")


class CameraHealth(CameraMessage):
    """How a camera is. Sent when that changes, and again every minute.

    By the device, which alone sees every picture; by the silence watch, of a device that says nothing.
    """

    ce_type: ClassVar[str] = "mimamori.camera-health.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    state: CameraState
    since: UtcTime | None = Field(default=None, description="When it was first seen to be so")
    numbers: Picture | None = Field(default=None, description="Of the newest picture; none, where there is none")


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
