"""Pictures of a drawn scene, each from its time alone, with the boxes of the people in it."""

from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np

from pipeline.edge.drawn.figure import Look, Sprite, draw
from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH, Pose, Scene
from pipeline.edge.drawn.shop import Picture, shop

_FADED = 127
"""Less opaque than this is no part of a person's box."""


@dataclass(frozen=True)
class Placed:
    """Somebody's box in one picture, in pixels: left, top, right, bottom, cut at the picture's edge."""

    person: int
    box: tuple[int, int, int, int]
    visible: float
    """Share of the whole figure's box that lies in the picture."""


class Renderer:
    """Draws one scene. Shop and figures are drawn once and kept; a picture is a copy and a few blends."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._shop = shop(scene.seed)

    def picture(self, seconds: float) -> Picture:
        """Draw a moment, BGR of (PIXELS_HIGH, WIDTH, 3)."""
        picture = self._shop.copy()
        for pose in self._scene.poses(seconds):
            _blend(picture, _sprite_of(pose), *_corner(pose, _sprite_of(pose)))
        return picture

    def boxes(self, seconds: float) -> tuple[Placed, ...]:
        """Say who is in the picture of that moment."""
        placed = (_placed(pose) for pose in self._scene.poses(seconds))
        return tuple(each for each in placed if each is not None)


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


def _corner(pose: Pose, sprite: Sprite) -> tuple[int, int]:
    return round(pose.x - sprite.foot_x), round(pose.y) - sprite.size[1]


def _placed(pose: Pose) -> Placed | None:
    sprite = _sprite_of(pose)
    x, y = _corner(pose, sprite)
    columns = np.nonzero(sprite.alpha.max(axis=0) > _FADED)[0] + x
    rows = np.nonzero(sprite.alpha.max(axis=1) > _FADED)[0] + y
    whole = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    box = (max(whole[0], 0), max(whole[1], 0), min(whole[2], WIDTH), min(whole[3], PIXELS_HIGH))
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return Placed(pose.person.number, box, _area(box) / _area(whole))


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _blend(picture: Picture, sprite: Sprite, x: int, y: int) -> None:
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
