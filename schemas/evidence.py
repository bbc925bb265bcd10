"""The sealed clip of an alert: what stands readable before it, and what lies inside."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.envelope import DataClass, Purpose
from schemas.frozen import Frozen, UtcTime
from schemas.geometry import Box
from schemas.ids import AlertId, NamedCamera, NamedKey, NamedStore

FRAMES_MAX = 32
"""No alert names more."""


class EvidenceHeader(Frozen):
    """The first line of an evidence object: all that may be known of it without opening it.

    It holds nothing of what was seen. Sealed under it, the clip opens under no other.
    """

    alert_id: Annotated[AlertId, Field(min_length=1, max_length=64)]
    camera_id: NamedCamera
    data_class: Literal[DataClass.IDENTIFYING] = DataClass.IDENTIFYING
    expires_at: UtcTime
    key_id: NamedKey
    purpose: Purpose
    store_id: NamedStore


class EvidenceFrame(Frozen):
    """One picture of a clip: when, how many bytes of JPEG, and the box that the alert concerns.

    `whole`: all of it is hidden, since nobody knew where people were in it.
    """

    utc_time: UtcTime
    size: int = Field(gt=0, lt=2**24)
    box: Box
    whole: bool = False


class EvidenceManifest(Frozen):
    """The first line inside: whose clip it is, and how the JPEGs that follow lie one behind the other."""

    alert_id: Annotated[AlertId, Field(min_length=1, max_length=64)]
    frames: Annotated[tuple[EvidenceFrame, ...], Field(min_length=1, max_length=FRAMES_MAX)]

    @model_validator(mode="after")
    def _in_order_of_time(self) -> "EvidenceManifest":
        times = [each.utc_time for each in self.frames]
        if times != sorted(times):
            raise ValueError("frames lie in order of time")
        return self
