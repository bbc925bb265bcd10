"""A clip's pictures, in order: a video file, or a folder of images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.networks.letterbox import Picture
from pipeline.errors import Rejected

IMAGES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_LIKELY_FPS = range(1, 241)
_NEARLY_ALL = 0.98


class BrokenClip(Rejected):
    """A clip that cannot be read, or not to its end."""

    def __init__(self, clip: Path, detail: str) -> None:
        super().__init__("bad_image", f"{clip}: {detail}")


@dataclass(frozen=True)
class Clip:
    """What is known of a clip before it is read."""

    path: Path
    fps: Fraction
    frames: int | None
    """How many pictures it says it has; for some containers that is a lie."""
    images: tuple[Path, ...] = ()


def open_clip(path: Path, fps: float | None = None) -> Clip:
    """Look at a clip.

    Args:
        path: A video file or a folder of images, which are taken in order of name.
        fps: Pictures a second, where the clip does not say, or says it wrongly.

    Raises:
        BrokenClip: There is nothing to read.
    """
    if path.is_dir():
        images = tuple(sorted(each for each in path.iterdir() if each.suffix.lower() in IMAGES))
        if not images:
            raise BrokenClip(path, "a folder without images")
        return Clip(path, _fraction(fps or 5.0), len(images), images)
    if not path.is_file():
        raise BrokenClip(path, "is not there")
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise BrokenClip(path, "is no video that can be read")
        said, count = video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)
    finally:
        video.release()
    likely = said if math.isfinite(said) and _LIKELY_FPS.start <= said < _LIKELY_FPS.stop else 25.0
    return Clip(path, _fraction(fps or likely), int(count) if count > 0 else None)


def _fraction(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)


def pictures(clip: Clip) -> Iterator[Picture]:
    """Give every picture, to the end.

    Raises:
        BrokenClip: It breaks off. What came before it is good.
    """
    return _images(clip) if clip.images else _video(clip)


def _images(clip: Clip) -> Iterator[Picture]:
    for each in clip.images:
        picture = cv2.imread(str(each), cv2.IMREAD_COLOR)
        if picture is None:
            raise BrokenClip(each, "cannot be decoded")
        yield np.asarray(picture, np.uint8)


def _video(clip: Clip) -> Iterator[Picture]:
    video = cv2.VideoCapture(str(clip.path))
    read = 0
    try:
        while True:
            ok, picture = video.read()
            if not ok:
                break
            read += 1
            yield np.asarray(picture, np.uint8)
    finally:
        video.release()
    if not read:
        raise BrokenClip(clip.path, "has no picture that can be read")
    if clip.frames is not None and read < clip.frames * _NEARLY_ALL:
        raise BrokenClip(clip.path, f"breaks off after frame {read} of {clip.frames}")


def picked(index: int, source: Fraction, wanted: Fraction | None) -> bool:
    """Say whether a picture, counted from 0, is the first at or after a tick of the wanted rate."""
    if wanted is None or index == 0:
        return True
    return math.floor(index * wanted / source) > math.floor((index - 1) * wanted / source)
