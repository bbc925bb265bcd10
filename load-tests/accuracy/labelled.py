"""Labelled clips, as the project's own detector sees them: boxes only, which alone are kept between runs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scenes import Frame, Scene

from models.detector import Detector, DetectorSettings
from schemas.detections import ObjectType

Floats = NDArray[np.float64]
Seen = tuple[Floats, Floats]
"""Boxes in picture heights, and their likelihoods."""

FROM: Final = 0.1
"""What the stage that detects passes on."""


class Clip(NamedTuple):
    """A clip with labels in MOTChallenge form; `steps` say which rates it is looked at: every so many-th picture."""

    name: str
    folder: str
    labels: str
    fps: float
    steps: tuple[int, ...]


CLIPS: Final = (
    Clip("walking group", "pets09_s3mf1", "pets09_S3MF1_mot.txt", 7, (1, 2, 3, 4, 7)),
    Clip("pavement", "tud_campus", "tud_campus_mot.txt", 25, (4, 5, 7, 11, 14, 25)),
)


class Labelled(NamedTuple):
    """A clip, its truth, and what was seen in it, picture by picture."""

    clip: Clip
    aspect: float
    truth: Sequence[tuple[NDArray[np.int64], Floats]]
    seen: Sequence[Seen]

    def at(self, step: int) -> list[Scene]:
        """Look at every so many-th picture, beginning with each of the first so many."""
        return [self._scene(step, first) for first in range(step)]

    def _scene(self, step: int, first: int) -> Scene:
        numbers = range(first, len(self.seen), step)
        frames = (
            Frame((number - first) / self.clip.fps, *self.truth[number], *self.seen[number]) for number in numbers
        )
        return Scene(f"{self.clip.name} {first + 1}/{step}", self.clip.fps / step, tuple(frames), self.aspect)


def load(footage: Path, weights: Path, cache: Path, clip: Clip) -> Labelled:
    """Read a clip's labels, and have its pictures looked at unless that was done before."""
    files = sorted((footage / "video" / clip.folder).glob("*.jpg"))
    high, wide = cv2.imread(str(files[0]), cv2.IMREAD_GRAYSCALE).shape  # type: ignore[union-attr]  # the file is there
    truth = [(ids, boxes / high) for ids, boxes in people(footage, clip, len(files))]
    return Labelled(clip, wide / high, truth, _boxes(files, weights, cache / f"boxes-{clip.folder}.json"))


def people(footage: Path, clip: Clip, pictures: int) -> list[tuple[NDArray[np.int64], Floats]]:
    """Read who is where in each picture of a clip: ids, and boxes in pixels."""
    labels = np.loadtxt(footage / "gt" / clip.labels, delimiter=",")
    rows = (labels[labels[:, 0] == number] for number in range(1, pictures + 1))
    return [(own[:, 1].astype(np.int64), _corners(own[:, 2:6])) for own in rows]


def _boxes(files: Sequence[Path], weights: Path, cache: Path) -> list[Seen]:
    detector = Detector.load(weights, DetectorSettings(people_from=FROM))
    made_by = detector.module.model_dump_json()
    if not cache.is_file() or json.loads(cache.read_text())["made_by"] != made_by:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps({"made_by": made_by, "boxes": [_look(detector, file) for file in files]}))
    return [(np.array(boxes).reshape(-1, 4), np.array(sure)) for boxes, sure in json.loads(cache.read_text())["boxes"]]


def _look(detector: Detector, file: Path) -> tuple[list[list[float]], list[float]]:
    picture = np.asarray(cv2.imread(str(file)), np.uint8)
    aspect = picture.shape[1] / picture.shape[0]
    found = [each for each in detector.detect(picture) if each.type is ObjectType.HUMAN]
    boxes = [each.bounding_box for each in found]
    return (
        [[box.left * aspect, box.top, box.right * aspect, box.bottom] for box in boxes],
        [each.likelihood for each in found],
    )


def _corners(boxes: Floats) -> Floats:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
