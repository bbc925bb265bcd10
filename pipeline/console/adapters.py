"""The real warehouse, broker and vault behind the console's few questions."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import Error as ClickhouseError

from pipeline.clock import Clock
from pipeline.console.sources import Forgotten, Group, News, Reading
from pipeline.errors import Unavailable
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from pipeline.logs import log
from pipeline.reading import stop
from pipeline.records import install
from pipeline.vault.client import VaultClient
from pipeline.warehouse import queries
from pipeline.warehouse.client import Warehouse
from schemas.alert import Alert
from schemas.aside import SetAside
from schemas.envelope import Invalid
from schemas.erasure import ErasureReceipt
from schemas.health import CameraHealth, DeviceHealth
from schemas.ids import StoreId
from schemas.topics import STAGES, Topic
from schemas.wire import decode

Answer = TypeVar("Answer")

FOLLOWED: Final = ("alerts.v1", "health.v1", "erasures.v1")
PATIENCE: Final = timedelta(seconds=5)
"""How long an answer may take before that part counts as away."""


class Recent(Generic[Answer]):
    """An answer that many pages ask for and that costs connections: asked once in a while, and by one at a time."""

    def __init__(self, clock: Clock, good_for: timedelta = timedelta(seconds=3)) -> None:
        self._clock = clock
        self._good_for = good_for.total_seconds()
        self._asking = asyncio.Lock()
        self._held: tuple[float, Answer] | None = None

    async def get(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the last answer while it is good; what `ask` raises is raised, and not kept."""
        async with self._asking:
            if self._held is None or self._clock.monotonic() - self._held[0] >= self._good_for:
                self._held = (self._clock.monotonic(), await ask())
            return self._held[1]


class ClickhouseWarehouse:
    """The warehouse, by its named queries."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def alerts(self, since: datetime, now: datetime, limit: int) -> Sequence[AlertRow]:
        return await self._ask(queries.alerts_latest(limit, since, now))

    async def flow(self, store: StoreId, begin: datetime, end: datetime) -> Sequence[FlowRow]:
        return await self._ask(queries.flow_between(store, begin, end))

    async def coverage(self, since: datetime) -> Sequence[CoverageRow]:
        return await self._ask(queries.coverage_latest(since))

    async def _ask(self, query: queries.Query[Any]) -> tuple[Any, ...]:
        try:
            return await self._warehouse.ask(query)
        except ClickhouseError as error:
            # To somebody who looks, an answer that cannot be had is the same as none; the log says which.
            log().error("the warehouse refused a question", detail=query.name, error=type(error).__name__)
            raise Unavailable(f"ClickHouse does not answer {query.name}") from error


class KafkaBroker:
    """Kafka, read without a group of our own: the console leaves no trace in anybody's position."""

    def __init__(self, bootstrap: str, topics: dict[str, Topic], clock: Clock) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._clock = clock
        self._groups = Recent[Sequence[Group]](clock)
        self._dead = Recent[dict[str, int]](clock)

    async def news(self, since: datetime) -> AsyncGenerator[News | None]:
        async with self._consumer() as consumer:
            await self._be_there(consumer)
            followed = self._partitions(FOLLOWED)
            consumer.assign(followed)
            await _seek(consumer, followed, since)
            yield None
            while True:
                batches = await consumer.getmany(timeout_ms=500)
                for news in self._read(record for records in batches.values() for record in records):
                    yield news
                if not batches:
                    # A consumer whose broker died waits in silence; a question that needs an answer does not.
                    await _answered(consumer.end_offsets(followed[:1]))
                    yield None

    async def groups(self) -> Sequence[Group]:
        return await self._groups.get(self._ask_groups)

    async def dead_letters(self) -> dict[str, int]:
        return await self._dead.get(self._count_dead)

    async def _ask_groups(self) -> Sequence[Group]:
        async with self._admin() as admin, self._consumer() as consumer:
            committed = [await _answered(admin.list_consumer_group_offsets(group_of(stage))) for stage in STAGES]
            workers = [await _members(admin, group_of(stage)) for stage in STAGES]
            partitions = sorted({partition for each in committed for partition in each})
            begins = await _answered(consumer.beginning_offsets(partitions)) if partitions else {}
            ends = await _answered(consumer.end_offsets(partitions)) if partitions else {}
        return tuple(
            Group(
                stage,
                count,
                tuple(
                    Reading(at.topic, at.partition, _known(held.offset), begins.get(at, 0), ends.get(at, 0))
                    for at, held in offsets.items()
                ),
            )
            for stage, count, offsets in zip(STAGES, workers, committed, strict=True)
        )

    async def _count_dead(self) -> dict[str, int]:
        async with self._consumer() as consumer:
            there = await _answered(consumer.topics())
            names = sorted(name for name in self._topics if name.endswith(".dead") and name in there)
            partitions = self._partitions(names)
            if not partitions:
                return {}
            begins = await _answered(consumer.beginning_offsets(partitions))
            ends = await _answered(consumer.end_offsets(partitions))
        return {name: sum(ends[at] - begins[at] for at in partitions if at.topic == name) for name in names}

    async def _be_there(self, consumer: Any) -> None:
        if missing := sorted(set(FOLLOWED) - set(await _answered(consumer.topics()))):
            raise Unavailable(f"not there yet: {', '.join(missing)}")

    def _partitions(self, names: Iterable[str]) -> list[TopicPartition]:
        return [TopicPartition(name, each) for name in names for each in range(self._topics[name].partitions)]

    def _read(self, records: Iterable[Any]) -> Iterable[News]:
        for record in records:
            topic = self._topics[record.topic]
            try:
                message = decode(topic, record.key, record.headers, record.value, self._clock.now())
            except Invalid as error:
                # The stage that owns the topic dead-letters it; here it is only not shown.
                log().warning("a message is not shown", topic=topic.name, offset=record.offset, reason=error.reason)
                continue
            if isinstance(message, Alert | SetAside | DeviceHealth | CameraHealth | ErasureReceipt):
                yield message

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        install()
        async with _started(
            AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        ) as consumer:
            yield consumer

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        async with _started(AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)) as admin:
            yield admin


