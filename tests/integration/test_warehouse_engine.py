"""The local ClickHouse as a process: how it starts, stops, dies and comes back."""

import asyncio
import signal
import socket
import subprocess
from datetime import timedelta

import pytest

from pipeline.errors import Unavailable
from pipeline.flow.rows import Row
from pipeline.warehouse import queries
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.migrations import migrate
from pipeline.warehouse.users import OWNER, READER, WRITER
from tests.integration.clickhouse_fixtures import Engine
from tests.integration.warehouse_rows import NOON, WINDOW, alert, flow


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_stops_in_good_order_when_its_parent_closes_the_pipe(fresh_clickhouse: Engine) -> None:
    assert fresh_clickhouse.close_pipe() == 0
    assert port_is_free(fresh_clickhouse.clickhouse.port)


def test_it_stops_in_good_order_on_sigterm(fresh_clickhouse: Engine) -> None:
    assert fresh_clickhouse.process is not None
    fresh_clickhouse.process.terminate()

    assert fresh_clickhouse.process.wait(10) == 0
    assert not fresh_clickhouse.clickhouse.ready()


def test_ctrl_c_in_the_terminal_is_its_parents_matter(fresh_clickhouse: Engine) -> None:
    assert fresh_clickhouse.process is not None
    fresh_clickhouse.process.send_signal(signal.SIGINT)

    with pytest.raises(subprocess.TimeoutExpired):
        fresh_clickhouse.process.wait(1)
    assert fresh_clickhouse.clickhouse.ready()


def test_a_second_one_on_the_same_files_says_why_it_cannot(fresh_clickhouse: Engine) -> None:
    second = subprocess.run(
        fresh_clickhouse.clickhouse.argv(), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30
    )

    assert second.returncode == 1
    assert b"already running" in second.stderr
    assert fresh_clickhouse.clickhouse.ready()


async def test_one_that_hangs_is_unavailable_within_the_answer_timeout(fresh_clickhouse: Engine) -> None:
    await migrate(fresh_clickhouse.login(OWNER))
    login = fresh_clickhouse.login(WRITER).model_copy(update={"answer_timeout": timedelta(seconds=1)})
    assert fresh_clickhouse.process is not None
    async with Warehouse(login) as writer:
        await writer.insert([flow()])
        fresh_clickhouse.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable):
                await asyncio.wait_for(writer.insert([flow(version=2)]), 5)
            assert not fresh_clickhouse.clickhouse.ready()
        finally:
            fresh_clickhouse.process.send_signal(signal.SIGCONT)
        await writer.insert([flow(version=3)])


async def test_kills_amid_writing_lose_and_double_nothing_when_what_failed_is_written_again(
    fresh_clickhouse: Engine,
) -> None:
    await migrate(fresh_clickhouse.login(OWNER))
    batches: list[list[Row]] = [
        [flow(NOON + window * WINDOW), alert(f"a{window}", NOON + window * WINDOW)] for window in range(60)
    ]

    async def write_all() -> None:
        async with Warehouse(fresh_clickhouse.login(WRITER)) as writer:
            for batch in batches:
                await until_written(writer, batch)

    async def until_written(writer: Warehouse, batch: list[Row]) -> None:
        while True:
            try:
                return await writer.insert(batch)
            except Unavailable:
                await asyncio.sleep(0.02)

    writing = asyncio.create_task(write_all())
    for _ in range(3):
        await asyncio.sleep(0.1)
        await asyncio.to_thread(fresh_clickhouse.kill)
        await asyncio.to_thread(fresh_clickhouse.start)
    await writing

    async with Warehouse(fresh_clickhouse.login(READER)) as reader:
        (totals,) = await reader.ask(queries.totals())
        (latency,) = await reader.ask(queries.latency())
    assert totals == queries.Totals(flow_rows=60, alerts=60, people_tracked=0, crossings=60 * 7)
    assert latency.n == 60


async def test_r20_what_is_past_its_time_leaves_the_tables(fresh_clickhouse: Engine) -> None:
    long_ago, too_long_ago = NOON - timedelta(days=300), NOON - timedelta(days=800)
    await migrate(fresh_clickhouse.login(OWNER))
    async with Warehouse(fresh_clickhouse.login(WRITER)) as writer:
        await writer.insert([flow(long_ago), flow(too_long_ago), alert("gone", long_ago)])
    async with Warehouse(fresh_clickhouse.login(OWNER)) as owner:
        for table in ("people_flow", "alerts", "alert_arrivals"):
            await owner.run(f"OPTIMIZE TABLE {table} FINAL")

    async with Warehouse(fresh_clickhouse.login(READER)) as reader:
        (totals,) = await reader.ask(queries.totals())
        (latency,) = await reader.ask(queries.latency())
    assert (totals.flow_rows, totals.alerts, latency.n) == (1, 0, 0)


def test_the_command_makes_the_tables_and_may_run_again(fresh_clickhouse: Engine) -> None:
    command = ["-m", "pipeline", "warehouse", "migrate"]
    python = fresh_clickhouse.clickhouse.argv()[0]
    first, second = (
        subprocess.run(
            [python, *command],
            env=fresh_clickhouse.clickhouse.environment(OWNER),
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        for _ in range(2)
    )

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "applied 0001 people_flow" in first.stdout
    assert second.stdout.startswith("0 applied")
