"""The device's core: pictures in, frames and stills to be sent out, all in one sequence. Pure but for the encoder."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import cv2
import numpy as np

from pipeline.edge import gate, mask
from pipeline.edge.clip import Bgr
from schemas.estate import Mask

REFERENCE_EVERY: Final = timedelta(seconds=10)
STILL_EVERY: Final = timedelta(seconds=1)
QUALITIES: Final = (80, 60, 40, 20, 5)
"""Of JPEG; each next where a picture would be too large otherwise."""
LARGEST: Final = (2 << 20) - (16 << 10)
"""Bytes of a picture: what Kafka takes, less what sealing and the envelope add."""


@dataclass(frozen=True)
class How:
    """What a camera's pictures go through."""

    width: int
    masks: Sequence[Mask] = ()
    motion: gate.How = field(default_factory=gate.How)


@dataclass(frozen=True)
class Pixels:
    """A frame before it is sealed."""

    sequence: int
    time: datetime
    motion_in_cells: str
    reference: bool
    jpeg: bytes


@dataclass(frozen=True)
class Calm:
    """A run of pictures in which nothing moved."""

    sequence: int
    since: datetime
    time: datetime
    frames: int
    since_frame: int


Outgoing = Pixels | Calm


@dataclass(frozen=True)
class State:
    """What a device remembers of its camera."""

    sequence: int = 0
    """Of the next message."""
    sent: gate.Gray | None = None
    """The last frame, small and grey."""
    gray: gate.Gray | None = None
    """The newest picture, small and grey."""
    reference: datetime | None = None
    """When the last reference frame was taken."""
    since_frame: int = 0
    said: datetime | None = None
    """The time of the last message."""
    since: datetime | None = None
    time: datetime | None = None
    calm: int = 0
    """Pictures in which nothing moved and that no still speaks for yet: from `since` to `time`."""


def look(state: State, picture: Bgr, time: datetime, how: How) -> tuple[State, tuple[Outgoing, ...]]:
    """Take one picture in.

    What moves becomes a frame. What does not becomes part of a still: one a second, and one that closes the run when
    something moves again. Every ten seconds one picture is a reference frame, whether anything moves or not.
    """
    picture = mask.paint(shrink(picture, how.width), how.masks)
    gray = gate.small(picture)
    state = replace(state, gray=gray)
    motion = gate.changed(state.sent, gray, how.motion)
    reference = not _within(state.reference, time, REFERENCE_EVERY)
    if not (reference or motion.any):
        return _wait(state, time)
    state, closed = flush(state)
    frame = Pixels(state.sequence, time, motion.text, reference, encode(picture))
    return _sent(state, frame, gray), (*closed, frame)


def flush(state: State) -> tuple[State, tuple[Calm, ...]]:
    """Say what was held back."""
    if not state.calm or state.since is None or state.time is None:
        return state, ()
    still = Calm(state.sequence, state.since, state.time, state.calm, state.since_frame)
    return replace(state, sequence=state.sequence + 1, said=state.time, since=None, calm=0), (still,)


def shrink(picture: Bgr, width: int) -> Bgr:
    """Make a picture no wider than `width`; it is never enlarged."""
    high, wide = picture.shape[:2]
    if wide <= width:
        return picture
    size = (width, max(round(high * width / wide), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode(picture: Bgr, largest: int = LARGEST) -> bytes:
    """Write a picture as JPEG, as well as there is room for; it may be too large all the same."""
    jpeg = b""
    for quality in QUALITIES:
        jpeg = bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
        if len(jpeg) <= largest:
            break
    return jpeg


def _sent(state: State, frame: Pixels, gray: gate.Gray) -> State:
    return replace(
        state,
        sequence=frame.sequence + 1,
        since_frame=frame.sequence,
        sent=gray,
        said=frame.time,
        reference=frame.time if frame.reference else state.reference,
    )


def _wait(state: State, time: datetime) -> tuple[State, tuple[Calm, ...]]:
    # The earlier of both: a clock may have been set back within the run.
    state = replace(state, since=min(state.since or time, time), time=time, calm=state.calm + 1)
    return (state, ()) if _within(state.said, time, STILL_EVERY) else flush(state)


def _within(since: datetime | None, time: datetime, length: timedelta) -> bool:
    """Say whether less than `length` has passed; a clock that was set back has passed it."""
    return since is not None and timedelta(0) <= time - since < length
