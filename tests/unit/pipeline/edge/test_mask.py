"""Masked parts of the picture leave the device black."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge.device import How, Pixels, State, look
from pipeline.edge.mask import paint
from schemas.estate import Mask
from schemas.geometry import Point
from tests.unit.pipeline.edge.building import NOON, after, shop

LEFT_HALF = Mask(polygon=(Point(x=-0.1, y=-0.1), Point(x=0.5, y=-0.1), Point(x=0.5, y=1.1), Point(x=-0.1, y=1.1)))


def test_without_masks_nothing_is_painted() -> None:
    assert (paint(shop(100), ()) == shop(100)).all()


def test_a_mask_is_black_and_the_rest_is_as_it_was() -> None:
    before = shop(300)
    painted = paint(before, (LEFT_HALF,))

    assert not painted[:, :241].any()
    assert (painted[:, 241:] == before[:, 241:]).all()
    assert before[:, :240].all(), "the source's own picture is not painted on"


def test_r07_a_mask_is_black_in_the_jpeg_that_leaves() -> None:
    bright = np.full((540, 960, 3), 255, np.uint8)
    _, (frame,) = look(State(), bright, NOON, How(width=960, masks=(LEFT_HALF,)))
    assert isinstance(frame, Pixels)
    seen = np.asarray(cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR))

    # Eight pixels at its edge belong to blocks that the edge runs through.
    assert seen[:, :464].max() <= 2
    assert seen[:, 496:].min() >= 250


def test_what_moves_behind_a_mask_is_not_seen_by_the_gate() -> None:
    how = How(width=960, masks=(LEFT_HALF,))
    state, _ = look(State(), shop(), NOON, how)

    _, outgoing = look(state, shop(100), after(5), how)

    assert not any(isinstance(each, Pixels) for each in outgoing)


@given(x=st.floats(0, 0.7), y=st.floats(0, 0.7), width=st.integers(64, 640), height=st.integers(36, 480))
def test_all_pixels_inside_a_mask_are_black(x: float, y: float, width: int, height: int) -> None:
    corners = (Point(x=x, y=y), Point(x=x + 0.3, y=y), Point(x=x + 0.3, y=y + 0.3), Point(x=x, y=y + 0.3))
    painted = paint(np.full((height, width, 3), 200, np.uint8), (Mask(polygon=corners),))

    columns, rows = np.arange(width), np.arange(height)
    inside_x = (columns >= x * width) & (columns + 1 <= (x + 0.3) * width)
    inside_y = (rows >= y * height) & (rows + 1 <= (y + 0.3) * height)
    assert not painted[np.ix_(inside_y, inside_x)].any()
