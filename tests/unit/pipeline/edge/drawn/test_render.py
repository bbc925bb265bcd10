"""A drawn picture depends on its seed and its time, and says that it is drawn."""

import hashlib

import cv2
import numpy as np

from pipeline.edge.drawn import ROUND, Renderer, scene
from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH
from pipeline.edge.drawn.shop import shop


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again = Renderer(scene(7)), Renderer(scene(7))

    assert [_hash(first.picture(at)) for at in (0.0, 9.4, 28.2)] == [
        _hash(again.picture(at)) for at in (0.0, 9.4, 28.2)
    ]


def test_another_seed_gives_another_shop() -> None:
    assert _hash(Renderer(scene(7)).picture(9)) != _hash(Renderer(scene(8)).picture(9))


def test_rounds_follow_each_other_without_a_seam() -> None:
    draw, whole = Renderer(scene(7)), ROUND.total_seconds()

    assert _hash(draw.picture(9.4)) == _hash(draw.picture(whole + 9.4))
    assert _hash(draw.picture(whole - 0.01)) == _hash(draw.picture(whole))


def test_who_stands_moves_no_pixel() -> None:
    draw = Renderer(scene(7))

    assert draw.boxes(15.0)
    assert _hash(draw.picture(15.0)) == _hash(draw.picture(15.2))


def test_every_picture_says_that_it_is_drawn() -> None:
    draw, sign = Renderer(scene(7)), shop(7)[:37, :293]
    for at in (0.0, 2.0, 9.4, 28.2, 31.0):
        assert np.array_equal(draw.picture(at)[:37, :293], sign)
    assert (sign > 200).all(axis=2).mean() > 0.05


def test_a_picture_has_its_size_and_makes_a_small_jpeg() -> None:
    picture = Renderer(scene(7)).picture(9)
    done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])

    assert picture.shape == (PIXELS_HIGH, WIDTH, 3)
    assert done
    assert len(jpeg) < 200_000


def _hash(picture: np.ndarray) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()
