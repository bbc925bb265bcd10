"""Boxes of one thing become one box."""

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


def overlap(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union (n, m) of boxes (n, 4) with others (m, 4): left, top, right, bottom."""
    # Side by side as tables, not as one of pairs: a sixth of the time.
    width, height = (
        np.minimum.outer(boxes[:, far], others[:, far]) - np.maximum.outer(boxes[:, near], others[:, near])
        for near, far in ((0, 2), (1, 3))
    )
    shared: Floats = width.clip(min=0) * height.clip(min=0)
    union = np.add.outer(_area(boxes), _area(others)) - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def keep(boxes: Floats, likelihoods: Floats, *, at_most: float) -> Indices:
    """Indices of the boxes to keep, likeliest first: none of them overlaps a likelier one by more than `at_most`.

    OpenCV's: an eighth of the time of the same in numpy.
    """
    if not len(boxes):
        return np.zeros(0, np.intp)
    order = np.argsort(-likelihoods, kind="stable")
    ranked = boxes[order]
    sides = np.concatenate([ranked[:, :2], ranked[:, 2:] - ranked[:, :2]], axis=1)
    # By rank, not by likelihood: what is as likely as another stays in the order in which it came.
    ranks = np.arange(len(order), 0, -1, dtype=np.float32)
    return order[np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), ranks.tolist(), 0.0, at_most), np.intp).reshape(-1)]


def _area(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]).clip(min=0) * (boxes[:, 3] - boxes[:, 1]).clip(min=0)
    return areas
