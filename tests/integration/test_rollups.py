"""Rollups on a real engine: they are what their rows are, whatever came when; and what a dashboard gets of them."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.flow.rows import FlowRow
from pipeline.warehouse import queries
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.expiry import Dropper, expire, parts
from pipeline.warehouse.migrations import FOLDER, apply, migrate, read
from pipeline.warehouse.queries import Query, StoreHour
from pipeline.warehouse.users import DASHBOARD, DROPPER, ERASER, OWNER
from schemas.flow import Metric
from schemas.ids import StoreId
from tests.integration.clickhouse_fixtures import Engine
from tests.integration.warehouse_rows import NOON, TOKYO, WINDOW, flow

ROLLUPS = ("people_flow_hourly", "people_flow_daily", "store_hourly", "store_daily")
STORE = StoreId("shibuya")
HOUR = timedelta(hours=1)
FILTERED = "additional_table_filters = {'mimamori.people_flow_hourly': 'values[1] < 5'}"
DAY = timedelta(days=1)


@pytest.fixture
async def owner(clickhouse: Engine) -> AsyncIterator[Warehouse]:
    async with Warehouse(clickhouse.login(OWNER)) as warehouse:
        yield warehouse


@pytest.fixture
async def dashboard(clickhouse: Engine) -> AsyncIterator[Warehouse]:
    async with Warehouse(clickhouse.login(DASHBOARD)) as warehouse:
        yield warehouse


async def refreshed(owner: Warehouse) -> None:
    """Do at once what happens every minute."""
    for each in ROLLUPS:
        await owner.run(f"SYSTEM REFRESH VIEW {each}_refresh")
        await owner.run(f"SYSTEM WAIT VIEW {each}_refresh")


def crossings(count: float, number: int = 0, **changes: Any) -> FlowRow:
    """Return a window's row: withheld where the count is of one or two."""
    values = () if 0 < count < 3 else (count,)
    return flow(NOON + number * WINDOW, values=values, suppressed=not values, suppressed_below=3, **changes)


async def asked(who: Warehouse, sql: str) -> list[Any]:
    return list(await who.ask(Query("asked", sql, lambda *row: row)))


async def test_an_hour_is_the_sum_of_what_was_told_of_it(
    owner: Warehouse, writer: Warehouse, reader: Warehouse
) -> None:
    await writer.insert([crossings(7, 0), crossings(2, 1), crossings(5, 2, coverage=0.5), crossings(30, 4)])
    await writer.insert([crossings(4, 0, metric=Metric.LINE_OUT)])
    await refreshed(owner)

    first, second = await reader.ask(queries.store_hours(STORE, NOON, NOON + DAY))
    assert first == StoreHour(STORE, NOON, come=12, go=4, coverage=0.875, withheld=1)
    assert second == StoreHour(STORE, NOON + HOUR, come=30, go=0, coverage=1, withheld=0)


async def test_rollups_are_what_their_rows_are_whatever_came_twice_late_or_out_of_order(
    owner: Warehouse, writer: Warehouse, reader: Warehouse
) -> None:
    rows = [crossings(3 + n % 9, n, version=version) for n in range(20) for version in (1, 2)]
    rows += [crossings(20.0 + n, n, version=3) for n in range(0, 20, 2)]
    for seed in range(3):
        shuffled = [*rows, *rows[seed::3]]
        random.Random(seed).shuffle(shuffled)
        for begin in range(0, len(shuffled), 17):
            await writer.insert(shuffled[begin : begin + 17])
        await refreshed(owner)

    told = sum(20.0 + n for n in range(0, 20, 2)) + sum(3 + n % 9 for n in range(1, 20, 2))
    (hourly, daily, of_hours, of_days) = [
        (await asked(reader, f"SELECT sum({what}) FROM {table} FINAL"))[0][0]
        for table, what in zip(ROLLUPS, ("values[1]", "values[1]", "come", "come"), strict=True)
    ]
    assert (hourly, daily, of_hours, of_days) == (told,) * 4


async def test_nothing_new_is_worked_out_again_for_nothing(owner: Warehouse, writer: Warehouse) -> None:
    await writer.insert([crossings(7)])
    await refreshed(owner)
    # As if the last time had been a while ago: nothing has come since.
    for each in ROLLUPS:
        await owner.run(
            f"INSERT INTO {each} SELECT * REPLACE (now64(3) + INTERVAL 1 HOUR AS computed_at) FROM {each} FINAL"
        )
    before = await asked(owner, "SELECT count() FROM people_flow_hourly")
    await refreshed(owner)

    # A clock that was an hour ahead, and is right again, keeps nothing from being found either.
    assert await asked(owner, "SELECT count() FROM people_flow_hourly") >= before
    await writer.insert([crossings(9, version=2)])
    await refreshed(owner)
    assert await asked(owner, "SELECT come FROM store_hourly FINAL") == [(9,)]


