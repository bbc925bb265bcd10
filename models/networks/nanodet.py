"""NanoDet-g: finds people. Lyu 2021; its boxes are those of Li et al. 2020 (arXiv:2006.04388)."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx

from models import nms
from models.networks import nanodet_graph
from models.networks.finder import Floats, Found, Opened, Runs
from models.networks.letterbox import Picture, fit
from models.networks.nanodet_graph import BLOCK

INPUT = "input_1"
SIDE = 416
MULTIPLE = 32
PERSON = 0
"""Person comes first among the eighty labels of COCO."""
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
"""Of blue, green and red, 0–255."""
OUTPUTS = ((8, "Identity", "Identity_3"), (16, "Identity_1", "Identity_4"), (32, "Identity_2", "Identity_5"))
"""Stride, class likelihoods (n, cells, classes), distances to the four sides (n, cells, 4 × 11)."""
BINS = 11
"""A side is so many strides away at most, and one."""
SAME_PERSON = 0.5
"""Boxes that overlap more than this are one person."""

Levels = npt.NDArray[np.uint8]

_EACH_TO_ITS_PLACE = [place for each in range(BLOCK * BLOCK * 3) for place in (each, each)]


class NanoDet:
    """See `models.networks.finder.Finder`. Canvases are of any size that is a multiple of 32."""

    multiple = MULTIPLE
    side = None

    def __init__(self, session: Runs, table: Levels | None) -> None:
        self._session = session
        self._table = table

    @classmethod
    def load(cls, model: bytes, opened: Opened) -> "NanoDet":
        """Load a file of the manifest, fitted (`nanodet_graph`)."""
        levels = nanodet_graph.levels_of(onnx.load_model_from_string(model))
        return cls(opened(nanodet_graph.fitted(model)), None if levels is None else table(*levels))

    def find(self, canvases: Sequence[Picture], *, at_least: float) -> list[Found]:
        """Find people in canvases of one size."""
        height, width = canvases[0].shape[:2]
        outputs = self._session.run({INPUT: self._input(canvases)})
        return [
            people({name: value[each : each + 1] for name, value in outputs.items()}, (height, width), at_least)
            for each in range(len(canvases))
        ]

    def _input(self, canvases: Sequence[Picture]) -> npt.NDArray[np.uint8] | Floats:
        if self._table is None:
            return np.concatenate([normalised(each) for each in canvases])
        return np.stack([blocks(cv2.LUT(each, self._table)) for each in canvases])


def blocks(levels: npt.NDArray[Any]) -> Levels:
    """Put levels (height, width, 3) two by two, row after row: (height / 2, width / 2, 12)."""
    height, width = (side // BLOCK for side in levels.shape[:2])
    rows = levels.reshape(height, BLOCK, width, BLOCK * 3)
    found = np.empty((height, width, BLOCK * BLOCK * 3), np.uint8)
    # A third of the time of a transpose.
    cv2.mixChannels([np.ascontiguousarray(rows[:, each]) for each in range(BLOCK)], [found], _EACH_TO_ITS_PLACE)
    return found


def prepare(bgr: Picture) -> Floats:
    """Give the input (1, 3, 416, 416) of the network as its file has it."""
    return normalised(fit(bgr, height=SIDE, width=SIDE).canvas)


def normalised(canvas: Picture) -> Floats:
    """Give a canvas's blue, green and red, less the mean and over the deviation: (1, 3, height, width)."""
    tensor = np.empty((1, 3, *canvas.shape[:2]), np.float32)
    # Channel by channel: six times as fast as all three at once and a transpose.
    for channel, plane in enumerate(cv2.split(canvas)):
        np.subtract(plane, MEAN[channel], out=tensor[0, channel])
        tensor[0, channel] /= DEVIATION[channel]
    return tensor


def table(step: float, zero: int) -> Levels:
    """Give the level of each pixel value (1, 256, 3): what an 8-bit network rounds its normalised input to."""
    values = (np.arange(256, dtype=np.float32)[:, None] - MEAN) / DEVIATION
    levels: Levels = (np.rint(values / np.float32(step)) + zero).clip(0, 255).astype(np.uint8)
    return levels[None]


def people(outputs: Mapping[str, Floats], size: tuple[int, int], at_least: float) -> Found:
    """Read the first canvas's outputs; `size` is its height and width."""
    parts = [
        _of_stride(outputs[likely][0], outputs[sides][0], stride, size, at_least) for stride, likely, sides in OUTPUTS
    ]
    boxes, likelihoods = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = nms.keep(boxes, likelihoods, at_most=SAME_PERSON)
    return boxes[kept], likelihoods[kept]


def _of_stride(classes: Floats, sides: Floats, stride: int, size: tuple[int, int], at_least: float) -> Found:
    height, width = size
    likelihoods = classes[:, PERSON]
    cells = np.flatnonzero(likelihoods >= at_least)
    rows, columns = np.divmod(cells, width // stride)
    centres = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5) * stride
    distances = _expected(sides[cells].reshape(len(cells), 4, BINS)) * stride
    boxes = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    return boxes.clip(0, np.array([width, height, width, height], np.float32)), likelihoods[cells]


def _expected(logits: Floats) -> Floats:
    """Mean of the distribution over the bins 0, 1, 2 …: a side's distance in strides."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    bins = np.arange(logits.shape[-1], dtype=np.float32)
    result: Floats = (weights @ bins) / weights.sum(axis=-1)
    return result
