"""A message, and where it lay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from schemas.detections import FrameRef
from schemas.wire import Headers

M_co = TypeVar("M_co", covariant=True)


@dataclass(frozen=True)
class Received(Generic[M_co]):
    """What a stage hands to a step: a message that was read and may be where it lay."""

    message: M_co
    ref: FrameRef
    headers: Headers = ()
    """As they came: a device's signature covers them all."""
    value: bytes = b""
    """As it came; the signature covers it too."""
    taken: datetime | None = None
    """When the broker took it."""
