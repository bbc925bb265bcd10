"""The whole system on this machine: three cameras of two stores, as child processes on loopback."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Table

from pipeline.broker import apply_topics
from pipeline.clock import SystemClock
from pipeline.errors import Misconfigured
from pipeline.governance.demo import demo_accounts
from pipeline.local import clickhouse as engine
from pipeline.local import java, kafka
from pipeline.local.estate import Scene, cameras_of, key_path, write_estate
from pipeline.local.provision import provision
from pipeline.local.ready import group_has_work, has_key, http_ok
from pipeline.local.summary import Summary, summarise
from pipeline.local.supervise import Child, Supervisor
from pipeline.settings import Clickhouse
from pipeline.vault import tokens
from pipeline.vault.hardening import FORGETFUL
from pipeline.warehouse import users
from pipeline.warehouse.login import owner
from pipeline.warehouse.migrations import migrate
from schemas.estate import Estate, load_estate, load_regulations, overlay_path
from schemas.files import FileError
from schemas.ids import CameraId, StoreId
from schemas.topics import STAGES, topics

ACCOUNTS: Final = "accounts.json"
"""Names and passwords of the demo's people, in its folder."""

_MIMAMORI: Final = (sys.executable, "-m", "pipeline")
_INFRASTRUCTURE, _WORKERS, _DEVICES = 0, 1, 2
_HOLD_KEYS: Final = frozenset({None, "detecting", "cutting", "console"})
"""Who holds private keys: these, and the vault, which is nobody's principal."""

_READ_PLACES: Final = ("detecting", "watching")
"""Stages that look at a camera's profile and places; its device paints the masks."""
_DRAWN_ANEW: Final = 1.0
"""Seconds between looks at whether somebody has drawn."""

_COLUMNS: Final = ("process", "where", "pid", "what it does", "log")
_FEW, _WIDE = 3, 120
_AHEAD: Final = timedelta(minutes=5)
"""How far ahead demo devices fetch keys: their buckets are so short that a day of them would be thousands."""


@dataclass(frozen=True)
class Wish:
    """What the user asked for."""

    home: Path
    scene: Scene
    seconds: float | None = None
    headless: bool = False
    workers: int = 1
    """Processes of each of detecting and watching."""
    devices: bool = True
    loop: bool = True
    """Whether the devices play again and again, or once."""
    """False: nobody publishes but whoever else comes."""


