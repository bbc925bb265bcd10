"""JPEG bytes from elsewhere into pixels, after their header has been read and found acceptable (R19).

Format: ITU-T T.81, annex B. Only what cameras write: baseline or progressive, eight bits, grey or colour.
"""

import re
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from models.errors import BadImage
from models.networks.letterbox import Picture
from schemas.frozen import Frozen

__all__ = ["BadImage", "Limits", "Size", "decode_jpeg", "decode_reduced", "size"]

START, END = b"\xff\xd8", b"\xff\xd9"
END_OF_IMAGE, START_OF_SCAN = 0xD9, 0xDA
FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive, all with Huffman codes."""
OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF, 0xDC, 0xDE, 0xDF})
"""Lossless, arithmetic and hierarchical ones, and sizes that come after the picture: no camera writes them."""
WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
"""What ends the coded data of a scan: not a stuffed zero, not a restart."""


REDUCED = (
    cv2.IMREAD_COLOR,
    cv2.IMREAD_REDUCED_COLOR_2,
    cv2.IMREAD_REDUCED_COLOR_4,
    cv2.IMREAD_REDUCED_COLOR_8,
)
"""By how often both sides are halved."""


class Limits(Frozen):
    """What a picture may be. Decoding takes about nine bytes of memory a pixel."""

    bytes: int = Field(default=8 << 20, gt=0)
    shortest: int = Field(default=16, gt=0)
    longest: int = Field(default=8192, gt=0)
    pixels: int = Field(default=1 << 24, gt=0)
    scans: int = Field(default=16, gt=0)
    """A progressive picture of thousands of scans is small, and takes minutes to decode."""


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


DEFAULTS = Limits()


def decode_jpeg(data: bytes, limits: Limits = DEFAULTS) -> Picture:
    """Give the pixels (height, width, 3), blue, green, red. Raises BadImage, and nothing else, for any bytes at all."""
    return decode_reduced(data, limits, longest=None)[0]


def decode_reduced(data: bytes, limits: Limits = DEFAULTS, *, longest: int | None) -> tuple[Picture, Size]:
    """As `decode_jpeg`, and the size that the picture has as it came.

    The pixels are halved, in both directions, as often as the longest side stays at least this long: done while it is
    decoded, a half takes three fifths of the time (measured). None: as they came.
    """
    stated = size(data, limits)
    halves = _halves(stated, longest)
    try:
        # A rotation in the EXIF part would turn the picture away from its zones and masks.
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[halves] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        raise BadImage("cannot be decoded") from None
    height, width = (-(-side // (1 << halves)) for side in (stated.height, stated.width))
    if picture is None or picture.shape != (height, width, 3):
        raise BadImage("cannot be decoded")
    return np.asarray(picture, np.uint8), stated


def _halves(stated: Size, longest: int | None) -> int:
    """How often a picture is halved."""
    if longest is None:
        return 0
    fitting = (each for each in range(len(REDUCED)) if max(stated.width, stated.height) >> each >= longest)
    return max(fitting, default=0)


def size(data: bytes, limits: Limits = DEFAULTS) -> Size:
    """Read the header and walk the parts, decoding nothing. Raises BadImage.

    A picture cut off short has no end marker and is refused. Damage within the coded data that keeps its structure
    cannot be seen here.
    """
    if len(data) > limits.bytes:
        raise BadImage(f"{len(data)} bytes, at most {limits.bytes}")
    if not data.startswith(START):
        raise BadImage("no JPEG")
    if not data.endswith(END):
        raise BadImage("truncated")
    return _walk(data, limits)


def _walk(data: bytes, limits: Limits) -> Size:
    place, scans, found = len(START), 0, None
    while True:
        marker, place = _marker(data, place)
        if marker == END_OF_IMAGE:
            break
        body, place = _segment(data, marker, place)
        if marker in FRAMES:
            if found:
                raise BadImage("two pictures in one")
            found = _frame(body, limits)
        if marker == START_OF_SCAN:
            scans += 1
            place = _after_scan(data, place)
            if found is None or scans > limits.scans:
                raise BadImage("scan without a frame" if found is None else f"more than {limits.scans} scans")
    if found is None or not scans:
        raise BadImage("no picture in it")
    if place != len(data):
        raise BadImage("goes on after its end")
    return found


def _marker(data: bytes, place: int) -> tuple[int, int]:
    """Read a marker, which any number of fill bytes may precede: its code, and where it ends."""
    if data[place : place + 1] != b"\xff":
        raise BadImage("no marker where one must be")
    while data[place : place + 1] == b"\xff":
        place += 1
    if place >= len(data):
        raise BadImage("truncated")
    return data[place], place + 1


def _segment(data: bytes, marker: int, place: int) -> tuple[bytes, int]:
    if marker in WITHOUT_LENGTH or marker in OTHER_FRAMES:
        raise BadImage(f"marker {marker:02x} is not for cameras")
    if place + 2 > len(data):
        raise BadImage("truncated")
    (length,) = struct.unpack_from(">H", data, place)
    if length < 2 or place + length > len(data):
        raise BadImage("a part ends outside the picture")
    return data[place + 2 : place + length], place + length


def _after_scan(data: bytes, place: int) -> int:
    end = MARKER.search(data, place)
    if end is None or end.start() == place:
        raise BadImage("a scan without data")
    return end.start()


def _frame(body: bytes, limits: Limits) -> Size:
    if len(body) < 6:
        raise BadImage("frame header too short")
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if precision != 8 or components not in (1, 3) or len(body) != 6 + 3 * components:
        raise BadImage(f"{components} components of {precision} bits")
    if min(width, height) < limits.shortest or max(width, height) > limits.longest or width * height > limits.pixels:
        raise BadImage(f"{width} × {height} pixels")
    return Size(width, height)
