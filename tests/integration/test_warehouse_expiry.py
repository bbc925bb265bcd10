"""Partitions on a real engine: dropped on time, gone from the disk, by users who can do nothing else."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.warehouse import queries
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.expiry import Dropper, expire, parts
from pipeline.warehouse.migrations import FOLDER, migrate, read
from pipeline.warehouse.queries import Query
from pipeline.warehouse.users import DROPPER, ERASER, OWNER, READER, WRITER
from tests.integration.clickhouse_disk import files, found
from tests.integration.clickhouse_fixtures import Engine
from tests.integration.warehouse_rows import alert, coverage, flow

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC)
"""Ahead of the machine's clock: TTL has nothing to do, so what goes was dropped."""
DAY = timedelta(days=1)
GONE_WITHIN = 150.0


@pytest.fixture
async def engine(fresh_clickhouse: Engine) -> Engine:
    await migrate(fresh_clickhouse.login(OWNER))
    return fresh_clickhouse


@pytest.fixture
async def writer(engine: Engine) -> AsyncIterator[Warehouse]:
    async with Warehouse(engine.login(WRITER)) as warehouse:
        yield warehouse


@pytest.fixture
async def eraser(engine: Engine) -> AsyncIterator[Warehouse]:
    async with Warehouse(engine.login(ERASER)) as warehouse:
        yield warehouse


@pytest.fixture
async def drop(engine: Engine) -> AsyncIterator[Dropper]:
    async with Dropper(engine.login(DROPPER)) as dropper:
        yield dropper


def on_disk(engine: Engine, canary: str) -> list[Path]:
    return found(engine.clickhouse.home / "data", canary.encode())


async def test_r20_expired_alerts_leave_tables_parts_and_disk_and_others_stay(
    engine: Engine, writer: Warehouse, eraser: Warehouse, drop: Dropper
) -> None:
    # Two inserts of one alert, so that there are merged-away parts as well.
    gone = [alert("canary-gone-7f3a91c2d4", NOW - 31 * DAY), alert("canary-gone-second-1", NOW - 40 * DAY)]
    await writer.insert([*gone, alert("canary-stays-55aa0b", NOW - 29 * DAY)])
    await writer.insert(gone)
    async with Warehouse(engine.login(OWNER)) as owner:
        await owner.run("OPTIMIZE TABLE alerts FINAL")
    assert on_disk(engine, gone[0].alert_id), "the scan sees nothing"
    assert on_disk(engine, "canary-stays-55aa0b")

    dropped = await expire(eraser, drop, NOW)
    # What was dropped is in no answer any more, at once.
    async with Warehouse(engine.login(READER)) as reader:
        left = await reader.ask(queries.alerts_latest(10, queries.LONG_AGO, queries.LONG_AGO))
    began, now = time.monotonic(), await expire(eraser, drop, NOW)
    while now.leaving and time.monotonic() - began < GONE_WITHIN:
        await asyncio.sleep(1)
        now = await expire(eraser, drop, NOW)

    assert {each.table for each in dropped.dropped} == {"alerts", "alert_arrivals"}
    assert [row.alert_id for row in left] == ["canary-stays-55aa0b"]
    assert (now.dropped, now.leaving, now.late, now.detached) == ((), (), (), 0)
    assert [on_disk(engine, each.alert_id) for each in gone] == [[], []]
    assert on_disk(engine, "canary-stays-55aa0b")
    assert not [file for file in files(engine.clickhouse.home) if file.name.startswith("mutation_")]


async def test_r21_counts_go_by_the_month_and_what_is_late_is_told(
    writer: Warehouse, eraser: Warehouse, drop: Dropper
) -> None:
    lives = timedelta(days=761)
    await writer.insert([flow(NOW - lives - 40 * DAY), coverage(NOW - lives - 40 * DAY), flow(NOW - lives - 2 * DAY)])

    before = await eraser.ask(parts())
    after = await expire(eraser, drop, NOW)

    assert {part.table for part in before} == {"people_flow", "coverage"}
    assert {each.table: each.id for each in after.dropped} == {"people_flow": "203005", "coverage": "203005"}
    # The other count expired this month: its partition stays, and TTL has to take its row.
    assert after.late
    assert after.overdue["people_flow"] >= 2 * DAY


async def test_r20_an_alert_with_a_longer_life_than_allowed_is_dropped_no_later(
    writer: Warehouse, eraser: Warehouse, drop: Dropper
) -> None:
    await writer.insert([alert("a1", NOW - 31 * DAY, expires_at=NOW + 3650 * DAY)])

    assert {each.table for each in (await expire(eraser, drop, NOW)).dropped} == {"alerts", "alert_arrivals"}


