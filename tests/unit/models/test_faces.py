"""Faces that are to be hidden: looked for at the size at which they are found."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import Missing, NotAllowed
from models.faces import Faces, FaceSettings
from models.networks.letterbox import Picture
from schemas.geometry import Box


@pytest.fixture(scope="module")
def faces(weights: Path) -> Faces:
    return Faces.load(weights)


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (1, 1), (16, 16), (1000, 40), (3, 900)])
def test_an_empty_picture_of_any_shape_has_none(faces: Faces, height: int, width: int) -> None:
    assert faces.find_faces(np.full((height, width, 3), 127, np.uint8)) == ()


def test_what_it_keeps_of_a_picture_is_nothing(weights: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (360, 640, 3)).astype(np.uint8)
    eager = Faces.load(weights, FaceSettings(faces_from=0.005))
    first = eager.find_faces(noise)

    assert first
    assert first == eager.find_faces(noise)


def test_a_face_is_found_in_a_small_piece_too_and_is_shares_of_it(faces: Faces, footage: Path) -> None:
    picture = np.asarray(cv2.imread(str(footage / "faces" / "sk_astronaut.png")), np.uint8)
    (whole, *_) = faces.find_faces(picture)
    height, width = picture.shape[:2]
    left, top = int((whole.left - 0.1) * width), 0
    piece = picture[top : int((whole.bottom + 0.1) * height), left : int((whole.right + 0.1) * width)]
    small: Picture = np.asarray(cv2.resize(piece, (40, round(40 * piece.shape[0] / piece.shape[1]))), np.uint8)

    (found, *_) = faces.find_faces(small)

    there = middle(whole)
    here = middle(found)
    assert left + here[0] * piece.shape[1] == pytest.approx(there[0] * width, abs=12)
    assert top + here[1] * piece.shape[0] == pytest.approx(there[1] * height, abs=12)


def middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def test_r12_no_network_for_another_task_is_loaded(weights: Path) -> None:
    with pytest.raises(NotAllowed):
        Faces.load(weights, FaceSettings(faces="nanodet-g-416-int8"))


def test_a_network_that_was_not_fetched_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        Faces.load(tmp_path)
