"""A picture in, detections out: put together, and what a message says of it."""

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.detector import AT_MOST, Detector, DetectorSettings, Look, _detections
from models.errors import Missing, NotAllowed, UnknownModel
from models.manifest import manifest
from schemas.detections import ObjectType
from schemas.estate import Profile

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


def test_pictures_together_are_seen_as_each_by_itself_whatever_the_batch(weights: Path) -> None:
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 256, (180, width, 3)).astype(np.uint8) for width in (320, 320, 240, 320)]
    eager = DetectorSettings(people_from=0.01, faces_from=0.02, heads_from=0.01)
    together = Detector.load(weights, eager.model_copy(update={"batch": 3})).detect_all(list(map(Look, pictures)))
    alone = Detector.load(weights, eager)

    assert any(seen.detections for seen in together)
    assert [seen.detections for seen in together] == [alone.detect(each) for each in pictures]


def test_without_people_no_faces_are_looked_for_but_in_reference_frames(detector: Detector) -> None:
    asked: list[tuple[int, ...]] = []
    faces = detector._faces
    grey = np.full((360, 640, 3), 127, np.uint8)

    class Watched:
        def run(self, inputs: dict[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
            asked.append(inputs["input"].shape)
            return faces.run(inputs)

    watched = Detector(detector._people, Watched(), manifest()["yunet-2023mar"], DetectorSettings())  # type: ignore[arg-type]  # stands in
    watched.detect_all([Look(grey)])
    watched.detect_all([Look(grey, reference=True)])

    assert asked == [(1, 3, 384, 640)]


def test_where_a_region_was_looked_at_it_is_told_and_in_reference_frames_the_whole_is(detector: Detector) -> None:
    cells = np.zeros((9, 16), np.bool_)
    cells[4, 4] = True
    text = "16x9:" + base64.b64encode(np.packbits(cells).tobytes()).decode()
    look = Look(np.full((720, 1280, 3), 127, np.uint8), Profile(regions=True), text)
    region, whole = detector.detect_all([look, replace(look, reference=True)])

    assert [round(each.left, 4) for each in region.regions] == [0.1875]
    assert whole.regions == ()


def test_only_regions_and_tiles_need_the_picture_as_it_came(detector: Detector) -> None:
    assert detector.longest(Profile()) == 416
    assert detector.longest(Profile(longest=320)) == 416
    assert detector.longest(Profile(), reference=True) == 640
    assert detector.longest(Profile(tiles=2)) is None
    assert detector.longest(Profile(regions=True)) is None


def test_a_profile_of_its_own_is_another_configuration(detector: Detector) -> None:
    assert detector.module_of(Profile(tiles=2)).config_digest != detector.module.config_digest
    assert detector.module_of(Profile()) == detector.module
