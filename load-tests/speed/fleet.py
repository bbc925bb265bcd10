"""A fleet of cameras: what their devices would send of a few clips, by the real device's core, sealed and signed.

What a device does with its pictures is done beforehand, once for each clip and phase; what is left for each camera
is to seal, sign and send. A camera's time is either *active*, when its clip plays to and fro, or calm, when it stands
still.
"""

import asyncio
import base64
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pictures import FPS, WIDTH, Clip

from pipeline import signing
from pipeline.edge import envelope
from pipeline.edge.clip import Bgr
from pipeline.edge.device import Calm, How, Outgoing, Pixels, State, flush, look
from pipeline.edge.envelope import Identity, Office
from pipeline.edge.outbox import Parcel
from pipeline.vault.client import DeviceKeys, VaultClient
from pipeline.vault.keys import Owner
from schemas.envelope import Module
from schemas.estate import Profile
from schemas.ids import CameraId, DeviceId, NoticeId, StoreId
from schemas.topics import Topic

CYCLE: Final = 20.0
"""Seconds after which a camera's active and calm times come again."""
PHASES: Final = 10
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
NOTICE: Final = NoticeId("speed-notice")
CAMERAS_A_STORE: Final = 4
_SENDERS: Final = 4

_RULES: Final = """
version = "1"
purposes = ["crime_prevention", "people_flow"]
manager = {{ name = "Manager" }}
deputy = {{ name = "Deputy" }}
retention = {{ frames = "1h" }}
[[notices]]
id = "{notice}"
text_version = "1"
place = "entrance"
languages = ["ja"]
checked_by = "Manager"
checked_on = 2026-01-01
purposes = ["crime_prevention", "people_flow"]
features = ["person_detection", "face_detection", "people_flow"]
"""
_ESTATE: Final = """
demo = true
frame_ttl = "1h"
[flow]
profile = "demo"
window = "{window}"
suppressed_below = 0
"""
_STORE: Final = """
[[stores]]
id = "{store}"
regulation = "rules.toml"
[[stores.devices]]
id = "{store}-gateway"
public_key = "{key}"
"""
_CAMERA: Final = """
[[stores.cameras]]
id = "{camera}"
device = "{store}-gateway"
notice = "{notice}"
fps = {fps}
width = {width}
profile = {{ {profile} }}
[[stores.cameras.lines]]
id = "door"
start = {{ x = 0.35, y = 0.95 }}
end = {{ x = 0.35, y = 0.35 }}
[[stores.cameras.zones]]
id = "floor"
polygon = [{{ x = 0.4, y = 0.4 }}, {{ x = 0.9, y = 0.4 }}, {{ x = 0.9, y = 0.95 }}, {{ x = 0.4, y = 0.95 }}]
"""
_NO_KEY: Final = base64.b64encode(bytes(32)).decode()


@dataclass(frozen=True)
class Mix:
    """How busy it is: the share of its time in which somebody moves before a camera, and how many cameras there are."""

    name: str
    active: float
    cameras: int


def names(cameras: int) -> list[tuple[StoreId, CameraId]]:
    """Name so many cameras, a few to a store."""
    return [(StoreId(f"store-{n // CAMERAS_A_STORE}"), CameraId(f"camera-{n}")) for n in range(cameras)]


def write_template(folder: Path, profiles: Sequence[Profile], window: timedelta) -> Path:
    """Write the estate of a fleet, a camera for each profile and no device keys yet, and the rules of its stores."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.toml").write_text(_RULES.format(notice=NOTICE))
    parts = [_ESTATE.format(window=f"{window.total_seconds():g}s")]
    for number, ((store, camera), profile) in enumerate(zip(names(len(profiles)), profiles, strict=True)):
        told = ", ".join(f"{name} = {str(value).lower()}" for name, value in profile.model_dump().items())
        if number % CAMERAS_A_STORE == 0:
            parts.append(_STORE.format(store=store, key=_NO_KEY))
        parts.append(_CAMERA.format(camera=camera, store=store, notice=NOTICE, fps=FPS, width=WIDTH, profile=told))
    path = folder / "estate.toml"
    path.write_text("".join(parts))
    return path


def story(clip: Clip, active: float, phase: float, seconds: float) -> list[Outgoing]:
    """Return what a camera's device sends in so many seconds, which begin at EPOCH.

    Args:
        clip: What it sees while somebody moves; while nobody does it goes on seeing the last of it.
        active: The share of each cycle in which somebody moves.
        phase: Where in its cycle it begins, from 0 to 1.
        seconds: How long.
    """
    return played(_seen(clip.pictures, active, phase, seconds))


def played(seen: Iterable[Bgr]) -> list[Outgoing]:
    """Return what a camera's device sends of pictures at FPS, the first of them at EPOCH."""
    how, state, sent = How(width=WIDTH), State(), list[Outgoing]()
    for number, picture in enumerate(seen):
        state, outgoing = look(state, picture, EPOCH + timedelta(seconds=number / FPS), how)
        sent += outgoing
    return [*sent, *flush(state)[1]]


