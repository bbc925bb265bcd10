"""How many leases the vault gives on one core: the real process on a core of its own, asked over real HTTP."""

import asyncio
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measured import Measured, Spent

from pipeline import sealing, signing
from pipeline.sealing import KeyPair, SealSuite
from pipeline.vault.api import Lease, PublicKey, lease_info
from pipeline.vault.client import connected
from pipeline.vault.keys import Owner
from schemas.envelope import Purpose
from schemas.ids import CameraId, StoreId

ROOT: Final = Path(__file__).parents[2]
STORE: Final = StoreId("ginza")
CAMERAS: Final = tuple(CameraId(f"camera-{number}") for number in range(16))
CONNECTIONS: Final = 8
READY_WITHIN: Final = 60.0
WINDOW: Final = 1.0

_ESTATE: Final = """
frame_ttl = "1h"
[[stores]]
id = "ginza"
name = "Ginza"
timezone = "Asia/Tokyo"
regulation = "ginza.toml"
[[stores.devices]]
id = "pc"
public_key = "{key}"
"""
_CAMERA: Final = """
[[stores.cameras]]
id = "{id}"
device = "pc"
notice = "ginza-1"
"""
_REGULATION: Final = """
version = "1"
purposes = ["crime_prevention"]
manager = { name = "Sato" }
deputy = { name = "Suzuki" }
retention = { frames = "1h" }
[[notices]]
id = "ginza-1"
text_version = "1"
place = "entrance"
languages = ["ja"]
checked_by = "Sato"
checked_on = 2026-01-01
purposes = ["crime_prevention"]
"""


