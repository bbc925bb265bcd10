"""What the camera makes of a drawn moment: other light, trembling, noise, and what is done to it on purpose.

Each is a function of the scene and the moment alone, in whole numbers: the same scene has the same bytes everywhere.
"""

from functools import cache
from math import cos, pi
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH, Scene

Pixels = NDArray[np.uint8]

TURNED: Final = (14, 8)
"""Pixels to the right and down by which a moved camera's picture goes."""
COVERED: Final = round(0.6 * WIDTH)
"""Columns that a half covered lens does not see."""
_TREMBLES: Final = 2
_TREMBLES_PER_SECOND: Final = 12
_FIELDS: Final = 5
_LIGHT_PERIOD: Final = 48.0
_SWITCHED: Final = 20.0


def seen(picture: Pixels, scene: Scene, moment: float) -> Pixels:
    """Make of what is there what the camera sees."""
    done = {word for word, span in scene.tamper.items() if span.holds(moment)}
    if "lights" in scene.picture:
        picture = np.asarray(cv2.convertScaleAbs(picture, alpha=light(moment), beta=0), np.uint8)
    if (by := offset(scene, moment)) != (0, 0):
        picture = _shifted(picture, by)
    if "defocused" in done:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 7), np.uint8)
    if "half" in done:
        picture[:, :COVERED] = 35
    if "cloth" in done:
        picture = _cloth().copy()
    if "covered" in done:
        picture[:] = 4
    if "noise" in scene.picture:
        brighter, darker = _noise(scene.seed)[_field(moment)]
        picture = np.asarray(cv2.subtract(cv2.add(picture, brighter), darker), np.uint8)
    return picture


def light(moment: float) -> float:
    """How bright it is: a slow wave, and a lamp that goes off and on again every twenty seconds."""
    wave = 0.88 - 0.17 * (1 - cos(2 * pi * moment / _LIGHT_PERIOD)) / 2
    return round(wave * (0.8 if int(moment / _SWITCHED) % 2 else 1.0), 3)


def offset(scene: Scene, moment: float) -> tuple[int, int]:
    """By how many pixels everything is seen to the right of, and below, where it is."""
    x, y = 0, 0
    moved = scene.tamper.get("moved")
    if moved is not None and moved.holds(moment):
        x, y = TURNED
    if "shake" in scene.picture:
        jolt = np.random.default_rng([scene.seed, 5, int(moment * _TREMBLES_PER_SECOND)])
        dx, dy = jolt.integers(-_TREMBLES, _TREMBLES + 1, 2)
        x, y = x + int(dx), y + int(dy)
    return x, y


def blind_from(scene: Scene, moment: float) -> int:
    """Columns, from the left, in which nobody can be seen."""
    done = {word for word, span in scene.tamper.items() if span.holds(moment)}
    if done & {"covered", "cloth"}:
        return 2 * WIDTH
    return COVERED if "half" in done else 0


def _shifted(picture: Pixels, by: tuple[int, int]) -> Pixels:
    x, y = by
    wide, high = abs(x), abs(y)
    around = cv2.copyMakeBorder(picture, high, high, wide, wide, cv2.BORDER_REPLICATE)
    return np.asarray(around[high - y : high - y + PIXELS_HIGH, wide - x : wide - x + WIDTH], np.uint8).copy()


@cache
def _cloth() -> Pixels:
    y, x = np.mgrid[:PIXELS_HIGH, :WIDTH].astype(np.float64)
    folds = 90 + 25 * np.sin(5 * x / WIDTH) + 15 * np.sin(4 * y / PIXELS_HIGH)
    return np.repeat(folds.astype(np.uint8)[..., None], 3, axis=2)


@cache
def _noise(seed: int) -> tuple[tuple[Pixels, Pixels], ...]:
    """Some fields of noise, each as what it adds and what it takes."""
    random = np.random.default_rng([seed, 6])
    fields = random.normal(0, 5, (_FIELDS, PIXELS_HIGH, WIDTH, 1)).round().astype(np.int16).repeat(3, axis=3)
    return tuple((np.maximum(each, 0).astype(np.uint8), np.maximum(-each, 0).astype(np.uint8)) for each in fields)


def _field(moment: float) -> int:
    return int(moment * _TREMBLES_PER_SECOND) % _FIELDS
