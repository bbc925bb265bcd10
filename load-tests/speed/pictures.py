"""What the cameras of these measures see, at 1280×720: real footage scaled up, and drawn scenes.

Pictures live in memory alone. Footage is that of MIMAMORI_FOOTAGE, and its people's boxes go with it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.edge import drawn
from pipeline.edge.clip import Bgr, at_rate, open_clip
from pipeline.edge.drawn.scene import WIDTH as DRAWN_WIDTH

WIDTH, HEIGHT = 1280, 720
FPS: Final = 5

Boxes = Mapping[int, npt.NDArray[np.float64]]
"""People's boxes by their number: left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class Clip:
    """Pictures at FPS, and the truth of each where it is known."""

    name: str
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
    pictures, truth = [], []
    for shot in at_rate(islice(open_clip(folder / how.folder, how.fps).shots(), skipped, None), FPS):
        picture = shot.see()
        scale = WIDTH / picture.shape[1]
        pictures.append(_cut(picture, how.top))
        truth.append(_moved(told[told[:, 0] == shot.number], scale, how.top))
    return Clip(f"{name} from {skipped}" if skipped else name, tuple(pictures), tuple(truth))


@cache
def drawn_clip(seed: int, count: int, since: float = 0.0) -> Clip:
    """Draw so many pictures of a scene, from a moment of its round on."""
    renderer = drawn.Renderer(drawn.scene(seed))
    times = [since + number / FPS for number in range(count)]
    pictures = tuple(_cut(renderer.picture(at), 0) for at in times)
    scale = WIDTH / DRAWN_WIDTH
    truth = tuple(
        {each.person: np.asarray(each.box, np.float64) * scale for each in renderer.boxes(at) if each.visible >= 0.5}
        for at in times
    )
    return Clip(f"drawn:{seed}", pictures, truth)


def mirrored(clip: Clip) -> Clip:
    """Return a clip as a mirror shows it."""
    flips = np.array([-1.0, 1.0, -1.0, 1.0])
    moves = np.array([WIDTH, 0, WIDTH, 0])
    truth = [{who: (box * flips + moves)[[2, 1, 0, 3]] for who, box in people.items()} for people in clip.truth]
    return Clip(f"{clip.name}, mirrored", [np.ascontiguousarray(each[:, ::-1]) for each in clip.pictures], truth)


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
