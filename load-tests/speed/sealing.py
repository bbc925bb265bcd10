"""What secrecy costs: sealing, signing, verifying and opening, as a share of a full frame's CPU time, in one run.

A full frame is what every frame would cost without a motion gate: encoding on the device, and decoding and looking for
people and faces as detecting does it. Both are timed in turn, picture by picture, over the same drawn pictures: first
all that a device does, then all that a worker does, as they are two machines. A worker that is busy, which is when it
counts, takes several messages at once: it opens them all, and then looks at them.
"""

import base64
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.detecting import AT_ONCE
from models.detector import Detector
from models.images import decode_jpeg
from pipeline import sealing, signing
from pipeline.edge import drawn
from pipeline.edge.clip import Bgr
from pipeline.edge.device import encode
from pipeline.opening import open_frame, require_authentic
from pipeline.sealing import Opener, SealSuite
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, Device, Estate, Store
from schemas.frame import Frame
from schemas.ids import CameraId, DeviceId, KeyId, NoticeId, StoreId, event_id
from schemas.topics import Lives, topics
from schemas.wire import SIGNATURE, Record, Sealed
from schemas.wire import decode as read
from schemas.wire import encode as write

WIDTH: Final = 1280
HEIGHT: Final = 720
PICTURES: Final = 24
ROUNDS: Final = 5
STORE: Final = StoreId("ginza")
CAMERA: Final = CameraId("door")

_TTL: Final = timedelta(hours=1)
_NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_EVERY: Final = timedelta(milliseconds=200)
_DEVICE: Final = Ed25519PrivateKey.generate()
_ESTATE: Final = Estate(
    frame_ttl=_TTL,
    stores=(
        Store(
            id=STORE,
            regulation="rules.toml",
            devices=(Device(id="pc", public_key=base64.b64encode(signing.public_bytes(_DEVICE)).decode()),),
            cameras=(Camera(id=CAMERA, device="pc"),),
        ),
    ),
)
_FRAMES: Final = topics(Lives(_TTL))["frames.v1"]

STEPS: Final = ("encode", "decode", "detect", "seal", "sign", "verify", "open", "envelope")


@dataclass(frozen=True)
class Spent:
    """CPU seconds of each step for one picture."""

    encode: float
    decode: float
    detect: float
    seal: float
    sign: float
    verify: float
    open: float
    envelope: float
    """Of writing and reading what goes beside the picture: needed without any secrecy too."""

    @property
    def full_frame(self) -> float:
        return self.encode + self.decode + self.detect

    @property
    def sealing(self) -> float:
        return self.seal + self.sign + self.verify + self.open


