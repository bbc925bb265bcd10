"""Clips as bytes: a readable header line, then what only the holder of the clip's key can read.

    object     header (RFC 8785 JSON) "\\n" HPKE of the plaintext, its info being a tag and the header
    plaintext  manifest (JSON) "\\n" JPEG JPEG JPEG …

A clip is `evidence/<store>/<camera>/<key_id>` in the object storage.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

import rfc8785
from pydantic import BaseModel, ValidationError

from pipeline import sealing
from pipeline.errors import Rejected
from pipeline.sealing import Bytes
from schemas.evidence import EvidenceFrame, EvidenceHeader, EvidenceManifest
from schemas.frozen import iso
from schemas.ids import AlertId, CameraId, KeyId, StoreId

PREFIX: Final = "evidence/"
OBJECT_MAX: Final = 64 << 20
"""No clip is larger: what is, is not even read."""

_TAG: Final = b"mimamori/evidence/1\x00"
_HEADER_MAX: Final = 2048
_MANIFEST_MAX: Final = 64 << 10
_START, _END = b"\xff\xd8", b"\xff\xd9"

Line = TypeVar("Line", bound=BaseModel)


class Clip(NamedTuple):
    """A clip, opened: its manifest, and a JPEG for each frame of it. Keep it in memory only, and not for long."""

    manifest: EvidenceManifest
    pictures: tuple[bytes, ...]


def name_of(store: StoreId, camera: CameraId, key: KeyId) -> str:
    """Return the name of a clip's object. Names have no slash in them, so that no two clips share one."""
    return f"{PREFIX}{store}/{camera}/{key}"


def pack(alert: AlertId, frames: Sequence[EvidenceFrame], pictures: Sequence[bytes]) -> bytes:
    """Put a clip's plaintext together. The frames' sizes are those of the pictures.

    Raises:
        ValueError: They do not belong together, or there are none.
    """
    if [each.size for each in frames] != [len(each) for each in pictures]:
        raise ValueError("each frame says the size of its picture")
    manifest = EvidenceManifest(alert_id=alert, frames=tuple(frames))
    return b"".join((manifest.model_dump_json().encode(), b"\n", *pictures))


def unpack(plaintext: bytes) -> Clip:
    """Take a clip's plaintext apart.

    Raises:
        Rejected: It is none. What it holds is never quoted.
    """
    line, rest = _split(plaintext, _MANIFEST_MAX)
    manifest = _read(EvidenceManifest, line)
    pictures, place = [], 0
    for frame in manifest.frames:
        pictures.append(rest[place : place + frame.size])
        place += frame.size
    if place != len(rest):
        raise Rejected("bad_content", "the clip's pictures are not as long as its manifest says")
    if not all(each.startswith(_START) and each.endswith(_END) for each in pictures):
        raise Rejected("bad_content", "a picture of the clip is no JPEG")
    return Clip(manifest, tuple(pictures))


def seal(header: EvidenceHeader, public: Bytes, plaintext: Bytes) -> bytes:
    """Make an object: sealed to this key, under this header."""
    line = canonical(header)
    return line + b"\n" + sealing.seal(public, _TAG + line, plaintext)


def header_of(data: bytes) -> EvidenceHeader:
    """Read the header of an object, without opening it.

    Raises:
        Rejected: It is no evidence object.
    """
    line, _ = _split(data, _HEADER_MAX)
    header = _read(EvidenceHeader, line)
    # One header, one spelling: else what was sealed under it and what is read could differ.
    if canonical(header) != line:
        raise Rejected("bad_content", "the object's header is not in its one spelling")
    return header


def open_(data: bytes, private: Bytes) -> bytes:
    """Open an object with its private key: the clip's plaintext, for `unpack`, or to be sealed anew.

    Raises:
        Rejected: It is no evidence object, or was sealed to another key or under another header.
    """
    header_of(data)
    line, sealed = _split(data, _HEADER_MAX)
    return sealing.open_(private, _TAG + line, sealed)


def open_clip(data: bytes, private: Bytes) -> Clip:
    """Open an object and take its clip apart; it is the clip of the alert that the header names.

    Raises:
        Rejected: As of `open_` and `unpack`.
    """
    clip = unpack(open_(data, private))
    if clip.manifest.alert_id != header_of(data).alert_id:
        raise Rejected("bad_content", "the clip is another alert's")
    return clip


def canonical(header: EvidenceHeader) -> bytes:
    """Write a header in its one spelling."""
    return rfc8785.dumps(
        {
            "alert_id": header.alert_id,
            "camera_id": header.camera_id,
            "data_class": header.data_class.value,
            "expires_at": iso(header.expires_at),
            "key_id": header.key_id,
            "purpose": header.purpose.value,
            "store_id": header.store_id,
        }
    )


def _split(data: bytes, longest: int) -> tuple[bytes, bytes]:
    end = data.find(b"\n", 0, longest + 1)
    if end < 0 or len(data) > OBJECT_MAX:
        raise Rejected("bad_content", "no evidence object")
    return data[:end], data[end + 1 :]


def _read(kind: type[Line], line: bytes) -> Line:
    try:
        return kind.model_validate_json(line)
    except ValidationError:
        raise Rejected("bad_content", "no evidence object") from None
