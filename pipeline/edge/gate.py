"""The motion gate: what moves in a small grey picture, against what has been there for a while.

Running average and threshold (facts: all people of a labelled clip passed, most others nearly). Somebody who stands
stays different from the background for about a minute, then fades into it.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.edge.clip import Bgr

Gray: TypeAlias = npt.NDArray[np.uint8]
"""uint8 of (height, width)."""
Background: TypeAlias = npt.NDArray[np.float32]

COLUMNS: Final = 16
_SMALL: Final = 240
"""Half of the small picture's largest width: pictures are halved until they are narrower than twice this."""


@dataclass(frozen=True)
class How:
    """What counts as motion."""

    threshold: float = 20
    """Grey levels that a pixel must differ by."""
    share: float = 0.02
    """Share of a cell's pixels that must differ."""
    recalibrate: float = 0.8
    """When more of the picture than this has changed, it is the light that has: begin anew."""
    memory: timedelta = timedelta(seconds=30)
    """How long it takes the background to follow."""


@dataclass(frozen=True)
class State:
    """What has been there for a while, and until when that is known."""

    background: Background
    time: datetime


@dataclass(frozen=True)
class Motion:
    """Which cells of the picture moved, row by row; columns x rows."""

    cells: npt.NDArray[np.bool_]

    @property
    def any(self) -> bool:
        return bool(self.cells.any())

    @property
    def text(self) -> str:
        """As schemas.frame.Cells: '16x9:' and the packed bits in base64."""
        rows, columns = self.cells.shape
        return f"{columns}x{rows}:{base64.b64encode(np.packbits(self.cells).tobytes()).decode()}"


def small(picture: Bgr) -> Gray:
    """Shrink a picture by halves, to 240–479 pixels wide, and take its grey."""
    while picture.shape[1] >= 2 * _SMALL:
        height, width = picture.shape[:2]
        picture = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]  # uint8 stays uint8
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]  # uint8 stays uint8


def watch(state: State | None, gray: Gray, time: datetime, how: How = How()) -> tuple[State, Motion]:
    """Say what moves in the picture of `time`. The first picture, and one of another size, moves all over."""
    if state is None or state.background.shape != gray.shape:
        return State(gray.astype(np.float32), time), _everywhere(gray)
    changed = _changed(state.background, gray, how)
    if changed.mean() > how.recalibrate:
        return State(gray.astype(np.float32), time), _everywhere(gray)
    weight = _weight(time - state.time, how)
    return State(cv2.addWeighted(state.background, 1 - weight, gray.astype(np.float32), weight, 0), time), Motion(  # type: ignore[arg-type]  # float32 stays float32
        _shares(changed) >= how.share
    )


def _changed(background: Background, gray: Gray, how: How) -> npt.NDArray[np.float32]:
    """1 where a pixel differs, 0 elsewhere. Blurred a little: single pixels of noise are no motion."""
    difference = cv2.blur(cv2.absdiff(background, gray.astype(np.float32)), (3, 3))
    return cv2.threshold(difference, how.threshold, 1, cv2.THRESH_BINARY)[1]  # type: ignore[return-value]  # float32


def _shares(changed: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    columns, rows = _grid(changed)
    return cv2.resize(changed, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]  # float32


def _everywhere(gray: Gray) -> Motion:
    columns, rows = _grid(gray)
    return Motion(np.ones((rows, columns), np.bool_))


def _grid(picture: npt.NDArray[np.generic]) -> tuple[int, int]:
    height, width = picture.shape
    return COLUMNS, min(max(round(COLUMNS * height / width), 1), 4 * COLUMNS)


def _weight(passed: timedelta, how: How) -> float:
    # By time, not by picture: the background follows alike at every rate.
    return float(1 - np.exp(-max(passed / how.memory, 0.0)))
