"""Faces on photographs: those that were boxed by hand are found, and a cat and a cup have none."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from models.detector import Detector
from models.nms import overlap
from schemas.detections import ObjectType

Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def detector(weights: Path) -> Detector:
    return Detector.load(weights)


def faces(detector: Detector, file: Path) -> Floats:
    """Boxes (n, 4) of the faces in a photograph, in its pixels."""
    picture = np.asarray(cv2.imread(str(file)), np.uint8)
    height, width = picture.shape[:2]
    boxes = [found.bounding_box for found in detector.detect(picture) if found.type is ObjectType.HUMAN_FACE]
    sides = np.array([(box.left, box.top, box.right, box.bottom) for box in boxes], np.float32).reshape(-1, 4)
    return sides * np.array([width, height, width, height], np.float32)


def boxed(folder: Path) -> Iterator[tuple[Path, Floats]]:
    """Photographs and the boxes that people drew on them."""
    for image in ET.parse(folder / "dlib_training.xml").iter("image"):
        boxes = [[float(box.attrib[side]) for side in ("left", "top", "width", "height")] for box in image.iter("box")]
        corners = np.array(boxes, np.float32)
        corners[:, 2:] += corners[:, :2]
        yield folder / image.attrib["file"], corners


def test_sixteen_of_the_eighteen_boxed_faces_are_found(footage: Path, detector: Detector) -> None:
    overlaps = [
        overlap(truth, faces(detector, file)).max(axis=1, initial=0) for file, truth in boxed(footage / "faces")
    ]
    best = np.concatenate(overlaps)

    assert len(best) == 18
    assert (best >= 0.4).sum() >= 16


@pytest.mark.parametrize("name", ["sk_chelsea.png", "sk_coffee.png"])
def test_a_cat_and_a_cup_have_no_face(footage: Path, detector: Detector, name: str) -> None:
    assert len(faces(detector, footage / "faces" / name)) == 0