async def test_r20_what_a_replay_writes_again_is_dropped_again(
    writer: Warehouse, eraser: Warehouse, drop: Dropper
) -> None:
    for _turn in range(2):
        await writer.insert([alert("a1", NOW - 31 * DAY)])
        assert len((await expire(eraser, drop, NOW)).dropped) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE alerts DELETE WHERE alert_id = 'a1'",
        "ALTER TABLE alerts DELETE WHERE startsWith(store_id, 'shibuya')",
        "ALTER TABLE alerts DELETE WHERE store_id IN ('shibuya')",
        "DELETE FROM alerts WHERE alert_id = 'a1'",
        "ALTER TABLE alerts UPDATE store_id = 'x' WHERE 1",
        "SELECT alert_id FROM alerts",
        "SELECT count() FROM alerts",
        "SELECT * FROM system.parts",
        "DROP TABLE alerts",
        "TRUNCATE TABLE alerts",
        "ALTER TABLE migrations DROP PARTITION ID 'all'",
        "INSERT INTO alerts (alert_id) VALUES ('x')",
        "SET max_ast_depth = 1000",
        "ALTER TABLE alerts MODIFY TTL now()",
    ],
)
async def test_r17_the_dropper_can_delete_by_no_name_and_read_nothing(
    engine: Engine, writer: Warehouse, drop: Dropper, statement: str
) -> None:
    await writer.insert([alert("a1", NOW)])

    with pytest.raises(Unavailable, match="as dropper"):
        await drop.run(statement)

    async with Warehouse(engine.login(READER)) as reader:
        (totals,) = await reader.ask(queries.totals())
    assert totals.alerts == 1
    assert not [file for file in files(engine.clickhouse.home) if file.name.startswith("mutation_")]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT alert_id FROM alerts",
        "SELECT expires_at FROM alerts",
        "ALTER TABLE alerts DROP PARTITION ID '1'",
        "DELETE FROM alerts WHERE 1",
        "INSERT INTO alerts (alert_id) VALUES ('x')",
        "SELECT * FROM system.query_log",
    ],
)
async def test_r17_the_eraser_reads_no_row_and_changes_nothing(
    engine: Engine, eraser: Warehouse, statement: str
) -> None:
    with pytest.raises(Unavailable, match=r"code (497|60)\)"):
        await eraser.run(statement)


async def test_r20_the_engine_keeps_no_log_of_what_it_was_asked(engine: Engine) -> None:
    ask = Query("logs", "SELECT name FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'", str)
    async with Warehouse(engine.login(OWNER)) as owner:
        assert await owner.ask(ask) == ()


async def old_tables(engine: Engine, before: int = 5) -> None:
    """Make the tables as they were before a migration: unless it is said, before they were cut by expiry."""
    async with Warehouse(engine.login(OWNER, "default")) as server:
        await server.run("CREATE DATABASE IF NOT EXISTS mimamori")
    async with Warehouse(engine.login(OWNER)) as owner:
        for statement in [each for migration in read(FOLDER)[: before - 1] for each in migration.statements]:
            await owner.run(statement)


MONTH = 119
"""Six-hour spans of a month's alerts: more than the engine lets an insert hold by itself."""
OLD_ALERT = "INSERT INTO alerts (alert_id, store_id, utc_time, start, end, expires_at) SELECT "


def written_late(table: str) -> str:
    """Return what recording writes into a table while it is being copied."""
    if table == "alerts":
        return OLD_ALERT + "'late', 's', '2030-02-01', '2030-02-01', '2030-02-01', '2030-03-03'"
    if table == "alert_arrivals":
        return (
            "INSERT INTO alert_arrivals (store_id, alert_id, start, utc_time, arrived_at, expires_at) VALUES "
            "('s', 'late', '2030-02-01', '2030-02-01', '2030-02-01', '2030-03-03')"
        )
    return f"INSERT INTO {table} (store_id, window_start, version) VALUES ('s', '2030-02-01', 1)"


