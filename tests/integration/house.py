"""The whole system for tests: the demo in a folder of its own, and ways to look into it and to disturb it."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from rich.console import Console

from agents.position import Place, Position
from pipeline import sealing, signing
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from pipeline.local.demo import Demo, Wish
from pipeline.local.estate import choose_scene, key_path
from pipeline.local.supervise import tail
from pipeline.reading import reader, records
from pipeline.settings import Clickhouse
from pipeline.vault.api import PublicKey
from pipeline.vault.client import DeviceKeys, VaultClient, connected
from pipeline.vault.keys import Owner
from pipeline.vault.ledger import Entry
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import reader as reading
from pipeline.warehouse.queries import Query, columns
from schemas.detections import FrameRef, Still
from schemas.envelope import Invalid, Message, Module, Purpose
from schemas.frame import Frame
from schemas.ids import CameraId, DeviceId, NoticeId, StoreId, event_id
from schemas.topics import Topic, topics
from schemas.wire import Record, attributes, decode, encode, key_of

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = {
    "detecting": ("frames.v1",),
    "watching": ("detections.v1",),
    "recording": ("alerts.v1", "flow.v1"),
    "cutting": ("alerts.v1",),
    "erasing": ("erasures.v1",),
}
TABLES: Final[dict[type[Any], str]] = {FlowRow: "people_flow", CoverageRow: "coverage", AlertRow: "alerts"}
MODULE: Final = Module(name="test", version="1")


class House:
    """One running demo. What is asked of Kafka is read from the beginning, outside of any group."""

    def __init__(self, demo: Demo, folder: Path) -> None:
        self.demo = demo
        self.folder = folder
        self.supervisor = demo.supervisor
        self.estate = demo.estate
        self.topics: dict[str, Topic] = topics(demo.estate.lives)

    # --- Kafka -------------------------------------------------------------------------------------------------

    async def send(self, topic: str, *sent: Record | tuple[bytes | None, bytes | None, Any]) -> list[FrameRef]:
        """Send records as they are, one after the other, and say where each lies."""
        async with self._producer() as producer:
            told = [
                await producer.send_and_wait(topic, key=key, value=value, headers=headers)
                for key, value, headers in sent
            ]
        return [FrameRef(topic=each.topic, partition=each.partition, offset=each.offset) for each in told]

    @contextlib.asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(bootstrap_servers=self.demo.bootstrap, acks="all", max_request_size=2 << 20)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def records(self, topic: str) -> list[Any]:
        """Read a topic as it stands."""
        return [record async for record in records(self.demo.bootstrap, self.topics[topic])]

    async def messages(self, topic: str) -> list[Any]:
        """Read a topic's messages; a frame is a `Sealed`."""
        return [
            decode(self.topics[topic], each.key, each.headers, each.value or b"") for each in await self.records(topic)
        ]

    async def readable(self, topic: str) -> list[Any]:
        """Read those of a topic's records that are messages."""
        found = []
        for each in await self.records(topic):
            with contextlib.suppress(Invalid):
                found.append(decode(self.topics[topic], each.key, each.headers, each.value or b""))
        return found

    async def positions(self, stage: str) -> dict[TopicPartition, int]:
        """Return the last offset that a stage has done with, by partition of its sources."""
        found = {
            TopicPartition(topic, number): -1
            for topic in SOURCES[stage]
            for number in range(self.topics[topic].partitions)
        }
        for record in await self.records(f"{stage}-state.v1"):
            place = Place.loads(record.key)
            where = TopicPartition(place.topic, record.partition)
            if place.kind == "position" and where in found:
                found[where] = max(found[where], Position.loads(record.value).offset)
        return found

    async def ends(self, *names: str) -> dict[TopicPartition, int]:
        """Return where topics end."""
        every = [TopicPartition(name, number) for name in names for number in range(self.topics[name].partitions)]
        async with reader(self.demo.bootstrap) as consumer:
            return dict(await consumer.end_offsets(every))

    async def lag(self, stage: str) -> int:
        """Return how many records lie before a stage."""
        ends, positions = await self.ends(*SOURCES[stage]), await self.positions(stage)
        return sum(ends[where] - 1 - positions[where] for where in ends)

    async def all_handled(self) -> bool:
        """Say whether every stage has done with all that lies before it."""
        for stage in SOURCES:
            if await self.lag(stage):
                return False
        return True

    # --- ClickHouse and the vault ------------------------------------------------------------------------------

    async def rows(self, kind: type[Any]) -> list[Any]:
        """Return all rows of a table, each key's newest."""
        passwords = self.demo.clickhouse.passwords()
        login = reading(Clickhouse(url=self.demo.clickhouse.url, reader_password=passwords["reader"]))
        async with Warehouse(login) as warehouse:
            query = Query("all", f"SELECT {columns(kind)} FROM {TABLES[kind]} FINAL", kind)
            return list(await warehouse.ask(query))

    @contextlib.asynccontextmanager
    async def vault(self, principal: str) -> AsyncIterator[VaultClient]:
        async with connected(self.demo.vault_url, self.demo.tokens[principal]) as client:
            yield client

    async def ledger(self) -> list[Entry]:
        """Return the whole ledger."""
        found: list[Entry] = []
        async with self.vault("console") as client:
            while (page := await client.ledger(len(found))).entries:
                found += page.entries
        return found

    # --- waiting and looking -----------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str, within: float = 60) -> float:
        """Ask until it is so, and return how many seconds that took. What is away for a while is asked again."""
        began = time.monotonic()
        while not await _asked(condition):
            if self.supervisor.has_failed:
                await self.supervisor.failed()
            assert time.monotonic() - began < within, f"after {within:g} s still not: {what}\n{self.log_tails()}"
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    def log_tails(self) -> str:
        """Return the end of every process's log."""
        return "\n".join(f"--- {log.name}\n{tail(log, 12)}" for log in sorted(self.demo.logs.glob("*.log")))

    def files(self) -> Iterable[Path]:
        """Return every file of this house: Kafka's, ClickHouse's, the vault's, and all logs."""
        for top, _folders, names in os.walk(self.folder):
            yield from (Path(top) / name for name in names if not (Path(top) / name).is_symlink())

    def contents(self) -> Iterator[tuple[Path, bytes]]:
        """Read every file of this house; one that is gone meanwhile, as a journal is, has no content."""
        for file in self.files():
            with contextlib.suppress(FileNotFoundError):
                yield file, file.read_bytes()

    def device(self, store: str, camera: str, boot: int = 1) -> "Device":
        """Return the enrolled device of a camera, for a test to play it."""
        return Device(self, StoreId(store), CameraId(camera), boot)


