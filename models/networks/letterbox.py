"""A picture of any size becomes the size that a network wants: shrunk into the top left corner."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Letterbox:
    """A picture (height, width, 3) that fills the top left of a black canvas, and the factor from picture to canvas."""

    canvas: Picture
    scale: float


def fit(picture: Picture, *, height: int, width: int) -> Letterbox:
    """Put a picture into the top left corner of a canvas of this size, as large as it fits."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    return _placed(picture, scale, height, width)


def shrink(picture: Picture, *, longest: int, multiple_of: int) -> Letterbox:
    """Shrink a picture (never enlarge it) to its longest side, on the smallest canvas with sides of this multiple."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    height, width = (-(-max(1, round(side * scale)) // multiple_of) * multiple_of for side in picture.shape[:2])
    return _placed(picture, scale, height, width)


def _placed(picture: Picture, scale: float, height: int, width: int) -> Letterbox:
    rows, columns = (max(1, round(side * scale)) for side in picture.shape[:2])
    # Shrinking by area keeps thin legs and small faces; it is also what the activation ranges were taken with.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[:rows, :columns] = cv2.resize(picture, (columns, rows), interpolation=how)
    return Letterbox(canvas, scale)
