"""A ClickHouse for measures: the engine in a process of its own, with the project's tables and users."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from pipeline.local.clickhouse import Clickhouse
from pipeline.local.kafka import free_ports
from pipeline.warehouse.login import Login
from pipeline.warehouse.migrations import migrate
from pipeline.warehouse.users import DATABASE, OWNER, User

READY_WITHIN: Final = 60.0
PATIENT: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Engine:
    """One that runs."""

    clickhouse: Clickhouse
    pid: int

    def login(self, user: User) -> Login:
        password = SecretStr(self.clickhouse.passwords()[user.name])
        return Login(
            url=self.clickhouse.url, database=DATABASE, user=user.name, password=password, answer_timeout=PATIENT
        )


@contextlib.contextmanager
def engine(place: Path) -> Iterator[Engine]:
    """Start one in a folder, make its tables, and stop it in the end."""
    (port,) = free_ports(1)
    clickhouse = Clickhouse(place / "clickhouse", port)
    clickhouse.write_config()
    with subprocess.Popen(clickhouse.argv(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(clickhouse, process)
            running = Engine(clickhouse, process.pid)
            asyncio.run(migrate(running.login(OWNER)))
            yield running
        finally:
            process.terminate()


def _wait(clickhouse: Clickhouse, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while not clickhouse.ready():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("ClickHouse did not start")
        time.sleep(0.05)