async def _asked(condition: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await condition()
    except (KafkaError, OSError):
        return False


class Device:
    """A store device that a test plays: it has the enrolled key, and does with it what the test says."""

    def __init__(self, house: House, store: StoreId, camera: CameraId, boot: int) -> None:
        found = house.estate.camera(store, camera)
        assert found is not None
        assert found.device is not None
        assert found.notice is not None
        self.id: DeviceId = found.device
        self.notice: NoticeId = found.notice
        self.store, self.camera, self.boot = store, camera, boot
        self.signer = signing.load(key_path(house.demo.run / "estate", str(self.id)))
        self._house = house
        self._sequence = 0
        self._topic = house.topics["frames.v1"]

    async def key(self, time: datetime | None = None) -> PublicKey:
        """Return the vault's public key for frames of a time: now, if none is said."""
        time = time or datetime.now(UTC)
        owner = Owner(self.store, self.camera, Purpose.CRIME_PREVENTION)
        async with self._house.vault(f"device-{self.id}") as client:
            keys = DeviceKeys(client, owner, timedelta(seconds=1))
            await keys.refresh(time)
        found = keys.key_at(time)
        assert found is not None
        return found

    def frame(self, key: PublicKey, **changes: Any) -> Frame:
        """Make the envelope of the next frame."""
        sequence = self._next()
        return Frame(**self._common("frame", sequence, key.expires_at) | {"key_id": key.key_id} | changes)

    def still(self, **changes: Any) -> Still:
        """Make the next still."""
        sequence = self._next()
        common = self._common("still", sequence, datetime.now(UTC) + self._house.estate.frame_ttl)
        more = {"first_sequence": sequence, "from_time": common["utc_time"], "frames": 1, "since_frame": 0}
        return Still(**common | more | changes)

    def sealed(self, frame: Frame, key: PublicKey, picture: bytes, *, sealed_as: Frame | None = None) -> Record:
        """Seal a picture and sign: what a good device sends. `sealed_as` is another envelope, for a bad one."""
        value = sealing.seal(key.public, sealing.frame_info(sealed_as or frame), picture)
        return self.signed(frame, value)

    def signed(self, message: Frame | Still, value: bytes | None = None) -> Record:
        """Sign a message: a frame with this value, or a still with its own."""
        sealed = value if isinstance(message, Frame) else None
        body = value if value is not None else message.model_dump_json().encode()
        plain = [(name, text.encode()) for name, text in attributes(message).items()]
        return encode(message, self._topic, sealed=sealed, signature=signing.sign(self.signer, plain, body))

    def sign(self, message: Message, headers: list[tuple[str, bytes]], value: bytes) -> Record:
        """Sign whatever this is, keyed as that message."""
        signature = signing.sign(self.signer, headers, value).encode()
        return Record(key_of(message), value, [*headers, ("ce_signature", signature)])

    async def send(self, record: Record) -> FrameRef:
        (ref,) = await self._house.send("frames.v1", record)
        return ref

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def _common(self, what: str, sequence: int, expires_at: datetime) -> dict[str, Any]:
        return {
            "event_id": event_id(what, self.store, self.camera, self.id, self.boot, sequence),
            "store_id": self.store,
            "camera_id": self.camera,
            "utc_time": datetime.now(UTC),
            "purpose": Purpose.CRIME_PREVENTION,
            "expires_at": expires_at,
            "notice_id": self.notice,
            "module": MODULE,
            "device_id": self.id,
            "boot": self.boot,
            "sequence": sequence,
        }


@contextlib.asynccontextmanager
async def house(folder: Path, *, devices: bool = False, loop: bool = True) -> AsyncIterator[House]:
    """Start everything but, unless asked, the devices, in this folder; stop all of it at the end."""
    link_provisioned(folder)
    estate = choose_scene(None, None)
    demo = Demo(Wish(folder, estate, headless=True, devices=devices, loop=loop), Console(quiet=True))
    # A slow machine may be late, and everything is counted all the same.
    with patch.dict(os.environ, MIMAMORI_SHED="false"):
        try:
            await demo.start()
            yield House(demo, folder)
        finally:
            await demo.stop()


def link_provisioned(folder: Path) -> None:
    """Put what was provisioned into the folder, by name."""
    home = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    assert (home / "kafka").exists(), "no Kafka: run `make provision`"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("kafka", "models", "java"):
        if (home / name).exists():
            (folder / name).symlink_to(home / name)
