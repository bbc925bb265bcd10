"""What the driver's errors mean, and how rows are told apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError, ProgrammingError
from pydantic import SecretStr

from pipeline.errors import Unavailable
from pipeline.warehouse import queries
from pipeline.warehouse.client import UNPREPARED, Warehouse, meaning
from pipeline.warehouse.login import Login

LOGIN = Login(url="http://user:hunter2@shop:8123", database="mimamori", user="writer", password=SecretStr("hunter2"))


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[Login]:
    """Give a login at a server that answers everything with the same bytes."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield LOGIN.model_copy(update={"url": f"http://127.0.0.1:{port}"})


def http(status: int, more: str = "") -> bytes:
    body = "no"
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{more}Content-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n{body}"
    ).encode()


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("Network Error: Cannot connect to host 127.0.0.1"),
        DatabaseError("HTTP driver received HTTP status 502, server response: Bad Gateway"),
        DatabaseError("timed out", code=159),
        DatabaseError("memory limit exceeded", code=241),
        DatabaseError("query was cancelled", code=394),
    ],
)
def test_what_passes_by_itself_is_unavailable(error: DatabaseError) -> None:
    assert isinstance(meaning(error, LOGIN), Unavailable)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502, 503])
async def test_a_refusal_without_a_code_is_waited_for_and_names_where_to_look(status: int) -> None:
    async with server(http(status)) as login, Warehouse(login) as warehouse:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+ .*MIMAMORI_CLICKHOUSE__URL"):
            await warehouse.ask(queries.totals())


async def test_a_refusal_with_a_code_is_waited_for_and_names_the_mend() -> None:
    async with server(http(404, "X-ClickHouse-Exception-Code: 60\r\n")) as login, Warehouse(login) as warehouse:
        with pytest.raises(Unavailable, match=r"lacks a table.*`mimamori warehouse migrate`"):
            await warehouse.ask(queries.totals())


@pytest.mark.parametrize("code", [16, 47, 60, 81])
def test_tables_that_are_missing_are_waited_for(code: int) -> None:
    told = meaning(DatabaseError("no", code=code), LOGIN)

    assert isinstance(told, Unavailable)
    assert "run `mimamori warehouse migrate`" in str(told)


def test_a_column_that_the_driver_misses_is_waited_for() -> None:
    told = meaning(ProgrammingError("Unrecognized column 'coverage' in table people_flow"), LOGIN)

    assert isinstance(told, Unavailable)
    assert "run `mimamori warehouse migrate`" in str(told)


def test_what_does_not_pass_by_itself_is_not_called_busy() -> None:
    told = meaning(DatabaseError("too many partitions for a single INSERT block", code=252), LOGIN)

    assert isinstance(told, Unavailable)
    assert "busy" not in str(told)
    assert "max_partitions_per_insert_block" in str(told)


@pytest.mark.parametrize("code", [192, 193, 194, 497, 516])
def test_who_is_not_let_in_waits_and_says_which_setting(code: int) -> None:
    told = meaning(DatabaseError("no", code=code), LOGIN)

    assert isinstance(told, Unavailable)
    assert "MIMAMORI_CLICKHOUSE__URL" in str(told)
    assert "WRITER_PASSWORD" in str(told)
    assert "hunter2" not in str(told)


def test_everything_that_has_to_be_set_up_is_waited_for() -> None:
    assert all(isinstance(meaning(DatabaseError("no", code=code), LOGIN), Unavailable) for code in UNPREPARED)


@pytest.mark.parametrize(
    "mistake", [DatabaseError("syntax error", code=62), ProgrammingError("column count"), DataError("too large")]
)
def test_what_is_our_own_mistake_stays_what_it_is(mistake: DatabaseError) -> None:
    assert meaning(mistake, LOGIN) is mistake


def test_the_servers_text_is_not_repeated() -> None:
    assert "shibuya" not in str(meaning(DatabaseError("cannot parse 'shibuya'", code=241), LOGIN))
