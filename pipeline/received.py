"""A message, and where it lay."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas.detections import FrameRef

M_co = TypeVar("M_co", covariant=True)


@dataclass(frozen=True)
class Received(Generic[M_co]):
    """What a stage hands to a step: a message that was read and may be where it lay."""

    message: M_co
    ref: FrameRef
