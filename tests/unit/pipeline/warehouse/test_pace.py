"""Rows that can wait are written together, once a second."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Unavailable
from pipeline.flow.rows import Row
from pipeline.warehouse.pace import Paced
from tests.integration.warehouse_rows import NOON, WINDOW, coverage, flow

ROWS: tuple[Row, ...] = tuple(flow(NOON + n * WINDOW) for n in range(8))


class Time:
    """A clock that goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(3):
            await asyncio.sleep(0)


class Warehouse:
    """Keeps when what was written."""

    def __init__(self, time: Time, *, away: int = 0) -> None:
        self.time, self.away = time, away
        self.inserts: list[tuple[float, list[Row]]] = []

    async def insert(self, rows: Sequence[Row]) -> None:
        self.inserts.append((self.time.now, list(rows)))
        await asyncio.sleep(0)
        if len(self.inserts) <= self.away:
            raise Unavailable("away")


def paced(away: int = 0) -> tuple[Paced, Warehouse, Time]:
    time = Time()
    warehouse = Warehouse(time, away=away)
    return Paced(warehouse, time.monotonic, time.sleep), warehouse, time


async def test_the_first_is_written_at_once() -> None:
    pace, warehouse, _ = paced()
    await pace.insert(ROWS[:1])

    assert warehouse.inserts == [(100.0, [ROWS[0]])]


async def test_what_several_bring_within_a_second_is_written_together() -> None:
    pace, warehouse, time = paced()
    await asyncio.gather(*(pace.insert([each]) for each in ROWS))

    assert [(at, len(rows)) for at, rows in warehouse.inserts] == [(100.0, 8)]

    time.now += 0.25
    await asyncio.gather(*(pace.insert([each]) for each in ROWS))

    assert [(at, len(rows)) for at, rows in warehouse.inserts[1:]] == [(101.0, 8)]


async def test_what_comes_later_waits_only_for_the_second_to_be_over() -> None:
    pace, warehouse, time = paced()
    await pace.insert(ROWS[:1])
    time.now += 0.75
    await pace.insert(ROWS[1:2])
    time.now += 5
    await pace.insert(ROWS[2:3])

    assert [at for at, _ in warehouse.inserts] == [100.0, 101.0, 106.0]


async def test_what_may_not_wait_goes_at_once_and_takes_along_what_waits() -> None:
    pace, warehouse, time = paced()
    await pace.insert(ROWS[:1])
    await pace.insert(ROWS[1:2], at_once=True)

    assert [at for at, _ in warehouse.inserts] == [100.0, 100.0]
    assert time.now == 100.0


async def test_nothing_is_no_insert() -> None:
    pace, warehouse, _ = paced()
    await pace.insert([])

    assert warehouse.inserts == []


async def test_whoever_brought_rows_that_were_not_written_is_told_and_may_bring_them_again() -> None:
    pace, warehouse, _ = paced(away=1)
    told = await asyncio.gather(*(pace.insert([each]) for each in ROWS), return_exceptions=True)
    await pace.insert(ROWS)

    assert [type(each) for each in told] == [Unavailable] * 8
    assert warehouse.inserts[-1][1] == list(ROWS)


async def test_one_that_gives_up_waiting_keeps_nobody_else_from_being_written() -> None:
    pace, warehouse, _ = paced()
    await pace.insert(ROWS[:1])
    waiting = [asyncio.create_task(pace.insert([each])) for each in ROWS[1:4]]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(*waiting[1:])

    assert {row for _, rows in warehouse.inserts for row in rows} >= {ROWS[0], *ROWS[2:4]}


@pytest.mark.filterwarnings("error")
@given(arrivals=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 3)), max_size=12))
async def test_no_two_inserts_begin_within_a_second_and_every_row_is_there(arrivals: list[tuple[float, int]]) -> None:
    pace, warehouse, time = paced()
    brought: list[Row] = []
    for number, (pause, count) in enumerate(arrivals):
        time.now += pause
        rows = [coverage(NOON + number * WINDOW, version=version) for version in range(1, count + 1)]
        brought += rows
        await asyncio.gather(*(pace.insert([each]) for each in rows))

    begins = [at for at, _ in warehouse.inserts]
    assert all(later - sooner >= 1 - 1e-9 for sooner, later in itertools.pairwise(begins))
    assert [row for _, rows in warehouse.inserts for row in rows] == brought