async def test_a_day_is_that_of_the_store(owner: Warehouse, writer: Warehouse, reader: Warehouse) -> None:
    # Tokyo's midnight is three hours after noon's window.
    await writer.insert([crossings(5, 11), crossings(6, 12)])
    await refreshed(owner)

    days = await reader.ask(queries.store_days(date(2026, 11, 1), date(2026, 12, 1)))
    assert [(each.day, each.come) for each in days] == [(date(2026, 11, 23), 5), (date(2026, 11, 24), 6)]
    assert crossings(6, 12).window_start.astimezone(TOKYO).date() == date(2026, 11, 24)


async def test_heat_and_dwell_add_up_cell_by_cell_and_levels_keep_their_last(
    owner: Warehouse, writer: Warehouse, reader: Warehouse
) -> None:
    dwell = {"metric": Metric.DWELL_HISTOGRAM, "line_id": None, "zone_id": "shelf"}
    await writer.insert(
        [
            flow(NOON, values=(3.0, 0.0, 4.0), withheld=(1,), **dwell),
            flow(NOON + WINDOW, values=(5.0, 6.0, 0.0), **dwell),
            flow(NOON, values=(9.0,), metric=Metric.OCCUPANCY),
            flow(NOON + WINDOW, values=(4.0,), metric=Metric.OCCUPANCY),
        ]
    )
    await refreshed(owner)

    found = await reader.ask(queries.place_hours(STORE, NOON, NOON + HOUR))
    by_metric = {each.metric: each for each in found}
    assert by_metric["dwell_histogram"].values == (8, 6, 4)
    assert by_metric["dwell_histogram"].withheld == 1
    assert (by_metric["occupancy"].last, by_metric["occupancy"].windows) == (4, 2)


MEDIAN: dict[str, Any] = {"metric": Metric.DWELL_MEDIAN, "line_id": None, "zone_id": "shelf"}
QUARTERS = ((60.0,), (), (), ())


async def test_a_mean_is_of_the_windows_that_have_a_value(
    owner: Warehouse, writer: Warehouse, reader: Warehouse
) -> None:
    await writer.insert([flow(NOON + n * WINDOW, values=values, **MEDIAN) for n, values in enumerate(QUARTERS)])
    await writer.insert([flow(NOON + 4 * WINDOW, values=(), suppressed=True, **MEDIAN)])
    await writer.insert([flow(NOON + 5 * WINDOW, values=(30.0,), **MEDIAN)])
    await refreshed(owner)

    hours = await asked(reader, "SELECT windows, suppressed, values FROM people_flow_hourly FINAL ORDER BY hour")
    days = await asked(reader, "SELECT windows, suppressed, values FROM people_flow_daily FINAL")
    assert hours == [(1, 0, (60.0,)), (1, 1, (30.0,))]
    assert days == [(2, 1, (90.0,))]


async def test_what_was_worked_out_before_is_worked_out_again_and_twice_is_as_once(
    fresh_clickhouse: Engine, tmp_path: Path
) -> None:
    for file in FOLDER.glob("000[1-8]_*.sql"):
        shutil.copy(file, tmp_path)
    login = fresh_clickhouse.login(OWNER)
    await migrate(login, tmp_path)
    (last,) = (each for each in read(FOLDER) if each.number == 9)
    async with Warehouse(login) as owner:
        await owner.insert([flow(NOON + n * WINDOW, values=values, **MEDIAN) for n, values in enumerate(QUARTERS)])
        await refreshed(owner)
        before = [await asked(owner, f"SELECT windows FROM people_flow_{each} FINAL") for each in ("hourly", "daily")]
        found = []
        for _ in range(2):
            await apply(owner, last)
            await refreshed(owner)
            found += [
                await asked(owner, f"SELECT windows FROM people_flow_{each} FINAL") for each in ("hourly", "daily")
            ]
        waits_for = await asked(
            owner, "SELECT create_table_query FROM system.tables WHERE name = 'people_flow_daily_refresh'"
        )

    assert before == [[(4,)], [(4,)]]
    assert found == [[(1,)], [(1,)]] * 2
    assert "people_flow_hourly_refresh" in waits_for[0][0]
    assert await migrate(login) == tuple(each for each in read(FOLDER) if each.number > 9)


