"""A vault of one store as a process of its own, for tests that kill it."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from pipeline.local import kafka
from pipeline.vault.keys import Owner
from schemas.envelope import Purpose
from schemas.ids import CameraId, StoreId
from tests import estates

ROOT: Final = Path(__file__).resolve().parents[2]
DOOR: Final = Owner(StoreId("ginza"), CameraId("door"), Purpose.CRIME_PREVENTION)

_MORE: Final = """
[[stores.cameras]]
id = "no-notice"
device = "ginza-pc"
"""


def free_port() -> int:
    return kafka.free_ports(1)[0]


@dataclass
class Process:
    """A vault that can be killed and started again on the same folder and port."""

    home: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    verify: ssl.SSLContext | None = None
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.home / "vault"

    @property
    def url(self) -> str:
        return f"http{'s' if self.verify else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.home / "vault.log").open("ab") as log:
            self.running = [
                subprocess.Popen(
                    [
                        *(sys.executable, "-m", "pipeline", "vault", "serve", "--port", str(self.port)),
                        *("--dir", str(self.folder), "--estate", str(self.home / "estate.toml")),
                        *self.options,
                    ],
                    cwd=ROOT,
                    env=os.environ | self.environment,
                    stdout=log,
                    stderr=log,
                )
            ]

    def wait(self, within: float = 30) -> None:
        until = time.monotonic() + within
        while time.monotonic() < until:
            assert self.running[0].poll() is None, (self.home / "vault.log").read_text()[-3000:]
            try:
                if httpx.get(f"{self.url}/healthz", verify=self.verify or True).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail("the vault did not become ready")

    def stop(self, how: signal.Signals) -> int:
        for process in self.running:
            process.send_signal(how)
        return self.running[0].wait(20)

    def end(self) -> None:
        """Leave nothing running."""
        for each in self.running:
            each.kill()
            each.wait()

    def token(self, name: str) -> str:
        return (self.folder / "tokens" / name).read_text()


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """Start a vault of one store, whose frames live for eight seconds, and end it."""
    estates.write(process.home, DOOR.store, DOOR.camera, ttl="8s", more=_MORE)
    process.start()
    try:
        process.wait()
        yield process
    finally:
        process.end()
