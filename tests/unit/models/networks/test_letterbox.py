"""Pictures shrunk into the top left corner."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.networks.letterbox import fit, shrink

sides = st.integers(1, 700)


def test_a_wide_picture_fills_the_width_and_leaves_the_bottom_black() -> None:
    box = fit(np.full((72, 128, 3), 200, np.uint8), height=416, width=416)

    assert box.scale == 416 / 128
    assert (box.canvas[:234] == 200).all()
    assert (box.canvas[234:] == 0).all()


@given(sides, sides)
def test_any_picture_fits(height: int, width: int) -> None:
    box = fit(np.ones((height, width, 3), np.uint8), height=416, width=416)

    assert box.canvas.shape == (416, 416, 3)
    assert box.scale * max(height, width) <= 416 + 1e-6


@given(sides, sides)
def test_shrinking_never_enlarges_and_gives_a_multiple(height: int, width: int) -> None:
    box = shrink(np.ones((height, width, 3), np.uint8), longest=320, multiple_of=32)

    assert box.scale <= 1
    assert max(box.canvas.shape) <= 320
    assert box.canvas.shape[0] % 32 == box.canvas.shape[1] % 32 == 0


def test_a_small_picture_is_only_padded() -> None:
    picture = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)
    box = shrink(picture, longest=640, multiple_of=32)

    assert box.scale == 1
    assert box.canvas.shape == (64, 64, 3)
    assert (box.canvas[:40, :50] == picture).all()