@dataclass(frozen=True)
class Found:
    """One run.

    The rate is by the CPU time that the vault's process took, user and system: what a core gives that is its own. By
    the wall it is the same while nobody else wants the cores, vault and asker each having one; else both wait.
    """

    suite: str
    leases: int
    seconds: float
    cpu_seconds: float
    latencies: tuple[float, ...]
    windows: tuple[int, ...]

    @property
    def rate(self) -> float:
        return self.leases / self.cpu_seconds

    @property
    def by_the_wall(self) -> float:
        return self.leases / self.seconds

    def as_dict(self) -> dict[str, Any]:
        ordered = sorted(self.latencies)
        return {
            "suite": self.suite,
            "leases": self.leases,
            "leases_per_second": round(self.rate, 1),
            "leases_per_second_by_the_wall": round(self.by_the_wall, 1),
            "vault_cpu_us_per_lease": round(1e6 / self.rate, 1),
            "latency_ms_p50": round(ordered[len(ordered) // 2] * 1e3, 2),
            "latency_ms_p99": round(ordered[len(ordered) * 99 // 100] * 1e3, 2),
        }


@dataclass
class Vault:
    """A vault that runs on one core, and its tokens."""

    folder: Path
    suite: SealSuite
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, name: str) -> str:
        return (self.folder / "vault" / "tokens" / name).read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def measure(place: Path, *, quick: bool) -> Measured:
    """Ask a vault for leases of keys of either suite, for some seconds each."""
    seconds = 3.0 if quick else 15.0
    found = [run(place / suite.name, seconds, suite) for suite in SealSuite]
    shown = [
        (
            f"a second of CPU time, {one.suite}",
            f"{one.rate:,.0f}, {1e6 / one.rate:.0f} µs each; by the wall {one.by_the_wall:,.0f}",
        )
        for one in found
    ]
    first = found[0].as_dict()
    late = f"{first['latency_ms_p50']} / {first['latency_ms_p99']} ms"
    return Measured(
        title="Leases, one core, over HTTP",
        shown=[*shown, (f"p50 / p99 with {CONNECTIONS} asking", late)],
        # The suite that is used unless somebody chooses the other.
        limited={"leases_per_second": found[0].rate},
        details={one.suite: one.as_dict() for one in found},
        plots=[lambda axes: _plot(axes, found)],
    )


def _plot(axes: Any, found: Sequence["Found"]) -> None:
    for one in found:
        axes.plot(range(1, len(one.windows) + 1), one.windows, marker="o", label=one.suite)
    axes.set(title="Leases a second, by the wall clock", xlabel="second", ylim=(0, None))
    axes.axhline(1000, color="grey", linestyle=":")
    axes.legend()


def run(place: Path, seconds: float, suite: SealSuite) -> Found:
    """Start a vault, ask it for leases of many keys on several connections for so long, and stop it."""
    cores = sorted(os.sched_getaffinity(0))
    vault = _started(place, suite, cores[0])
    try:
        # The asker on the other core, else it would measure itself.
        os.sched_setaffinity(0, set(cores[1:]) or set(cores))
        return asyncio.run(_measured(vault, seconds))
    finally:
        os.sched_setaffinity(0, set(cores))
        vault.stop()


def _started(place: Path, suite: SealSuite, core: int) -> Vault:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    public = base64.b64encode(signing.public_bytes(Ed25519PrivateKey.generate())).decode()
    cameras = (_CAMERA.format(id=camera) for camera in CAMERAS)
    (place / "estate.toml").write_text("".join((_ESTATE.format(key=public), *cameras)))
    (place / "ginza.toml").write_text(_REGULATION)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    argv = [sys.executable, "-m", "pipeline", "vault", "serve", "--port", str(port), "--suite", suite.value]
    where = ["--dir", str(place / "vault"), "--estate", str(place / "estate.toml")]
    with (place / "vault.log").open("wb") as log:
        process = subprocess.Popen([*argv, *where], cwd=ROOT, stdout=log, stderr=log)
    os.sched_setaffinity(process.pid, {core})
    vault = Vault(place, suite, port, process)
    _wait(vault)
    return vault


def _wait(vault: Vault) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and vault.process.poll() is None:
        try:
            if httpx.get(f"{vault.url}/healthz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"the vault did not start: {(vault.folder / 'vault.log').read_text()[-2000:]}")


async def _measured(vault: Vault, seconds: float) -> Found:
    keys = await _keys(vault)
    worker = sealing.generate(SealSuite.MLKEM768_X25519)
    requests = [_request(vault, key, worker) for key in keys]
    await _checked(vault, keys[0], worker)
    await _asking(vault, requests, min(1.0, seconds / 3))
    before = Spent.of(vault.process.pid)
    done = await _asking(vault, requests, seconds)
    spent = Spent.of(vault.process.pid).since(before)
    times = sorted(at - before.at for at, _ in done)
    windows = [0] * int(seconds / WINDOW)
    for at in times:
        if at / WINDOW < len(windows):
            windows[int(at / WINDOW)] += 1
    return Found(
        suite=vault.suite.value,
        leases=len(done),
        seconds=spent.at,
        cpu_seconds=spent.cpu,
        latencies=tuple(took for _, took in done),
        windows=tuple(windows),
    )


async def _keys(vault: Vault) -> list[PublicKey]:
    now = datetime.now(UTC)
    found: list[PublicKey] = []
    async with connected(vault.url, vault.token("device-pc")) as device:
        for camera in CAMERAS:
            owner = Owner(STORE, camera, Purpose.CRIME_PREVENTION)
            found += await device.public_keys(owner, now, now + timedelta(hours=2))
    return found


async def _checked(vault: Vault, key: PublicKey, worker: KeyPair) -> None:
    """Open one lease and something sealed to its key: what is counted are leases, not answers."""
    async with connected(vault.url, vault.token("detecting")) as detecting:
        lease: Lease = await detecting.lease(key.key_id, key.purpose, worker.public)
    private = sealing.open_(worker.private, lease_info(lease), lease.sealed)
    if sealing.open_(private, b"frame", sealing.seal(key.public, b"frame", b"picture")) != b"picture":
        raise RuntimeError("the lease opens nothing")


def _request(vault: Vault, key: PublicKey, worker: KeyPair) -> bytes:
    public = base64.b64encode(worker.public).decode()
    body = json.dumps({"key_id": key.key_id, "purpose": key.purpose.value, "lease_public": public}).encode()
    head = (
        f"POST /v1/leases HTTP/1.1\r\nHost: 127.0.0.1:{vault.port}\r\nAccept: */*\r\n"
        f"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nUser-Agent: python-httpx\r\n"
        f"Authorization: Bearer {vault.token('detecting')}\r\n"
        f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n"
    )
    return head.encode() + body


async def _asking(vault: Vault, requests: Sequence[bytes], seconds: float) -> list[tuple[float, float]]:
    until = time.monotonic() + seconds
    parts = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
    return [each for found in await asyncio.gather(*(_one(vault, part, until) for part in parts)) for each in found]


async def _one(vault: Vault, requests: Sequence[bytes], until: float) -> list[tuple[float, float]]:
    """Ask on one connection, one after the other, in turn; return when each answer was there, and what it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", vault.port)
    done: list[tuple[float, float]] = []
    asked = time.monotonic()
    while asked < until:
        writer.write(requests[len(done) % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the vault answers {head.splitlines()[0].decode()}")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        done.append((time.monotonic(), time.monotonic() - asked))
        asked = time.monotonic()
    writer.close()
    await writer.wait_closed()
    return done
