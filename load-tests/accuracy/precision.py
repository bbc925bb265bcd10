"""Detecting: average precision of the detector on labelled clips, by how a camera's frames are looked at."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import labelled
import numpy as np
from numpy.typing import NDArray
from scoring import AT_LEAST, iou

from models.detector import Detector, DetectorSettings, Look
from models.networks.letterbox import Picture
from schemas.detections import Detection, ObjectType
from schemas.estate import Profile

Floats = NDArray[np.float64]

PROFILES: Final = {
    "whole, 320": Profile(longest=320),
    "whole, 416": Profile(),
    "whole, 640": Profile(longest=640),
    "2 × 2 tiles": Profile(tiles=2),
}
FROM: Final = 0.05
"""Boxes from this likelihood on are looked at: a curve needs the unlikely ones too."""


@dataclass(frozen=True)
class Detected:
    """One clip looked at in one way."""

    clip: str
    profile: str
    ap50: float
    cpu_ms: float
    """A picture, decoding not counted."""


def measure(footage: Path, folder: Path, every: int) -> list[Detected]:
    """Look at every so many-th picture of the labelled clips, in every way."""
    cv2.setNumThreads(1)
    detector = Detector.load(folder, DetectorSettings(people_from=FROM, heads=0))
    return [_measured(detector, footage, clip, name, every) for clip in labelled.CLIPS for name in PROFILES]


def _measured(detector: Detector, footage: Path, clip: labelled.Clip, profile: str, every: int) -> Detected:
    files = sorted((footage / "video" / clip.folder).glob("*.jpg"))
    people = labelled.people(footage, clip, len(files))
    pictures = [np.asarray(cv2.imread(str(file)), np.uint8) for file in files[::every]]
    began = time.process_time()
    found = [detector.detect_all([Look(picture, PROFILES[profile])])[0].detections for picture in pictures]
    spent = time.process_time() - began
    hits: list[tuple[float, bool]] = []
    there = 0
    for picture, seen, (_, boxes) in zip(pictures, found, people[::every], strict=True):
        there += len(boxes)
        hits += matched(*_boxes(seen, picture), boxes)
    return Detected(clip.name, profile, average_precision(hits, there), 1000 * spent / len(pictures))


def _boxes(found: Sequence[Detection], picture: Picture) -> tuple[Floats, Floats]:
    high, wide = picture.shape[:2]
    people = [each for each in found if each.type is ObjectType.HUMAN]
    boxes = [each.bounding_box for each in people]
    shares = np.array([(box.left, box.top, box.right, box.bottom) for box in boxes]).reshape(-1, 4)
    return shares * (wide, high, wide, high), np.array([each.likelihood for each in people])


def matched(boxes: Floats, likelihoods: Floats, people: Floats) -> list[tuple[float, bool]]:
    """Give each person to the likeliest box on them that has none yet; return likelihoods and which boxes are right."""
    free = np.ones(len(people), bool)
    overlaps = iou(boxes, people)
    found = []
    for place in np.argsort(-likelihoods, kind="stable").tolist():
        shares = np.where(free, overlaps[place], 0.0)
        hit = bool(shares.max(initial=0.0) >= AT_LEAST)
        if hit:
            free[shares.argmax()] = False
        found.append((float(likelihoods[place]), hit))
    return found


def average_precision(found: Sequence[tuple[float, bool]], people: int) -> float:
    """Area under the curve of precision over recall, each precision the best at that recall or above."""
    hits = np.cumsum([hit for _, hit in sorted(found, reverse=True)])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((precision * np.diff(hits, prepend=0)).sum() / max(1, people))


def told(detected: Sequence[Detected]) -> list[dict[str, Any]]:
    """Return it for the results."""
    return [
        {"clip": each.clip, "profile": each.profile, "ap50": round(each.ap50, 4), "cpu_ms": round(each.cpu_ms, 1)}
        for each in detected
    ]
