"""How long the warehouse takes to answer: 90 days by hour, of one store and of 500, from 10 million rows.

The engine makes the rows itself: 500 stores that are open for 75 quarters of an hour a day, each with a line and a
zone; small counts are withheld. The last day comes once more at the end, so that not everything is merged.
"""

import asyncio
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from measured import Measured, Spent
from warehouse import Engine, engine

from pipeline.warehouse import queries
from pipeline.warehouse.client import connect
from pipeline.warehouse.queries import Query
from pipeline.warehouse.users import OWNER, READER
from schemas.ids import StoreId

STORES: Final = 500
DAYS: Final = 90
QUARTERS: Final = 75
SERIES: Final = 3
BEGIN: Final = datetime(2026, 8, 1, 20, tzinfo=UTC)
"""Five in the morning in Tokyo."""
END: Final = BEGIN + timedelta(days=DAYS)
STORE: Final = StoreId("store-0007")
ROLLUPS: Final = ("people_flow_hourly", "people_flow_daily", "store_hourly", "store_daily")

_SEED: Final = """
INSERT INTO people_flow (store_id, camera_id, metric, line_id, zone_id, window_start, window_seconds, profile, version,
    values, coverage, suppressed, suppressed_below, notice_id, model_digest, config_digest, day)
SELECT 'store-' || leftPad(toString(store), 4, '0'), 'door', ['line_in', 'line_out', 'occupancy'][series + 1],
    series < 2 ? 'entrance' : '', series < 2 ? '' : 'counter', start, 900, 'published', 1 + (hash % 50 = 0),
    suppressed ? [] : [series < 2 ? people : people * 0.37], hash % 97 < 3 ? 1 - (hash % 1000) / 5000 : 1, suppressed,
    3, 'notice-' || toString(store), 'm' || toString(store % 3), 'c' || toString(store), toDate(start, 'Asia/Tokyo')
FROM (
    SELECT number % {series} AS series, intDiv(number, {series}) % {quarters} AS quarter,
        intDiv(number, {series} * {quarters}) % {days} + {first} AS day_,
        intDiv(number, {series} * {quarters} * {days}) AS store,
        toDateTime({begin}, 'UTC') + 86400 * day_ + 900 * quarter AS start, cityHash64(number, {first}) AS hash,
        toFloat64(floor((1 + 14 * exp(-pow(quarter - 34, 2) / 400)) * (0.4 + (hash % 1000) / 800))) AS people,
        series < 2 AND people IN (1, 2) AS suppressed
    FROM numbers({rows})
)
SETTINGS max_block_size = 50000, min_insert_block_size_rows = 100000, max_insert_threads = 1, max_threads = 2
"""

_RAW: Final = (
    "SELECT store_id, toStartOfHour(window_start) AS hour, sumIf(values[1], metric = 'line_in'), "
    "sumIf(values[1], metric = 'line_out') FROM people_flow FINAL WHERE store_id = {store:String} "
    "GROUP BY store_id, hour ORDER BY store_id, hour"
)


@dataclass(frozen=True)
class Asked:
    """A question, put some times, and what each time took of engine and asker."""

    rows: int
    spent: tuple[Spent, ...]

    @property
    def ms(self) -> float:
        """Return the median of what it takes when nobody else wants the cores; what is waited for besides counts."""
        return statistics.median(each.own for each in self.spent) * 1e3

    @property
    def wall_ms(self) -> float:
        return statistics.median(each.at for each in self.spent) * 1e3

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "ms": round(self.ms, 1),
            "wall_ms": round(self.wall_ms, 1),
            "cpu_ms": round(statistics.median(each.cpu for each in self.spent) * 1e3, 1),
            "runs": len(self.spent),
        }


def measure(place: Path, *, quick: bool) -> Measured:
    """Ask for 90 days by hour; with a tenth of the stores where it should be quick."""
    stores = STORES // 10 if quick else STORES
    with engine(place) as running:
        return asyncio.run(_measured(running, stores, quick=quick))


async def _measured(running: Engine, stores: int, *, quick: bool) -> Measured:
    rows, seconds = await _seeded(running, stores)
    times = 5 if quick else 21
    raw = Query("raw: one store", _RAW, tuple, {"store": STORE})
    found = {
        "one store": await _asked(running, queries.store_hours(STORE, BEGIN, END), times),
        "every store": await _asked(running, queries.every_stores_hours(BEGIN, END), times),
        "one store, without the rollup": await _asked(running, raw, times),
    }
    one, every = found["one store"], found["every store"]
    if one.rows < DAYS * 18 or every.rows < stores * DAYS * 18:
        raise RuntimeError(f"{one.rows} and {every.rows} hours are not all")
    return Measured(
        title=f"{DAYS} days by hour, of {rows:,} rows",
        shown=[
            *((name, f"{each.ms:.1f} ms; by the wall {each.wall_ms:.1f} ms") for name, each in found.items()),
            ("working out the rollups", f"{seconds:.1f} s of CPU time"),
        ],
        # Of fewer stores the time says nothing of all.
        limited={"query_store_90d_ms": one.ms} | ({} if quick else {"query_500_stores_90d_ms": every.ms}),
        details={"rows": rows, "stores": stores, "rollups_cpu_s": round(seconds, 1)}
        | {name: each.as_dict() for name, each in found.items()},
        plots=[lambda axes: _plot(axes, found)],
    )


async def _seeded(running: Engine, stores: int) -> tuple[int, float]:
    """Make rows and rollups; return how many rows there are, and what of a core the rollups took."""
    client = await connect(running.login(OWNER))
    step = DAYS // 3
    for first in range(0, DAYS, step):
        await client.command(_seed(stores, first, step))
    before = Spent.of(running.pid)
    await _refreshed(client)
    spent = Spent.of(running.pid).since(before)
    # As the engine does by itself, with time.
    for each in ("people_flow", *ROLLUPS):
        await client.command(f"OPTIMIZE TABLE {each} FINAL")
    await client.command(_seed(stores, DAYS - 1, 1))
    await _refreshed(client)
    rows = int(str(await client.command("SELECT count() FROM people_flow FINAL")))
    await client.close()
    return rows, spent.cpu


def _seed(stores: int, first: int, days: int) -> str:
    rows = stores * days * QUARTERS * SERIES
    begin = int(BEGIN.timestamp())
    return _SEED.format(series=SERIES, quarters=QUARTERS, days=days, first=first, begin=begin, rows=rows)


async def _refreshed(client: Any) -> None:
    for each in ROLLUPS:
        await client.command(f"SYSTEM REFRESH VIEW {each}_refresh")
        await client.command(f"SYSTEM WAIT VIEW {each}_refresh")


async def _asked(running: Engine, query: Query[Any], times: int) -> Asked:
    """Ask until the last byte of the answer is there; the first time is not counted."""
    client = await connect(running.login(READER))
    spent = []
    for turn in range(times + 1):
        before = Spent.of(running.pid, "self")
        answer = await client.raw_query(query.sql, parameters=dict(query.parameters), fmt="Native")
        took = Spent.of(running.pid, "self").since(before)
        if turn:
            spent.append(took)
    rows = int(str(await client.command(f"SELECT count() FROM ({query.sql})", parameters=dict(query.parameters))))
    if not answer:
        raise RuntimeError(f"{query.name} is not answered")
    await client.close()
    return Asked(rows, tuple(spent))


def _plot(axes: Any, asked: Mapping[str, Asked]) -> None:
    axes.barh(list(asked), [each.ms for each in asked.values()])
    axes.set(title=f"{DAYS} days by hour", xlabel="milliseconds", xscale="log")
