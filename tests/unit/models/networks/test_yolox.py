"""YOLOX's numbers, made up and read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.networks.yolox import INPUT, OUTPUT, Yolox

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2


class Network:
    """Gives what it was given to give, and keeps what it was asked."""

    def __init__(self, output: npt.NDArray[np.float32]) -> None:
        self.output = output
        self.asked: list[npt.NDArray[Any]] = []

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[np.float32]]:
        self.asked.append(inputs[INPUT])
        return {OUTPUT: self.output}


def cells(*people: tuple[int, list[float]]) -> npt.NDArray[np.float32]:
    output = np.zeros((1, CELLS, 5 + 3), np.float32)
    for place, values in people:
        output[0, place] = values
    return output


def test_a_box_lies_where_its_cell_says_in_strides() -> None:
    # The third cell of the second row of the second level: stride 16.
    place = 64 + 4 + 2
    network = Network(cells((place, [0.5, 0.25, np.log(2), np.log(1), 0.9, 0, 0.5, 0])))
    ((boxes, likelihoods),) = Yolox(network, SIDE, person=1).find([np.full((64, 64, 3), 9, np.uint8)], at_least=0.1)

    np.testing.assert_allclose(boxes, [[24, 12, 56, 28]])
    np.testing.assert_allclose(likelihoods, [0.45])
    assert network.asked[0].shape == (1, 3, 64, 64)
    assert network.asked[0].max() == 9


def test_other_labels_are_left_out_and_two_boxes_of_one_person_are_one() -> None:
    network = Network(
        cells(
            (10, [0, 0, 0, 0, 0.9, 0.9, 0, 0]),
            (11, [0, 0, 1, 1, 0.9, 0, 0.9, 0]),
            (12, [-1, 0, 1, 1, 0.8, 0, 0.9, 0]),
        )
    )
    ((boxes, _),) = Yolox(network, SIDE, person=1).find([np.zeros((64, 64, 3), np.uint8)], at_least=0.1)

    assert len(boxes) == 1


def test_nothing_gives_no_boxes() -> None:
    ((boxes, likelihoods),) = Yolox(Network(cells()), SIDE, 0).find([np.zeros((64, 64, 3), np.uint8)], at_least=0.1)

    assert boxes.shape == (0, 4)
    assert likelihoods.shape == (0,)