class Demo:
    """One run: its folder, ports and children."""

    def __init__(self, wish: Wish, console: Console) -> None:
        self._wish = wish
        self._console = console
        self.run = wish.home / "run" / "demo"
        self.logs = wish.home / "logs"
        self.ports = dict(
            zip(("kafka", "controller", "clickhouse", "vault", "console"), kafka.free_ports(5), strict=True)
        )
        self.supervisor = Supervisor(self.logs, SystemClock(), self._tell)

    async def start(self) -> None:
        """Bring everything up; return when each part says that it is ready."""
        self._fresh()
        self.estate_path = write_estate(self._wish.scene, self.run / "estate")
        self.estate: Estate = load_estate(self.estate_path)
        self.tokens = _tokens(self.run / "vault", self.estate)
        self.accounts = self._people()
        with self._status("Kafka, ClickHouse and the vault"):
            await self.supervisor.start(self._kafka(), self._clickhouse(), self._vault())
        with self._status("topics and tables"):
            await apply_topics(self.bootstrap, topics(self.estate.lives).values())
            await migrate(owner(self._login()))
        with self._status("stages and console"):
            await self.supervisor.start(*self._stages(), self._hq())
        with self._status("devices"):
            await self.supervisor.start(*self._devices())

    async def stop(self) -> None:
        await self.supervisor.stop()

    async def keep_drawn(self) -> None:
        """Return never: start again what reads a camera's places, whenever somebody has drawn them anew.

        Raises:
            CannotKeepUp: A part does not come back.
        """
        before = self._overlays()
        while True:
            await asyncio.sleep(_DRAWN_ANEW)
            now = self._overlays()
            anew = [camera for camera, written in now.items() if written != before[camera]]
            before = now
            if anew and self._can_be_read():
                readers = self._readers(anew)
                self._tell(f"{', '.join('/'.join(each) for each in anew)} drawn anew: {', '.join(readers)} start again")
                await self.supervisor.renew(*readers)

    def _overlays(self) -> dict[tuple[StoreId, CameraId], int]:
        """When each camera's overlay was written; 0 where there is none."""
        found = {}
        for store, camera in cameras_of(self.estate):
            path = overlay_path(self.estate_path, store, camera)
            found[store, camera] = path.stat().st_mtime_ns if path.exists() else 0
        return found

    def _can_be_read(self) -> bool:
        try:
            load_estate(self.estate_path)
        except FileError as error:
            self._tell(f"everything goes on as it was: {error}")
            return False
        return True

    def _readers(self, cameras: Sequence[tuple[StoreId, CameraId]]) -> list[str]:
        devices = {f"device-{store}-{camera}" for store, camera in cameras}
        return [
            each.name
            for each in self.supervisor.children
            if (each.name in devices and not each.once) or each.name.partition("-")[0] in _READ_PLACES
        ]

    @property
    def scene(self) -> Scene:
        return self._wish.scene

    async def summary(self) -> Summary:
        """Count what happened, from Kafka, the vault and ClickHouse."""
        return await summarise(self.bootstrap, topics(self.estate.lives), self.vault_url, self.tokens, self._login())

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.ports['kafka']}"

    @property
    def vault_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['vault']}"

    @property
    def objects_url(self) -> str:
        return (self.run.absolute() / "objects").as_uri()

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['console']}/"

    def people(self) -> Table:
        """Who may sign in to the console."""
        table = Table(title="Sign in as ログイン", title_justify="left", caption=str(self.run / ACCOUNTS))
        for column in ("name", "password"):
            table.add_column(column, overflow="fold")
        for name, password in self.accounts.items():
            table.add_row(name, password)
        return table

    def table(self) -> Table:
        """What runs where; on a narrow terminal no more than fits on a line."""
        shown = _COLUMNS if self._console.width >= _WIDE else _COLUMNS[:_FEW]
        table = Table(title="Mimamori 見守り", title_justify="left", caption=f"logs: {self.logs}")
        for column in shown:
            table.add_column(column, overflow="fold")
        for child in self.supervisor.children:
            pid = str(self.supervisor.pid(child.name))
            cells = (child.name, child.address or "-", pid, child.what, str(self.logs / f"{child.name}.log"))
            table.add_row(*cells[: len(shown)])
        return table

    def beside(self) -> str:
        """Say how commands beside the demo reach its parts."""
        return (
            f"Commands beside it: export MIMAMORI_ESTATE={self.estate_path} "
            f"MIMAMORI_KAFKA__BOOTSTRAP={self.bootstrap}; its vault: --dir {self.run / 'vault'}"
        )

    def _fresh(self) -> None:
        """Begin with nothing: keys, topics and tables of the last run are gone."""
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir(parents=True, mode=0o700)
        if self.logs.exists():
            shutil.rmtree(self.logs)

    def _people(self) -> dict[str, str]:
        """Make somebody in every role, and keep their passwords in a file that only its owner reads."""
        rules = load_regulations(self.estate_path, self.estate)
        passwords = demo_accounts(self.run / "vault", rules, SystemClock().now())
        with os.fdopen(os.open(self.run / ACCOUNTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(passwords, file, indent=1)
        return passwords

    def _kafka(self) -> Child:
        broker = kafka.Kafka(
            home=self.run / "kafka",
            libs=self._wish.home / "kafka" / "libs",
            java=java.provision(self._wish.home),
            port=self.ports["kafka"],
            controller_port=self.ports["controller"],
        )
        broker.prepare()
        return Child(
            "kafka",
            broker.argv(),
            lambda: kafka.ready(self.bootstrap),
            what="Apache Kafka, one node",
            address=self.bootstrap,
            tier=_INFRASTRUCTURE,
        )

    def _clickhouse(self) -> Child:
        self.clickhouse = engine.Clickhouse(self.run / "clickhouse", self.ports["clickhouse"])
        self.clickhouse.write_config()

        async def ready() -> bool:
            return await asyncio.to_thread(self.clickhouse.ready)

        return Child(
            "clickhouse",
            self.clickhouse.argv(),
            ready,
            what="ClickHouse engine",
            address=self.clickhouse.url,
            tier=_INFRASTRUCTURE,
        )

    def _vault(self) -> Child:
        arguments = ("--port", str(self.ports["vault"]), "--dir", str(self.run / "vault"))
        return Child(
            "vault",
            (*_MIMAMORI, "vault", "serve", *arguments),
            http_ok(f"{self.vault_url}/healthz"),
            what="keys, leases, destruction, ledger",
            address=self.vault_url,
            env=self._env(),
            tier=_INFRASTRUCTURE,
        )

    def _stages(self) -> list[Child]:
        counts = {"detecting": self._wish.workers, "watching": self._wish.workers}
        return [
            Child(
                stage if number == 0 else f"{stage}-{number + 1}",
                (*_MIMAMORI, "worker", stage),
                group_has_work(self.bootstrap, f"mimamori-{stage}"),
                what=f"stage, consumer group mimamori-{stage}",
                env=self._env(stage) | self._writes(stage) | {"MIMAMORI_KAFKA__SEAT": f"{stage}-{number + 1}"},
                tier=_WORKERS,
            )
            for stage in STAGES
            for number in range(counts.get(stage, 1))
        ]

    def _hq(self) -> Child:
        return Child(
            "console",
            (*_MIMAMORI, "console", "serve", "--port", str(self.ports["console"])),
            http_ok(f"{self.console_url}healthz"),
            what="the console of headquarters",
            address=self.console_url,
            env=self._env("console") | self.clickhouse.environment(users.READER),
            tier=_WORKERS,
        )

    def _devices(self) -> list[Child]:
        devices = {(store.id, camera.id): camera.device for store in self.estate.stores for camera in store.cameras}
        frames = topics(self.estate.lives)["frames.v1"]
        return [
            Child(
                f"device-{store}-{camera}",
                (
                    *(*_MIMAMORI, "publish", self._wish.scene.sources[store, camera]),
                    *("--store", store, "--camera", camera, *(("--loop",) if self._wish.loop else ())),
                    *self._rate(self._wish.scene.sources[store, camera]),
                    *("--key", str(key_path(self.run / "estate", str(devices[store, camera])))),
                    *("--state", str(self.run / "devices" / f"{store}-{camera}")),
                ),
                has_key(self.bootstrap, frames, f"{store}/{camera}".encode()),
                what=f"device of camera {store}/{camera}",
                address=self._wish.scene.sources[store, camera],
                env=self._env(f"device-{devices[store, camera]}"),
                once=not self._wish.loop,
                tier=_DEVICES,
            )
            for store, camera in cameras_of(self.estate)
            if self._wish.devices
        ]

    def _rate(self, source: str) -> tuple[str, ...]:
        fps = self._wish.scene.folder_fps
        return ("--source-fps", f"{fps:g}") if fps is not None and Path(source).is_dir() else ()

    def _env(self, principal: str | None = None) -> dict[str, str]:
        token = {"MIMAMORI_VAULT__TOKEN": self.tokens[principal]} if principal in self.tokens else {}
        return {
            "MIMAMORI_HOME": str(self._wish.home.absolute()),
            "MIMAMORI_ESTATE": str(self.estate_path.absolute()),
            "MIMAMORI_KAFKA__BOOTSTRAP": self.bootstrap,
            "MIMAMORI_VAULT__URL": self.vault_url,
            "MIMAMORI_OBJECTS__URL": self.objects_url,
            "MIMAMORI_VAULT__AHEAD": f"{_AHEAD.total_seconds():g}s",
            # One thread each: processes are what is scaled, and OpenCV's own threads would fight over the cores.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **token,
            **(FORGETFUL if principal in _HOLD_KEYS else {}),
        }

    def _writes(self, stage: str) -> dict[str, str]:
        who = {"recording": (users.WRITER,), "erasing": (users.ERASER, users.DROPPER)}.get(stage)
        return self.clickhouse.environment(*who) if who else {}

    def _login(self) -> Clickhouse:
        passwords = self.clickhouse.passwords()
        return Clickhouse(
            url=self.clickhouse.url,
            owner_password=passwords["owner"],
            reader_password=passwords["reader"],
        )

    def _tell(self, line: str) -> None:
        self._console.print(f"[yellow]{line}[/yellow]")

    @contextlib.contextmanager
    def _status(self, what: str) -> Iterator[None]:
        with self._console.status(f"Starting {what} …"):
            yield
        self._console.print(f"[green]✓[/green] {what}")


def _tokens(folder: Path, estate: Estate) -> dict[str, str]:
    """Make a token for every stage and device, and return them by principal."""
    tokens.issue(folder, tokens.principals_of(estate))
    return {each.name: each.read_text() for each in (folder / tokens.FOLDER).iterdir()}


async def run(wish: Wish, console: Console) -> Summary | None:
    """Run the demo until its time is up or somebody ends it.

    Returns:
        What happened, when it ran for a given time.

    Raises:
        CannotKeepUp: A child does not stay up.
        Misconfigured: Something that it needs is not there, or another demo runs in this folder.
    """
    with _alone(wish.home):
        await provision(wish.home, console)
        stopped = asyncio.Event()
        for which in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(which, stopped.set)
        demo = Demo(wish, console)
        try:
            return await _until_stopped(demo, wish, console, stopped)
        finally:
            console.print("Stopping …")
            await demo.stop()
            console.print("Everything is stopped.")


async def _until_stopped(demo: Demo, wish: Wish, console: Console, stopped: asyncio.Event) -> Summary | None:
    starting = asyncio.ensure_future(demo.start())
    await _first(starting, stopped)
    if stopped.is_set():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return None
    await starting
    console.print(demo.table())
    console.print(demo.people())
    console.print(demo.beside(), soft_wrap=True, style="dim")
    console.print(f"\nConsole コンソール: [bold]{demo.console_url}[/bold]", soft_wrap=True)
    console.print(f"showing {wish.scene.what}", soft_wrap=True)
    if wish.seconds is None:
        console.print("Ctrl-C stops everything.")
        if not wish.headless and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
            webbrowser.open(demo.console_url)
    await _first(failing := asyncio.ensure_future(_goes_on(demo)), stopped, wish.seconds)
    if failing.done():
        await failing
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)
    if stopped.is_set() or wish.seconds is None:
        return None
    with console.status("Counting what happened …"):
        counting = asyncio.ensure_future(demo.summary())
        await _first(counting, stopped)
    if stopped.is_set():
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        return None
    return await counting


async def _goes_on(demo: Demo) -> None:
    """Keep everything up, as it is drawn; raise when that fails."""
    both = [asyncio.ensure_future(each) for each in (demo.supervisor.failed(), demo.keep_drawn())]
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        await next(iter(done))
    finally:
        for each in both:
            each.cancel()


async def _first(task: asyncio.Future[Any], stopped: asyncio.Event, seconds: float | None = None) -> None:
    """Wait for a task, for the user, or for the time to be up; whichever comes first."""
    asked: asyncio.Future[Any] = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait([task, asked], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[TextIO]:
    """Hold the folder: two demos in one would delete each other's files."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                f"another demo runs in {home}: stop it first, or set MIMAMORI_HOME to another folder"
            ) from None
        yield lock
