"""Where the console looks: the warehouse, the broker and the vault, each behind a few questions."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from schemas.alert import Alert
from schemas.erasure import ErasureReceipt
from schemas.health import CameraHealth, DeviceHealth
from schemas.ids import StoreId

News = Alert | DeviceHealth | CameraHealth | ErasureReceipt
"""What the console follows live: alerts.v1, health.v1 and erasures.v1; no pictures, and no boxes of anyone else."""


class Warehouse(Protocol):
    """What recording wrote. Every question raises `Unavailable` when it is away."""

    async def alerts(self, since: datetime, now: datetime, limit: int) -> Sequence[AlertRow]:
        """The newest alerts that live still."""
        ...

    async def flow(self, store: StoreId, begin: datetime, end: datetime) -> Sequence[FlowRow]:
        """Every window of a store that began in the span, oldest first."""
        ...

    async def coverage(self, since: datetime) -> Sequence[CoverageRow]:
        """The newest window of each camera."""
        ...


class Reading(NamedTuple):
    """How far a stage has read one partition. `committed` is None where it never committed."""

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int


class Group(NamedTuple):
    """One stage as the broker sees it."""

    stage: str
    workers: int
    readings: tuple[Reading, ...]


class Broker(Protocol):
    """Kafka. Raises `Unavailable` when it is away."""

    def news(self, since: datetime) -> AsyncGenerator[News | None]:
        """Tell alerts, reports and receipts from `since` on, then as they come; None says that nothing is new."""
        ...

    async def groups(self) -> Sequence[Group]:
        """How far each stage has read."""
        ...

    async def dead_letters(self) -> dict[str, int]:
        """How many lie in each dead-letter topic."""
        ...


class Forgotten(NamedTuple):
    """What the vault says of what it destroyed. Times are None where there is nothing yet."""

    keys_destroyed: int
    keys_alive: int
    oldest_readable: datetime | None
    next_destruction_at: datetime | None
    ttl: timedelta


class Vault(Protocol):
    """The vault. Raises `Unavailable` when it is away."""

    async def forgotten(self) -> Forgotten: ...


class Sources(NamedTuple):
    """All of them."""

    warehouse: Warehouse
    broker: Broker
    vault: Vault
