"""YOLOX: finds people. Ge et al. 2021 (arXiv:2107.08430). For weights that users bring, exported by its own tools."""

from collections.abc import Sequence

import numpy as np

from models import nms
from models.networks.finder import Floats, Found, Opened, Runs
from models.networks.letterbox import Picture

INPUT, OUTPUT = "images", "output"
STRIDES = (8, 16, 32)
SAME_PERSON = 0.5
"""Boxes that overlap more than this are one person."""


class Yolox:
    """See `models.networks.finder.Finder`. Takes pixels 0–255; its tools leave boxes undecoded unless told."""

    multiple = 32

    def __init__(self, session: Runs, side: int, person: int) -> None:
        self._session = session
        self.side = side
        self._person = person

    @classmethod
    def load(cls, model: bytes, opened: Opened, *, side: int, person: int) -> "Yolox":
        """Load an export of this side; `person` is the label's place."""
        return cls(opened(model), side, person)

    def find(self, canvases: Sequence[Picture], *, at_least: float) -> list[Found]:
        """Find people in canvases of the network's size; one at a time, as exports have a batch of one."""
        return [self._one(each, at_least) for each in canvases]

    def _one(self, canvas: Picture, at_least: float) -> Found:
        tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None].astype(np.float32))
        return people(self._session.run({INPUT: tensor})[OUTPUT][0], self.side, self._person, at_least)


def people(cells: Floats, side: int, person: int, at_least: float) -> Found:
    """Read cells (n, 5 + classes): centre and size in strides, how sure of a thing, and of each class."""
    corners, strides = _grid(side)
    likelihoods = cells[:, 4] * cells[:, 5 + person]
    kept = np.flatnonzero(likelihoods >= at_least)
    centres = (cells[kept, :2] + corners[kept]) * strides[kept]
    halves = np.exp(cells[kept, 2:4]) * strides[kept] / 2
    boxes = np.concatenate([centres - halves, centres + halves], axis=1).clip(0, side).astype(np.float32)
    best = nms.keep(boxes, likelihoods[kept], at_most=SAME_PERSON)
    return boxes[best], likelihoods[kept][best]


def _grid(side: int) -> tuple[Floats, Floats]:
    """Each cell's column and row (n, 2), and its stride (n, 1), level by level and row by row."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = np.divmod(np.arange((side // stride) ** 2), side // stride)
        corners.append(np.stack([columns, rows], axis=1))
        strides.append(np.full((len(rows), 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
