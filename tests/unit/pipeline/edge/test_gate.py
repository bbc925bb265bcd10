"""What moves is told from what does not."""

import base64
import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge.clip import frames
from pipeline.edge.gate import How, changed, small
from tests.unit.pipeline.edge.building import shop

HOW = How()


def test_a_picture_is_shrunk_by_halves() -> None:
    assert small(np.zeros((720, 1280, 3), np.uint8)).shape == (180, 320)
    assert small(np.zeros((540, 960, 3), np.uint8)).shape == (135, 240)
    assert small(np.zeros((288, 384, 3), np.uint8)).shape == (288, 384)


def test_the_first_picture_is_new_all_over() -> None:
    motion = changed(None, small(shop()), HOW)

    assert motion.cells.all()
    assert motion.light


def test_the_same_picture_does_not_move() -> None:
    assert not changed(small(shop()), small(shop()), HOW).any


def test_somebody_who_comes_moves_where_they_are() -> None:
    motion = changed(small(shop()), small(shop(210)), HOW)

    columns = np.nonzero(motion.cells.any(axis=0))[0] * 480 / 16
    assert motion.any
    assert not motion.light
    assert columns.min() >= 160
    assert columns.max() <= 270


def test_slow_motion_adds_up() -> None:
    sent = small(shop(200))

    assert [changed(sent, small(shop(200 + step)), HOW).any for step in (0, 4, 12)] == [False, True, True]


def test_noise_does_not_move() -> None:
    random = np.random.default_rng(1)
    noisy = [np.clip(shop() + random.normal(0, 6, (270, 480, 3)), 0, 255).astype(np.uint8) for _ in range(2)]

    assert not changed(small(noisy[0]), small(noisy[1]), HOW).any


def test_another_light_is_told_from_motion() -> None:
    lit = np.clip(shop().astype(int) + 60, 0, 255).astype(np.uint8)

    assert changed(small(shop()), small(lit), HOW).light


def test_another_size_is_new_all_over() -> None:
    assert changed(small(shop()), small(shop()[:, :300]), HOW).light


def test_walking_people_of_a_drawn_shop_move() -> None:
    pictures = [small(frame.bgr) for frame in frames("drawn:1", source_fps=1)]
    moves = [changed(before, after, HOW).any for before, after in itertools.pairwise(pictures)]

    assert 10 < sum(moves) < len(moves)


@given(width=st.integers(64, 1500), height=st.integers(36, 900))
def test_cells_are_written_row_by_row(width: int, height: int) -> None:
    motion = changed(None, small(np.zeros((height, width, 3), np.uint8)), HOW)
    grid, bits = motion.text.split(":")
    columns, rows = map(int, grid.split("x"))

    assert motion.cells.shape == (rows, columns)
    assert len(motion.text) <= 512
    assert np.unpackbits(np.frombuffer(base64.b64decode(bits), np.uint8))[: rows * columns].all()
