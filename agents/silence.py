"""Cameras that fell silent: told within half a minute, and their windows closed by a tick, so that a replay closes
them too.

A device says every ten seconds that it is there; one whose camera alone is away says that, too, by itself.
Whoever says nothing at all is told to be silent here.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from faust.types.tuples import TP

from agents.stage import Stage
from pipeline.clock import Clock
from pipeline.errors import Unavailable
from pipeline.reading import reader, stop
from pipeline.settings import Kafka
from schemas.detections import Tick
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, Estate, Store
from schemas.flow import CoverageWindow
from schemas.health import CameraHealth, CameraState, DeviceHealth
from schemas.ids import NoticeId, event_id

PATIENCE: Final = timedelta(seconds=5)
SILENT_AFTER: Final = timedelta(seconds=25)
"""Two reports of a device, and half of one more."""
TOLD_EVERY: Final = timedelta(minutes=1)
LISTENED_EVERY: Final = timedelta(seconds=3)
_AWAY: Final = 5.0
NEVER: Final = -1
"""What Kafka calls the offset where nothing was committed yet, when it says anything."""
_MODULE: Final = Module(name="recording.silence", version="1")


class Hearing:
    """Listens to what devices say of themselves, and tells which cameras nobody speaks for."""

    def __init__(self, estate: Estate, lives: timedelta, now: datetime) -> None:
        self._estate = estate
        self._lives = lives
        self._since = now
        self._heard: dict[str, datetime] = {}
        self._silent: dict[str, tuple[datetime, datetime]] = {}
        """Since when each has been silent, and when that was last told."""

    def deaf(self, now: datetime) -> None:
        """Begin anew: what was said meanwhile could not be heard."""
        self._since = now
        self._heard.clear()

    def heard(self, key: str, now: datetime) -> None:
        """Take note that a device spoke for a camera: by our clock, since its own may be wrong."""
        self._heard[key] = now
        self._silent.pop(key, None)

    def silent(self, now: datetime) -> list[CameraHealth]:
        """Tell each camera that has been silent for long, when that begins and once a minute."""
        told = []
        for store in self._estate.stores:
            for camera in store.cameras:
                key = f"{store.id}/{camera.id}"
                last = self._heard.get(key, self._since)
                if now - last < SILENT_AFTER:
                    continue
                since, said = self._silent.get(key, (last, now - TOLD_EVERY))
                if now - said >= TOLD_EVERY:
                    self._silent[key] = since, now
                    told.append(silence_of(store, camera, since, now, now + self._lives))
        return told


class Silence:
    """Watches when each camera's last window ended; ticks for those of which nothing has come for two windows."""

    def __init__(self, stage: Stage, estate: Estate, kafka: Kafka, clock: Clock) -> None:
        self._stage = stage
        self._estate = estate
        self._bootstrap = kafka.bootstrap
        self._clock = clock
        self._since = clock.now()
        self._ended: dict[str, datetime] = {}
        self._hearing = Hearing(estate, stage.topics["health.v1"].lives, self._since)
        self._partition = DefaultPartitioner()
        self.every = max(PATIENCE, estate.flow.window / 2)

    def heard(self, window: CoverageWindow) -> None:
        """Take note that a camera's window was closed."""
        end = window.window_start + window.window_length
        self._ended[window.key] = max(end, self._ended.get(window.key, end))

    async def listen(self) -> None:
        """Send a tick for every silent camera of ours, unless detecting has yet to read something of it."""
        now = self._clock.now()
        silent = [(store, camera) for store, camera in self._ours() if self._is_silent(store, camera, now)]
        if silent:
            try:
                waiting = await self._unread()
                ticks = [tick(*each, now, self._estate) for each in silent if self._number(*each) not in waiting]
                await self._stage.send(ticks)
            except (KafkaError, OSError, Unavailable):
                return  # the broker is away: it is asked again at the next turn

    async def hear(self) -> None:
        """Listen to health.v1 from now on, and tell of cameras that nobody speaks for; never return."""
        while True:
            try:
                await self._hear()
            except (KafkaError, OSError, Unavailable):
                self._hearing.deaf(self._clock.now())
                await asyncio.sleep(_AWAY)

    async def _hear(self) -> None:
        topic = self._stage.topics["health.v1"]
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        async with reader(self._bootstrap, waits=LISTENED_EVERY / 2) as consumer:
            consumer.assign(places)
            for place, end in (await consumer.end_offsets(places)).items():
                consumer.seek(place, end)
            self._hearing.deaf(self._clock.now())
            while True:
                came = await consumer.getmany(timeout_ms=int(LISTENED_EVERY.total_seconds() * 1000))
                now = self._clock.now()
                for record in (each for records in came.values() for each in records):
                    if _is_of_a_device(record.headers):
                        self._hearing.heard((record.key or b"").decode(errors="replace"), now)
                ours = {f"{store.id}/{camera.id}" for store, camera in self._ours()}
                await self._stage.send([each for each in self._hearing.silent(now) if each.key in ours])

    def _ours(self) -> Iterable[tuple[Store, Camera]]:
        lanes = self._stage.lanes
        for store in self._estate.stores:
            for camera in store.cameras:
                if TP("flow.v1", self._number(store, camera)) in lanes:
                    yield store, camera

    def _is_silent(self, store: Store, camera: Camera, now: datetime) -> bool:
        ended = self._ended.get(f"{store.id}/{camera.id}", self._since)
        return now - ended > 2 * self._estate.flow.window + PATIENCE

    def _number(self, store: Store, camera: Camera) -> int:
        every = list(range(self._stage.topics["frames.v1"].partitions))
        return int(self._partition(f"{store.id}/{camera.id}".encode(), every, every))

    async def _unread(self) -> set[int]:
        """Return the partitions of frames.v1 that detecting has not read to their end."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        try:
            await admin.start()
            await consumer.start()
            places = [TopicPartition("frames.v1", n) for n in range(self._stage.topics["frames.v1"].partitions)]
            read = await admin.list_consumer_group_offsets("mimamori-detecting", partitions=places)
            begins = await consumer.beginning_offsets(places)
            ends = await consumer.end_offsets(places)
        finally:
            await stop(consumer)
            await stop(admin)
        committed = {at: offset for at, (offset, _) in read.items()}
        return {at.partition for at in places if is_behind(committed.get(at, NEVER), begins[at], ends[at])}


def is_behind(committed: int, begin: int, end: int) -> bool:
    """Say whether there is something to read, from the beginning where nothing was committed."""
    return max(committed, begin) < end


def _is_of_a_device(headers: Sequence[tuple[str, bytes]]) -> bool:
    """Say whether a device said so itself; what we tell here of others is no sign of them."""
    return dict(headers).get("ce_type") == DeviceHealth.ce_type.encode()


def silence_of(store: Store, camera: Camera, since: datetime, now: datetime, expires_at: datetime) -> CameraHealth:
    """Say that nothing comes of a camera."""
    return CameraHealth(
        event_id=event_id("camera-silent", store.id, camera.id, since, now),
        store_id=store.id,
        camera_id=camera.id,
        utc_time=now,
        purpose=Purpose.OPERATION,
        expires_at=expires_at,
        notice_id=camera.notice or NoticeId("none"),
        module=_MODULE,
        state=CameraState.SILENT,
        since=since,
    )


def tick(store: Store, camera: Camera, now: datetime, estate: Estate) -> Tick:
    """Say that time has passed at a camera."""
    return Tick(
        event_id=event_id("tick", store.id, camera.id, now),
        store_id=store.id,
        camera_id=camera.id,
        utc_time=now,
        purpose=Purpose.CRIME_PREVENTION,
        expires_at=now + estate.frame_ttl,
        notice_id=camera.notice or NoticeId("none"),
        module=_MODULE,
    )
