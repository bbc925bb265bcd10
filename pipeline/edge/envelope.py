"""Envelopes: what the device's core gives, as records that are sealed, signed and ready to be sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing, signing
from pipeline.edge.device import Calm, Outgoing, Pixels
from pipeline.edge.health import Health
from pipeline.edge.outbox import Parcel
from schemas.detections import Still
from schemas.envelope import Message, Module, Purpose
from schemas.frame import Frame
from schemas.health import CameraHealth, DeviceHealth
from schemas.ids import CameraId, DeviceId, KeyId, NoticeId, StoreId, event_id
from schemas.topics import Topic
from schemas.wire import SIGNATURE, encode

PURPOSE: Final = Purpose.CRIME_PREVENTION


class BucketKey(Protocol):
    """A bucket's public key; pipeline.vault.api.PublicKey is one."""

    @property
    def key_id(self) -> KeyId: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def public(self) -> bytes: ...


@dataclass(frozen=True)
class Identity:
    """Who sends: one boot of one device, for one camera."""

    store_id: StoreId
    camera_id: CameraId
    device_id: DeviceId
    notice_id: NoticeId
    boot: int
    key: Ed25519PrivateKey
    module: Module


@dataclass(frozen=True)
class Done:
    """What a device has done since its boot."""

    captured: int = 0
    frames: int = 0
    stills: int = 0
    dropped: int = 0
    spooled: int = 0
    """What waits on the disk, of earlier boots too."""


@dataclass(frozen=True)
class Office:
    """Where records go, and how long stills live."""

    frames: Topic
    health: Topic


def sealed(pixels: Pixels, key: BucketKey, who: Identity, office: Office) -> Parcel:
    """Seal a frame to its bucket's key, and sign it."""
    frame = Frame(
        **_common("frame", pixels, who, key.expires_at),
        key_id=key.key_id,
        motion_in_cells=pixels.motion_in_cells,
        reference=pixels.reference,
    )
    value = sealing.seal(key.public, sealing.frame_info(frame), pixels.jpeg)
    return _signed(frame, office.frames, who, value, key)


def still(calm: Calm, who: Identity, office: Office, key: BucketKey | None = None) -> Parcel:
    """Write a still, and sign it. It has a number of its own and speaks for that alone.

    It goes with the frames of its bucket, `key`, though it is sealed to none; without a key it lives as long as frames.
    """
    longest = calm.time + office.frames.lives
    expires_at = longest if key is None or key.expires_at <= calm.time else min(key.expires_at, longest)
    message = Still(
        **_common("still", calm, who, expires_at),
        first_sequence=calm.sequence,
        from_time=calm.since,
        frames=calm.frames,
        since_frame=calm.since_frame,
    )
    return _signed(message, office.frames, who, key=key)


def health(done: Done, who: Identity, office: Office, now: datetime) -> Parcel:
    """Say how the device is doing, and sign it."""
    message = DeviceHealth(
        event_id=event_id("device-health", who.store_id, who.camera_id, who.device_id, who.boot, now),
        store_id=who.store_id,
        camera_id=who.camera_id,
        utc_time=now,
        purpose=Purpose.OPERATION,
        expires_at=now + office.health.lives,
        notice_id=who.notice_id,
        module=who.module,
        device_id=who.device_id,
        boot=who.boot,
        captured=done.captured,
        frames=done.frames,
        stills=done.stills,
        dropped=done.dropped,
        spooled=done.spooled,
    )
    return _signed(message, office.health, who)


def camera_health(health: Health, who: Identity, office: Office) -> Parcel:
    """Say how the camera is, and sign it."""
    message = CameraHealth(
        event_id=event_id("camera-health", who.store_id, who.camera_id, who.device_id, who.boot, health.time),
        store_id=who.store_id,
        camera_id=who.camera_id,
        utc_time=health.time,
        purpose=Purpose.OPERATION,
        expires_at=health.time + office.health.lives,
        notice_id=who.notice_id,
        module=who.module,
        state=health.state,
        since=health.since,
        numbers=health.numbers,
    )
    return _signed(message, office.health, who)


def _common(what: str, outgoing: Outgoing, who: Identity, expires_at: datetime) -> dict[str, Any]:
    return {
        "event_id": event_id(what, who.store_id, who.camera_id, who.device_id, who.boot, outgoing.sequence),
        "store_id": who.store_id,
        "camera_id": who.camera_id,
        "utc_time": outgoing.time,
        "purpose": PURPOSE,
        "expires_at": expires_at,
        "notice_id": who.notice_id,
        "module": who.module,
        "device_id": who.device_id,
        "boot": who.boot,
        "sequence": outgoing.sequence,
    }


def _signed(
    message: Message, topic: Topic, who: Identity, value: bytes | None = None, key: BucketKey | None = None
) -> Parcel:
    record = encode(message, topic, sealed=value)
    signature = signing.sign(who.key, record.headers, record.value)
    record.headers.append((SIGNATURE, signature.encode()))
    return Parcel(topic, record, topic.in_time_until(message.expires_at), None if key is None else key.key_id)
