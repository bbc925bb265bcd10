"""YuNet 2023mar: finds faces. Wu et al. 2023, doi:10.1007/s11633-023-1423-y."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from models import nms
from models.networks.letterbox import Letterbox, Picture, shrink

INPUT = "input"
STRIDES = (8, 16, 32)
SAME_FACE = 0.3
"""Boxes that overlap more than this are one face."""

Floats = npt.NDArray[np.float32]


def prepare(bgr: Picture, *, longest: int) -> tuple[Letterbox, Floats]:
    """Give the shrunk picture and the network's input."""
    box = shrunk(bgr, longest=longest)
    return box, tensor(box.canvas)


def shrunk(bgr: Picture, *, longest: int) -> Letterbox:
    """Shrink a picture to this longest side, on a canvas that the network can take."""
    return shrink(bgr, longest=longest, multiple_of=max(STRIDES))


def tensor(canvas: Picture) -> Floats:
    """Give the network's input (1, 3, height, width): blue, green, red from 0 to 255."""
    planes = np.empty((1, 3, *canvas.shape[:2]), np.float32)
    for channel, plane in enumerate(cv2.split(canvas)):
        planes[0, channel] = plane
    return planes


def faces(outputs: Mapping[str, Floats], *, width: int, at_least: float) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels of a canvas of this width and likelihoods (n,) of the faces found, likeliest first."""
    found = [_of_stride(outputs, stride, width // stride, at_least) for stride in STRIDES]
    boxes, likelihoods = (np.concatenate(parts) for parts in zip(*found, strict=True))
    kept = nms.keep(boxes, likelihoods, at_most=SAME_FACE)
    return boxes[kept], likelihoods[kept]


def _of_stride(outputs: Mapping[str, Floats], stride: int, columns: int, at_least: float) -> tuple[Floats, Floats]:
    of_face, of_object = (outputs[f"{name}_{stride}"][0, :, 0].clip(0, 1) for name in ("cls", "obj"))
    likelihoods = np.sqrt(of_face * of_object)
    cells = np.flatnonzero(likelihoods >= at_least)
    offsets, sizes = np.split(outputs[f"bbox_{stride}"][0, cells], 2, axis=1)
    corners = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    centres, halves = (corners + offsets) * stride, np.exp(sizes) * stride / 2
    return np.concatenate([centres - halves, centres + halves], axis=1), likelihoods[cells]