class TestDashboard:
    """R52: nobody gets at fewer than ten people, however they ask."""

    @pytest.fixture(autouse=True)
    async def _counted(self, owner: Warehouse, writer: Warehouse) -> None:
        """Counts of several doors and hours, large and small, beside each other."""
        hidden = random.Random(7)
        told = [
            crossings(hidden.choice([0, 1, 2, 3, 4, 7, 12, 40]), number, camera_id=camera, metric=metric)
            for number in range(-200, -104, 2)
            for camera in ("door", "back", "side")
            for metric in (Metric.LINE_IN, Metric.LINE_OUT)
        ]
        await writer.insert(told)
        await refreshed(owner)

    async def test_every_cell_is_of_ten_or_none(self, dashboard: Warehouse, reader: Warehouse) -> None:
        cells = await asked(dashboard, "SELECT store_id, hour, camera_id, metric, people FROM dashboard_flow_hourly")
        small = await asked(reader, "SELECT count() FROM people_flow_hourly FINAL WHERE values[1] BETWEEN 1 AND 9")

        assert small[0][0] > 10, "nothing here is small: the test shows nothing"
        assert len(cells) > 100
        assert all(people is None or people >= 10 for *_, people in cells)

    async def test_whatever_is_summed_is_a_sum_of_such_cells_so_that_no_difference_tells_more(
        self, dashboard: Warehouse
    ) -> None:
        for by, sums in {
            "store_id, hour": "SELECT store_id, hour, come FROM dashboard_store_hourly",
            "store_id, day": "SELECT store_id, day, come FROM dashboard_store_daily",
            "store_id, day, camera_id": (
                "SELECT store_id, day, camera_id, people FROM dashboard_flow_daily WHERE metric = 'line_in'"
            ),
        }.items():
            of_cells = f"SELECT {by}, sumIf(people, metric = 'line_in') FROM dashboard_flow_hourly GROUP BY {by}"
            differing = await asked(dashboard, f"SELECT * FROM ({sums}) EXCEPT SELECT * FROM ({of_cells})")
            assert differing == []

    @pytest.mark.parametrize(
        "statement",
        [
            *(f"SELECT count() FROM {table}" for table in ("people_flow", "coverage", "alerts", *ROLLUPS)),
            "SELECT come_shown FROM dashboard_store_hourly",
            "SELECT * FROM system.parts",
            "SELECT * FROM system.view_refreshes",
            "SELECT * FROM merge('mimamori', '^store_hourly$')",
            f"SELECT * FROM dashboard_flow_hourly SETTINGS {FILTERED}",
            "SELECT * FROM dashboard_flow_hourly SETTINGS additional_result_filter = '1'",
            "SET additional_table_filters = {'people_flow_hourly': '0'}",
            "SET readonly = 0",
            "INSERT INTO people_flow (store_id) VALUES ('x')",
            "CREATE TEMPORARY TABLE mine (x UInt8)",
            "CREATE VIEW mimamori.mine AS SELECT * FROM people_flow",
        ],
    )
    async def test_r17_it_gets_at_nothing_else(self, clickhouse: Engine, statement: str) -> None:
        with pytest.raises(OSError, match="HTTP Error"):
            await asyncio.to_thread(clickhouse.clickhouse.ask, DASHBOARD, f"{statement}\n", 5)

    async def test_tables_that_are_asked_for_by_pattern_are_those_it_may_see(self, dashboard: Warehouse) -> None:
        pattern = "SELECT DISTINCT _table FROM merge('mimamori', 'store_hourly') WHERE come IS NULL OR come >= 10"

        assert await asked(dashboard, pattern) == [("dashboard_store_hourly",)]

    async def test_a_filter_sees_what_is_shown_and_not_what_is_behind_it(self, dashboard: Warehouse) -> None:
        for ask in ("people < 10", "people IN (3, 4, 7)", "ifNull(people, 0) BETWEEN 1 AND 9"):
            assert await asked(dashboard, f"SELECT count() FROM dashboard_flow_hourly WHERE {ask}") == [(0,)]

    async def test_an_hour_that_is_not_over_does_not_show(
        self, owner: Warehouse, writer: Warehouse, dashboard: Warehouse
    ) -> None:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        await writer.insert([flow(now, values=(50.0,), suppressed_below=3)])
        await refreshed(owner)

        shown = await asked(
            dashboard, f"SELECT hour FROM dashboard_store_hourly WHERE hour >= toDateTime({now.timestamp():.0f})"
        )
        assert shown == []


async def test_r20_rollups_expire_with_their_first_row_and_are_dropped_by_partition(
    clickhouse: Engine, owner: Warehouse, writer: Warehouse
) -> None:
    now = datetime(2030, 6, 15, 12, tzinfo=UTC)
    long_ago = now - timedelta(days=761 + 40)
    await writer.insert(
        [
            crossings(7)._replace(
                window_start=long_ago + n * WINDOW, expires_at=long_ago + n * WINDOW + timedelta(days=761)
            )
            for n in range(4)
        ]
    )
    await refreshed(owner)
    async with Warehouse(clickhouse.login(ERASER)) as eraser, Dropper(clickhouse.login(DROPPER)) as drop:
        # Of tests before this one, files of truncated tables may be leaving still.
        before = [part for part in await eraser.ask(parts()) if part.active and part.rows]
        found = await expire(eraser, drop, now)
        await refreshed(owner)
        after = [part for part in await eraser.ask(parts()) if part.active and part.rows]

    firsts = {part.first for part in before}
    assert {part.table for part in before} == {"people_flow", *ROLLUPS}
    assert firsts == {long_ago + timedelta(days=761)}
    assert {each.table for each in found.dropped} == {"people_flow", *ROLLUPS}
    assert after == []


async def test_who_watches_sees_whether_refreshing_fails_and_no_row(clickhouse: Engine) -> None:
    async with Warehouse(clickhouse.login(ERASER)) as eraser:
        told = await asked(eraser, "SELECT view, exception FROM system.view_refreshes ORDER BY view")

    assert [(view, exception) for view, exception in told] == [(f"{each}_refresh", "") for each in sorted(ROLLUPS)]
