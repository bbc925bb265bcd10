"""D-FINE's and RT-DETR's numbers, made up and read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.networks.detr import Detr


class Network:
    """Gives what it was given to give, and keeps what it was asked."""

    def __init__(self, **outputs: Any) -> None:
        self.outputs = {name: np.array(value) for name, value in outputs.items()}
        self.asked: dict[str, npt.NDArray[Any]] = {}

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[np.float32]]:
        self.asked = dict(inputs)
        return self.outputs


CANVAS = np.zeros((64, 64, 3), np.uint8)
CANVAS[..., 0] = 255


def test_the_likely_people_among_the_labels_are_found_likeliest_first() -> None:
    network = Network(
        labels=[[0, 2, 0, 0]],
        boxes=[[[1, 2, 3, 4], [5, 5, 9, 9], [10, 20, 30, 40], [0, 0, 1, 1]]],
        scores=[[0.4, 0.99, 0.8, 0.05]],
    )
    ((boxes, likelihoods),) = Detr(network, 64, 0, logits=False).find([CANVAS], at_least=0.1)

    np.testing.assert_allclose(boxes, [[10, 20, 30, 40], [1, 2, 3, 4]])
    np.testing.assert_allclose(likelihoods, [0.8, 0.4])


def test_the_input_is_red_green_blue_up_to_one_with_the_size_beside_it() -> None:
    network = Network(labels=[[]], boxes=np.zeros((1, 0, 4)), scores=[[]])
    Detr(network, 64, 0, logits=False).find([CANVAS], at_least=0.1)

    assert network.asked["orig_target_sizes"].tolist() == [[64, 64]]
    assert [plane.max() for plane in network.asked["images"][0]] == [0, 0, 1]


def test_logits_and_shares_are_read_too() -> None:
    network = Network(
        logits=[[[-9, np.log(3)], [9, -9]]], pred_boxes=np.array([[[0.5, 0.5, 0.25, 0.5], [0, 0, 1, 1]]], np.float32)
    )
    ((boxes, likelihoods),) = Detr(network, 64, 1, logits=True).find([CANVAS], at_least=0.1)

    np.testing.assert_allclose(boxes, [[24, 16, 40, 48]])
    np.testing.assert_allclose(likelihoods, [0.75], rtol=1e-6)
