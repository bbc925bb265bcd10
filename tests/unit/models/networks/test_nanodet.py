"""NanoDet's numbers, read by hand."""

import numpy as np
import numpy.typing as npt
import pytest

from models.networks import nanodet

SIZE = nanodet.SIDE, nanodet.SIDE

Outputs = dict[str, npt.NDArray[np.float32]]


def nothing_found() -> Outputs:
    outputs = {}
    for stride, likely, sides in nanodet.OUTPUTS:
        cells = (nanodet.SIDE // stride) ** 2
        outputs[likely] = np.zeros((1, cells, 1), np.float32)
        outputs[sides] = np.zeros((1, cells, 4 * nanodet.BINS), np.float32)
    return outputs


def put(outputs: Outputs, level: int, cell: int, likelihood: float, bins: tuple[int, int, int, int]) -> None:
    """Write one person whose sides lie at exactly these bins."""
    _, likely, sides = nanodet.OUTPUTS[level]
    outputs[likely][0, cell, nanodet.PERSON] = likelihood
    for side, position in enumerate(bins):
        outputs[sides][0, cell, side * nanodet.BINS + position] = 50


def test_the_input_is_scaled_blue_green_red_with_channels_first() -> None:
    grey = np.full((416, 416, 3), 128, np.uint8)
    tensor = nanodet.prepare(grey)

    assert tensor.shape == (1, 3, 416, 416)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0, :, 0, 0], (128 - nanodet.MEAN) / nanodet.DEVIATION, rtol=1e-6)


def test_nothing_gives_no_boxes() -> None:
    boxes, likelihoods = nanodet.people(nothing_found(), SIZE, 0.3)

    assert boxes.shape == (0, 4)
    assert likelihoods.shape == (0,)


@pytest.mark.parametrize(("level", "stride"), [(0, 8), (1, 16), (2, 32)])
def test_a_box_lies_around_the_middle_of_its_cell(level: int, stride: int) -> None:
    outputs = nothing_found()
    columns = nanodet.SIDE // stride
    put(outputs, level, cell=5 * columns + 6, likelihood=0.9, bins=(1, 2, 3, 4))
    boxes, likelihoods = nanodet.people(outputs, SIZE, 0.3)

    np.testing.assert_allclose(boxes, [[5.5 * stride, 3.5 * stride, 9.5 * stride, 9.5 * stride]], rtol=1e-5)
    np.testing.assert_allclose(likelihoods, [0.9])


def test_a_side_between_two_bins_is_their_mean() -> None:
    outputs = nothing_found()
    put(outputs, 0, cell=52 * 20 + 20, likelihood=0.9, bins=(2, 2, 2, 2))
    put(outputs, 0, cell=52 * 20 + 20, likelihood=0.9, bins=(3, 3, 3, 3))
    boxes, _ = nanodet.people(outputs, SIZE, 0.3)

    np.testing.assert_allclose(boxes, [[144, 144, 184, 184]], rtol=1e-5)


def test_the_unlikely_are_left_out() -> None:
    outputs = nothing_found()
    put(outputs, 0, cell=100, likelihood=0.29, bins=(2, 2, 2, 2))

    assert len(nanodet.people(outputs, SIZE, 0.3)[0]) == 0


def test_two_boxes_of_one_person_become_the_likelier_one() -> None:
    outputs = nothing_found()
    put(outputs, 0, cell=52 * 20 + 20, likelihood=0.6, bins=(5, 5, 5, 5))
    put(outputs, 0, cell=52 * 20 + 21, likelihood=0.8, bins=(5, 5, 5, 5))
    _, likelihoods = nanodet.people(outputs, SIZE, 0.3)

    np.testing.assert_allclose(likelihoods, [0.8])


def test_a_wide_canvas_has_wide_rows_of_cells() -> None:
    outputs = nothing_found()
    put(outputs, 0, cell=5 * 52 + 6, likelihood=0.9, bins=(1, 2, 3, 4))
    boxes, _ = nanodet.people(outputs, (256, 416), 0.3)

    np.testing.assert_allclose(boxes, [[44, 28, 76, 76]], rtol=1e-5)


def test_a_pixel_becomes_the_level_that_its_normalised_value_is_rounded_to() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    levels = nanodet.table(0.02, 110)[0]
    normal = nanodet.normalised(np.repeat(pixels[None, :, None], 3, axis=2))[0, :, 0].T

    assert (levels == (np.rint(normal / np.float32(0.02)) + 110).clip(0, 255)).all()


def test_blocks_are_two_by_two_pixels_row_by_row() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    blocks = nanodet.blocks(picture)

    assert blocks.shape == (2, 3, 12)
    assert blocks[1, 2].tolist() == picture[2:4, 4:6].ravel().tolist()
