"""A frame's envelope, beside its sealed picture."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.envelope import CameraMessage, DataClass
from schemas.ids import NamedDevice, NamedKey

Sequence = Annotated[int, Field(ge=0, lt=2**63)]
"""Frames and stills of one (device, boot, camera) share one sequence, counted from 0 without a gap."""

Cells = Annotated[str, Field(max_length=512)]
"""ONVIF motion in cells: '<columns>x<rows>:<base64 of packed bits, row by row>', or empty when unknown."""


class Frame(CameraMessage):
    """One picture: all that may be known of it without opening it. The value beside it is the sealed JPEG."""

    ce_type: ClassVar[str] = "mimamori.frame.v1"
    data_class: Literal[DataClass.IDENTIFYING] = DataClass.IDENTIFYING
    key_id: NamedKey
    device_id: NamedDevice
    boot: Sequence
    sequence: Sequence
    motion_in_cells: Cells = ""
    reference: bool = False
