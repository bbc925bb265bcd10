"""Rows that can wait a moment, written together: one insert a second and table, whoever brought them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from pipeline.errors import Unavailable
from pipeline.flow.rows import Row

EVERY: Final = timedelta(seconds=1)
"""ClickHouse makes a part of each insert, and merges them; many small ones in a second cost more than they hold."""


class Warehouse(Protocol):
    """Where rows go: pipeline.warehouse.client.Warehouse, or a fake."""

    async def insert(self, rows: Sequence[Row]) -> None: ...


@dataclass
class _Batch:
    rows: list[Row] = field(default_factory=list)
    written: bool = False
    why_not: Unavailable | None = None


class Paced:
    """Writes what several bring at the same time with one insert, and begins the next no sooner than a second later.

    Args:
        warehouse: Where rows go.
        monotonic: A clock in seconds.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._warehouse = warehouse
        self._monotonic = monotonic
        self._sleep = sleep
        self._open = _Batch()
        self._turn = asyncio.Lock()
        self._next = -float("inf")

    async def insert(self, rows: Sequence[Row], *, at_once: bool = False) -> None:
        """Write rows, and return when ClickHouse has them.

        Args:
            rows: In any order.
            at_once: Do not wait for the second to be over; what has been waiting goes along.

        Raises:
            Unavailable: None of the batch may be there: write all again.
        """
        if not rows:
            return
        batch = self._open
        batch.rows += rows
        async with self._turn:
            # Whoever of a batch comes first to its turn writes for all of it.
            if not batch.written and batch.why_not is None:
                await self._write(batch, at_once=at_once)
        if batch.why_not is not None:
            raise batch.why_not

    async def _write(self, batch: _Batch, *, at_once: bool) -> None:
        if not at_once:
            # No time at all lets others of this moment come along.
            await self._sleep(max(0.0, self._next - self._monotonic()))
        if self._open is batch:
            self._open = _Batch()
        self._next = self._monotonic() + EVERY.total_seconds()
        try:
            await self._warehouse.insert(batch.rows)
        except Unavailable as why_not:
            batch.why_not = why_not
        else:
            batch.written = True
