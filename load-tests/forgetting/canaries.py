"""Canaries: marks in every form that a picture, or what is derived from one, could lie about in."""

import base64
import json
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

_TAG: Final = 8
_BODY: Final = 16
_AHEAD: Final = (0, 1, 2)
_FAR: Final = 1000
PIXELS: Final = "pixels"

Bgr = npt.NDArray[np.uint8]


def _tag() -> bytes:
    # High bytes, so that its text needs escapes and takes two bytes a letter, and none that ends a text.
    return bytes(byte | 0x80 for byte in os.urandom(4)) + os.urandom(4).hex()[:4].encode()


@dataclass(frozen=True)
class Mark:
    """One kind of canary: what is planted (`C`) or a scan's own control (`K`). Each begins alike, in every form."""

    letter: str
    tag: bytes = field(default_factory=_tag)

    @cached_property
    def needles(self) -> dict[str, bytes]:
        """How the beginning of such a canary looks, by form."""
        return _forms(self.tag, self._numbers)

    @cached_property
    def _numbers(self) -> npt.NDArray[np.float32]:
        return np.random.default_rng(list(self.tag)).uniform(-1, 1, 8).astype(np.float32)

    @property
    def code(self) -> str:
        """How the text in the pixels begins."""
        return f"{self.letter}{self.tag.hex().upper()[:8]}"

    def canary(self, number: int) -> "Canary":
        return Canary(self, number, self.tag + struct.pack(">I", number) + os.urandom(_BODY - 4))


@dataclass(frozen=True)
class Canary:
    """One canary: 24 bytes that are nowhere else."""

    mark: Mark
    number: int
    token: bytes

    @property
    def blob(self) -> bytes:
        """All forms but the pixels, one after the other."""
        return b"\n".join(self._each())

    def _each(self) -> Iterator[bytes]:
        text = self.token.decode("latin-1")
        yield self.token
        yield text.encode()
        yield json.dumps(text).encode()
        yield self.token.hex().encode()
        yield self.token.hex().upper().encode()
        for ahead in _AHEAD:
            yield base64.b64encode(bytes(ahead) + self.token)
        yield self.token.hex().encode("utf-16-le")
        yield self.token.hex().encode("utf-16-be")
        vector = np.concatenate([self.mark._numbers, np.random.default_rng(self.number).uniform(-1, 1, 120)])  # noqa: SLF001 (its own mark)
        yield vector.astype("<f4").tobytes()
        yield vector.astype("<f2").tobytes()

    @property
    def text(self) -> str:
        """The forms that a text can hold."""
        text = self.token.decode("latin-1")
        return " ".join([text, self.token.hex(), *(base64.b64encode(bytes(n) + self.token).decode() for n in _AHEAD)])

    def draw(self, picture: Bgr, left: int = 16, top: int = 16, block: int = 5) -> Bgr:
        """Draw it into a copy of a picture, so that it survives being encoded, shrunk and cut."""
        code = cv2.QRCodeEncoder.create().encode(f"{self.mark.code}{self.number:06d}")
        big = cv2.resize(code, None, fx=block, fy=block, interpolation=cv2.INTER_NEAREST)
        drawn = picture.copy()
        high, wide = big.shape[:2]
        drawn[top : top + high, left : left + wide] = big[..., None]
        return drawn

    def legible(self) -> bytes:
        """Return a picture whose pixels are read for certain: of a hundred codes one is not, on whatever picture."""
        alike = (Canary(self.mark, self.number + _FAR * other, self.token) for other in range(100))
        pictures = (each.jpeg(example(320, 240, each.number)) for each in alike)
        return next(each for each in pictures if any(code.startswith(self.mark.code) for code in codes_in(each)))

    def jpeg(self, picture: Bgr, quality: int = 80) -> bytes:
        """Write a picture that carries it in its pixels, its comment and its EXIF part."""
        coded: Any = cv2.imencode(".jpg", self.draw(picture), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return with_segments(coded.tobytes(), self.blob)


def _forms(tag: bytes, numbers: npt.NDArray[np.float32]) -> dict[str, bytes]:
    text = tag.decode("latin-1")
    return {
        "raw": tag,
        "text": text.encode(),
        "json": json.dumps(text)[1:-1].encode(),
        "hex": tag.hex().encode(),
        "HEX": tag.hex().upper().encode(),
        **{f"base64+{ahead}": _sure(tag, ahead) for ahead in _AHEAD},
        "utf-16-le": tag.hex().encode("utf-16-le"),
        "utf-16-be": tag.hex().encode("utf-16-be"),
        "float32": numbers.astype("<f4").tobytes()[:16],
        "float16": numbers.astype("<f2").tobytes()[:16],
    }


def _sure(secret: bytes, ahead: int) -> bytes:
    """Return those letters of the base64 of a secret that what stands before and after it does not change."""
    coded = base64.b64encode(bytes(ahead) + secret)
    return coded[-(-ahead * 8 // 6) : (ahead + len(secret)) * 8 // 6]


def base64_of(secret: bytes) -> list[bytes]:
    """Return how a secret looks in base64, wherever it begins."""
    return [_sure(secret, ahead) for ahead in _AHEAD]


def with_segments(jpeg: bytes, blob: bytes) -> bytes:
    """Put bytes into a JPEG, as a comment and as EXIF."""
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00" + blob
    segments = b"".join(
        marker + struct.pack(">H", len(body) + 2) + body for marker, body in ((b"\xff\xe1", exif), (b"\xff\xfe", blob))
    )
    return jpeg[:2] + segments + jpeg[2:]


_PICTURE: Final = re.compile(
    rb"\xff\xd8\xff[\xc0-\xc2\xc4\xdb\xdd\xe0-\xef\xfe]|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL
)
"""How a JPEG, a PNG and a WebP begin."""

_LONGEST: Final = 4 << 20
_SHORTEST: Final = 64
_JPEG_END: Final = b"\xff\xd9"


def codes_in(data: bytes) -> Iterator[str]:
    """Read the texts in the pixels of every picture that lies in these bytes, also where it lies there as base64."""
    for found in _PICTURE.finditer(data):
        yield from _codes(data[found.start() : found.start() + _LONGEST])
    for magic in (b"/9j/", b"iVBORw0KGgo"):
        at = data.find(magic)
        while at >= 0:
            yield from _codes(_decoded(data[at : at + _LONGEST]))
            at = data.find(magic, at + 1)


def _decoded(text: bytes) -> bytes:
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    ends = len(text) - len(text.lstrip(letters))
    found = text[:ends]
    return base64.b64decode(found[: len(found) - (len(found) % 4 == 1)] + b"=" * (-len(found) % 4))


def _codes(picture: bytes) -> list[str]:
    if len(picture) < _SHORTEST:
        return []
    try:
        # The end of a picture that is cut off, without which nothing of it would be decoded.
        seen = cv2.imdecode(np.frombuffer(picture + _JPEG_END, np.uint8), cv2.IMREAD_COLOR)
        if seen is None or min(seen.shape[:2]) < 21:
            return []
        _found, texts, _points, _codes = cv2.QRCodeDetector().detectAndDecodeMulti(seen)
    except cv2.error:
        return []
    return [text for text in texts if text]


def example(width: int, height: int, seed: int) -> Bgr:
    """Return a plain room with some texture."""
    rng = np.random.default_rng(seed)
    small = rng.integers(70, 150, (height // 24 + 1, width // 24 + 1, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
