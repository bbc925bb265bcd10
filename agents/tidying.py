"""What the erasing stage takes away once keys are gone: partitions, objects; and how late that is."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from pipeline import lateness
from pipeline.clock import Clock
from pipeline.errors import MimamoriError, Rejected, Unavailable
from pipeline.lateness import Measured, Overdue
from pipeline.leftovers import Leftovers
from pipeline.logs import log
from pipeline.vault.api import EvidenceObject, Receipt
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.expiry import SPANS, Drop, Partition, expire
from schemas.ids import KeyId
from schemas.topics import Topic

STAGE: Final = "erasing"
_EVIDENCE: Final = "objects/evidence"


class Vault(Protocol):
    """What is asked of the vault: pipeline.vault.client.VaultClient, or a fake."""

    async def objects(self) -> tuple[EvidenceObject, ...]: ...

    async def receipt(self, key_id: KeyId) -> Receipt: ...


class Keys:
    """What the vault says of keys."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def living(self) -> frozenset[str]:
        return frozenset(each.key_id for each in await self._vault.objects())

    async def gone_since(self, key_id: str) -> datetime | None:
        try:
            receipt = await self._vault.receipt(KeyId(key_id))
        except Rejected:
            return None
        said = receipt.entry["body"]
        return min(datetime.fromisoformat(said[name]) for name in ("destroyed_at", "expires_at"))


class Tidying:
    """One turn looks at every place. A place that is away is told, and does not keep the others waiting."""

    def __init__(
        self,
        *,
        leftovers: Leftovers,
        vault: Vault,
        warehouse: Warehouse,
        drop: Drop,
        bootstrap: str,
        topics: Mapping[str, Topic],
        metrics: Path,
        clock: Clock,
    ) -> None:
        self.leftovers = leftovers
        self._keys = Keys(vault)
        self._warehouse = warehouse
        self._drop = drop
        self._bootstrap = bootstrap
        self._topics = topics
        self._metrics = metrics
        self._clock = clock
        self._leaving: dict[Partition, datetime] = {}
        """Partitions that are over and on the disk still, and since when we know."""
        self._measured: tuple[Measured, ...] = ()
        """Every place, once there was a turn."""

    async def turn(self) -> tuple[Overdue, ...]:
        """Take away what can go, measure what is late, and publish it."""
        now = self._clock.now()
        found = [
            each for place in (self._partitions, self._objects, self._records) for each in await self._tried(place, now)
        ]
        for each in found:
            if each.late:
                log().error(
                    "expired data is late", stage=STAGE, detail=each.place, seconds=round(each.by.total_seconds())
                )
        before = self._measured or lateness.begun(places(self._topics.values()), lateness.stamps_in(self._metrics), now)
        self._measured = lateness.renewed(before, found, now)
        try:
            lateness.publish(self._metrics, self._measured)
        except Unavailable as away:
            log().warning("waiting", stage=STAGE, error=str(away))
        return tuple(found)

    async def _tried(self, place: Callable[[datetime], Awaitable[list[Overdue]]], now: datetime) -> list[Overdue]:
        try:
            return await place(now)
        except MimamoriError as away:
            log().warning("waiting", stage=STAGE, error=str(away))
            return []

    async def _partitions(self, now: datetime) -> list[Overdue]:
        found = await expire(self._warehouse, self._drop, now)
        for partition in found.dropped:
            log().info("partition dropped", stage=STAGE, table=partition.table, detail=partition.id)
        self._tell_gone(frozenset(found.leaving), now)
        if found.detached:
            log().warning("detached parts are removed by nobody", stage=STAGE, count=found.detached)
        return [Overdue(_table(table), by) for table, by in found.overdue.items()]

    def _tell_gone(self, leaving: frozenset[Partition], now: datetime) -> None:
        """Say which partitions have left the disk since the last turn: dropping one is not yet that."""
        for partition in self._leaving.keys() - leaving:
            seconds = round((now - self._leaving[partition]).total_seconds())
            log().info(
                "partition gone from the disk", stage=STAGE, table=partition.table, detail=partition.id, seconds=seconds
            )
        self._leaving = {partition: self._leaving.get(partition, now) for partition in leaving}

    async def _objects(self, now: datetime) -> list[Overdue]:
        swept = await self.leftovers.sweep(self._keys, now)
        for key_id in swept.removed:
            log().info("object removed", stage=STAGE, key_id=key_id)
        if swept.foreign:
            log().warning("objects that are none of ours are removed by nobody", stage=STAGE, count=swept.foreign)
        if swept.unread:
            log().warning("objects that nobody can read may have expired", stage=STAGE, count=swept.unread)
        return [Overdue(_EVIDENCE, swept.overdue, whole=not swept.unread)]

    async def _records(self, now: datetime) -> list[Overdue]:
        topics = [each for each in self._topics.values() if not each.compacted]
        return list(lateness.of_topics(topics, await lateness.oldest_records(self._bootstrap, topics), now))


def places(topics: Iterable[Topic]) -> tuple[str, ...]:
    """Name every place that a turn looks at."""
    return (*map(_table, SPANS), _EVIDENCE, *(lateness.place_of(each) for each in topics if not each.compacted))


def _table(name: str) -> str:
    return f"clickhouse/{name}"


def every(frame_ttl: timedelta) -> timedelta:
    """How often: each minute, and where frames live for seconds, more often than they die."""
    return max(timedelta(seconds=5), min(timedelta(minutes=1), frame_ttl / 4))
