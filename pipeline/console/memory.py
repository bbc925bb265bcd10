"""The warehouse, the broker, the vault in numbers and the objects in memory: to test the page, or to look at it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pipeline.console.sources import Forgotten, Group, News
from pipeline.errors import Unavailable
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from schemas.ids import StoreId

NOTHING: Final = Forgotten(0, 0, None, None, timedelta(hours=1))


@dataclass
class MemoryWarehouse:
    """Rows that are there until they are away."""

    alert_rows: list[AlertRow] = field(default_factory=list)
    flow_rows: list[FlowRow] = field(default_factory=list)
    coverage_rows: list[CoverageRow] = field(default_factory=list)
    away: bool = False

    async def alerts(self, since: datetime, now: datetime, limit: int) -> Sequence[AlertRow]:
        self._be_there()
        alive = [row for row in self.alert_rows if row.utc_time > since and row.expires_at > now]
        return sorted(alive, key=lambda row: row.utc_time, reverse=True)[:limit]

    async def flow(self, store: StoreId, begin: datetime, end: datetime) -> Sequence[FlowRow]:
        self._be_there()
        rows = [row for row in self.flow_rows if row.store_id == store and begin <= row.window_start < end]
        return sorted(rows, key=lambda row: row.window_start)

    async def coverage(self, since: datetime) -> Sequence[CoverageRow]:
        self._be_there()
        rows = sorted(self.coverage_rows, key=lambda row: row.window_start)
        newest = {(row.store_id, row.camera_id): row for row in rows if row.window_start >= since}
        return tuple(newest.values())

    def _be_there(self) -> None:
        if self.away:
            raise Unavailable("the warehouse is away")


class MemoryBroker:
    """News that a test tells."""

    def __init__(self, groups: Sequence[Group] = (), dead: dict[str, int] | None = None) -> None:
        self.known = tuple(groups)
        self.dead = dead or {}
        self.away = False
        self._news: asyncio.Queue[News | None] = asyncio.Queue()

    def tell(self, news: News) -> None:
        self._news.put_nowait(news)

    async def news(self, since: datetime) -> AsyncGenerator[News | None]:
        self._be_there()
        yield None
        while True:
            news = await self._news.get()
            if news is not None and news.utc_time >= since:
                yield news

    async def groups(self) -> Sequence[Group]:
        self._be_there()
        return self.known

    async def dead_letters(self) -> dict[str, int]:
        self._be_there()
        return self.dead

    def _be_there(self) -> None:
        if self.away:
            raise Unavailable("the broker is away")


@dataclass
class MemoryVault:
    """A vault that says what it was told to say."""

    said: Forgotten = NOTHING
    away: bool = False

    async def forgotten(self) -> Forgotten:
        if self.away:
            raise Unavailable("the vault is away")
        return self.said


@dataclass
class MemoryObjects:
    """Objects by name."""

    held: dict[str, bytes] = field(default_factory=dict)
    away: bool = False

    async def get(self, name: str) -> bytes | None:
        if self.away:
            raise Unavailable("the storage is away")
        return self.held.get(name)
