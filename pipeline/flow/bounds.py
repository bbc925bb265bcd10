"""How much one track may add to what is exported: past its bound it is not counted, so that noise can hide it."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

Kind = Literal["in", "out", "zones", "dwell"]

AT_MOST: Final[Mapping[Kind, int]] = {"in": 1, "out": 1, "zones": 4, "dwell": 1}
"""As `budget.CELLS` has it."""

Bounds = Mapping[int, Mapping[str, int]]
"""By track: how much of each kind was counted."""


def use(bounds: Bounds, track: int, kind: Kind) -> tuple[Bounds, bool]:
    """Ask whether one more of a kind is counted for a track, and remember that it was."""
    used = bounds.get(track, {})
    so_far = used.get(kind, 0)
    if so_far >= AT_MOST[kind]:
        return bounds, False
    return {**bounds, track: {**used, kind: so_far + 1}}, True


def kept(bounds: Bounds, tracks: Iterable[int]) -> Bounds:
    """Forget the tracks that are no more: their numbers are never given again."""
    live = set(tracks)
    if bounds.keys() <= live:
        return bounds
    return {track: used for track, used in bounds.items() if track in live}
