"""What the cameras of these measures see, at 1280×720: real footage scaled up, and drawn scenes.

Pictures live in memory alone. Footage is that of MIMAMORI_FOOTAGE, and its people's boxes go with it.

What was scaled up or drawn lacks the finest detail of a camera of this size, above all its sensor's noise, and makes
JPEGs of 85–100 kB that decode faster than such a camera's. So every picture is given noise, once, when it is made: the
same grey levels added to all three colours, normally distributed, another part of one seeded field for each picture.
Both pipelines and all measures get it. How much of it is chosen by what it makes of JPEGs of quality 80 (150 kB), whose
decoding then stands to the networks about as it did where the naive pipeline was first measured.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.edge import drawn
from pipeline.edge.clip import Bgr, at_rate, open_clip
from pipeline.edge.drawn.scene import WIDTH as DRAWN_WIDTH

WIDTH, HEIGHT = 1280, 720
FPS: Final = 5
NOISE: Final = 5.0
"""Its standard deviation, in grey levels. Shrunk for the motion gate it is a quarter of that, and opens none."""
_FIELD: Final = 256
"""Pixels that the field of noise is larger than a picture, each way."""

Kind = Literal["footage", "drawn"]
Boxes = Mapping[int, npt.NDArray[np.float64]]
"""People's boxes by their number: left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class Clip:
    """Pictures at FPS, and the truth of each where it is known."""

    name: str
    kind: Kind
    pictures: Sequence[Bgr]
    truth: Sequence[Boxes] = field(default=())


@dataclass(frozen=True)
class _Labelled:
    """A labelled sequence: where it lies, how fast it was taken, and from which row on 720 rows are cut out of it once
    it is 1280 wide."""

    folder: str
    truth: str
    fps: float
    top: int


LABELLED: Final = {
    "walking group": _Labelled("video/pets09_s3mf1", "gt/pets09_S3MF1_mot.txt", 7, 180),
    "pavement": _Labelled("video/tud_campus", "gt/tud_campus_mot.txt", 25, 230),
}


def footage() -> Path | None:
    """Return the folder of real clips, where there is one."""
    said = os.environ.get("MIMAMORI_FOOTAGE")
    return Path(said) if said and Path(said).is_dir() else None


@cache
def labelled(name: str, skipped: int = 0) -> Clip:
    """Read a labelled sequence, at FPS, without its first pictures: from another one on, others are taken of it.

    Raises:
        LookupError: MIMAMORI_FOOTAGE is not set.
    """
    folder, how = footage(), LABELLED[name]
    if folder is None:
        raise LookupError("MIMAMORI_FOOTAGE names no folder")
    told = np.loadtxt(folder / how.truth, delimiter=",", ndmin=2)
    pictures, truth = list[Bgr](), list[Boxes]()
    for shot in at_rate(islice(open_clip(folder / how.folder, how.fps).shots(), skipped, None), FPS):
        picture = shot.see()
        scale = WIDTH / picture.shape[1]
        pictures.append(noisy(_cut(picture, how.top), skipped + len(pictures)))
        truth.append(_moved(told[told[:, 0] == shot.number], scale, how.top))
    return Clip(f"{name} from {skipped}" if skipped else name, "footage", tuple(pictures), tuple(truth))


@cache
def drawn_clip(seed: int, count: int, since: float = 0.0) -> Clip:
    """Draw so many pictures of a scene, from a moment of its round on."""
    renderer = drawn.Renderer(drawn.scene(seed))
    times = [since + number / FPS for number in range(count)]
    pictures = tuple(noisy(_cut(renderer.picture(at), 0), number) for number, at in enumerate(times))
    scale = WIDTH / DRAWN_WIDTH
    truth = tuple(
        {each.person: np.asarray(each.box, np.float64) * scale for each in renderer.boxes(at) if each.visible >= 0.5}
        for at in times
    )
    return Clip(f"drawn:{seed}", "drawn", pictures, truth)


def mirrored(clip: Clip) -> Clip:
    """Return a clip as a mirror shows it."""
    flips = np.array([-1.0, 1.0, -1.0, 1.0])
    moves = np.array([WIDTH, 0, WIDTH, 0])
    truth = [{who: (box * flips + moves)[[2, 1, 0, 3]] for who, box in people.items()} for people in clip.truth]
    pictures = [np.ascontiguousarray(each[:, ::-1]) for each in clip.pictures]
    return Clip(f"{clip.name}, mirrored", clip.kind, pictures, truth)


def noisy(picture: Bgr, number: int) -> Bgr:
    """Add a sensor's noise to a picture: other noise for another number, the same for the same."""
    down, right = np.random.default_rng([number, 1]).integers(0, _FIELD, 2)
    grain = _field()[down : down + HEIGHT, right : right + WIDTH, None]
    return np.asarray((picture + grain).clip(0, 255), np.uint8)


@cache
def _field() -> npt.NDArray[np.int16]:
    size = HEIGHT + _FIELD, WIDTH + _FIELD
    return np.random.default_rng(0).normal(0, NOISE, size).round().astype(np.int16)


def _cut(picture: Bgr, top: int) -> Bgr:
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    enlarged = cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(enlarged[top : top + HEIGHT], np.uint8)


def _moved(rows: npt.NDArray[np.float64], scale: float, top: int) -> Boxes:
    """Move boxes with the picture; whoever is half out of it is not there."""
    found = {}
    for _, person, left, above, width, height, *_more in rows:
        box = np.array([left, above, left + width, above + height]) * scale - np.array([0, top, 0, top])
        cut = box.clip([0, 0, 0, 0], [WIDTH, HEIGHT, WIDTH, HEIGHT])
        if _area(cut) >= 0.5 * _area(box):
            found[int(person)] = cut
    return found


def _area(box: npt.NDArray[np.float64]) -> float:
    return float(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))
