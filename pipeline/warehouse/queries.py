"""Every question that is put to the warehouse, by name."""
# ruff: noqa: S608 - what is put into the text are our own column names; what people ask with is bound by the server

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from schemas.ids import StoreId

Answer = TypeVar("Answer")

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Query(Generic[Answer]):
    """A question with its parameters bound by the server, and the shape of one row of its answer."""

    name: str
    sql: str
    answer: Callable[..., Answer]
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Totals(NamedTuple):
    """What a run has left in the warehouse. A person counts where they became known, unless that is withheld."""

    flow_rows: int
    alerts: int
    people_tracked: int
    crossings: int


class Latency(NamedTuple):
    """From capture to the first arrival of an alert's row, in milliseconds; all 0 where n is 0."""

    n: int
    p50: float
    p95: float
    p99: float


class StoreHour(NamedTuple):
    """How many came to a store and went in an hour, at least: `withheld` windows are not in it."""

    store_id: StoreId
    hour: datetime
    come: float
    go: float
    coverage: float
    withheld: int


class StoreDay(NamedTuple):
    """How many came to a store and went on one of its own days, at least: `withheld` windows are not in it."""

    store_id: StoreId
    day: date
    come: float
    go: float
    coverage: float
    withheld: int


class PlaceHour(NamedTuple):
    """A line, a zone or the whole picture in an hour: sums over `windows` that were told, bin by bin, cell by cell.

    Of occupancy and of a median the sum says nothing: divide it by `windows`, or take the `last`.
    """

    hour: datetime
    camera_id: str
    metric: str
    line_id: str
    zone_id: str
    values: tuple[float, ...]
    last: float | None
    windows: int
    suppressed: int
    withheld: int
    coverage: float


def store_hours(store: StoreId, begin: datetime, end: datetime) -> Query[StoreHour]:
    """Every hour of a store that began from `begin` on and before `end`, oldest first."""
    return _store_hours("store_hours", "store_id = {store:String} AND", {"store": store, "begin": begin, "end": end})


def every_stores_hours(begin: datetime, end: datetime) -> Query[StoreHour]:
    """Every hour of every store that began from `begin` on and before `end`, by store, oldest first."""
    return _store_hours("every_stores_hours", "", {"begin": begin, "end": end})


def _store_hours(name: str, where: str, parameters: Mapping[str, Any]) -> Query[StoreHour]:
    return Query(
        name,
        "SELECT store_id, hour, come, go, seen_seconds / seconds, suppressed FROM store_hourly FINAL "
        f"WHERE {where} hour >= {{begin:DateTime64(6)}} AND hour < {{end:DateTime64(6)}} ORDER BY store_id, hour, day",
        StoreHour,
        parameters,
    )


def store_days(begin: date, end: date) -> Query[StoreDay]:
    """Every store's own days from `begin` on and before `end`, by store, oldest first."""
    return Query(
        "store_days",
        "SELECT store_id, day, come, go, seen_seconds / seconds, suppressed FROM store_daily FINAL "
        "WHERE day >= {begin:Date} AND day < {end:Date} ORDER BY store_id, day",
        StoreDay,
        {"begin": begin, "end": end},
    )


def place_hours(store: StoreId, begin: datetime, end: datetime) -> Query[PlaceHour]:
    """Every line, zone and picture of a store by hour, from `begin` on and before `end`, oldest first."""
    return Query(
        "place_hours",
        "SELECT hour, camera_id, metric, line_id, zone_id, values, last, windows, suppressed, withheld, "
        "seen_seconds / seconds FROM people_flow_hourly FINAL WHERE store_id = {store:String} "
        "AND hour >= {begin:DateTime64(6)} AND hour < {end:DateTime64(6)} "
        "ORDER BY hour, camera_id, metric, line_id, zone_id, day",
        PlaceHour,
        {"store": store, "begin": begin, "end": end},
    )


def flow_today(store: StoreId, timezone: ZoneInfo, now: datetime) -> Query[FlowRow]:
    """Every window of a store that began on its own present day, oldest first."""
    begin, end = day(now, timezone)
    return flow_between(store, begin, end)


def flow_between(store: StoreId, begin: datetime, end: datetime) -> Query[FlowRow]:
    """Every window of a store that began from `begin` on and before `end`, oldest first."""
    return Query(
        "flow_between",
        f"SELECT {columns(FlowRow)} FROM people_flow FINAL "
        "WHERE store_id = {store:String} "
        "AND window_start >= {begin:DateTime64(6)} AND window_start < {end:DateTime64(6)} "
        "ORDER BY window_start, camera_id, metric, line_id, zone_id",
        FlowRow,
        {"store": store, "begin": begin, "end": end},
    )


def alerts_latest(limit: int, since: datetime, now: datetime) -> Query[AlertRow]:
    """The newest alerts that were seen after `since` and live still, newest first."""
    return Query(
        "alerts_latest",
        f"SELECT {columns(AlertRow)} FROM alerts FINAL "
        "WHERE utc_time > {since:DateTime64(6)} AND expires_at > {now:DateTime64(6)} "
        "ORDER BY utc_time DESC, alert_id LIMIT {limit:UInt32}",
        AlertRow,
        {"limit": limit, "since": since, "now": now},
    )


def coverage_latest(since: datetime) -> Query[CoverageRow]:
    """The newest window of each camera that has one since then."""
    return Query(
        "coverage_latest",
        f"SELECT {columns(CoverageRow)} FROM coverage FINAL WHERE window_start >= {{since:DateTime64(6)}} "
        "ORDER BY store_id, camera_id, window_start DESC LIMIT 1 BY store_id, camera_id",
        CoverageRow,
        {"since": since},
    )


def latency(since: datetime = LONG_AGO) -> Query[Latency]:
    """How long alerts took from capture to row. A row that is written again does not count as later."""
    return Query(
        "latency",
        "SELECT count(), "
        + ", ".join(f"if(count() = 0, 0, quantileExact({level})(ms))" for level in (0.5, 0.95, 0.99))
        + " FROM (SELECT dateDiff('microsecond', utc_time, arrived_at) / 1000 AS ms "
        "FROM alert_arrivals FINAL WHERE utc_time >= {since:DateTime64(6)})",
        Latency,
        {"since": since},
    )


def totals(since: datetime = LONG_AGO) -> Query[Totals]:
    """Counts for the summary of a run."""
    return Query(
        "totals",
        "SELECT (SELECT count() FROM people_flow FINAL WHERE window_start >= {since:DateTime64(6)}), "
        "(SELECT count() FROM alerts FINAL WHERE utc_time >= {since:DateTime64(6)}), "
        "(SELECT ifNull(sum(people_tracked), 0) FROM coverage FINAL WHERE window_start >= {since:DateTime64(6)}), "
        "(SELECT toUInt64(sum(values[1])) FROM people_flow FINAL "
        "WHERE window_start >= {since:DateTime64(6)} AND metric IN ('line_in', 'line_out'))",
        Totals,
        {"since": since},
    )


def day(now: datetime, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    """Begin and end, in UTC, of the local day; 23 or 25 hours long where clocks change."""
    midnight = now.astimezone(timezone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # Wall clock arithmetic: the next midnight is a day on by the clock, however many hours that is.
    return midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)


def columns(row: type[FlowRow | AlertRow | CoverageRow]) -> str:
    return ", ".join(f"`{name}`" for name in row._fields)
