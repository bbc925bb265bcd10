"""Boxes of one thing become one box."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

AT_ONCE = 256
"""Boxes whose overlaps are worked out together."""


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
    """Indices of the boxes to keep, likeliest first: none of them overlaps a likelier one by more than `at_most`."""
    order = np.argsort(-likelihoods, kind="stable")
    ranked = boxes[order]
    # At once as long as it is small: a call of numpy's for every box would take longer than the sums themselves.
    shared = overlap(ranked, ranked) > at_most if len(order) <= AT_ONCE else None
    gone = np.zeros(len(order), np.bool_)
    kept = []
    for place, one in enumerate(order):
        if not gone[place]:
            kept.append(one)
            gone |= shared[place] if shared is not None else overlap(ranked[place : place + 1], ranked)[0] > at_most
    return np.array(kept, dtype=np.intp)


def _area(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]).clip(min=0) * (boxes[:, 3] - boxes[:, 1]).clip(min=0)
    return areas
