"""NanoDet fitted: as the file has it, for any size and any number of pictures."""

from pathlib import Path

import numpy as np
import pytest

from models.manifest import manifest
from models.networks import nanodet
from models.networks.finder import Found
from models.networks.letterbox import Picture, fit
from models.networks.nanodet import NanoDet
from models.session import Session
from models.weights import path


def bytes_of(weights: Path, name: str) -> bytes:
    return path(weights, manifest()[name]).read_bytes()


@pytest.fixture(scope="module")
def network(weights: Path) -> NanoDet:
    return NanoDet.load(bytes_of(weights, "nanodet-g-416-int8"), Session)


def noise(height: int, width: int, seed: int = 1) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def as_the_file_has_it(model: bytes, picture: Picture) -> Found:
    outputs = Session(model).run({nanodet.INPUT: nanodet.prepare(picture)})
    return nanodet.people(outputs, (nanodet.SIDE, nanodet.SIDE), 0.001)


@pytest.mark.parametrize("name", ["nanodet-g-416-int8", "nanodet-g-416"])
def test_fitting_changes_no_box_and_no_likelihood(weights: Path, name: str) -> None:
    model, picture = bytes_of(weights, name), noise(300, 416)
    ((boxes, likelihoods),) = NanoDet.load(model, Session).find(
        [fit(picture, height=416, width=416).canvas], at_least=0.001
    )
    before, likely = as_the_file_has_it(model, picture)

    assert len(boxes) > 10
    exactly = 0 if name.endswith("int8") else 1e-4
    np.testing.assert_allclose(likelihoods, likely, rtol=0, atol=exactly)
    np.testing.assert_allclose(boxes, before, rtol=0, atol=exactly * 100)


def test_pictures_together_are_seen_as_each_by_itself(network: NanoDet) -> None:
    canvases = [noise(160, 256, seed) for seed in (1, 2, 3)]
    together = network.find(canvases, at_least=0.001)
    alone = [network.find([each], at_least=0.001)[0] for each in canvases]

    for (boxes, likelihoods), (others, likely) in zip(together, alone, strict=True):
        assert len(boxes)
        assert (boxes == others).all()
        assert (likelihoods == likely).all()