class Watch:
    """CPU time of the whole process, lap by lap: what other threads do counts too."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def lap(self) -> float:
        last, self._last = self._last, time.process_time()
        return self._last - last


class Bucket:
    """A bucket's key, and what a device and a worker do with it, in the product's own functions."""

    def __init__(self, suite: SealSuite) -> None:
        self._pair = sealing.generate(suite)
        self._opener = Opener(self._pair.private)

    def published(self, number: int, picture: Bgr) -> tuple[Record, bytes, dict[str, float]]:
        """Do what a device does of one picture; return the message, the JPEG in it, and what each step took."""
        watch = Watch()
        jpeg = encode(picture)
        encoding = watch.lap()
        frame = _frame(number)
        enveloping = watch.lap()
        value = sealing.seal(self._pair.public, sealing.frame_info(frame), jpeg)
        closing = watch.lap()
        record = write(frame, _FRAMES, sealed=value)
        enveloping += watch.lap()
        signature = signing.sign(_DEVICE, record.headers, record.value)
        signed = watch.lap()
        record.headers.append((SIGNATURE, signature.encode()))
        return record, jpeg, {"encode": encoding, "seal": closing, "sign": signed, "envelope": enveloping}

    def opened(self, record: Record, jpeg: bytes) -> tuple[bytes, dict[str, float]]:
        """Do what a worker does first of one message; return the JPEG, and what each step took."""
        watch = Watch()
        message = read(_FRAMES, record.key, record.headers, record.value)
        enveloping = watch.lap()
        if not isinstance(message, Sealed):
            raise TypeError("a frame was sealed")
        require_authentic(_ESTATE, message, record.headers, record.value)
        verified = watch.lap()
        again = open_frame(message, self._opener)
        opened = watch.lap()
        if again != jpeg:
            raise ValueError("what was opened is not what was sealed")
        return again, {"verify": verified, "open": opened, "envelope": enveloping}


def _frame(number: int) -> Frame:
    return Frame(
        event_id=event_id("frame", "ginza", "door", "pc", 1, number),
        store_id=STORE,
        camera_id=CAMERA,
        utc_time=_NOON + number * _EVERY,
        purpose=Purpose.CRIME_PREVENTION,
        expires_at=_NOON + _TTL,
        notice_id=NoticeId("door-2026"),
        module=Module(name="pipeline.edge", version="1", config_digest="0" * 16),
        device_id=DeviceId("pc"),
        boot=1,
        sequence=number,
        key_id=KeyId("k-1"),
        motion_in_cells="16x9:" + "A" * 24,
    )


def measure(quick: bool) -> dict[str, Any]:
    """Measure, and return the figures; those of the default suite are what the limit is for."""
    cv2.setNumThreads(1)
    detector = Detector.load(Path(os.environ.get("MIMAMORI_HOME", Path(__file__).parents[2] / ".local")) / "models")
    pictures = _pictures(PICTURES // 4 if quick else PICTURES)
    rounds = 2 if quick else ROUNDS
    found = {suite: _spent(Bucket(suite), pictures, detector, rounds) for suite in SealSuite}
    default = found[SealSuite.MLKEM768_X25519]
    return {
        "sealing_share_of_full_frame": round(_share(default), 5),
        "sealing_share_of_full_frame_x25519": round(_share(found[SealSuite.X25519]), 5),
        "sealing_ms": round(1e3 * _typical(default, lambda each: each.sealing), 4),
        "full_frame_ms": round(1e3 * _typical(default, lambda each: each.full_frame), 3),
        **{f"{step}_ms": round(1e3 * statistics.median(getattr(each, step) for each in default), 4) for step in STEPS},
        "pictures": len(pictures),
        "rounds": rounds,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _pictures(count: int) -> list[Bgr]:
    renderer = drawn.Renderer(drawn.scene(1))
    step = drawn.ROUND.total_seconds() / count
    drawn_pictures = (renderer.picture(number * step) for number in range(count))
    larger = (cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for each in drawn_pictures)
    return [np.asarray(each, np.uint8) for each in larger]


def _spent(bucket: Bucket, pictures: list[Bgr], detector: Detector, rounds: int) -> list[Spent]:
    _round(bucket, pictures[:1], detector)  # What is made once is not a frame's.
    return [spent for _ in range(rounds) for spent in _round(bucket, pictures, detector)]


def _round(bucket: Bucket, pictures: list[Bgr], detector: Detector) -> list[Spent]:
    """Take pictures all the way."""
    sent = [bucket.published(number, each) for number, each in enumerate(pictures)]
    spent = list[Spent]()
    for begin in range(0, len(sent), AT_ONCE):
        together = sent[begin : begin + AT_ONCE]
        opened = [bucket.opened(record, jpeg) for record, jpeg, _ in together]
        for (_, _, device), (jpeg, worker) in zip(together, opened, strict=True):
            steps = (device, worker, _looked_at(jpeg, detector))
            spent.append(Spent(**{step: sum(each.get(step, 0.0) for each in steps) for step in STEPS}))
    return spent


def _looked_at(jpeg: bytes, detector: Detector) -> dict[str, float]:
    watch = Watch()
    picture = decode_jpeg(jpeg)
    decoded = watch.lap()
    detector.detect(picture)
    return {"decode": decoded, "detect": watch.lap()}


def _typical(found: list[Spent], of: Callable[[Spent], float]) -> float:
    """Medians: another process that takes the core for a moment is in the wall clock, caches gone cold are in ours."""
    return statistics.median(map(of, found))


def _share(found: list[Spent]) -> float:
    return statistics.median(each.sealing / each.full_frame for each in found)
