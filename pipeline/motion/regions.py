"""Regions: the parts of a picture that were looked at, in place of the whole."""

from collections.abc import Sequence
from typing import Final

from schemas.geometry import Box

Sides = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the picture; may stick out of it."""

_ENOUGH: Final = 0.5
"""Of a box: by less, somebody may be missed. Who moved is in the regions whole, where they were and are."""


def looked_at(box: Sides, regions: Sequence[Box]) -> bool:
    """Say whether a frame tells of what stands there: whether enough of it lies in the regions; none are everywhere."""
    if not regions:
        return True
    left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in box)
    shared = sum(
        max(0.0, min(right, each.right) - max(left, each.left))
        * max(0.0, min(bottom, each.bottom) - max(top, each.top))
        for each in regions
    )
    return shared >= _ENOUGH * (right - left) * (bottom - top)
