"""Cameras that fell silent: their windows are closed by a tick, so that a replay closes them too."""

from collections.abc import Iterable
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
from pipeline.reading import stop
from pipeline.settings import Kafka
from schemas.detections import Tick
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, Estate, Store
from schemas.flow import CoverageWindow
from schemas.ids import NoticeId, event_id

PATIENCE: Final = timedelta(seconds=5)
NEVER: Final = -1
"""What Kafka calls the offset where nothing was committed yet, when it says anything."""
_MODULE: Final = Module(name="recording.silence", version="1")


class Silence:
    """Watches when each camera's last window ended; ticks for those of which nothing has come for two windows."""

    def __init__(self, stage: Stage, estate: Estate, kafka: Kafka, clock: Clock) -> None:
        self._stage = stage
        self._estate = estate
        self._bootstrap = kafka.bootstrap
        self._clock = clock
        self._since = clock.now()
        self._ended: dict[str, datetime] = {}
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
