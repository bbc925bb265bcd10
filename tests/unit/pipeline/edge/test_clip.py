"""Clips are read to their end, whatever they say of themselves."""

from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge.clip import BrokenSource, Shot, at_rate, frames, open_clip
from tests.unit.pipeline.edge.building import film, shop


def shots(count: int, fps: float) -> list[Shot]:
    return [Shot(number + 1, timedelta(seconds=number / fps), shop) for number in range(count)]


def test_a_film_is_read_picture_by_picture(tmp_path: Path) -> None:
    path = film(tmp_path / "walk.avi", [shop(at) for at in range(0, 300, 50)], fps=10)

    read = list(frames(path))

    assert [frame.number for frame in read] == [1, 2, 3, 4, 5, 6]
    assert [frame.time / timedelta(seconds=1) for frame in read] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert abs(int(read[2].bgr[150, 125, 0]) - 30) < 10


def test_the_rate_can_be_given_where_the_film_is_wrong(tmp_path: Path) -> None:
    path = film(tmp_path / "walk.avi", [shop()] * 3, fps=10)

    assert [frame.time.total_seconds() for frame in frames(path, source_fps=2)] == [0, 0.5, 1]


def test_a_film_that_breaks_off_gives_what_it_has_and_then_names_itself(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.avi", [shop(at) for at in range(0, 400, 10)])
    data = whole.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: len(data) // 2])
    read: list[int] = []

    with pytest.raises(BrokenSource, match=r"cut\.avi: breaks off after \d+ of \d+"):
        read.extend(frame.number for frame in frames(cut))

    assert read == list(range(1, len(read) + 1))
    assert 10 < len(read) < 40


def test_a_gif_without_its_end_breaks_off(tmp_path: Path) -> None:
    moving = cv2.Animation()
    moving.frames = [shop(at) for at in range(0, 300, 50)]
    moving.durations = [100] * len(moving.frames)
    whole, cut = tmp_path / "whole.gif", tmp_path / "cut.gif"
    cv2.imwriteanimation(str(whole), moving)
    cut.write_bytes(whole.read_bytes()[:-1])

    assert len(list(frames(whole))) == 6
    with pytest.raises(BrokenSource, match=r"cut\.gif: breaks off after 6 pictures"):
        list(frames(cut))


@pytest.mark.parametrize("content", [b"", b"no film at all", bytes(1000)])
def test_what_is_no_film_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(content)

    with pytest.raises(BrokenSource, match=r"noise\.mp4"):
        open_clip(path)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(BrokenSource, match="nowhere"):
        open_clip("nowhere.mp4")


def test_a_folder_of_images_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number, level in ((10, 30), (9, 20), (1, 10)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((64, 64, 3), level, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")

    read = list(frames(tmp_path, source_fps=5))

    assert [int(frame.bgr[0, 0, 0]) for frame in read] == [10, 20, 30]
    assert [frame.time.total_seconds() for frame in read] == [0, 0.2, 0.4]


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"broken")

    with pytest.raises(BrokenSource, match=r"1\.jpg"):
        list(frames(tmp_path))


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenSource, match="no images"):
        open_clip(tmp_path)


def test_a_drawn_shop_is_a_clip() -> None:
    first = next(frames("drawn:1"))

    assert first.bgr.shape == (540, 960, 3)


def test_a_drawn_shop_needs_a_number() -> None:
    with pytest.raises(BrokenSource, match="drawn:1"):
        open_clip("drawn:shop")


def test_the_first_picture_at_or_after_each_tick_is_kept() -> None:
    assert [shot.number for shot in at_rate(iter(shots(26, 25)), 5)] == [1, 6, 11, 16, 21, 26]
    assert [shot.number for shot in at_rate(iter(shots(8, 7)), 5)] == [1, 3, 4, 6, 7, 8]


@given(source=st.floats(1, 60), wanted=st.floats(0.5, 60), count=st.integers(1, 200))
def test_no_more_pictures_are_kept_than_ticks_go_by(source: float, wanted: float, count: int) -> None:
    kept = list(at_rate(iter(shots(count, source)), wanted))

    assert kept[0].number == 1
    assert len(kept) <= min(count, (count - 1) / source * wanted + 2)


@given(source=st.integers(1, 30), wanted=st.integers(30, 60))
def test_a_slow_source_keeps_every_picture(source: int, wanted: int) -> None:
    assert len(list(at_rate(iter(shots(50, source)), wanted))) == 50
