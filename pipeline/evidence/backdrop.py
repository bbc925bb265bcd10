"""A camera's place without anybody in it: put together from several pictures, of each only what nobody stands before.

It fails closed. A picture not all of which was looked at is not used. Where somebody was found, their whole box and a
margin are left out. Who was found several times at the same place sits or stands there, and is left out of every
picture. What too few pictures show is grey; and where a face is found in the end, it is grey around it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.evidence.hide import GREY, FaceFinder, Picture, Region, overlap

LEAST: Final = 3
"""So many pictures show a place, or it is not shown: else who was not found once would be."""

_MARGIN: Final = 0.15
_FACE_MARGIN: Final = 1.5
_BODY_BELOW_FACE: Final = 7.0
"""Under a face is a body, about so many faces high."""
_SAME: Final = 0.5
_SITS: Final = 3
"""Found so many times at one place, somebody has stayed there."""
_NOWHERE: Final = 256
_ROWS: Final = 64


class Seen(NamedTuple):
    """A picture all of which was looked at, and where people and faces were found in it, however unlikely."""

    picture: Picture
    people: tuple[Region, ...]
    faces: tuple[Region, ...]


def backdrop(seen: Sequence[Seen], finder: FaceFinder) -> Picture | None:
    """Put a picture (height, width, 3) together in which nobody is; None where too few pictures are of one size."""
    same = [each for each in seen if each.picture.shape == seen[-1].picture.shape]
    if len(same) < LEAST:
        return None
    stays = _stays(same)
    hidden = [_covered(each, stays) for each in same]
    found = _between(np.stack([each.picture for each in same]), np.stack(hidden))
    return _without_faces(found, finder)


def _covered(seen: Seen, stays: Sequence[Region]) -> npt.NDArray[np.bool_]:
    covered = np.zeros(seen.picture.shape[:2], np.bool_)
    for each in (*seen.people, *stays):
        covered[_part(each.grown(_MARGIN), seen.picture)] = True
    for each in seen.faces:
        covered[_part(_with_body(each), seen.picture)] = True
    return covered


def _stays(seen: Sequence[Seen]) -> list[Region]:
    """Return who was found at one place in several pictures."""
    return [
        each
        for number, one in enumerate(seen)
        for each in one.people
        if 1 + sum(_is_among(each, other.people) for other in (*seen[:number], *seen[number + 1 :])) >= _SITS
    ]


def _is_among(region: Region, others: Sequence[Region]) -> bool:
    return any(overlap(region, each) >= _SAME for each in others)


def _between(pictures: npt.NDArray[np.uint8], hidden: npt.NDArray[np.bool_]) -> Picture:
    """Return of each pixel the middle of what the pictures show that show it."""
    found: Picture = np.full(pictures[0].shape, GREY, np.uint8)
    for row in range(0, len(found), _ROWS):
        rows = slice(row, row + _ROWS)
        some = pictures[:, rows].astype(np.int16)
        some[hidden[:, rows]] = _NOWHERE
        some.sort(axis=0)
        count = (~hidden[:, rows]).sum(axis=0)
        place = np.expand_dims((np.maximum(count, 1) - 1) // 2, (0, 3))
        middle = np.take_along_axis(some, place, axis=0)[0]
        found[rows] = np.where(np.expand_dims(count >= LEAST, 2), middle, GREY)
    return found


def _without_faces(picture: Picture, finder: FaceFinder) -> Picture:
    height, width = picture.shape[:2]
    for face in finder.find_faces(picture):
        box = Region(face.left * width, face.top * height, face.right * width, face.bottom * height)
        picture[_part(_with_body(box), picture)] = GREY
    return picture


def _with_body(face: Region) -> Region:
    wide = face.grown(_FACE_MARGIN)
    return wide._replace(bottom=face.bottom + _BODY_BELOW_FACE * face.height)


def _part(region: Region, picture: Picture) -> tuple[slice, slice]:
    height, width = picture.shape[:2]
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (np.floor(region.top), np.ceil(region.bottom)))
    left, right = (int(np.clip(edge, 0, width)) for edge in (np.floor(region.left), np.ceil(region.right)))
    return slice(top, bottom), slice(left, right)
