"""The real parts behind the console's questions."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from pipeline.clock import ManualClock
from pipeline.console.adapters import ClickhouseWarehouse, HttpVault, Recent
from pipeline.errors import Unavailable
from pipeline.vault.client import VaultClient
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import Login
from tests.unit.pipeline.console.house import NOON

NOBODY = "http://127.0.0.1:9"  # the discard port, where nobody listens


async def test_what_many_ask_is_asked_once_in_a_while() -> None:
    clock = ManualClock(NOON)
    recent = Recent[int](clock, timedelta(seconds=3))
    asked: list[int] = []

    async def ask() -> int:
        asked.append(1)
        return len(asked)

    at_once = await asyncio.gather(*(recent.get(ask) for _ in range(5)))
    clock.advance(timedelta(seconds=3))
    later = await recent.get(ask)

    assert (at_once, later) == ([1] * 5, 2)


async def test_a_failure_is_not_kept() -> None:
    recent = Recent[int](ManualClock(NOON))

    async def fail() -> int:
        raise Unavailable("away")

    async def answer() -> int:
        return 7

    with pytest.raises(Unavailable):
        await recent.get(fail)
    assert await recent.get(answer) == 7


async def test_a_warehouse_that_nobody_answers_for_is_unavailable() -> None:
    login = Login(url=NOBODY, database="d", user="u", password=SecretStr(""))

    with pytest.raises(Unavailable):
        await ClickhouseWarehouse(Warehouse(login)).coverage(datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_vault_that_nobody_answers_for_is_unavailable() -> None:
    client = VaultClient(NOBODY, "token")

    with pytest.raises(Unavailable):
        await HttpVault(client).forgotten()
    await client.close()