async def test_rows_that_were_there_before_the_tables_were_cut_anew_are_there_still(fresh_clickhouse: Engine) -> None:
    """Older tables know no expiry of counts; each gets the longest. Run twice, it copies nothing twice."""
    await old_tables(fresh_clickhouse)
    async with Warehouse(fresh_clickhouse.login(OWNER)) as owner:
        # Half of them say that they live for ever: the old tables let no row.
        for name, expires_at in {"a": "start + INTERVAL 30 DAY", "b": "'2099-01-01'"}.items():
            await owner.run(
                f"{OLD_ALERT} '{name}' || number, 's', start, start, start, {expires_at} FROM "
                f"(SELECT number, toDateTime64('2030-01-01', 6, 'UTC') + INTERVAL 6 * number HOUR AS start "
                f"FROM numbers({MONTH}))"
            )
        await owner.run("INSERT INTO people_flow (store_id, window_start, version) VALUES ('s', '2030-01-01', 1)")
        await owner.run("INSERT INTO coverage (store_id, window_start, version) VALUES ('s', '2030-01-01', 1)")
        for statement in 2 * read(FOLDER)[4].statements:
            await owner.run(statement)
        applied = await migrate(fresh_clickhouse.login(OWNER))
        for statement in applied[5].statements:
            await owner.run(statement)

    async with Warehouse(fresh_clickhouse.login(READER)) as reader:
        (totals,) = await reader.ask(queries.totals())
        (latency,) = await reader.ask(queries.latency())
        kept = await reader.ask(
            Query("kept", "SELECT count(), any(expires_at) FROM people_flow FINAL", lambda *row: row)
        )
        lives = await reader.ask(Query("lives", "SELECT max(expires_at - start) FROM alerts", int))
    assert applied[5].number == 6
    assert (totals.alerts, totals.flow_rows, latency.n) == (2 * MONTH, 1, 2 * MONTH)
    assert kept == ((1, datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=761)),)
    assert lives == (30 * 86400,)


@pytest.mark.parametrize("cut_off", [False, True])
@pytest.mark.parametrize("number", [5, 6])
async def test_what_is_written_while_tables_are_cut_anew_is_kept_also_when_that_is_cut_off(
    fresh_clickhouse: Engine, number: int, cut_off: bool
) -> None:
    await old_tables(fresh_clickhouse, number)
    statements = read(FOLDER)[number - 1].statements
    exchanges = [n for n, each in enumerate(statements) if each.startswith("EXCHANGE")]
    async with Warehouse(fresh_clickhouse.login(OWNER)) as owner:
        begun = 0
        for exchange in exchanges:
            for statement in statements[begun:exchange]:
                await owner.run(statement)
            await owner.run(written_late(statements[exchange].split()[2]))
            await owner.run(statements[exchange])
            begun = 0 if cut_off else exchange + 1
        for statement in statements[begun:]:
            await owner.run(statement)

    async with Warehouse(fresh_clickhouse.login(READER)) as reader:
        tables = [statements[each].split()[2] for each in exchanges]
        counts = [await reader.ask(Query("rows", f"SELECT count() FROM {table} FINAL", int)) for table in tables]
    assert len(tables) == {5: 4, 6: 1}[number]
    assert counts == [(1,)] * len(tables)


async def test_an_alert_that_came_while_there_was_no_view_has_arrived(fresh_clickhouse: Engine) -> None:
    await old_tables(fresh_clickhouse)
    statements = read(FOLDER)[4].statements
    view = next(n for n, each in enumerate(statements) if each.startswith("CREATE MATERIALIZED VIEW"))
    async with Warehouse(fresh_clickhouse.login(OWNER)) as owner:
        for statement in statements[:view]:
            await owner.run(statement)
        await owner.run(written_late("alerts"))
        for statement in statements[view:]:
            await owner.run(statement)

    async with Warehouse(fresh_clickhouse.login(READER)) as reader:
        (latency,) = await reader.ask(queries.latency())
    assert latency.n == 1


async def test_a_replay_of_more_than_a_month_of_alerts_is_written_at_once(engine: Engine, writer: Warehouse) -> None:
    await writer.insert([alert(f"a{n}", NOW - n * timedelta(hours=6)) for n in range(MONTH)])

    async with Warehouse(engine.login(READER)) as reader:
        (totals,) = await reader.ask(queries.totals())
        (latency,) = await reader.ask(queries.latency())
    assert (totals.alerts, latency.n) == (MONTH, MONTH)


def test_the_command_drops_and_says_what_it_did(engine: Engine) -> None:
    async def write() -> None:
        async with Warehouse(engine.login(OWNER)) as owner, Warehouse(engine.login(WRITER)) as writer:
            # TTL is the second net, and would be the quicker one here.
            for table in ("alerts", "alert_arrivals"):
                await owner.run(f"ALTER TABLE {table} REMOVE TTL")
            await writer.insert([alert("a1", datetime.now(UTC) - 31 * DAY - timedelta(hours=6))])

    asyncio.run(write())
    python = engine.clickhouse.argv()[0]
    first, second = (
        subprocess.run(
            [python, "-m", "pipeline", "warehouse", "expire"],
            env=engine.clickhouse.environment(ERASER, DROPPER),
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        for _ in range(2)
    )

    assert "dropped alerts " in first.stdout, first.stderr
    assert "dropped" not in second.stdout