def _seen(pictures: Sequence[Bgr], active: float, phase: float, seconds: float) -> Iterator[Bgr]:
    there = [*range(len(pictures)), *range(len(pictures) - 2, 0, -1)]
    at = round(phase * len(there))
    for number in range(round(seconds * FPS)):
        if (number / FPS / CYCLE + phase) % 1 < active:
            at += 1
        yield pictures[there[at % len(there)]]


@dataclass(frozen=True)
class Camera:
    """One camera of the fleet: who its device is, its keys, and what it sends."""

    who: Identity
    keys: DeviceKeys
    story: Sequence[Outgoing]
    late: float
    """Seconds after the others that it takes its pictures: not all cameras take theirs at once."""


@dataclass
class Sent:
    """What was published."""

    frames: int = 0
    stills: int = 0
    bytes: int = 0
    seconds: float = 0.0
    behind: float = 0.0
    """The most that something was sent after its time."""
    cameras: int = 0

    @property
    def camera_seconds(self) -> float:
        return self.cameras * self.seconds


@dataclass
class Fleet:
    """Cameras that publish."""

    cameras: Sequence[Camera]
    office: Office
    bootstrap: str
    boots: int = field(default=0)

    async def publish(self, seconds: float, *, paced: bool = True) -> Sent:
        """Send what the cameras see in so many seconds, at its time; or, not paced, as fast as Kafka takes it.

        Each time is a new boot of the devices, whose sequences begin anew.
        """
        self.boots += 1
        start = datetime.now(UTC)
        began = time.monotonic()
        sent = Sent(cameras=len(self.cameras), seconds=seconds)
        due = _in_order(self.cameras, seconds)
        producers = [await _producer(self.bootstrap) for _ in range(_SENDERS)]
        waiting: set[asyncio.Future[Any]] = set()
        try:
            for at, number, outgoing in due:
                if paced and (early := at - (time.monotonic() - began)) > 0:
                    await asyncio.sleep(early)
                parcel = self._parcel(self.cameras[number], outgoing, start + timedelta(seconds=at))
                sent.behind = max(sent.behind, time.monotonic() - began - at) if paced else 0.0
                sent.frames += isinstance(outgoing, Pixels)
                sent.stills += not isinstance(outgoing, Pixels)
                sent.bytes += parcel.bytes
                key, value, headers = parcel.record
                # One camera, one producer: what is sent in order comes in order.
                told = await producers[number % _SENDERS].send(parcel.topic.name, value=value, key=key, headers=headers)
                waiting.add(told)
                told.add_done_callback(waiting.discard)
            await asyncio.gather(*waiting)
        finally:
            for each in producers:
                await each.stop()
        return sent

    def _parcel(self, camera: Camera, outgoing: Outgoing, at: datetime) -> Parcel:
        who = replace(camera.who, boot=self.boots)
        key = camera.keys.key_at(at)
        if key is None:
            raise RuntimeError(f"no key for {who.store_id}/{who.camera_id} at {at}")
        if isinstance(outgoing, Calm):
            calm = replace(outgoing, since=at - (outgoing.time - outgoing.since), time=at)
            return envelope.still(calm, who, self.office, key)
        return envelope.sealed(replace(outgoing, time=at), key, who, self.office)


def _in_order(cameras: Sequence[Camera], seconds: float) -> list[tuple[float, int, Outgoing]]:
    found = [
        ((each.time - EPOCH).total_seconds() + camera.late, number, each)
        for number, camera in enumerate(cameras)
        for each in camera.story
        if (each.time - EPOCH).total_seconds() < seconds
    ]
    return sorted(found, key=lambda each: each[:2])


async def _producer(bootstrap: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=2 << 20, linger_ms=0
    )
    await producer.start()
    return producer


def stories(clips: Sequence[Clip], active: float, seconds: float) -> list[list[Outgoing]]:
    """Return what devices send: one list for each phase, clip after clip in turn."""
    return [
        story(clips[number % len(clips)], active, number / PHASES, seconds) for number in range(PHASES * len(clips))
    ]


async def enrolled(
    told: Sequence[Sequence[Outgoing]],
    cameras: int,
    *,
    devices: Mapping[StoreId, tuple[DeviceId, Ed25519PrivateKey, VaultClient]],
    ahead: timedelta,
) -> list[Camera]:
    """Make cameras of devices that the estate enrols, with keys for as long as they will publish."""
    found = []
    for number, (store, camera) in enumerate(names(cameras)):
        device, key, client = devices[store]
        who = Identity(store, camera, device, NOTICE, 1, key, Module(name="pipeline.edge", version="speed"))
        keys = DeviceKeys(client, Owner(store, camera, envelope.PURPOSE), ahead)
        await keys.refresh(datetime.now(UTC))
        found.append(Camera(who, keys, told[number % len(told)], number / cameras / FPS))
    return found


def office(topics: Mapping[str, Topic]) -> Office:
    """Say where frames go."""
    return Office(topics["frames.v1"], topics["health.v1"])


def device_key(path: Path) -> Ed25519PrivateKey:
    """Read a device's key."""
    return signing.load(path)
