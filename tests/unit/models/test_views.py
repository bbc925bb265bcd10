"""Which parts of a picture are looked at, and how what is found in them becomes one."""

import base64

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import views
from models.networks.finder import Found
from models.networks.letterbox import Letterbox
from models.views import View
from schemas.estate import Profile

WHOLE = View(0, 0, 1280, 720)


def cells(*moved: tuple[int, int]) -> npt.NDArray[np.bool_]:
    found = np.zeros((9, 16), np.bool_)
    for place in moved:
        found[place] = True
    return found


def seen(view: View, *boxes: tuple[float, float, float, float], scale: float = 1) -> tuple[View, Letterbox, Found]:
    likelihoods = np.linspace(0.9, 0.5, len(boxes), dtype=np.float32)
    local = np.array(boxes, np.float32).reshape(-1, 4)
    return view, Letterbox(np.zeros((32, 32, 3), np.uint8), scale), (local, likelihoods)


def test_cells_are_read_as_the_device_writes_them() -> None:
    bits = cells((0, 1), (8, 15))
    text = "16x9:" + base64.b64encode(np.packbits(bits).tobytes()).decode()
    read = views.moved(text)

    assert read is not None
    assert (read == bits).all()


@pytest.mark.parametrize("wrong", ["", "16x9", "16x9:####", "16x9:AA==", "0x9:AAAA", "-1x-1:AAAA", "x:", "9:AAAA"])
def test_what_is_no_motion_in_cells_is_unknown(wrong: str) -> None:
    assert views.moved(wrong) is None


@given(st.text(max_size=40))
def test_any_text_is_read_or_unknown(text: str) -> None:
    read = views.moved(text)

    assert read is None or read.ndim == 2


def test_usually_the_whole_is_looked_at_whatever_moved() -> None:
    assert views.views(720, 1280, Profile(), cells((4, 4))) == (WHOLE,)


def test_regions_are_what_moved_and_a_cell_around_it() -> None:
    (region,) = views.views(720, 1280, Profile(regions=True), cells((4, 4), (4, 5)))

    assert region == View(240, 240, 560, 480)


@pytest.mark.parametrize("moved", [None, cells(), np.ones((9, 16), np.bool_), cells((0, 0), (0, 8), (0, 15), (8, 4))])
def test_without_regions_that_are_cheaper_the_whole_is_looked_at(moved: npt.NDArray[np.bool_] | None) -> None:
    assert views.views(720, 1280, Profile(regions=True), moved) == (WHOLE,)


@given(st.integers(1, 4), st.integers(16, 2000), st.integers(16, 2000))
def test_tiles_cover_the_picture(each_way: int, height: int, width: int) -> None:
    covered = np.zeros((height, width), np.bool_)
    for tile in views.tiles(height, width, each_way):
        covered[tile.top : tile.bottom, tile.left : tile.right] = True

    assert covered.all() or each_way == 1


def test_who_fits_into_the_overlap_is_whole_in_a_tile() -> None:
    left, right, *_ = views.tiles(720, 1280, 2)

    assert left.right - right.left >= views.OVERLAP * (left.right - left.left) - 1


def test_a_box_in_a_part_is_brought_into_the_whole() -> None:
    boxes, _ = views.together([seen(View(100, 50, 500, 450), (20, 40, 60, 140), scale=2)], 720, 1280)

    np.testing.assert_allclose(boxes, [[110, 70, 130, 120]])


def test_somebody_whom_a_tile_cuts_is_taken_from_where_he_is_whole() -> None:
    whole = seen(WHOLE, (180, 100, 240, 300))
    tile = seen(View(0, 0, 200, 720), (180, 100, 200, 300), (50, 0, 90, 80))
    boxes, _ = views.together([whole, tile], 720, 1280)

    np.testing.assert_allclose(boxes, [[180, 100, 240, 300], [50, 0, 90, 80]])


def test_what_a_tile_shows_of_somebody_near_is_no_person_of_its_own() -> None:
    near = seen(WHOLE, (100, 100, 300, 600))
    tile = seen(View(0, 0, 700, 700), (150, 120, 220, 200), (400, 100, 420, 150))
    boxes, _ = views.together([near, tile], 720, 1280)

    np.testing.assert_allclose(boxes, [[100, 100, 300, 600], [400, 100, 420, 150]])


def test_somebody_seen_twice_is_one() -> None:
    boxes, _ = views.together(
        [seen(WHOLE, (50, 50, 90, 150)), seen(View(0, 0, 700, 700), (51, 50, 91, 150))], 720, 1280
    )

    assert len(boxes) == 1


def test_what_was_looked_at_is_told_as_shares_and_the_whole_as_nothing() -> None:
    (box,) = views.shares([View(320, 180, 640, 360)], 720, 1280)

    assert (box.left, box.top, box.right, box.bottom) == (0.25, 0.25, 0.5, 0.5)
    assert views.shares([WHOLE, View(0, 0, 10, 10)], 720, 1280) == ()
