"""What the device's tests are made of: pictures, an identity, an estate on disk, and parts that can be away."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing
from pipeline.edge.clip import Bgr
from pipeline.edge.envelope import Identity, Office
from pipeline.edge.outbox import Parcel
from pipeline.errors import Refused, Unavailable
from pipeline.sealing import SealSuite
from pipeline.vault.api import PublicKey
from schemas.envelope import Module, Purpose
from schemas.ids import CameraId, DeviceId, KeyId, NoticeId, StoreId
from schemas.topics import Lives, topics

NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TTL: Final = timedelta(minutes=1)
TOPICS: Final = topics(Lives(TTL))
OFFICE: Final = Office(TOPICS["frames.v1"], TOPICS["health.v1"])
PAIR: Final = sealing.generate(SealSuite.X25519)
PRIVATE: Final = Ed25519PrivateKey.generate()
WHO: Final = Identity(
    store_id=StoreId("ginza"),
    camera_id=CameraId("door"),
    device_id=DeviceId("gateway"),
    notice_id=NoticeId("door-2026"),
    boot=1,
    key=PRIVATE,
    module=Module(name="pipeline.edge", version="1"),
)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def shop(person_at: int | None = None) -> Bgr:
    """A grey floor with some texture; somebody dark stands with their left side at that column."""
    picture = np.full((270, 480, 3), 128, np.uint8)
    picture[::16] = 140
    if person_at is not None:
        picture[80:240, person_at : person_at + 50] = 30
    return picture


def film(path: Path, pictures: list[Bgr], fps: float = 10) -> Path:
    """Write a film in which every picture is a whole JPEG."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height))
    for each in pictures:
        writer.write(each)
    writer.release()
    return path


def bucket(start: datetime = NOON, length: timedelta = TTL) -> PublicKey:
    return PublicKey(
        key_id=KeyId("k-1"),
        store_id=WHO.store_id,
        camera_id=WHO.camera_id,
        purpose=Purpose.CRIME_PREVENTION,
        bucket_start=start,
        bucket_end=start + length,
        expires_at=start + TTL,
        public=PAIR.public,
    )


class Keys:
    """The public keys of a vault that can be away."""

    def __init__(self, *keys: PublicKey) -> None:
        self.keys = keys
        self.away = 0
        self.asked = 0

    def key_at(self, time: datetime, /) -> PublicKey | None:
        return next((key for key in self.keys if key.bucket_start <= time < key.bucket_end), None)

    async def refresh(self, _now: datetime, /) -> None:
        self.asked += 1
        if self.asked <= self.away:
            raise Unavailable("the vault is away")


class FakeBroker:
    """A Kafka that is away as often as it is told, and takes no records larger than it is told."""

    def __init__(self, away: int = 0, largest: int = 2 << 20) -> None:
        self.away = away
        self.largest = largest
        self.log: list[Parcel] = []
        self.closed = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def send(self, parcel: Parcel) -> None:
        await asyncio.sleep(0)
        await self.answers.wait()
        if self.away:
            self.away -= 1
            raise Unavailable("Kafka is away")
        if parcel.bytes > self.largest:
            raise Refused("too large")
        self.log.append(parcel)

    async def close(self) -> None:
        self.closed = True


class FakeCamera:
    """A live camera that gives so many pictures and is then lost."""

    def __init__(self, pictures: int, tick: Callable[[], object] = lambda: None) -> None:
        self._left = pictures
        self._tick = tick
        self._there = pictures > 0
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._there

    def grab(self) -> bool:
        self._tick()
        self._left -= 1
        return self._left >= 0

    def retrieve(self) -> tuple[bool, Any]:
        return True, shop(self._left)

    def release(self) -> None:
        self.released = True
