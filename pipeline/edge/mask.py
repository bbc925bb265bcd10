"""Masks: parts of the picture that are painted black before anything looks at it."""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.edge.clip import Bgr
from schemas.estate import Mask


def paint(picture: Bgr, masks: Sequence[Mask]) -> Bgr:
    """Return the picture with every mask black; without masks, the picture itself."""
    if not masks:
        return picture
    painted = picture.copy()
    for mask in masks:
        cv2.fillPoly(painted, [_corners(mask, painted)], (0, 0, 0))
    return painted


def _corners(mask: Mask, picture: Bgr) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    height, width = picture.shape[:2]
    return np.array([(round(corner.x * width), round(corner.y * height)) for corner in mask.polygon], np.int32)
