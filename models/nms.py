"""Boxes of one thing become one box."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


def overlap(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union (n, m) of boxes (n, 4) with others (m, 4): left, top, right, bottom."""
    first, second = boxes[:, None, :], others[None, :, :]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = sides.clip(min=0).prod(axis=-1)
    union = _area(first) + _area(second) - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def keep(boxes: Floats, likelihoods: Floats, *, at_most: float) -> Indices:
    """Indices of the boxes to keep, likeliest first: none of them overlaps a likelier one by more than `at_most`."""
    waiting = np.argsort(-likelihoods, kind="stable")
    kept = []
    while waiting.size:
        best, rest = waiting[0], waiting[1:]
        kept.append(best)
        waiting = rest[overlap(boxes[best : best + 1], boxes[rest])[0] <= at_most]
    return np.array(kept, dtype=np.intp)


def _area(boxes: Floats) -> Floats:
    areas: Floats = (boxes[..., 2:] - boxes[..., :2]).clip(min=0).prod(axis=-1)
    return areas
