"""A real PostgreSQL on a free port of loopback, once for all tests that want one."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

READY_WITHIN = 30.0
PASSWORD = "postgres-of-a-test"
_ROOM = 1 << 30


@dataclass
class Postgres:
    """A server that tests may stop, kill and start again. It refuses to run as root, so root runs it as another."""

    programs: Path
    folder: Path
    port: int
    user: str | None
    process: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def prepare(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        if self.user is not None:
            for each in (self.folder, self.folder / "password"):
                shutil.chown(each, self.user, pwd.getpwnam(self.user).pw_gid)
        how = ("--auth=scram-sha-256", "--username=vault", f"--pwfile={self.folder / 'password'}", "--no-sync")
        argv = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "-E", "UTF8", "--locale=C", *how]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **self._as_user())

    def start(self) -> None:
        only = ("-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-k", str(self.folder))
        with (self.folder / "log").open("ab") as log:
            argv = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *only]
            self.process = [subprocess.Popen(argv, stdout=log, stderr=log, **self._as_user())]
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready():
            assert self.process[0].poll() is None, (self.folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, "PostgreSQL is not ready"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        for process in self.process:
            process.send_signal(how)
            process.wait(30)
        self.process = []

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://vault:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """Make an empty database; return its address."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            db.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def _ready(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {"cwd": self.folder}
        return {"cwd": self.folder, "user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}


def _programs() -> Path | None:
    """Debian keeps them out of the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = shutil.which("postgres") or (str(debian[-1]) if debian else None)
    return None if found is None else Path(found).resolve().parent


def _user() -> str | None:
    if os.getuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _roomy() -> str:
    """In memory where there is room: tests kill the server, not the machine, and a slow disk costs minutes."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else "/tmp"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that is up when a test gets it; skips where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: `make postgres` installs it where apt is and we are root")
    # Not pytest's own folder: that one is closed to the user who runs the server.
    folder = Path(tempfile.mkdtemp(prefix="mimamori-postgres-", dir=_roomy()))
    server = Postgres(programs, folder, _free_port(), _user())
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
