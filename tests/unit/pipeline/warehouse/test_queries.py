"""The questions, before they are asked."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.warehouse import queries
from pipeline.warehouse.queries import LONG_AGO, Query
from schemas.ids import StoreId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVERY = [
    queries.flow_today(StoreId("shibuya"), ZoneInfo("Asia/Tokyo"), NOON),
    queries.flow_between(StoreId("shibuya"), NOON, NOON),
    queries.alerts_latest(10, NOON, NOON),
    queries.coverage_latest(NOON),
    queries.latency(),
    queries.totals(),
]


def test_a_day_in_tokyo_begins_in_the_afternoon_of_the_day_before() -> None:
    begin, end = queries.day(NOON, ZoneInfo("Asia/Tokyo"))

    assert begin == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert end - begin == timedelta(hours=24)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(month: int, day: int, hours: int) -> None:
    begin, end = queries.day(datetime(2026, month, day, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))

    assert end - begin == timedelta(hours=hours)


@pytest.mark.parametrize("query", EVERY, ids=lambda query: query.name)
def test_every_question_reads_each_table_final(query: Query[object]) -> None:
    tables = re.findall(r"FROM ([a-z_]+)( FINAL)?", query.sql)

    assert tables
    assert all(final for _, final in tables)


@pytest.mark.parametrize("query", EVERY, ids=lambda query: query.name)
def test_every_question_binds_what_it_is_asked_with(query: Query[object]) -> None:
    assert set(re.findall(r"\{(\w+):", query.sql)) == set(query.parameters)
    assert "shibuya" not in query.sql


def test_a_question_without_a_beginning_goes_back_to_the_first_row() -> None:
    assert queries.totals().parameters == {"since": LONG_AGO}
