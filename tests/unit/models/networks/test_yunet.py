"""YuNet's numbers, read by hand."""

import numpy as np
import numpy.typing as npt
import pytest

from models.networks import yunet

WIDTH, HEIGHT = 128, 64


def outputs_with(stride: int, cell: int, box: tuple[float, float, float, float]) -> dict[str, npt.NDArray[np.float32]]:
    """One face in one cell; x and y in strides from the cell's corner, sizes as logarithms of strides."""
    outputs: dict[str, npt.NDArray[np.float32]] = {}
    for each in yunet.STRIDES:
        cells = (WIDTH // each) * (HEIGHT // each)
        outputs |= {f"{name}_{each}": np.zeros((1, cells, 1), np.float32) for name in ("cls", "obj")}
        outputs[f"bbox_{each}"] = np.zeros((1, cells, 4), np.float32)
    outputs[f"cls_{stride}"][0, cell] = 0.81
    outputs[f"obj_{stride}"][0, cell] = 1.2
    outputs[f"bbox_{stride}"][0, cell] = box
    return outputs


def test_the_input_keeps_the_values_with_channels_first() -> None:
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[..., 2] = 255
    box, tensor = yunet.prepare(picture, longest=640)

    assert tensor.shape == (1, 3, 64, 128)
    assert tensor[0, :, 0, 0].tolist() == [0, 0, 255]
    assert box.scale == 1


@pytest.mark.parametrize("stride", yunet.STRIDES)
def test_a_face_lies_where_its_cell_says(stride: int) -> None:
    columns = WIDTH // stride
    outputs = outputs_with(stride, columns + 2, (0.5, 0.25, np.log(2), np.log(4)))
    boxes, likelihoods = yunet.faces(outputs, width=WIDTH, at_least=0.6)

    np.testing.assert_allclose(boxes, np.array([[1.5, -0.75, 3.5, 3.25]]) * stride, rtol=1e-5)
    np.testing.assert_allclose(likelihoods, [0.9], rtol=1e-6)


def test_an_unlikely_face_is_left_out() -> None:
    outputs = outputs_with(8, 3, (0, 0, 0, 0))

    assert len(yunet.faces(outputs, width=WIDTH, at_least=0.91)[0]) == 0
