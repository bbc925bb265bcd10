"""Which partitions can go, and what of them is late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipeline.errors import Unavailable
from pipeline.warehouse.expiry import Dropper, Found, Part, Partition, due, ended, expire, leaving, overdue
from pipeline.warehouse.login import Login

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = 6 * HOUR


def six_hours(time: datetime) -> Partition:
    start = int(time.timestamp()) // 21600 * 21600
    return Partition("alerts", str(start))


def part(first: datetime, last: datetime | None = None, **changes: Any) -> Part:
    made = Part("alerts", six_hours(first).id, active=True, rows=1, first=first, last=last or first)
    return made._replace(**changes)


def test_r20_a_partition_goes_when_its_last_row_has_expired_and_none_can_come_into_it() -> None:
    expired = part(NOON - 7 * HOUR)

    assert due([expired], NOON) == (six_hours(NOON - 7 * HOUR),)


def test_a_partition_stays_while_one_of_its_rows_lives() -> None:
    # A part that the name of its partition does not fit: what its rows say holds.
    odd = part(NOON - 7 * HOUR, NOON + HOUR)

    assert due([part(NOON - 7 * HOUR), odd], NOON) == ()


def test_a_partition_stays_while_rows_that_live_could_come_into_it() -> None:
    assert due([part(NOON + HOUR)], NOON + 2 * HOUR) == ()
    assert due([part(NOON + HOUR)], NOON + SPAN) == (six_hours(NOON + HOUR),)


def test_a_partition_whose_rows_say_nothing_of_their_expiry_stays() -> None:
    assert due([part(NOON - 7 * HOUR)._replace(last=None)], NOON) == ()


def test_r20_what_was_dropped_is_leaving_until_its_files_are_gone() -> None:
    dropped = part(NOON - 7 * HOUR, active=False)

    assert due([dropped], NOON) == ()
    assert leaving([dropped], NOON) == (six_hours(NOON - 7 * HOUR),)
    assert leaving([], NOON) == ()


@pytest.mark.parametrize(
    ("table", "name", "over"),
    [
        ("coverage", "202610", True),
        ("coverage", "202611", False),
        ("people_flow", "202512", True),
        ("people_flow", "209901", False),
        ("people_flow", "202600", False),
        ("people_flow", "202613", False),
        ("alerts", "all", False),
        ("alerts", "", False),
        ("alerts", "1' OR '1", False),
        ("migrations", "202601", False),
    ],
)
def test_only_what_is_known_to_be_over_is_over(table: str, name: str, *, over: bool) -> None:
    assert ended(Partition(table, name), NOON) is over


@given(
    expiry=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them bare
    later=st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_r21_no_row_stays_longer_than_its_partitions_span(expiry: datetime, later: timedelta) -> None:
    now = expiry + later
    is_due = bool(due([part(expiry)], now))

    assert is_due or later <= SPAN
    assert not is_due or expiry < now


@given(times=st.lists(st.timedeltas(-timedelta(days=3), timedelta(days=3)), min_size=1, max_size=20))
def test_r20_no_row_that_lives_is_ever_dropped(times: list[timedelta]) -> None:
    rows = [part(NOON + each) for each in times]
    gone = due(rows, NOON)

    assert all(row.last is not None and row.last < NOON for row in rows if Partition(row.table, row.partition) in gone)


def test_r21_for_how_long_expired_rows_have_been_on_the_disk_is_known_and_told_when_late() -> None:
    rows = [part(NOON - 30 * HOUR, active=False), part(NOON + HOUR), part(NOON - 3 * HOUR)._replace(table="coverage")]
    found = Found((), (), overdue(rows, NOON), 0)

    assert found.overdue["alerts"] == 30 * HOUR
    assert found.overdue["coverage"] == 3 * HOUR
    assert found.overdue["people_flow"] == timedelta(0)
    assert found.late == ("alerts",)


class Engine:
    """Parts, dropped as they are told."""

    def __init__(self, *parts: Part) -> None:
        self.parts = list(parts)

    async def ask(self, query: Any) -> tuple[Any, ...]:
        return tuple(self.parts) if query.name == "parts" else (2,)

    async def drop(self, partition: Partition) -> None:
        self.parts = [
            each._replace(active=False) if Partition(each.table, each.partition) == partition else each
            for each in self.parts
        ]


async def test_r20_a_turn_drops_what_is_due_and_tells_what_is_on_the_disk_still() -> None:
    engine = Engine(part(NOON - 7 * HOUR), part(NOON + HOUR))
    warehouse: Any = engine
    first, second = [await expire(warehouse, engine.drop, NOON) for _ in range(2)]

    old = six_hours(NOON - 7 * HOUR)
    assert (first.dropped, first.leaving, first.detached) == ((old,), (old,), 2)
    assert (second.dropped, second.leaving) == ((), (old,))


LOGIN = Login(url="http://127.0.0.1:9", database="mimamori", user="dropper", password=SecretStr("secret"))


def answering(status: int, code: str, said: str) -> Dropper:
    dropper = Dropper(LOGIN)
    told = httpx.Response(status, headers={"X-ClickHouse-Exception-Code": code} if code else {}, text=said)
    dropper._http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: told))
    return dropper


async def test_what_clickhouse_refuses_is_told_without_its_words() -> None:
    async with answering(403, "497", "dropper: ALTER DELETE ON alerts, a name in it") as dropper:
        with pytest.raises(Unavailable, match=r"does not allow this to the user .*dropper; code 497") as told:
            await dropper(six_hours(NOON))

    assert "a name" not in str(told.value)


async def test_a_clickhouse_that_is_away_is_unavailable() -> None:
    async with Dropper(LOGIN) as dropper:
        with pytest.raises(Unavailable, match="is away"):
            await dropper(six_hours(NOON))


@pytest.mark.parametrize("partition", [Partition("alerts", "1'; DROP TABLE x --"), Partition("migrations", "202601")])
async def test_nothing_but_a_partition_of_ours_is_ever_asked_for(partition: Partition) -> None:
    async with Dropper(LOGIN) as dropper:
        with pytest.raises(ValueError, match="no partition of ours"):
            await dropper(partition)