class HttpVault:
    """The vault, by its own status."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    async def forgotten(self) -> Forgotten:
        status = await self._client.status()
        return Forgotten(
            keys_destroyed=status.keys_destroyed,
            keys_alive=status.keys_alive,
            oldest_readable=status.oldest_readable,
            next_destruction_at=status.next_destruction,
            ttl=timedelta(seconds=status.frame_ttl_seconds),
        )


def group_of(stage: str) -> str:
    """A stage's consumer group (DESIGN §7)."""
    return f"mimamori-{stage}"


def _known(offset: int) -> int | None:
    return offset if offset >= 0 else None


async def _answered(question: Any) -> Any:
    """Wait for Kafka's answer, but not for ever.

    Raises:
        Unavailable: It does not come.
    """
    try:
        return await asyncio.wait_for(question, PATIENCE.total_seconds())
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka is away: {type(error).__name__}") from error


@asynccontextmanager
async def _started(client: Any) -> AsyncIterator[Any]:
    try:
        await _answered(client.start())
        yield client
    except KafkaError as error:
        raise Unavailable(f"Kafka is away: {type(error).__name__}") from error
    finally:
        await stop(client)


async def _seek(consumer: Any, partitions: Sequence[TopicPartition], since: datetime) -> None:
    """Stand at the first record since then; where there is none, at the end."""
    milliseconds = int(since.timestamp() * 1000)
    found = await _answered(consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds)))
    ends = await _answered(consumer.end_offsets(partitions))
    for partition in partitions:
        at = found.get(partition)
        consumer.seek(partition, at.offset if at else ends[partition])


async def _members(admin: Any, group: str) -> int:
    """How many workers hold a group's partitions; a group that nobody ever joined has none."""
    (response,) = await _answered(admin.describe_consumer_groups([group]))
    return sum(len(described["members"]) for described in response.to_object()["groups"])
