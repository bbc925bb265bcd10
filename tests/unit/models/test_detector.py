"""A picture in, detections out: put together, and what a message says of it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.detector import AT_MOST, Detector, DetectorSettings, _detections
from models.errors import Missing, NotAllowed, UnknownModel
from schemas.detections import ObjectType

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector(weights: Path) -> Detector:
    return Detector.load(weights)


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (16, 16), (1000, 40), (30, 900)])
def test_an_empty_picture_of_any_shape_has_nobody(detector: Detector, height: int, width: int) -> None:
    assert detector.detect(np.full((height, width, 3), 127, np.uint8)) == ()


def test_the_same_picture_gives_the_same_detections(weights: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (360, 640, 3)).astype(np.uint8)
    eager = Detector.load(weights, DetectorSettings(people_from=0.005, faces_from=0.005))
    first = eager.detect(noise)

    assert first
    assert first == eager.detect(noise)


def test_the_module_says_which_networks_and_which_settings(weights: Path, detector: Detector) -> None:
    other = Detector.load(weights, DetectorSettings(people_from=0.05))

    assert detector.module.name == "nanodet-g-416-int8+yunet-2023mar"
    assert detector.module.model_digest == other.module.model_digest
    assert detector.module.config_digest != other.module.config_digest
    assert (
        detector.module.model_digest
        != Detector.load(weights, DetectorSettings(people="nanodet-g-416")).module.model_digest
    )


def test_r12_a_network_is_not_loaded_for_another_task(weights: Path) -> None:
    with pytest.raises(NotAllowed, match="is for faces, not for people"):
        Detector.load(weights, DetectorSettings(people="yunet-2023mar"))


def test_a_network_that_the_manifest_does_not_name_is_not_loaded(weights: Path) -> None:
    with pytest.raises(UnknownModel):
        Detector.load(weights, DetectorSettings(people="../other"))


def test_networks_that_were_not_fetched_are_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        Detector.load(tmp_path)


def test_boxes_are_normalised_and_cut_to_the_picture() -> None:
    boxes = np.array([[-20, 10, 100, 60], [300, 10, 320, 20], [5, 5, 5, 9]], np.float32)
    found = _detections(
        ObjectType.HUMAN, boxes, np.array([0.912345678, 0.5, 0.4], np.float32), np.zeros((50, 200, 3), np.uint8)
    )

    assert len(found) == 1
    assert found[0].likelihood == 0.91235
    box = found[0].bounding_box
    assert (box.left, box.top, box.right, box.bottom) == (0, 0.2, 0.5, 1)


def test_a_crowd_is_cut_to_the_likeliest() -> None:
    many = AT_MOST + 50
    boxes = np.tile(np.array([[0, 0, 10, 10]], np.float32), (many, 1))
    likelihoods = np.linspace(1, 0.5, many, dtype=np.float32)
    found = _detections(ObjectType.HUMAN_FACE, boxes, likelihoods, np.zeros((50, 50, 3), np.uint8))

    assert len(found) == AT_MOST
    assert found[0].likelihood == 1
