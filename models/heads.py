"""Heads of the people found, put side by side: a small picture in which faces are larger than in the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models import nms
from models.networks.finder import Floats
from models.networks.letterbox import Picture

SMALLEST = 24
"""Pixels of a region's side: of 1,300 heads in footage none in a smaller region showed a face that was found."""
SAME_HEAD = 0.6
"""Head regions that overlap more than this are one: unlikely boxes lie around likely ones."""


@dataclass(frozen=True)
class Mosaic:
    """A row of square cells, and which part (n, 4) of the picture each shows, left top right bottom in pixels."""

    canvas: Picture
    parts: Floats
    cell: int

    def back(self, boxes: Floats) -> tuple[Floats, nms.Indices]:
        """Bring boxes (m, 4) on the canvas into the picture, cut to their cells; and say which of them are in one."""
        cells = ((boxes[:, 0] + boxes[:, 2]) / 2 // self.cell).astype(np.intp)
        within = np.flatnonzero((cells >= 0) & (cells < len(self.parts)))
        cells = cells[within]
        corners = np.multiply.outer(cells, np.array([self.cell, 0, self.cell, 0])).astype(np.float32)
        local: Floats = (boxes[within] - corners).clip(0, self.cell)
        parts = self.parts[cells]
        scales = (parts[:, 2:3] - parts[:, :1]) / self.cell
        back: Floats = (local * scales + np.tile(parts[:, :2], 2)).astype(np.float32)
        return back, within


def regions(boxes: Floats, likelihoods: Floats, *, most: int) -> Floats:
    """Give squares (n, 4) around the heads of the likeliest people, likeliest first; none of who is too far.

    Two fifths of a standing person's height, so that the head fills a third of it; of somebody cut off or near, as wide
    as the box. It begins a little above the box, which often cuts hair off.
    """
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    sides = np.maximum(0.4 * heights, 0.9 * widths)
    lefts, tops = (boxes[:, 0] + boxes[:, 2] - sides) / 2, boxes[:, 1] - 0.1 * sides
    squares: Floats = np.stack([lefts, tops, lefts + sides, tops + sides], axis=1).astype(np.float32)
    near = sides >= SMALLEST
    squares = squares[near]
    return squares[nms.keep(squares, likelihoods[near], at_most=SAME_HEAD)[:most]]


def mosaic(picture: Picture, squares: Floats, *, cell: int) -> Mosaic:
    """Put parts of a picture side by side, each brought to one cell; what lies outside of the picture is black.

    In one row: of as many rows as columns some cells would be empty, and cost as much.
    """
    canvas = np.zeros((cell, len(squares) * cell, 3), np.uint8)
    parts = [_put(canvas, picture, square, each * cell, cell) for each, square in enumerate(squares)]
    return Mosaic(canvas, np.array(parts, np.float32), cell)


def _put(canvas: Picture, picture: Picture, square: Floats, begin: int, cell: int) -> Sequence[int]:
    left, top = (int(np.floor(each)) for each in square[:2])
    side = max(1, int(np.ceil(square[2] - square[0])))
    height, width = picture.shape[:2]
    inner = picture[max(0, top) : min(height, top + side), max(0, left) : min(width, left + side)]
    if inner.size:
        scale = cell / side
        down, right = (max(1, min(cell, round(each * scale))) for each in inner.shape[:2])
        y, x = (min(cell - size, round(max(0, -each) * scale)) for each, size in ((top, down), (left, right)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas[y : y + down, begin + x : begin + x + right] = cv2.resize(inner, (right, down), interpolation=how)
    return left, top, left + side, top + side
