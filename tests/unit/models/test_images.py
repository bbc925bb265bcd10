"""Bytes from elsewhere: pixels, or BadImage, and nothing else."""

import struct

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.images import BadImage, Limits, Size, decode_jpeg, decode_reduced, size

Picture = npt.NDArray[np.uint8]


def drawn(width: int = 64, height: int = 48) -> Picture:
    picture = np.full((height, width, 3), 90, np.uint8)
    cv2.circle(picture, (width // 2, height // 2), 10, (20, 200, 120), -1)
    return picture


def jpeg(picture: Picture, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


JPEG = jpeg(drawn())
PROGRESSIVE = jpeg(drawn(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)


def of_size(width: int, height: int) -> bytes:
    """The good picture with another size in its header."""
    frame = JPEG.index(b"\xff\xc0")
    return JPEG[: frame + 5] + struct.pack(">HH", height, width) + JPEG[frame + 9 :]


@pytest.mark.parametrize(
    "data",
    [JPEG, PROGRESSIVE, jpeg(drawn(), cv2.IMWRITE_JPEG_RST_INTERVAL, 2), jpeg(drawn(), cv2.IMWRITE_JPEG_OPTIMIZE, 1)],
)
def test_r19_a_picture_is_decoded(data: bytes) -> None:
    picture = decode_jpeg(data)

    assert picture.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - drawn()).mean() < 5


def test_a_grey_picture_has_three_channels() -> None:
    assert decode_jpeg(jpeg(drawn()[..., 0])).shape == (48, 64, 3)


def test_the_size_is_read_without_decoding() -> None:
    assert size(JPEG) == Size(width=64, height=48)


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 48), (15, 400), (30_000, 48), (64, 30_000), (8192, 8192), (0, 0), (64, 0)]
)
def test_r19_a_size_beyond_the_limits_is_refused_by_the_header(width: int, height: int) -> None:
    with pytest.raises(BadImage, match=f"{width} × {height} pixels"):
        decode_jpeg(of_size(width, height))


def test_r19_one_pixel_that_is_really_there_is_refused() -> None:
    with pytest.raises(BadImage, match="1 × 1 pixels"):
        decode_jpeg(jpeg(drawn()[:1, :1]))


def test_r19_more_bytes_than_allowed_are_not_even_looked_at() -> None:
    with pytest.raises(BadImage, match="at most 100"):
        decode_jpeg(JPEG, Limits(bytes=100))


@pytest.mark.parametrize("data", [JPEG, PROGRESSIVE])
def test_r19_every_truncation_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(BadImage):
            size(data[:length])


def test_r19_a_picture_whose_header_says_more_than_there_is_is_refused() -> None:
    with pytest.raises(BadImage):
        decode_jpeg(JPEG[: JPEG.index(b"\xff\xda")] + b"\xff\xd9")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no JPEG"),
        (b"\xff\xd8\xff\xd9", "no picture in it"),
        (JPEG + JPEG, "goes on after its end"),
        (JPEG + b"hidden\xff\xd9", "goes on after its end"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc3"), "not for cameras"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc9"), "not for cameras"),
        (JPEG[:2] + b"\xff\xe0\xff\xff" + JPEG[2:], "ends outside|no marker"),
        (JPEG[:2] + b"\xff\xe0\x00\x01" + JPEG[2:], "ends outside"),
        (JPEG[:2] + b"junk" + JPEG[2:], "no marker"),
        (JPEG[:2] + JPEG[JPEG.index(b"\xff\xda") :], "scan without a frame"),
    ],
)
def test_r19_other_formats_and_broken_structures_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadImage, match=why):
        decode_jpeg(data)


def test_r19_two_pictures_in_one_are_refused() -> None:
    start = JPEG.index(b"\xff\xc0")
    frame = JPEG[start : start + 19]

    with pytest.raises(BadImage, match="two pictures"):
        decode_jpeg(JPEG[:start] + frame + JPEG[start:])


@pytest.mark.parametrize("place", [4, 9])
def test_r19_other_depths_and_channels_are_refused(place: int) -> None:
    changed = bytearray(JPEG)
    changed[JPEG.index(b"\xff\xc0") + place] = 4

    with pytest.raises(BadImage, match="components of"):
        decode_jpeg(bytes(changed))


def test_r19_a_picture_of_endless_scans_is_refused() -> None:
    start, end = PROGRESSIVE.index(b"\xff\xda"), len(PROGRESSIVE) - 2

    with pytest.raises(BadImage, match="more than 16 scans"):
        decode_jpeg(PROGRESSIVE[:end] + PROGRESSIVE[start:end] * 20 + PROGRESSIVE[end:])


def test_a_rotation_in_the_header_does_not_turn_the_picture() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + JPEG[2:]

    assert decode_jpeg(turned).shape == (48, 64, 3)


@given(st.binary(max_size=400))
@example(b"\xff\xd8\xff")
@example(b"\xff\xd8" + b"\xff" * 50 + b"\xff\xd9")
def test_r19_random_bytes_are_bad_images(data: bytes) -> None:
    with pytest.raises(BadImage):
        decode_jpeg(data)


@given(st.binary(max_size=400).map(lambda inner: b"\xff\xd8" + inner + b"\xff\xd9"))
def test_r19_random_bytes_in_a_frame_are_bad_images(data: bytes) -> None:
    with pytest.raises(BadImage):
        decode_jpeg(data)


@given(st.sampled_from([JPEG, PROGRESSIVE]), st.data())
def test_r19_a_damaged_picture_is_pixels_or_a_bad_image(good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = decode_jpeg(bytes(damaged))
    except BadImage:
        return
    assert picture.ndim == 3
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(
    ("longest", "shape"),
    [(None, (721, 1283)), (642, (721, 1283)), (641, (361, 642)), (416, (361, 642)), (320, (181, 321)), (1, (91, 161))],
)
def test_a_picture_is_halved_as_often_as_its_longest_side_stays_long_enough(
    longest: int | None, shape: tuple[int, int]
) -> None:
    data = cv2.imencode(".jpg", np.full((721, 1283, 3), 90, np.uint8))[1].tobytes()
    picture, stated = decode_reduced(data, longest=longest)

    assert picture.shape[:2] == shape
    assert abs(int(picture.mean()) - 90) <= 2
    assert stated == Size(1283, 721)
