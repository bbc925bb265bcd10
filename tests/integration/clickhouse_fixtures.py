"""A real ClickHouse engine in its own process, with the project's tables and users."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.local.clickhouse import Clickhouse
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import Login
from pipeline.warehouse.migrations import migrate
from pipeline.warehouse.users import DATABASE, FORGETTING, OWNER, READER, WRITER, User

READY_WITHIN = 30.0


@dataclass
class Engine:
    """The engine as tests hold it: it can be killed and started again."""

    clickhouse: Clickhouse
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.clickhouse.write_config()
        self.process = subprocess.Popen(self.clickhouse.argv(), stdin=subprocess.PIPE)
        deadline = time.monotonic() + READY_WITHIN
        while not self.clickhouse.ready():
            assert self.process.poll() is None, "ClickHouse ended while it started"
            assert time.monotonic() < deadline, "ClickHouse is not ready"
            time.sleep(0.05)

    def kill(self) -> None:
        """As the out-of-memory killer would: SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.end()

    def close_pipe(self) -> int:
        """As a parent that died would. Returns the exit status."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(15)

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(15)
        if self.process.stdin is not None:
            self.process.stdin.close()

    def login(self, user: User, database: str = DATABASE) -> Login:
        return self._login(user.name, self.clickhouse.passwords()[user.name], database)

    def anonymous(self) -> Login:
        return self._login("default", "")

    def stranger(self) -> Login:
        return self._login(READER.name, "not the password")

    def _login(self, user: str, password: str, database: str = DATABASE) -> Login:
        return Login(url=self.clickhouse.url, database=database, user=user, password=SecretStr(password))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def fresh_clickhouse(tmp_path: Path) -> Iterator[Engine]:
    """An engine of the test's own, with nothing in it: for tests that kill."""
    engine = Engine(Clickhouse(tmp_path / "clickhouse", free_port()))
    engine.start()
    yield engine
    engine.end()


@pytest.fixture(scope="session")
def clickhouse_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all tests that leave it running, with its tables made."""
    engine = Engine(Clickhouse(tmp_path_factory.mktemp("clickhouse"), free_port()))
    engine.start()
    asyncio.run(migrate(engine.login(OWNER)))
    yield engine
    engine.end()


@pytest.fixture
async def clickhouse(clickhouse_engine: Engine) -> Engine:
    """The shared engine, its tables empty."""
    async with Warehouse(clickhouse_engine.login(OWNER)) as owner:
        for table in FORGETTING:
            await owner.run(f"TRUNCATE TABLE {table}")
    return clickhouse_engine


@pytest.fixture
async def writer(clickhouse: Engine) -> AsyncIterator[Warehouse]:
    async with Warehouse(clickhouse.login(WRITER)) as warehouse:
        yield warehouse


@pytest.fixture
async def reader(clickhouse: Engine) -> AsyncIterator[Warehouse]:
    async with Warehouse(clickhouse.login(READER)) as warehouse:
        yield warehouse
