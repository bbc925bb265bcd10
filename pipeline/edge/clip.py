"""Clips: films, folders of images and drawn scenes, read to their end, each picture with its time in the clip."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.edge import drawn
from pipeline.errors import Misconfigured

Bgr: TypeAlias = npt.NDArray[np.uint8]
"""A picture: uint8 of (height, width, 3), blue first."""

DRAWN: Final = "drawn:"
FOLDER_FPS: Final = 10.0
"""A folder of images does not say how fast it was taken."""
DRAWN_FPS: Final = 25.0

_IMAGES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_UNKNOWN_FPS: Final = 25.0
_SANE_FPS: Final = 1000.0
_MISSING: Final = 0.05
"""A container may miscount by so much and still be whole."""


class BrokenSource(Misconfigured):
    """A source cannot be read, or not to its end. What was read before stays good."""


class Shot(NamedTuple):
    """One picture of a clip. `see` decodes it; call it before the next shot is asked for, or not at all."""

    number: int
    """From 1."""
    time: timedelta
    """From the first picture."""
    see: Callable[[], Bgr]


class Frame(NamedTuple):
    """One picture of a clip, decoded."""

    number: int
    """From 1."""
    time: timedelta
    bgr: Bgr


class Clip(NamedTuple):
    """A clip that can be read from its beginning as often as wanted."""

    name: str
    fps: float
    shots: Callable[[], Iterator[Shot]]


def frames(source: str | Path, source_fps: float | None = None) -> Iterator[Frame]:
    """Read a clip to its end, as fast as it goes.

    Args:
        source: A film, a folder of images, or a drawn scene such as `drawn:1` or `drawn:7?groups&shake`.
        source_fps: How fast it was taken; default is what the film says, and 10 for a folder.

    Raises:
        BrokenSource: It cannot be opened, or breaks off; the frames before the break were given.
    """
    return (Frame(number, time, see()) for number, time, see in open_clip(source, source_fps).shots())


def open_clip(source: str | Path, source_fps: float | None = None) -> Clip:
    """Open a clip: see `frames`. Times are the picture's number over the rate: containers' own times lie too often.

    Raises:
        BrokenSource: There is nothing there that can be read.
    """
    name = str(source)
    if name.startswith(DRAWN):
        return _drawn(name, source_fps or DRAWN_FPS)
    path = Path(source)
    if path.is_dir():
        return _folder(path, source_fps or FOLDER_FPS)
    if not path.is_file():
        raise BrokenSource(f"{path}: there is no such file or folder")
    return _film(path, source_fps)


def at_rate(shots: Iterator[Shot], fps: float) -> Iterator[Shot]:
    """Keep the first shot at or after each tick of 1/fps, beginning with the first."""
    last = -1
    for shot in shots:
        tick = tick_of(shot.time, fps)
        if tick > last:
            last = tick
            yield shot


def tick_of(time: timedelta, fps: float) -> int:
    """The number of the last tick at or before `time`; half a millisecond late is on time."""
    return int((time.total_seconds() + 0.0005) * fps)


def _drawn(name: str, fps: float) -> Clip:
    try:
        staged = drawn.named(name)
    except drawn.UnknownScene as error:
        raise BrokenSource(str(error)) from None
    count = round(staged.length * fps)

    def shots() -> Iterator[Shot]:
        renderer = drawn.Renderer(staged)
        for number in range(count):
            seconds = number / fps
            yield Shot(number + 1, timedelta(seconds=seconds), partial(renderer.picture, seconds))

    return Clip(name, fps, shots)


def _folder(path: Path, fps: float) -> Clip:
    images = sorted((each for each in path.iterdir() if each.suffix.lower() in _IMAGES), key=_natural)
    if not images:
        raise BrokenSource(f"{path}: the folder has no images")

    def shots() -> Iterator[Shot]:
        for number, image in enumerate(images):
            yield Shot(number + 1, timedelta(seconds=number / fps), partial(_image, image))

    return Clip(str(path), fps, shots)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order 2.jpg before 10.jpg."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _image(path: Path) -> Bgr:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise BrokenSource(f"{path}: this image cannot be read")
    return np.asarray(picture, np.uint8)


def _film(path: Path, source_fps: float | None) -> Clip:
    film = _open(path)
    said, claimed = film.get(cv2.CAP_PROP_FPS), film.get(cv2.CAP_PROP_FRAME_COUNT)
    film.release()
    fps = source_fps or (said if 0 < said < _SANE_FPS else _UNKNOWN_FPS)

    def shots() -> Iterator[Shot]:
        film = _open(path)
        number = 0
        try:
            while film.grab():
                number += 1
                yield Shot(number, timedelta(seconds=(number - 1) / fps), partial(_retrieve, film, path, number))
        finally:
            film.release()
        # Containers claim too few as often as not, so only a film that is much shorter than it says is broken.
        if number < claimed * (1 - _MISSING) - 1 or not number:
            raise BrokenSource(f"{path}: breaks off after {number} of {claimed:.0f} pictures")
        if _is_cut_gif(path):
            raise BrokenSource(f"{path}: breaks off after {number} pictures")

    return Clip(str(path), fps, shots)


def _is_cut_gif(path: Path) -> bool:
    """Say whether a GIF lacks its trailer: of its pictures the decoder counts only those that are there."""
    with path.open("rb") as file:
        if file.read(3) != b"GIF":
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b";"


def _open(path: Path) -> cv2.VideoCapture:
    film = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not film.isOpened():
        raise BrokenSource(f"{path}: this is no film that can be read")
    return film


def _retrieve(film: cv2.VideoCapture, path: Path, number: int) -> Bgr:
    there, picture = film.retrieve()
    if not there:
        raise BrokenSource(f"{path}: picture {number} cannot be decoded")
    return np.asarray(picture, np.uint8)
