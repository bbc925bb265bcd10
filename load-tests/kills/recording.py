"""One recording of three drawn shops: what their devices would have sent, signed and sealed, in a little time."""

import asyncio
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer

from pipeline import signing
from pipeline.edge import device, drawn
from pipeline.edge.drawn.truth import Truth, truth
from pipeline.edge.envelope import Identity, Office, sealed, still
from pipeline.edge.outbox import Parcel
from pipeline.local.estate import key_path
from pipeline.vault.api import PublicKey
from pipeline.vault.client import DeviceKeys
from pipeline.vault.keys import Owner
from schemas.envelope import Module, Purpose
from schemas.estate import Camera
from schemas.ids import StoreId
from tests.integration.house import House

FPS: Final = 5
_WAYS: Final = ("in", "out")
_BEYOND: Final = timedelta(seconds=3)
"""Played further, so that the last window closes by itself and nobody has to wait for a tick."""

Place = tuple[str, str]
"""Store and camera."""


class Recording(NamedTuple):
    """When it begins and ends, and what is true in it."""

    begins: datetime
    ends: datetime
    records: int
    truths: dict[Place, Truth]

    def crossed(self) -> dict[str, int]:
        """Return how often each camera's lines were crossed, by way."""
        return {
            f"{store}/{camera} {line.id} {way}": true.crossed(line.id, way)
            for (store, camera), true in self.truths.items()
            for line in drawn.camera().lines
            for way in _WAYS
        }


async def record(here: House, span: timedelta, seeds: Sequence[int]) -> Recording:
    """Fill `frames.v1` with a span that ended half a minute ago, as three devices saw it, and return what is true."""
    window = here.estate.flow.window
    begins = datetime.now(UTC) - span - timedelta(seconds=30)
    begins -= (begins - datetime.min.replace(tzinfo=UTC)) % window
    cameras = [(store.id, camera) for store in here.estate.stores for camera in store.cameras]
    truths: dict[Place, Truth] = {}
    played: list[Iterator[Parcel]] = []
    for (store, camera), seed in zip(cameras, seeds, strict=True):
        keys = await _keys(here, store, camera, begins, begins + span + _BEYOND)
        truths[store, camera.id] = truth(drawn.scene(seed), camera, span.total_seconds(), fps=0)
        played.append(_played(here, store, camera, keys=keys, begins=begins, span=span, seed=seed))
    parcels = await asyncio.to_thread(lambda: [list(each) for each in played])
    await _send(here, [parcel for each in parcels for parcel in each])
    return Recording(begins, begins + span, sum(map(len, parcels)), truths)


async def _keys(here: House, store: StoreId, camera: Camera, begins: datetime, ends: datetime) -> list[PublicKey]:
    owner = Owner(store, camera.id, Purpose.CRIME_PREVENTION)
    async with here.vault(f"device-{camera.device}") as client:
        keys = DeviceKeys(client, owner, ends - begins + timedelta(minutes=1))
        await keys.refresh(begins)
    return list(keys.keys)


def _played(
    here: House, store: StoreId, camera: Camera, *, keys: list[PublicKey], begins: datetime, span: timedelta, seed: int
) -> Iterator[Parcel]:
    """Give what the camera's device sends: frames of what moves, stills of what does not."""
    assert camera.device is not None
    assert camera.notice is not None
    signer = signing.load(key_path(here.demo.run / "estate", str(camera.device)))
    module = Module(name="recording.of.a.test", version="1")
    who = Identity(store, camera.id, camera.device, camera.notice, 1, signer, module)
    office = Office(here.topics["frames.v1"], here.topics["health.v1"])
    renderer, state, how = drawn.Renderer(drawn.scene(seed)), device.State(), device.How(width=camera.width)
    for index in range(math.floor((span + _BEYOND).total_seconds() * FPS)):
        time = begins + timedelta(seconds=index / FPS)
        state, outgoing = device.look(state, renderer.picture(index / FPS), time, how)
        for each in outgoing:
            key = next(key for key in keys if key.bucket_start <= each.time < key.bucket_end)
            yield sealed(each, key, who, office) if isinstance(each, device.Pixels) else still(each, who, office, key)


async def _send(here: House, parcels: Sequence[Parcel]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=here.demo.bootstrap, acks="all", max_request_size=2 << 20)
    await producer.start()
    try:
        sent = [
            await producer.send(each.topic.name, each.record.value, each.record.key, headers=each.record.headers)
            for each in parcels
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
