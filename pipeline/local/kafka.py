"""Apache Kafka for one machine: its jars, its storage, how it is started, and whether it is up."""

import asyncio
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from pipeline.errors import Misconfigured, Unavailable
from pipeline.local import java

RECIPE: Final = Path(__file__).parents[2] / "infra" / "kafka"
COORDINATES: Final = "org.apache.kafka:kafka_2.13:4.0.0+org.slf4j:slf4j-simple:1.7.36"
CLUSTER: Final = "MimamoriOneMachine0001"
"""Any 16 bytes in base64: there is one cluster on one machine."""

Progress = Callable[[int, int], None]
"""Told how many jars are there, of how many."""

# Up in two seconds rather than fast for ever: one machine's load never needs the second compiler.
_JVM: Final = (
    "-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
)  # fmt: skip


_FIRST_CHECK_MS: Final = 1_000


@dataclass(frozen=True)
class Kafka:
    """One broker on loopback, its files below `home`.

    Call `prepare` once before each start, start `argv`, and wait for `ready`. SIGTERM stops it in good order; SIGKILL
    loses nothing that was acknowledged. It comes back on the same `home`, on the same ports or on others.
    """

    home: Path
    libs: Path
    java: Path
    port: int
    controller_port: int
    retention_check_ms: int = 15_000
    """How often it looks for segments to remove: no seldomer than `schemas.topics` says that topics are gone by."""
    cleaner_backoff_ms: int = 1_000

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def properties(self) -> Path:
        return self.home / "server.properties"

    def argv(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self.properties)]

    def prepare(self) -> None:
        """Write the settings, and format the storage where it is new."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.properties.write_text(self._settings())
        if not (self.home / "data" / "meta.properties").exists():
            run([*self._java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self.properties)])

    def _settings(self) -> str:
        return Template((RECIPE / "server.properties").read_text()).substitute(
            PORT=self.port,
            CONTROLLER_PORT=self.controller_port,
            DATA=(self.home / "data").absolute(),
            RETENTION_CHECK_MS=self.retention_check_ms,
            FIRST_CHECK_MS=min(self.retention_check_ms, _FIRST_CHECK_MS),
            CLEANER_BACKOFF_MS=self.cleaner_backoff_ms,
        )

    def _java(self) -> list[str]:
        return [str(self.java), *_JVM, "-cp", f"{self.libs}/*"]


class Process:
    """A Kafka that runs as our child, for tests and measures; the demo has a supervisor of its own."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process; once it was started."""
        assert self._child is not None
        return self._child.pid

    def start(self, patience: float = 60) -> None:
        """Start it and wait until it answers.

        Raises:
            Unavailable: It does not; the message ends with its log.
        """
        self.kafka.prepare()
        with (self.kafka.home / "kafka.log").open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 (our own arguments)
                self.kafka.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        asyncio.run(self._until_ready(patience))

    async def _until_ready(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not await ready(self.kafka.bootstrap):
            if self._child is None or self._child.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"Kafka did not come up: {(self.kafka.home / 'kafka.log').read_text()[-2000:]}")
            await asyncio.sleep(0.1)

    def stop(self) -> None:
        """Stop it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(sign)
            try:
                self._child.wait(20)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()


async def ready(bootstrap: str) -> bool:
    """Ask a broker for its cluster; true when it answers."""
    host, _, port = bootstrap.partition(":")
    if not listens(host, int(port)):
        return False
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await client.start()
        cluster = await client.describe_cluster()
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
    return bool(cluster["brokers"])


def listens(host: str, port: int) -> bool:
    """Say whether anything listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def provision(home: Path, progress: Progress = lambda _there, _all: None) -> Path:
    """Bring Kafka's jars below `home`, by mvn or else by jgo, and return where they lie.

    Raises:
        Misconfigured: They could not be brought, or one is not the jar that it should be; that one is removed.
    """
    libs, wanted = home / "kafka" / "libs", expected()
    libs.mkdir(parents=True, exist_ok=True)
    if any(not (libs / name).exists() for name in wanted):
        _bring(home, libs, wanted, progress)
    verify(libs, wanted)
    progress(len(wanted), len(wanted))
    return libs


def expected() -> dict[str, str]:
    """Return the SHA-256 of every jar by its name."""
    lines = (RECIPE / "jars.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def verify(libs: Path, wanted: dict[str, str]) -> None:
    """Compare every jar with its SHA-256, and remove what nobody expects.

    Raises:
        Misconfigured: One is missing or another; that one is removed.
    """
    for stray in {each.name for each in libs.glob("*.jar")} - wanted.keys():
        (libs / stray).unlink()
    for name, digest in wanted.items():
        jar = libs / name
        if not jar.exists():
            raise Misconfigured(f"{name} could not be brought")
        if hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
            jar.unlink()
            raise Misconfigured(f"{name} is not the jar with SHA-256 {digest}; removed")


def _bring(home: Path, libs: Path, wanted: dict[str, str], progress: Progress) -> None:
    """Try mvn where there is one, then jgo.

    Raises:
        Misconfigured: Neither could; with what the last one said.
    """
    if shutil.which("mvn") and not _fetch(_maven(libs), libs, wanted, progress):
        return
    if said := _fetch(_jgo(home), libs, wanted, progress):
        raise Misconfigured(f"could not bring Kafka's jars: {said}")
    shutil.rmtree(home / "kafka" / "cache")


class _Fetcher(NamedTuple):
    command: list[str]
    environment: dict[str, str]
    where: Path
    """Below here the jars appear, one after the other."""


def _fetch(fetcher: _Fetcher, libs: Path, wanted: dict[str, str], progress: Progress) -> str:
    """Run it, tell of its progress, copy the jars; return what it said if it failed."""
    child = subprocess.Popen(  # noqa: S603 (our own arguments)
        fetcher.command, env=fetcher.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    there = -1
    while child.poll() is None:
        before, there = there, len({each.name for each in fetcher.where.rglob("*.jar")} & wanted.keys())
        if there != before:
            progress(there, len(wanted))
        time.sleep(0.1)
    said, _none = child.communicate()
    for jar in fetcher.where.rglob("*.jar"):
        if jar.name in wanted and jar.parent != libs:
            shutil.copyfile(jar, libs / jar.name)
    return (said[-600:] or "no word") if child.returncode else ""


def _maven(libs: Path) -> _Fetcher:
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libs.absolute()}"]
    return _Fetcher(["mvn", "-q", "-B", "-f", str(RECIPE / "pom.xml"), *copy], dict(os.environ), libs)


def _jgo(home: Path) -> _Fetcher:
    venv, cache = home / "kafka" / "jgo", (home / "kafka" / "cache").absolute()
    java.venv_with(venv, RECIPE / "jgo.lock")
    options = ["--resolver", "python", "--class-path-only", "--links", "copy"]
    environment = {**os.environ, "JGO_CACHE_DIR": str(cache), "M2_REPO": str(cache / "m2")}
    return _Fetcher([str(venv / "bin" / "jgo"), *options, "info", "classpath", COORDINATES], environment, cache)


def run(command: list[str]) -> None:
    """Run a command to its end.

    Raises:
        Misconfigured: It failed; the message ends with what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own arguments)
    if done.returncode:
        raise Misconfigured(f"{command[-1]}: {(done.stdout + done.stderr)[-600:]}")
