"""Partitions whose every row has expired: found by the engine's own account of its parts, dropped, and watched until
they have left the disk.

Nothing is picked out by name. `ALTER … DELETE WHERE alert_id = …` would leave the name in `mutation_N.txt`, and the
rows in old parts; so whoever drops may do that alone (see `dropper` in pipeline/warehouse/users.py), and reads no row.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

import httpx

from pipeline.errors import Unavailable
from pipeline.warehouse.client import PASSING, UNPREPARED, Warehouse
from pipeline.warehouse.login import Login
from pipeline.warehouse.queries import Query

SLACK: Final = timedelta(hours=24)
"""Expired rows are off the disk by then (R21)."""

SPANS: Final[Mapping[str, timedelta | None]] = {
    "alerts": timedelta(hours=6),
    "alert_arrivals": timedelta(hours=6),
    "people_flow": None,
    "people_flow_hourly": None,
    "people_flow_daily": None,
    "store_hourly": None,
    "store_daily": None,
    "coverage": None,
}
"""The tables that forget, and how long a span of expiries a partition holds: None is a month (0005)."""

_PARTITION: Final = re.compile(r"[0-9]{6,11}")


class Part(NamedTuple):
    """A part of a table on ClickHouse's disk, and when its first and its last row expire; None where it has no row."""

    table: str
    partition: str
    active: bool
    rows: int
    first: datetime | None
    last: datetime | None


class Partition(NamedTuple):
    """Rows of one table that expire in one span."""

    table: str
    id: str


@dataclass(frozen=True)
class Found:
    """What a turn found and did.

    `dropped`: partitions that were dropped now. `leaving`: those that have expired and are on the disk still, dropped
    or not. `overdue`: by table, for how long its oldest expired row has been on the disk. `detached`: parts that an
    operator or a crash has put aside, which nothing here removes.
    """

    dropped: tuple[Partition, ...]
    leaving: tuple[Partition, ...]
    overdue: Mapping[str, timedelta]
    detached: int

    @property
    def late(self) -> tuple[str, ...]:
        """Tables with rows on the disk that had to be off it."""
        return tuple(table for table, by in self.overdue.items() if by > SLACK)


def parts() -> Query[Part]:
    """Every part of the tables that forget, the inactive ones too: they are files like the others."""
    # What the engine knows of its TTL is kept true when rows are taken out by it; min_time is not, but always there.
    moment = "nullIf(if(toUnixTimestamp(delete_ttl_info_{0}) > 0, delete_ttl_info_{0}, {0}_time), toDateTime(0))"
    return Query(
        "parts",
        f"SELECT table, partition_id, active, rows, {moment.format('min')}, {moment.format('max')} FROM system.parts "  # noqa: S608 - our own text
        "WHERE database = currentDatabase() AND table IN {tables:Array(String)} ORDER BY table, partition_id, name",
        lambda table, partition, active, rows, first, last: Part(
            table, partition, bool(active), rows, _utc(first), _utc(last)
        ),
        {"tables": list(SPANS)},
    )


def detached() -> Query[int]:
    return Query("detached", "SELECT count() FROM system.detached_parts WHERE database = currentDatabase()", int)


def due(found: Iterable[Part], now: datetime) -> tuple[Partition, ...]:
    """Return the partitions that can go: no row in them lives, and none that lives could still come into them."""
    by_partition: dict[Partition, list[Part]] = {}
    for part in found:
        if part.active and part.rows:
            by_partition.setdefault(Partition(part.table, part.partition), []).append(part)
    return tuple(
        partition
        for partition, its in by_partition.items()
        if ended(partition, now) and all(part.last is not None and part.last < now for part in its)
    )


def ended(partition: Partition, now: datetime) -> bool:
    """Say whether the span of a partition is over. One whose name says no span never is: nothing unknown is dropped."""
    if not _PARTITION.fullmatch(partition.id) or partition.table not in SPANS:
        return False
    span = SPANS[partition.table]
    if span is not None:
        return datetime.fromtimestamp(int(partition.id), UTC) + span <= now
    year, month = divmod(int(partition.id), 100)
    return 1 <= month <= 12 and datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) <= now


def leaving(found: Iterable[Part], now: datetime) -> tuple[Partition, ...]:
    """Return the partitions that are over and have rows on the disk still: dropping marks parts, and leaves files."""
    every = dict.fromkeys(Partition(part.table, part.partition) for part in found if part.rows)
    return tuple(partition for partition in every if ended(partition, now))


def overdue(found: Collection[Part], now: datetime) -> Mapping[str, timedelta]:
    """Return for each table for how long the row that expired first has been on the disk."""
    return {
        table: max(
            (now - part.first for part in found if part.table == table and part.first and part.first < now),
            default=timedelta(0),
        )
        for table in SPANS
    }


class Drop(Protocol):
    """Drops one partition, whole."""

    async def __call__(self, partition: Partition) -> None: ...


async def expire(warehouse: Warehouse, drop: Drop, now: datetime) -> Found:
    """Drop what is due, and say what is on the disk afterwards. Doing it again does no harm.

    Raises:
        Unavailable: ClickHouse is away, or does not allow it.
    """
    gone = due(await warehouse.ask(parts()), now)
    for partition in gone:
        await drop(partition)
    left = await warehouse.ask(parts())
    (aside,) = await warehouse.ask(detached())
    return Found(gone, leaving(left, now), overdue(left, now), aside)


class Dropper:
    """Drops partitions as a user who can do nothing else.

    It speaks plain HTTP: the driver begins with questions that this user may not ask.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        user = {"X-ClickHouse-User": login.user, "X-ClickHouse-Key": login.password.get_secret_value()}
        self._http = httpx.AsyncClient(headers=user, timeout=login.answer_timeout.total_seconds())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def __call__(self, partition: Partition) -> None:
        """Drop a partition.

        Raises:
            Unavailable: ClickHouse is away, or does not allow it.
        """
        if partition.table not in SPANS or not _PARTITION.fullmatch(partition.id):
            raise ValueError("no partition of ours has such a name")
        await self.run(f"ALTER TABLE {partition.table} DROP PARTITION ID '{partition.id}'")

    async def run(self, statement: str) -> None:
        try:
            answer = await self._http.post(
                self._login.url, params={"database": self._login.database}, content=statement.encode()
            )
        except httpx.TransportError as error:
            raise Unavailable(f"ClickHouse is away: {type(error).__name__}") from None
        if answer.is_error:
            raise Unavailable(_refused(answer.headers.get("X-ClickHouse-Exception-Code", ""), self._login))

    async def close(self) -> None:
        await self._http.aclose()


def _refused(code: str, login: Login) -> str:
    """Say what a code means. What the server wrote is not told: it may quote."""
    number = int(code) if code.isdigit() else 0
    wrong, mend = UNPREPARED.get(number, ("is away or busy" if number in PASSING else "refuses", "see its own log"))
    return f"ClickHouse {wrong} ({login.database}, as {login.user}; code {code}): {mend}"


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
