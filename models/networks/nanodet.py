"""NanoDet-g at 416: finds people. Lyu 2021; its boxes are those of Li et al. 2020 (arXiv:2006.04388)."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from models import nms
from models.networks.letterbox import Letterbox, Picture, fit

INPUT = "input_1"
SIDE = 416
PERSON = 0
"""Person comes first among the eighty labels of COCO."""
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
"""Of blue, green and red, 0–255."""
OUTPUTS = ((8, "Identity", "Identity_3"), (16, "Identity_1", "Identity_4"), (32, "Identity_2", "Identity_5"))
"""Stride, class likelihoods (1, cells, 80), distances to the four sides (1, cells, 4 × 11)."""
BINS = 11
"""A side is so many strides away at most, and one."""
SAME_PERSON = 0.5
"""Boxes that overlap more than this are one person."""

Floats = npt.NDArray[np.float32]


def prepare(bgr: Picture) -> tuple[Letterbox, Floats]:
    """Give the letterboxed picture and the network's input (1, 3, 416, 416)."""
    box = fit(bgr, height=SIDE, width=SIDE)
    tensor = np.empty((1, 3, SIDE, SIDE), np.float32)
    # Channel by channel: six times as fast as all three at once and a transpose.
    for channel, plane in enumerate(cv2.split(box.canvas)):
        np.subtract(plane, MEAN[channel], out=tensor[0, channel])
        tensor[0, channel] /= DEVIATION[channel]
    return box, tensor


def people(outputs: Mapping[str, Floats], *, at_least: float) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels of the canvas and likelihoods (n,) of the people found, likeliest first."""
    found = [_of_stride(outputs[likely][0], outputs[sides][0], stride, at_least) for stride, likely, sides in OUTPUTS]
    boxes, likelihoods = (np.concatenate(parts) for parts in zip(*found, strict=True))
    kept = nms.keep(boxes, likelihoods, at_most=SAME_PERSON)
    return boxes[kept], likelihoods[kept]


def _of_stride(classes: Floats, sides: Floats, stride: int, at_least: float) -> tuple[Floats, Floats]:
    likelihoods = classes[:, PERSON]
    cells = np.flatnonzero(likelihoods >= at_least)
    rows, columns = np.divmod(cells, SIDE // stride)
    centres = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5) * stride
    distances = _expected(sides[cells].reshape(len(cells), 4, BINS)) * stride
    boxes = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    return boxes.clip(0, SIDE), likelihoods[cells]


def _expected(logits: Floats) -> Floats:
    """Mean of the distribution over the bins 0, 1, 2 …: a side's distance in strides."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    bins = np.arange(logits.shape[-1], dtype=np.float32)
    result: Floats = (weights @ bins) / weights.sum(axis=-1)
    return result
