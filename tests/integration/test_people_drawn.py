"""Drawn people are found, each once, by both networks: what tests without footage stand on."""

from pathlib import Path

import numpy as np
import pytest

from models.detector import Detector, DetectorSettings
from models.nms import overlap
from pipeline.edge.drawn.render import Renderer
from pipeline.edge.drawn.scene import scene
from schemas.detections import ObjectType

MOMENTS = (4.0, 12.0, 20.0, 28.0, 30.0, 36.0)
"""Seconds into the scene; from nobody but one up to three people."""


@pytest.fixture(scope="module", params=["nanodet-g-416-int8", "nanodet-g-416"])
def detector(weights: Path, request: pytest.FixtureRequest) -> Detector:
    return Detector.load(weights, DetectorSettings(people=request.param))


@pytest.mark.parametrize("seed", [1, 7])
def test_everybody_who_is_mostly_in_sight_is_found_once_and_nobody_else(detector: Detector, seed: int) -> None:
    drawn = Renderer(scene(seed))
    there = 0
    for moment in MOMENTS:
        picture = drawn.picture(moment)
        height, width = picture.shape[:2]
        sides = [width, height, width, height]
        placed = drawn.boxes(moment)
        truth = np.array([each.box for each in placed], np.float32).reshape(-1, 4)
        in_sight = np.array([each.visible > 0.5 for each in placed], bool)
        boxes = [each.bounding_box for each in detector.detect(picture) if each.type is ObjectType.HUMAN]
        found = np.array([(box.left, box.top, box.right, box.bottom) for box in boxes]).reshape(-1, 4) * sides
        hits = overlap(truth, found.astype(np.float32)) >= 0.5

        there += in_sight.sum()
        assert (hits.sum(axis=1)[in_sight] == 1).all()
        assert hits.any(axis=0).all()
    assert there >= len(MOMENTS)
