"""ClickHouse as the warehouse: rows in, answers to named queries out."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import (
    DataError,
    Error,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)

from pipeline.errors import Unavailable
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow, Row
from pipeline.warehouse.login import Login
from pipeline.warehouse.queries import Query

Answer = TypeVar("Answer")

TABLES: Final[dict[type[Row], str]] = {AlertRow: "alerts", FlowRow: "people_flow", CoverageRow: "coverage"}
"""In the order in which they are written: somebody may be waiting for an alert."""

# The server's codes that pass by themselves: timeouts, too busy, out of memory or disk for now, shutting down.
PASSING: Final = frozenset({159, 160, 164, 198, 202, 203, 209, 210, 236, 241, 242, 243, 279, 285, 319, 394, 425, 999})
# What somebody has to set up, by the server's code. None of it is a row's fault: whoever writes waits meanwhile.
_MIGRATE: Final = "run `mimamori warehouse migrate`"
_LOGIN: Final = "check MIMAMORI_CLICKHOUSE__URL and the password, …__WRITER_PASSWORD or …__READER_PASSWORD"
NO_COLUMN: Final = 16
UNPREPARED: Final[Mapping[int, tuple[str, str]]] = {
    NO_COLUMN: ("lacks a column", _MIGRATE),
    47: ("lacks a column", _MIGRATE),
    60: ("lacks a table", _MIGRATE),
    81: ("lacks the database", _MIGRATE),
    192: ("does not know the user", _LOGIN),
    193: ("does not take the password", _LOGIN),
    194: ("asks for a password", _LOGIN),
    # Also what it says of a table that is not there to somebody who has no right to know.
    497: ("does not allow this to the user", f"{_MIGRATE}, or {_LOGIN}"),
    516: ("does not let the user in", _LOGIN),
    # Of one INSERT, or of the table because merges do not keep up; the first does not pass by itself.
    252: ("takes no more partitions or parts", "let this user set max_partitions_per_insert_block, or see its own log"),
}
# Alerts that expire over a month lie in 120 partitions, and a batch of a replay may hold some of each.
_ANY_PARTITIONS: Final = {"max_partitions_per_insert_block": 0}
# What the driver refuses before anything is sent: a mistake of ours, or a value that it cannot write.
_OURS: Final = (DataError, InterfaceError, NotSupportedError, ProgrammingError)


class Warehouse:
    """A connection that is made when it is first needed, and made again when it was lost.

    Every method raises `Unavailable` when ClickHouse is away, busy or late, lacks its tables or does not let us in; the
    message says which, and the mend. Writing the same rows again, in any grouping, changes no answer.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def insert(self, rows: Iterable[Row]) -> None:
        """Write rows, and return when ClickHouse has them. If it raises, some may be there: write all again."""
        groups = by_kind(rows)
        for kind, table in TABLES.items():
            if groups[kind]:
                async with self._connected() as client:
                    await client.insert(table, groups[kind], column_names=kind._fields, settings=_ANY_PARTITIONS)

    async def ask(self, query: Query[Answer]) -> tuple[Answer, ...]:
        """Answer a named query."""
        async with self._connected() as client:
            result = await client.query(query.sql, parameters=dict(query.parameters))
        return tuple(query.answer(*map(frozen, row)) for row in result.result_rows)

    async def run(self, statement: str) -> None:
        """Run one statement that answers nothing: for migrations."""
        async with self._connected() as client:
            await client.command(statement)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncClient]:
        try:
            async with self._connecting:
                self._client = self._client or await connect(self._login)
            yield self._client
        except Error as error:
            raise meaning(error, self._login) from error


async def connect(login: Login) -> AsyncClient:
    address = urlsplit(login.url)
    return await create_async_client(
        host=address.hostname,
        port=address.port,
        interface=address.scheme,
        username=login.user,
        password=login.password.get_secret_value(),
        database=login.database,
        connect_timeout=login.connect_timeout.total_seconds(),
        send_receive_timeout=login.answer_timeout.total_seconds(),
        # A session would make one client's requests wait for each other.
        autogenerate_session_id=False,
        tz_mode="aware",
    )


def meaning(error: Error, login: Login) -> Exception:
    """Say what an error of the driver means here. The server's text stays in its cause: it may quote a row."""
    address, code = urlsplit(login.url), NO_COLUMN if _lacks_column(error) else error.code
    where = f"ClickHouse at {address.hostname}:{address.port}"
    if code is not None and code in UNPREPARED:
        wrong, mend = UNPREPARED[code]
        return Unavailable(f"{where} {wrong} ({login.database}, as {login.user}; code {code}): {mend}")
    if code in PASSING:
        return Unavailable(f"{where} is away or busy (code {code})")
    if code is None and not isinstance(error, _OURS):
        return Unavailable(f"{where} is away, or what answers there is no ClickHouse: check MIMAMORI_CLICKHOUSE__URL")
    return error


def _lacks_column(error: Error) -> bool:
    # The driver compares an insert's columns with the table's before the server can.
    return isinstance(error, ProgrammingError) and str(error).startswith("Unrecognized column")


def by_kind(rows: Iterable[Row]) -> dict[type[Row], list[Row]]:
    groups: dict[type[Row], list[Row]] = {kind: [] for kind in TABLES}
    for row in rows:
        groups[type(row)].append(row)
    return groups


def frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
