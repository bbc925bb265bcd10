"""What can be done to a camera, on pictures in memory: what each makes of a picture, and how the camera then is."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.edge import gate, health
from pipeline.edge.clip import Bgr
from pipeline.edge.health import Health, State
from schemas.health import CameraState
from tests.unit.pipeline.edge.building import NOON

Tamper = Callable[[Bgr, float], Bgr]

AFTER: Final = 60.0
"""Seconds for which nothing is done."""
LOOKS: Final = 40.0
"""Seconds for which it is then done."""


def cut(picture: Bgr, right: float = 0, down: float = 0) -> Bgr:
    """The middle of the picture, or what a camera sees that was moved by so much, in 256ths of the width."""
    high, wide = picture.shape[:2]
    y, x = high // 12, wide // 12
    dx, dy = round(right * wide / 256), round(down * wide / 256)
    return picture[y + dy : high - y + dy, x + dx : wide - x + dx]


def black(picture: Bgr, _at: float) -> Bgr:
    return np.random.default_rng(1).integers(0, 4, cut(picture).shape, np.uint8)


def cloth(picture: Bgr, _at: float) -> Bgr:
    high, wide = cut(picture).shape[:2]
    y, x = np.mgrid[:high, :wide]
    folds = 90 + 25 * np.sin(5 * x / wide) + 15 * np.sin(4 * y / high)
    return _clipped(folds[..., None] + np.random.default_rng(2).normal(0, 3, (high, wide, 3)))


def half_covered(picture: Bgr, _at: float) -> Bgr:
    seen = cut(picture).copy()
    hidden = seen[:, : round(0.6 * seen.shape[1])]
    hidden[:] = _clipped(40 + np.random.default_rng(3).normal(0, 2, hidden.shape))
    return seen


def blurred(sigma: float) -> Tamper:
    return lambda picture, _: np.asarray(cv2.GaussianBlur(cut(picture), (0, 0), sigma * picture.shape[1] / 256))


def moved(right: float, down: float) -> Tamper:
    return lambda picture, _: cut(picture, right, down)


def lit(by: float) -> Tamper:
    return lambda picture, _: _clipped(cut(picture) * by)


def flickering(picture: Bgr, at: float) -> Bgr:
    return _clipped(cut(picture) * (0.7 + 0.3 * np.sin(at)))


def noisy(picture: Bgr, at: float) -> Bgr:
    return _clipped(cut(picture) + np.random.default_rng(int(at * 10)).normal(0, 12, cut(picture).shape))


def shaken(picture: Bgr, at: float) -> Bgr:
    right, down = np.random.default_rng(int(at * 10)).uniform(-1, 1, 2)
    return cut(picture, right, down)


def crowded(picture: Bgr, at: float) -> Bgr:
    """Twelve people, each a twelfth of the width, walk about close by."""
    seen, random = cut(picture).copy(), np.random.default_rng(5)
    high, wide = seen.shape[:2]
    for _ in range(12):
        x = int((random.uniform() + random.uniform(-0.1, 0.1) * at) % 1 * wide * 0.92)
        y, colour = int(random.uniform(0.15, 0.55) * high), random.integers(30, 200, 3)
        seen[y : y + high * 2 // 5, x : x + wide // 12] = colour
        seen[y + high // 8 : y + high // 5, x + 3 : x + wide // 12 - 3] = 255 - colour
    return seen


AILING: Final[dict[str, tuple[Tamper, CameraState]]] = {
    "black": (black, CameraState.COVERED),
    "cloth": (cloth, CameraState.COVERED),
    "60 % covered": (half_covered, CameraState.COVERED),
    "a little out of focus": (blurred(1), CameraState.DEFOCUSED),
    "out of focus": (blurred(4), CameraState.DEFOCUSED),
    "moved by 2 px": (moved(2, 0), CameraState.MOVED),
    "moved by 5 px": (moved(3, 4), CameraState.MOVED),
    "moved by 15 px": (moved(14, 5), CameraState.MOVED),
}
WELL: Final[dict[str, Tamper]] = {
    "nothing": lambda picture, _: cut(picture),
    "lights dimmed by 60 %": lit(0.4),
    "bright": lit(1.5),
    "flickering": flickering,
    "noisy": noisy,
    "shaken": shaken,
    "crowded": crowded,
}


def told(pictures: list[Bgr], tamper: Tamper, every: float = 2) -> list[Health]:
    """All that is said of a camera that plays these pictures again and again and is then tampered with."""
    usual = [gate.small(cut(each)) for each in pictures]
    count = round((AFTER + LOOKS) / every)
    # Steps of seven: a short clip that repeats is not the very same from look to look.
    numbers = [7 * number % len(pictures) for number in range(count)]
    return seen(
        (at, usual[which] if at < AFTER else gate.small(tamper(pictures[which], at)))
        for at, which in zip((number * every for number in range(count)), numbers, strict=True)
    )


def seen(grays: Iterable[tuple[float, gate.Gray]]) -> list[Health]:
    """All that is said of a camera that gives these pictures at these seconds."""
    state, said = State(), list[Health]()
    for at, gray in grays:
        state, found = health.look(state, gray, NOON + timedelta(seconds=at))
        said += [] if found is None else [found]
    return said


def _clipped(picture: npt.NDArray[np.floating[Any]]) -> Bgr:
    return np.asarray(np.clip(picture, 0, 255), np.uint8)
