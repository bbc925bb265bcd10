"""Which parts of a picture are looked at, and how what is found in them becomes one."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models import nms
from models.networks.finder import Floats, Found
from models.networks.letterbox import Letterbox, Picture, fit, framed
from schemas.estate import Profile
from schemas.geometry import Box

OVERLAP = 0.2
"""Of a tile's side, shared with the next one: who is smaller is whole in one of them."""
MOST_REGIONS = 3
"""More of them would cost more than the whole."""
ENLARGED = 2.0
"""At most, in a tile: it does for small people what a larger network would (facts/baselines)."""
AT_THE_EDGE = 2.0
"""Pixels from where a view was cut: a box that ends there is a part of somebody whom another view sees whole."""
NEAR = 0.5
"""Likelihood from which on a box in the whole is somebody near, whose pieces are not taken from tiles."""
PIECE = 0.8
"""Of a tile's box, inside of somebody near."""
SAME_PERSON = 0.5

Moved = npt.NDArray[np.bool_]
"""Which cells of a picture moved: (rows, columns)."""


@dataclass(frozen=True)
class View:
    """A part of a picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    def of(self, picture: Picture) -> Picture:
        return picture[self.top : self.bottom, self.left : self.right]


def moved(cells: str) -> Moved | None:
    """Read motion in cells ('16x9:…', schemas.frame.Cells); None where it is unknown or cannot be read."""
    size, _, bits = cells.partition(":")
    try:
        columns, rows = map(int, size.split("x"))
        packed = np.frombuffer(base64.b64decode(bits, validate=True), np.uint8)
    except (ValueError, binascii.Error):
        return None
    if min(columns, rows) < 1 or len(packed) * 8 < columns * rows:
        return None
    return np.unpackbits(packed, count=columns * rows).reshape(rows, columns).astype(np.bool_)


def views(height: int, width: int, profile: Profile, cells: Moved | None) -> tuple[View, ...]:
    """Give the parts of a picture of this size to look at: what moved, or the whole first, then its tiles.

    Regions are taken only where something moved and they have fewer pixels to look at than the whole: else it would be
    seen smaller, for more.
    """
    if profile.regions and cells is not None and cells.any():
        found = regions(height, width, cells)
        if found and sum(_looked_at(each, profile.longest) for each in found) < _looked_at(
            View(0, 0, width, height), profile.longest
        ):
            return found
    return (View(0, 0, width, height), *tiles(height, width, profile.tiles))


def _looked_at(view: View, longest: int) -> float:
    """Pixels that a network gets of a view."""
    return view.area * min(1.0, longest / max(view.right - view.left, view.bottom - view.top)) ** 2


def tiles(height: int, width: int, each_way: int) -> tuple[View, ...]:
    """Give so many by so many overlapping tiles; none for one by one, which is the whole."""
    if each_way == 1:
        return ()
    rows, columns = (_spans(side, each_way) for side in (height, width))
    return tuple(View(left, top, right, bottom) for top, bottom in rows for left, right in columns)


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    size = min(length, -(-length // (count - (count - 1) * OVERLAP)))
    steps = np.linspace(0, length - size, count).round().astype(int).tolist()
    return [(step, step + int(size)) for step in steps]


def regions(height: int, width: int, cells: Moved) -> tuple[View, ...]:
    """Give the parts around what moved, a cell wider on each side, as they would hold whoever moves there whole.

    Those that overlap are one. None at all where they are too many.
    """
    wider = cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(wider, connectivity=8)
    rows, columns = cells.shape
    found = [
        View(
            left * width // columns,
            top * height // rows,
            -(-(left + wide) * width // columns),
            -(-(top + high) * height // rows),
        )
        for left, top, wide, high, _ in stats[1:].tolist()
    ]
    joined = _joined(found)
    return joined if len(joined) <= MOST_REGIONS else ()


def _joined(found: Sequence[View]) -> tuple[View, ...]:
    """Make one of those that overlap, until none do."""
    apart: list[View] = []
    for view in found:
        one = view
        while touching := [each for each in apart if _overlap(one, each)]:
            apart = [each for each in apart if each not in touching]
            one = _around([one, *touching])
        apart.append(one)
    return tuple(sorted(apart, key=lambda each: (each.top, each.left)))


def _overlap(one: View, other: View) -> bool:
    beside = one.right <= other.left or other.right <= one.left
    return not (beside or one.bottom <= other.top or other.bottom <= one.top)


def _around(each: Sequence[View]) -> View:
    return View(
        min(one.left for one in each),
        min(one.top for one in each),
        max(one.right for one in each),
        max(one.bottom for one in each),
    )


def shares(looked_at: Sequence[View], height: int, width: int) -> tuple[Box, ...]:
    """Give the parts that were looked at as boxes; none where the whole was."""
    if looked_at[0] == View(0, 0, width, height):
        return ()
    return tuple(
        Box(left=each.left / width, top=each.top / height, right=each.right / width, bottom=each.bottom / height)
        for each in looked_at
    )


def canvas(picture: Picture, view: View, profile: Profile, multiple: int, side: int | None) -> Letterbox:
    """Give a view as a network gets it: in its square, or of the profile's longest side in the view's own aspect."""
    part = view.of(picture)
    if side is not None:
        return fit(part, height=side, width=side)
    most = np.inf if part.shape == picture.shape else ENLARGED
    return framed(part, longest=profile.longest, multiple_of=multiple, most=most)


def together(found: Sequence[tuple[View, Letterbox, Found]], height: int, width: int) -> Found:
    """Bring what was found in views into the picture's pixels; somebody seen in two views is one."""
    parts = [_back(view, box.scale, each, height, width) for view, box, each in found]
    if len(parts) == 1:
        return parts[0]
    if found[0][0] == View(0, 0, width, height):
        parts = [parts[0], *(_without_pieces(each, parts[0]) for each in parts[1:])]
    boxes, likelihoods = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = nms.keep(boxes, likelihoods, at_most=SAME_PERSON)
    return boxes[kept], likelihoods[kept]


def _without_pieces(found: Found, whole: Found) -> Found:
    """Leave out what a tile shows of somebody near: a head or legs by themselves look like a small person."""
    boxes, likelihoods = found
    near = whole[0][whole[1] >= NEAR]
    if not len(boxes) or not len(near):
        return found
    inside = np.minimum(boxes[:, None, 2:], near[None, :, 2:]) - np.maximum(boxes[:, None, :2], near[None, :, :2])
    areas, larger = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (boxes, near))
    piece = (inside.clip(min=0).prod(axis=2) >= PIECE * areas[:, None]) & (larger[None, :] > areas[:, None])
    apart = ~piece.any(axis=1)
    return boxes[apart], likelihoods[apart]


def _back(view: View, scale: float, found: Found, height: int, width: int) -> Found:
    boxes, likelihoods = found
    corner = np.array([view.left, view.top, view.left, view.top], np.float32)
    back: Floats = (boxes / np.float32(scale) + corner).astype(np.float32)
    inside = (
        ((back[:, 0] > view.left + AT_THE_EDGE) | (view.left == 0))
        & ((back[:, 1] > view.top + AT_THE_EDGE) | (view.top == 0))
        & ((back[:, 2] < view.right - AT_THE_EDGE) | (view.right == width))
        & ((back[:, 3] < view.bottom - AT_THE_EDGE) | (view.bottom == height))
    )
    return back[inside], likelihoods[inside]
