"""Pictures of a drawn scene, each from its time alone, with the boxes of the people in it."""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final, NamedTuple

import cv2
import numpy as np

from pipeline.edge.drawn import lens
from pipeline.edge.drawn.figure import HEIGHT, Look, Sprite, draw, trolley
from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH, Pose, Scene
from pipeline.edge.drawn.shop import LABEL, Picture, shop

_AHEAD: Final = 0.36
"""Of the body height: how far before somebody goes the middle of what they push."""
_FADED: Final = 127
"""Less opaque than this is no part of a person's box."""


@dataclass(frozen=True)
class Placed:
    """Somebody's box in one picture, in pixels: left, top, right, bottom, cut at the picture's edge."""

    person: int
    box: tuple[int, int, int, int]
    visible: float
    """Share of the whole figure's box that lies in the picture, times the share of them that nothing hides."""


class Renderer:
    """Draws one scene. Shop and figures are drawn once and kept; a picture is a copy and a few blends."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._shop = shop(scene.seed)
        self._as_it_is = not (scene.picture or scene.tamper)

    def picture(self, seconds: float) -> Picture:
        """Draw a moment, BGR of (PIXELS_HIGH, WIDTH, 3)."""
        picture = self._shop.copy()
        for pose in self._scene.poses(seconds):
            for stamp in _stamps(pose):
                _blend(picture, stamp)
        if self._as_it_is:
            return picture
        picture = lens.seen(picture, self._scene, self._scene.moment(seconds))
        picture[LABEL] = self._shop[LABEL]
        return picture

    def boxes(self, seconds: float) -> tuple[Placed, ...]:
        """Say who is in the picture of that moment."""
        poses, moment = self._scene.poses(seconds), self._scene.moment(seconds)
        by, blind = lens.offset(self._scene, moment), lens.blind_from(self._scene, moment)
        stamps = [_stamps(pose) for pose in poses]
        placed = []
        for number, pose in enumerate(poses):
            own, *before = stamps[number]
            nearer = [*before, *(stamp for others in stamps[number + 1 :] for stamp in others)]
            found = _placed(pose, own, by)
            if found is not None:
                share = _unhidden(own, nearer, blind - by[0])
                placed.append(replace(found, visible=found.visible * share))
        return tuple(placed)


class _Stamp(NamedTuple):
    """A sprite and where its upper left corner goes."""

    sprite: Sprite
    x: int
    y: int


@cache
def _master(look: Look, step: int | None) -> Sprite:
    return draw(look, step)


@lru_cache(maxsize=512)
def _sprite(look: Look, step: int | None, factor: float, to_left: bool) -> Sprite:
    sprite = _master(look, step).scaled(factor)
    return sprite.flipped() if to_left else sprite


def _sprite_of(pose: Pose) -> Sprite:
    # Heights in steps of 1 %: a walk into the depth needs few sizes, and they are cut once.
    return _sprite(pose.person.look, pose.step, round(pose.factor, 2), pose.to_left)


def _stamps(pose: Pose) -> tuple[_Stamp, ...]:
    """Somebody, and before them what they push."""
    sprite = _sprite_of(pose)
    own = _Stamp(sprite, round(pose.x - sprite.foot_x), round(pose.y) - sprite.size[1])
    if not pose.person.pushes:
        return (own,)
    before = _trolley(round(pose.factor, 2), pose.to_left)
    x = pose.x + (-1 if pose.to_left else 1) * _AHEAD * pose.factor * HEIGHT
    return own, _Stamp(before, round(x - before.size[0] / 2), round(pose.y) + 4 - before.size[1])


@lru_cache(maxsize=64)
def _trolley(factor: float, to_left: bool) -> Sprite:
    return trolley(to_left).scaled(factor)


def _placed(pose: Pose, own: _Stamp, by: tuple[int, int]) -> Placed | None:
    sprite, x, y = own.sprite, own.x + by[0], own.y + by[1]
    columns = np.nonzero(sprite.alpha.max(axis=0) > _FADED)[0] + x
    rows = np.nonzero(sprite.alpha.max(axis=1) > _FADED)[0] + y
    whole = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    box = (max(whole[0], 0), max(whole[1], 0), min(whole[2], WIDTH), min(whole[3], PIXELS_HIGH))
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return Placed(pose.person.number, box, _area(box) / _area(whole))


def _unhidden(own: _Stamp, nearer: list[_Stamp], blind: int) -> float:
    """The share of somebody's pixels that nobody nearer, nothing pushed and no cover hides."""
    if blind >= WIDTH:
        return 0.0
    wide, high = own.sprite.size
    hidden = np.zeros((high, wide), np.bool_)
    if blind > 0:
        hidden[:, : max(blind - own.x, 0)] = True
    for sprite, x, y in nearer:
        left, right = max(own.x, x), min(own.x + wide, x + sprite.size[0])
        top, bottom = max(own.y, y), min(own.y + high, y + sprite.size[1])
        if left < right and top < bottom:
            over = sprite.alpha[top - y : bottom - y, left - x : right - x] > _FADED
            hidden[top - own.y : bottom - own.y, left - own.x : right - own.x] |= over
    if not hidden.any():
        return 1.0
    there = own.sprite.alpha > _FADED
    return 1 - float((there & hidden).sum() / there.sum())


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _blend(picture: Picture, stamp: _Stamp) -> None:
    sprite, x, y = stamp
    wide, high = sprite.size
    left, right = max(x, 0), min(x + wide, WIDTH)
    top, bottom = max(y, 0), min(y + high, PIXELS_HIGH)
    if left >= right or top >= bottom:
        return
    inside = np.s_[top - y : bottom - y, left - x : right - x]
    under = picture[top:bottom, left:right]
    opacity = cv2.merge([sprite.alpha[inside]] * 3)
    # Rounded integers, so that the same scene has the same bytes on every machine.
    mixed = under.astype(np.uint16) * (255 - opacity) + sprite.bgr[inside].astype(np.uint16) * opacity
    under[:] = ((mixed + 127) // 255).astype(np.uint8)
