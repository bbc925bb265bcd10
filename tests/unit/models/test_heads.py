"""Heads side by side, and what is found on them brought back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models import heads
from models.networks.finder import Floats


def boxes(*each: tuple[float, float, float, float]) -> Floats:
    return np.array(each, np.float32).reshape(-1, 4)


def test_the_region_of_a_standing_person_is_two_fifths_of_the_height_around_the_head() -> None:
    (square,) = heads.regions(boxes((100, 100, 150, 300)), np.ones(1, np.float32), most=8)

    np.testing.assert_allclose(square, [85, 92, 165, 172])


def test_the_likeliest_heads_are_taken_and_one_head_once() -> None:
    people = boxes((0, 0, 50, 200), (300, 0, 350, 200), (302, 0, 352, 200), (600, 0, 650, 200))
    squares = heads.regions(people, np.array([0.3, 0.9, 0.8, 0.7], np.float32), most=2)

    assert [square[0] > 500 for square in squares] == [False, True]
    assert len(squares) == 2


def test_whoever_is_too_far_away_to_show_a_face_costs_nothing() -> None:
    near_and_far = boxes((0, 0, 20, 80), (100, 0, 110, 40))
    squares = heads.regions(near_and_far, np.ones(2, np.float32), most=8)

    assert [square[0] > 50 for square in squares] == [False]


def test_there_is_no_empty_cell() -> None:
    canvas = heads.mosaic(np.full((90, 90, 3), 9, np.uint8), boxes(*[(0, 0, 32, 32)] * 5), cell=32).canvas

    assert canvas.shape == (32, 160, 3)
    assert canvas.all()


@given(st.lists(st.tuples(st.floats(-200, 900), st.floats(-200, 700), st.floats(1, 400)), min_size=1, max_size=9))
def test_what_fills_a_cell_is_brought_back_to_where_its_square_is(squares: list[tuple[float, float, float]]) -> None:
    parts = boxes(*((left, top, left + side, top + side) for left, top, side in squares))
    mosaic = heads.mosaic(np.zeros((480, 640, 3), np.uint8), parts, cell=64)
    back, within = mosaic.back(boxes(*((x, 0, x + 64, 64) for x in range(0, 64 * len(parts), 64))))

    assert within.tolist() == list(range(len(parts)))
    assert np.abs(back - parts).max() <= 2


def test_a_head_is_drawn_in_its_cell_and_black_where_the_picture_ends() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:20, :20] = 255
    mosaic = heads.mosaic(picture, boxes((50, 50, 70, 70), (-20, -20, 20, 20)), cell=32)

    assert mosaic.canvas.shape == (32, 64, 3)
    assert not mosaic.canvas[:, :32].any()
    assert (mosaic.canvas[16:, 48:] == 255).all()
    assert not mosaic.canvas[:16, 32:].any()


def test_what_lies_beyond_the_cells_is_no_face() -> None:
    mosaic = heads.mosaic(np.zeros((90, 90, 3), np.uint8), boxes((0, 0, 9, 9), (0, 0, 9, 9), (0, 0, 9, 9)), cell=32)
    found, within = mosaic.back(boxes((97, 4, 107, 14), (-9, 2, 4, 9), (2, 2, 9, 9)))

    assert within.tolist() == [2]
    assert len(found) == 1
