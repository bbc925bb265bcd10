"""The warehouse on a real engine: the same answers, whatever is written again."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import Unavailable
from pipeline.flow.rows import Row
from pipeline.warehouse import queries
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.migrations import FOLDER, database, migrate, of_cluster, read
from pipeline.warehouse.queries import Query
from pipeline.warehouse.users import OWNER, READER, WRITER, User, users
from schemas.flow import Metric
from schemas.ids import StoreId
from tests.integration.clickhouse_fixtures import Engine
from tests.integration.warehouse_rows import NOON, WINDOW, alert, coverage, flow

STORE = StoreId("shibuya")
UTC_ZONE = ZoneInfo("UTC")


async def answers(reader: Warehouse) -> tuple[Any, ...]:
    """Everything that anyone can be told."""
    return (
        await reader.ask(queries.totals()),
        await reader.ask(queries.flow_today(STORE, UTC_ZONE, NOON)),
        await reader.ask(queries.alerts_latest(100, queries.LONG_AGO, NOON)),
        await reader.ask(queries.coverage_latest(queries.LONG_AGO)),
        [arrival.n for arrival in await reader.ask(queries.latency())],
    )


def history() -> list[Row]:
    """Windows that rise in version as they fill, alerts between them."""
    rows: list[Row] = []
    for window, version in itertools.product(range(8), range(1, 4)):
        start = NOON + window * WINDOW
        rows += [
            flow(start, version=version, values=(float(window + version),)),
            flow(start, version=version, values=(1.0,), metric=Metric.LINE_OUT),
            coverage(start, version=version, people_tracked=version),
            alert(f"alert-{window}", start),
        ]
    return rows


async def write(writer: Warehouse, rows: list[Row], size: int) -> None:
    for begin in range(0, len(rows), size):
        await writer.insert(rows[begin : begin + size])


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
async def test_a_replay_that_cuts_its_batches_differently_changes_no_number(
    writer: Warehouse, reader: Warehouse, size: int
) -> None:
    rows = history()
    await write(writer, rows, 5)
    undisturbed = await answers(reader)
    await write(writer, rows[len(rows) // 3 :], size)
    await write(writer, rows, size)

    assert await answers(reader) == undisturbed
    assert undisturbed[0] == (
        queries.Totals(flow_rows=16, alerts=8, people_tracked=24, crossings=sum(w + 3 for w in range(8)) + 8),
    )


async def test_an_older_version_that_arrives_late_does_not_win(writer: Warehouse, reader: Warehouse) -> None:
    await writer.insert([flow(version=3, values=(9.0,))])
    await writer.insert([flow(version=2, values=(7.0,))])

    (row,) = await reader.ask(queries.flow_today(STORE, UTC_ZONE, NOON))
    assert row.values == (9.0,)


async def test_rows_come_back_as_they_went(writer: Warehouse, reader: Warehouse) -> None:
    await writer.insert([flow(), alert(), coverage()])

    assert await reader.ask(queries.flow_today(STORE, UTC_ZONE, NOON)) == (flow(),)
    assert await reader.ask(queries.alerts_latest(1, NOON, NOON)) == (alert(),)
    assert await reader.ask(queries.coverage_latest(NOON)) == (coverage(),)


async def test_r51_how_many_people_there_were_can_be_withheld(writer: Warehouse, reader: Warehouse) -> None:
    await writer.insert([coverage(people_tracked=None)])

    assert await reader.ask(queries.coverage_latest(NOON)) == (coverage(people_tracked=None),)
    assert [each.people_tracked for each in await reader.ask(queries.totals())] == [0]


async def test_the_latency_of_an_alert_is_that_of_its_first_arrival(writer: Warehouse, reader: Warehouse) -> None:
    await writer.insert([alert()])
    (first,) = await reader.ask(queries.latency())
    await writer.insert([alert()])
    await writer.insert([alert()])

    assert await reader.ask(queries.latency()) == (first,)
    assert first.n == 1


async def test_latency_of_no_alerts_is_nought(reader: Warehouse) -> None:
    assert await reader.ask(queries.latency()) == (queries.Latency(0, 0, 0, 0),)


async def test_r20_an_expired_alert_is_shown_no_more(writer: Warehouse, reader: Warehouse) -> None:
    await writer.insert([alert()])

    later = NOON + timedelta(days=31)
    assert await reader.ask(queries.alerts_latest(10, queries.LONG_AGO, later)) == ()


async def test_today_is_the_day_of_the_store(writer: Warehouse, reader: Warehouse) -> None:
    midnight_in_tokyo = datetime.fromisoformat("2026-11-22T15:00:00+00:00")
    await writer.insert([flow(midnight_in_tokyo), flow(midnight_in_tokyo - WINDOW)])

    rows = await reader.ask(queries.flow_today(STORE, ZoneInfo("Asia/Tokyo"), NOON))
    assert [row.window_start for row in rows] == [midnight_in_tokyo]


@pytest.mark.parametrize(
    ("user", "statement"),
    [
        (WRITER, "SELECT count() FROM people_flow"),
        (WRITER, "SELECT count() FROM alerts"),
        (WRITER, "DROP TABLE people_flow"),
        (WRITER, "ALTER TABLE alerts DELETE WHERE 1"),
        (WRITER, "INSERT INTO migrations (number) VALUES (9)"),
        (WRITER, "INSERT INTO alert_arrivals (alert_id) VALUES ('x')"),
        (READER, "INSERT INTO alerts (alert_id) VALUES ('x')"),
        (READER, "TRUNCATE TABLE alerts"),
        (READER, "SELECT * FROM file('/etc/passwd', 'LineAsString')"),
        (READER, "CREATE TABLE mimamori.mine (x UInt8) ENGINE = Memory"),
        (READER, "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"),
        (OWNER, "SELECT * FROM file('/etc/passwd', 'LineAsString')"),
    ],
)
async def test_r17_what_is_not_granted_is_denied(clickhouse: Engine, user: User, statement: str) -> None:
    async with Warehouse(clickhouse.login(user)) as warehouse:
        with pytest.raises(Unavailable, match="497"):
            await warehouse.run(statement)


@pytest.mark.parametrize(
    "statement", ["SELECT count() FROM alerts", "SELECT * FROM file('/etc/passwd', 'LineAsString')"]
)
async def test_r17_without_a_password_nothing_is_read(clickhouse: Engine, statement: str) -> None:
    async with Warehouse(clickhouse.anonymous()) as warehouse:
        with pytest.raises(Unavailable, match="497"):
            await warehouse.run(statement)


async def test_a_wrong_password_says_so(clickhouse: Engine) -> None:
    async with Warehouse(clickhouse.stranger()) as warehouse:
        with pytest.raises(Unavailable, match="516"):
            await warehouse.ask(queries.totals())


async def test_tables_that_were_not_made_are_a_matter_of_setup(fresh_clickhouse: Engine) -> None:
    async with Warehouse(fresh_clickhouse.login(OWNER, "default")) as warehouse:
        with pytest.raises(Unavailable, match="migrate"):
            await warehouse.ask(queries.totals())


async def test_migrating_twice_changes_nothing(clickhouse: Engine, writer: Warehouse, reader: Warehouse) -> None:
    await writer.insert([flow()])

    assert await migrate(clickhouse.login(OWNER)) == ()
    assert await reader.ask(queries.flow_today(STORE, UTC_ZONE, NOON)) == (flow(),)


async def test_what_is_said_to_a_cluster_the_engine_understands(clickhouse: Engine) -> None:
    """It reads it; it cannot do it: this one has neither keepers nor users of its own in SQL."""
    tables = [of_cluster(each) for migration in read(FOLDER) for each in migration.statements if "ENGINE" in each]
    said = [database("mimamori", replicated=True), *tables, *users({"writer": "0" * 64}, replicated=True)]

    async with Warehouse(clickhouse.login(OWNER)) as owner:
        for statement in said:
            await owner.run(f"EXPLAIN AST {statement}")


async def test_r11_every_table_says_what_for_and_who_answers(clickhouse: Engine) -> None:
    async with Warehouse(clickhouse.login(OWNER)) as owner:
        tables = await owner.ask(
            Query(
                "comments",
                "SELECT name, comment FROM system.tables WHERE database = 'mimamori' AND engine != 'MaterializedView'",
                lambda name, comment: (name, comment),
            )
        )

    assert len(tables) >= 5
    for name, comment in tables:
        for part in ("items: ", "scope: ", "purpose: ", "responsible: "):
            assert part in comment, name


class TestAway:
    """What happens when ClickHouse is away."""

    async def test_it_is_unavailable_and_then_there_again(self, fresh_clickhouse: Engine) -> None:
        await migrate(fresh_clickhouse.login(OWNER))
        async with (
            Warehouse(fresh_clickhouse.login(WRITER)) as writer,
            Warehouse(fresh_clickhouse.login(READER)) as reader,
        ):
            await writer.insert([flow()])
            await reader.ask(queries.totals())
            fresh_clickhouse.kill()
            with pytest.raises(Unavailable):
                await writer.insert([alert()])
            with pytest.raises(Unavailable):
                await reader.ask(queries.totals())
            fresh_clickhouse.start()
            await writer.insert([alert()])

            assert (await reader.ask(queries.totals()))[0][:2] == (1, 1)

    async def test_it_is_unavailable_before_it_was_ever_there(self, fresh_clickhouse: Engine) -> None:
        login = fresh_clickhouse.login(WRITER)
        fresh_clickhouse.kill()
        async with Warehouse(login) as writer:
            with pytest.raises(Unavailable):
                await writer.insert([flow()])

    async def test_killing_it_loses_no_row_that_was_acknowledged(self, fresh_clickhouse: Engine) -> None:
        await migrate(fresh_clickhouse.login(OWNER))
        rows = history()
        async with Warehouse(fresh_clickhouse.login(WRITER)) as writer:
            await write(writer, rows, 7)
        fresh_clickhouse.kill()
        fresh_clickhouse.start()

        async with Warehouse(fresh_clickhouse.login(READER)) as reader:
            (totals,) = await reader.ask(queries.totals())
        assert totals == queries.Totals(16, 8, 24, sum(w + 3 for w in range(8)) + 8)
