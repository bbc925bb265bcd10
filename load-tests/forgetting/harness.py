"""A whole house with short expiries: canaries planted everywhere, things killed meanwhile, and then everything read."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from browsing import visit
from canaries import PIXELS, Mark
from decode import CODECS, clickhouse_file, kafka_file, plain_file
from keys import Index
from memory import family, may_be_read, regions, unnamed_files
from plant import Planter, malformed, source_of_pictures
from scan import Decode, Row, Scan, Sought, control_beside, seen
from watched import Keys, Opened, Span

from pipeline import sealing
from pipeline.broker import admin
from pipeline.edge import segment
from pipeline.evidence.clip import open_clip
from pipeline.local.ready import group_has_work
from pipeline.local.supervise import Child
from pipeline.vault.api import EvidenceObject, LookRequest, lease_info
from pipeline.warehouse.users import DATABASE, OWNER
from schemas.ids import AlertId
from tests.integration.house import House
from tests.integration.looking import REASON, file_of, opens, signed_in, stored
from tests.integration.short import Short, short_house

PLAYED: Final = ("ginza", "aisle")
"""The camera whose device the harness plays itself."""

FILMED: Final = ("ginza", "entrance")
"""The camera before which the pictures are held."""

CONTROL_TOPIC: Final = "forgetting-control"
CONTROL_TABLE: Final = "forgetting_control"
CONTROL_FILE: Final = "forgetting-control"

SPOOL: Final = "spool, Kafka down"
EVIDENCE: Final = "evidence objects, alive"
METRICS: Final = "metrics and status pages"
HOLDER: Final = "memory of a process that holds a key (control)"
CHECKPOINTS: Final = "Kafka: checkpoints"
UNNAMED: Final = "unnamed files of processes"
_PLAIN: Final = (
    "key ring",
    "key store, ledger, checkpoints, tokens",
    "spool and device state",
    "evidence objects",
    "logs",
    "browser profile",
    "temporary files",
)
"""Where files are read as they lie there."""

MAY_BE_EMPTY: Final = frozenset({"evidence objects", "temporary files", UNNAMED})
"""Places in which at the end nothing may be left; a control lies there all the same."""

VAULT_PAGES: Final = ("metrics", "openapi.json", "healthz", "v1/status", "v1/ledger", "v1/matrix")
CONSOLE_PAGES: Final = {
    "manager": ("", "people", "api/alerts", "api/flow", "api/today", "api/cameras", "api/holds", "healthz"),
    "auditor": ("", "api/forgotten", "api/matrix.json"),
    "on-call": ("", "api/stages", "api/cameras"),
}
_ATTEMPTS: Final = 10
_ALWAYS_SET: Final = "MIMAMORI_ESTATE"
_SLACK: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Plan:
    """How long frames live, how much is planted, and what is disturbed."""

    ttl: timedelta
    canaries: int
    a_second: float
    kills: Sequence[str]
    pause: float
    kafka_down: timedelta
    after: timedelta
    """How long it goes on after the last disturbance: keys come and go in processes that are not killed any more."""
    ahead: timedelta
    memory_of_all: bool = True
    evidence: timedelta | None = None
    """How long evidence lives; without it none is waited for."""
    pictures: int = 60
    """Held before the filmed camera."""
    check_ms: int = 1000
    """How often Kafka looks for what has outlived its retention."""


@dataclass
class Found:
    """What came of it."""

    rows: list[Row] = field(default_factory=list)
    planted: int = 0
    opened: int = 0
    """Canary frames that detecting opened."""
    malformed: int = 0
    evidence: int = 0
    """Sealed clips that were there."""
    evidence_canaries: int = 0
    """Canaries that a person saw in them while they lived."""
    evidence_opens_after: int = 0
    kills: list[str] = field(default_factory=list)
    rebalances: int = 0
    broker_restarts: int = 0
    keys_destroyed: int = 0
    private_keys_known: int = 0
    slot_keys_known: int = 0
    lateness: dict[str, float] = field(default_factory=dict)
    lateness_kafka_down: dict[str, float] = field(default_factory=dict)
    lateness_vault_up: dict[str, float] = field(default_factory=dict)
    """Of keys that did not expire while the vault was killed and came again."""
    lateness_on_disk: dict[str, float] = field(default_factory=dict)
    """By when slot keys were gone from the ring's file, and not by what the vault says."""
    lateness_on_disk_vault_up: dict[str, float] = field(default_factory=dict)
    in_ring_after_told_s: float = 0.0
    """For how long at most a slot key lay there after its keys were told to be destroyed."""
    places_missing: list[str] = field(default_factory=list)
    """Places that were to be read, and are not in the table."""
    overdue: int = 0
    browser: bool = False
    seconds: float = 0.0


def _short(plan: Plan, pictures: Path) -> Short:
    evidence = "1d" if plan.evidence is None else f"{plan.evidence.total_seconds():g}s"
    return Short(
        plan.ttl,
        evidence=evidence,
        played=(PLAYED,),
        sources={FILMED: str(pictures)},
        ahead=plan.ahead,
        check_ms=plan.check_ms,
    )


class Run:
    """One house, from its first frame to the table."""

    def __init__(self, here: House, plan: Plan, marks: tuple[Mark, Mark], tell: Callable[[str], None]) -> None:
        self._here, self._plan, self._tell = here, plan, tell
        self._planted, self._control = marks
        self._keys = Keys(here)
        self._clips: list[tuple[AlertId, bytes]] = []
        self._evidence_until = datetime.now(UTC)
        self._vault_away: list[Span] = []
        self._children = [each.name for each in here.supervisor.children]
        self.found = Found()

    async def run(self) -> Found:
        """Plant, disturb, wait, and read everything."""
        began = time.monotonic()
        planter = Planter(self._here, self._planted, *PLAYED)
        opened = Opened(self._here, PLAYED[1])
        following = _beside(self._keys.follow()), _beside(self._keys.follow_ring())
        async with following[0] as asking, following[1] as reading, _beside(opened.follow()):
            self._tell("planting what is malformed")
            self.found.malformed = await malformed(self._here, planter.device, self._planted)
            plain_until = time.monotonic()
            async with _beside(planter.run(self._plan.canaries, self._plan.a_second)):
                if self._plan.evidence is not None:
                    await self._look()
                await self._disturb()
                await self._kafka_down()
                await self._here.until(_async(lambda: planter.done), "every canary is planted", 120)
                await asyncio.sleep(self._plan.after.total_seconds())
            self.found.planted = planter.count
            self._tell("reading memory at work")
            self.found.rows += await asyncio.to_thread(self._memories, "at work")
            # A shop that closes: nothing overwrites by chance what processes no longer need.
            await self._here.supervisor.end(*(each for each in self._pids() if each.startswith("device-")))
            if self._plan.evidence is None:
                self._tell("a visit to the console")
                await self._visit()
            await self._controls()
            await self._expire(planter.last_expiry, plain_until)
            self.found.evidence_opens_after = len([each for each in self._clips if await opens(self._here, *each)])
            self.found.opened = len(opened.frames)
            for watching in (asking, reading):
                if watching.done():
                    await watching
            async with self._here.vault("console") as client:
                await self._keys.read_ledger(client)
            await self._scan()
            self._tell("done")
        self._count_keys()
        self.found.places_missing = sorted(self._due() - {each.place for each in self.found.rows})
        self.found.seconds = round(time.monotonic() - began, 1)
        return self.found

    # --- disturbing --------------------------------------------------------------------------------------------

    async def _disturb(self) -> None:
        first, *others = self._plan.kills
        await self._after_pause(first)
        self._tell("a second worker of detecting comes")
        starting = asyncio.create_task(self._second_worker())
        for name in others:
            if name == "vault":
                # It starts alone: else its lateness would be this machine's.
                await starting
            await self._after_pause(name)
        second = await starting
        await self._here.until(partial(self._members, 2), "two workers share detecting")
        self.found.rebalances += 1
        self._tell("and goes")
        await self._here.supervisor.end(second)
        await self._here.until(partial(self._members, 1), "one worker detects alone again")
        self.found.rebalances += 1

    async def _after_pause(self, victim: str) -> None:
        await asyncio.sleep(self._plan.pause)
        self._tell(f"killing {victim}")
        await self._kill(victim)

    async def _kill(self, name: str) -> None:
        pid, began = self._here.supervisor.pid(name), datetime.now(UTC)
        with contextlib.suppress(ProcessLookupError):  # it may have died just now, of another's death
            os.kill(pid, signal.SIGKILL)
        child = self._child(name)

        async def ready() -> bool:
            return self._here.supervisor.pid(name) != pid and await child.ready()

        await self._here.until(ready, f"{name} is ready again")
        self.found.kills.append(name)
        if name == "vault":
            # What expired just before had no time left, and what expires just after waits for what came before it.
            self._vault_away.append((began - _SLACK, datetime.now(UTC) + _SLACK))

    def _child(self, name: str) -> Child:
        return next(each for each in self._here.supervisor.children if each.name == name)

    async def _second_worker(self) -> str:
        first = self._child("detecting")
        second = Child(
            "detecting-2", first.argv, group_has_work(self._here.demo.bootstrap, "mimamori-detecting"),
            env={**first.env, "MIMAMORI_KAFKA__SEAT": "detecting-2"}, tier=first.tier,
        )  # fmt: skip
        await self._here.supervisor.start(second)
        return second.name

    async def _members(self, wanted: int) -> bool:
        async with admin(self._here.demo.bootstrap) as client:
            (answer,) = await client.describe_consumer_groups(["mimamori-detecting"])
        _error, _name, state, _type, _protocol, members, *_ = answer.groups[0]  # type: ignore[attr-defined]  # typed as any response
        return state == "Stable" and len(members) == wanted

    async def _kafka_down(self) -> None:
        """Keep the broker down, and see that keys die on time all the same."""
        self._tell(f"Kafka is down for {self._plan.kafka_down.total_seconds():g} s")
        child = self._child("kafka")
        await self._here.supervisor.end("kafka")
        self._down_since = datetime.now(UTC)
        await asyncio.sleep(self._plan.kafka_down.total_seconds())
        self._down_until = datetime.now(UTC)
        # Later there is nothing of it any more.
        self.found.rows.append(await asyncio.to_thread(self._early, SPOOL, "devices"))
        await self._here.supervisor.start(child)
        self.found.broker_restarts += 1

    def _early(self, place: str, folder: str) -> Row:
        """Read a folder of the house before the end."""
        self._sought = self._now_sought()
        scan = Scan(place, self._sought)
        paths = sorted(each for each in (self._here.demo.run / folder).rglob("*") if each.is_file())
        with self._planted_control(self._here.demo.run / folder) as control:
            scan.files([*paths, control])
            scan.row.files -= 1
            scan.controlled(self._seen_in([control], plain_file))
        if place == SPOOL and not any(_has_records(each) for each in paths if each.suffix == ".segment"):
            scan.lacks("a segment with records")
        if not scan.row.files:
            scan.lacks("a file")
        return scan.row

    async def _look(self) -> None:
        """Wait for evidence, and look at it as people do: canaries are in its pictures."""
        self._tell("waiting for evidence")

        async def there() -> bool:
            return any(each.camera_id == FILMED[1] for each in await stored(self._here))

        await self._here.until(there, "evidence is stored", 180)
        for each in await stored(self._here):
            sealed = file_of(self._here, each).read_bytes()
            private = await self._lent(each)
            self._keys.learn(each.key_id, private)
            self._clips.append((each.alert_id, sealed))
            self._evidence_until = max(self._evidence_until, each.expires_at)
            pictures = b"".join(open_clip(sealed, private).pictures)
            self.found.evidence_canaries += seen(pictures, self._planted)[PIXELS]
        self.found.evidence = len(self._clips)
        self.found.rows.append(await asyncio.to_thread(self._early, EVIDENCE, "objects"))
        self._tell("a look at evidence in a browser")
        await self._visit(self._clips[0][0])

    async def _lent(self, evidence: EvidenceObject) -> bytes:
        """Return a clip's private key, as the console gets it for a person."""
        pair = sealing.generate()
        asked = LookRequest(
            alert_id=evidence.alert_id, purpose=evidence.purpose, reason=REASON, lease_public=pair.public
        )
        async with signed_in(self._here, "manager") as (vault, session):
            lease = (await vault.look(asked, session=session)).lease
        return sealing.open_(pair.private, lease_info(lease), lease.sealed)

    async def _visit(self, alert: AlertId | None = None) -> None:
        """Look at the console as a person does, and leave a control in what the browser keeps."""
        text = self._control.canary(0).text
        demo = self._here.demo
        profile, password = self._here.folder / "browser", demo.accounts["manager"]
        self.found.browser = await visit(demo.console_url, profile, password, text, alert)
        if not self.found.browser:
            self._tell("NO BROWSER: what it keeps is not read; `make browser` brings one")

    async def _controls(self) -> None:
        """Plant controls where only the real service can put them."""
        await self._control_topic()
        await asyncio.to_thread(self._control_table)

    async def _control_topic(self) -> None:
        async with admin(self._here.demo.bootstrap) as client:
            await client.create_topics([NewTopic(CONTROL_TOPIC, len(CODECS), 1)])
        content = self._content(1)
        for partition, codec in enumerate(CODECS):
            producer = AIOKafkaProducer(
                bootstrap_servers=self._here.demo.bootstrap,
                compression_type=None if codec == "none" else codec,
                max_request_size=2 << 20,
            )
            await producer.start()
            try:
                await self._here.until(partial(_sent, producer, partition, content), "the control lies in Kafka")
            finally:
                await producer.stop()

    def _control_table(self) -> None:
        ask = partial(self._here.demo.clickhouse.ask, OWNER, timeout=10)
        ask(
            f"CREATE TABLE {DATABASE}.{CONTROL_TABLE} (zstd String CODEC(ZSTD(1)), lz4 String CODEC(LZ4), "
            "none String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple() "
            "SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0"
        )
        value = f"unhex('{self._content(2).hex()}')"
        ask(f"INSERT INTO {DATABASE}.{CONTROL_TABLE} SELECT {value} AS x, x, x")

    def _content(self, number: int) -> bytes:
        control = self._control.canary(number)
        return b"\n".join([control.blob, control.legible()])

    async def _expire(self, last: datetime, plain: float) -> None:
        """Wait until the last canary's key is due and Kafka's retention has had its time."""
        segment = max(timedelta(seconds=10), self._plan.ttl / 4)
        retained = self._plan.ttl + segment + timedelta(milliseconds=2 * self._plan.check_ms) + _SLACK
        left = max(
            (max(last, self._evidence_until) + _SLACK - datetime.now(UTC)).total_seconds(),
            plain + retained.total_seconds() - time.monotonic(),
        )
        self._tell(f"waiting {max(left, 0):.0f} s until all that was planted is past its time")
        await asyncio.sleep(max(left, 0))

    # --- reading -----------------------------------------------------------------------------------------------

    async def _scan(self) -> None:
        self._tell("reading everything")
        self.found.overdue = len(self._keys.overdue(_SLACK))
        self.found.rows += await asyncio.to_thread(self._memories, "at rest")
        self._sought = self._now_sought()
        self._tell("reading files")
        self.found.rows += await asyncio.to_thread(self._disk)
        self.found.rows += [await self._metrics()]

    def _disk(self) -> list[Row]:
        with contextlib.ExitStack() as planted:
            for folder in self._plain_folders():
                planted.enter_context(self._planted_control(folder))
            planted.enter_context(self._unnamed_control())
            places = self._places()
            return [self._place(name, paths, decode) for name, (paths, decode) in places.items()]

    def _place(self, name: str, paths: list[Path], decode: Decode) -> Row:
        scan = Scan(name, self._sought)
        scan.files(paths, decode)
        controls = [each for each in paths if each.name == CONTROL_FILE]
        scan.row.files -= len(controls)
        self._check_controls(scan, name, paths, controls, decode)
        if not scan.row.files and name not in MAY_BE_EMPTY:
            scan.lacks("a file")
        return scan.row

    def _plain_folders(self) -> list[Path]:
        """Return a folder of each place whose files are read as they lie there."""
        run, folder = self._here.demo.run, self._here.folder
        places = [run / "vault" / "ring", run / "vault", run / "devices", run / "objects", run]
        places += [folder / "logs", folder / "tmp"]
        return [*places, folder / "browser"] if self.found.browser else places

    @contextlib.contextmanager
    def _planted_control(self, folder: Path) -> Iterator[Path]:
        """Keep a control lying in a folder of the house, to be found there as what the house left is."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / CONTROL_FILE
        path.write_bytes(self._content(3))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _unnamed_control(self) -> Iterator[None]:
        """Keep a control open in a file that no folder names."""
        with tempfile.TemporaryFile(dir=self._here.folder / "tmp") as file:
            file.write(self._content(3))
            file.flush()
            yield

    def _check_controls(
        self, scan: Scan, name: str, paths: Sequence[Path], controls: Sequence[Path], decode: Decode
    ) -> None:
        control = self._control.canary(3)
        if name == UNNAMED:
            scan.controlled(self._seen_in(paths, plain_file))
        elif decode is plain_file and name != CHECKPOINTS:
            scan.controlled(self._seen_in(controls, plain_file))
        else:
            scan.controlled(control_beside(paths, control, control.legible(), decode))
        if name == f"Kafka: {CONTROL_TOPIC}":
            for partition in range(len(CODECS)):
                segments = [each for each in paths if each.parent.name.endswith(f"-{partition}")]
                scan.controlled(self._seen_in(segments, kafka_file))
        elif name == "ClickHouse":
            for codec in ("zstd", "lz4", "none"):
                scan.controlled(self._seen_in([each for each in paths if each.name == f"{codec}.bin"], clickhouse_file))
        elif name == "browser profile":
            kept = [each for each in paths if each not in controls]
            scan.controlled(self._seen_in(kept, plain_file), {"hex", "base64+0", "base64+1", "base64+2"})
        elif name == "key ring":
            living = Index(self._keys.living())
            scan.controlled({"a living slot key"} if self._holds(paths, living) else (), {"a living slot key"})

    def _seen_in(self, paths: Iterable[Path], decode: Decode) -> set[str]:
        forms: set[str] = set()
        for path in paths:
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            parts, _unread = decode(path, data)
            # Decoded alone, where there is something to decode.
            looked = parts if decode is not plain_file else [data, *parts]
            forms |= {form for each in looked for form in seen(each, self._control)}
        return forms

    def _holds(self, paths: Iterable[Path], index: Index) -> bool:
        return any(True for path in paths if path.exists() for _hit in index.find(path.read_bytes()))

    def _places(self) -> dict[str, tuple[list[Path], Decode]]:
        """Sort every file of the house into its place."""
        run, found = self._here.demo.run, defaultdict[tuple[str, Decode], list[Path]](list)
        for path in self._here.files():
            found[_place(path, self._here.folder, run)].append(path)
        for each in [os.getpid(), *(each for pid in self._pids().values() for each in family(pid))]:
            found[UNNAMED, plain_file] += unnamed_files(each)
        return {
            name: (sorted(paths), decode)
            for (name, decode), paths in sorted(found.items(), key=lambda each: each[0][0])
        }

    def _pids(self) -> dict[str, int]:
        return {
            each.name: self._here.supervisor.pid(each.name)
            for each in self._here.supervisor.children
            if _lives(self._here.supervisor.pid(each.name))
        }

    def _due(self) -> set[str]:
        """Name every place that has to be in the table."""
        places = {SPOOL, METRICS, HOLDER, CHECKPOINTS, UNNAMED, *_PLAIN} | {"ClickHouse", "all other files"}
        if self._plan.evidence is not None:
            places.add(EVIDENCE)
        if not self.found.browser:
            places.remove("browser profile")
        names = [*self._here.topics, "__consumer_offsets", "__cluster_metadata", CONTROL_TOPIC]
        places |= {f"Kafka: {name}" for name in names}
        sought = [name for name in self._children if self._is_sought(name)]
        places |= {f"memory of {name}, at work" for name in sought}
        return places | {f"memory of {name}, at rest" for name in sought if not name.startswith("device-")}

    def _now_sought(self) -> Sought:
        return Sought(self._planted, self._control, Index(self._keys.destroyed()))

    def _memories(self, when: str) -> list[Row]:
        self._sought = self._now_sought()
        rows = [self._memory_of(name, when) for name in self._pids() if self._is_sought(name)]
        return [*rows, self._holder()]

    def _memory_of(self, name: str, when: str) -> Row:
        """Read a process's memory; where it ends meanwhile, that of the one started in its place."""
        for _attempt in range(_ATTEMPTS):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                return self._memory(name, self._here.supervisor.pid(name), when)
            time.sleep(1)
        gone = Row(f"memory of {name}, {when}")
        gone.missing.append("it does not stay up")
        return gone

    def _is_sought(self, name: str) -> bool:
        if name in {"kafka", "clickhouse"}:
            return False  # Neither is ever handed a key.
        return self._plan.memory_of_all or name in {"vault", "detecting", "cutting", "console"}

    def _memory(self, name: str, pid: int, when: str) -> Row:
        scan = Scan(f"memory of {name}, {when}", self._sought, pixels=False)
        if not may_be_read(pid):
            scan.row.missing.append("memory is closed to us: run this as root")
            return scan.row
        what, held = self._held_by(name, when)
        control, seen_there = Index(held), False
        for each in family(pid):
            for where, data in regions(each):
                scan.row.scanned += len(data)
                seen_there = seen_there or any(True for _hit in control.find(data))
                scan.hits(self._sought.destroyed.find(data), where)
        scan.controlled({what} if seen_there else (), {what})
        return scan.row

    def _held_by(self, name: str, when: str) -> tuple[str, dict[str, bytes]]:
        """Say what lies in a process's memory for certain."""
        if name == "vault":
            return "a living slot key", self._keys.living()
        environment = {"environment": self._child(name).env[_ALWAYS_SET].encode()}
        if name == "detecting" and when == "at work":
            # One that is far behind holds no key that lives.
            return "a living private key, or its environment", self._keys.living_private() | environment
        return "its environment", environment

    def _holder(self) -> Row:
        """Look into a process that does hold what is looked for."""
        scan = Scan(HOLDER, self._sought, pixels=False)
        secret = os.urandom(96)
        code = "import sys; held = sys.stdin.buffer.read(96); print(len(held), flush=True); sys.stdin.buffer.read(1)"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(secret)
            process.stdin.flush()
            process.stdout.readline()
            index = Index({"control": secret})
            hits = [hit for _where, data in regions(process.pid) for hit in index.find(data)]
            process.kill()
        scan.row.scanned += len(secret)
        scan.controlled({"a key"} if hits else (), {"a key"})
        return scan.row

    async def _metrics(self) -> Row:
        """Read what every service says of itself, and to whom may see it."""
        scan = Scan(METRICS, self._sought)
        demo = self._here.demo
        async with httpx.AsyncClient(timeout=10) as client:
            token = {"Authorization": f"Bearer {demo.tokens['console']}"}
            for path in VAULT_PAGES:
                await _read_page(scan, client, f"{demo.vault_url}/{path}", token)
            # Nobody sees everything: each role its own.
            for name, paths in CONSOLE_PAGES.items():
                client.cookies.clear()
                await client.post(
                    f"{demo.console_url}api/sign-in", json={"name": name, "password": demo.accounts[name]}
                )
                for path in paths:
                    await _read_page(scan, client, f"{demo.console_url}{path}", {})
        seen_there = seen(b"\n".join([b"", self._content(4)]), self._control)
        scan.controlled(seen_there if scan.row.files else ())
        return scan.row

    def _count_keys(self) -> None:
        self.found.keys_destroyed = len(self._keys.lateness().seconds)
        self.found.private_keys_known = len(self._keys.private)
        self.found.slot_keys_known = len(self._keys.slot)
        self.found.lateness = self._keys.lateness().as_dict()
        self.found.lateness_kafka_down = self._keys.lateness([(self._down_since, self._down_until)]).as_dict()
        self.found.lateness_vault_up = self._keys.lateness(but=self._vault_away).as_dict()
        self.found.lateness_on_disk = self._keys.lateness_on_disk().as_dict()
        self.found.lateness_on_disk_vault_up = self._keys.lateness_on_disk(but=self._vault_away).as_dict()
        self.found.in_ring_after_told_s = round(self._keys.seen_after_told(), 3)


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}/maps").exists()


def _place(path: Path, folder: Path, run: Path) -> tuple[str, Decode]:
    """Say which place a file belongs to, and how it is decoded."""
    if path.is_relative_to(run / "kafka" / "data"):
        inside = path.relative_to(run / "kafka" / "data")
        topic = inside.parts[0].rpartition("-")[0] if len(inside.parts) > 1 else ""
        return (f"Kafka: {topic}", kafka_file) if topic else (CHECKPOINTS, plain_file)
    if path.is_relative_to(run / "clickhouse"):
        return "ClickHouse", clickhouse_file
    below = {
        "key ring": run / "vault" / "ring",
        "key store, ledger, checkpoints, tokens": run / "vault",
        "spool and device state": run / "devices",
        "evidence objects": run / "objects",
        "logs": folder / "logs",
        "browser profile": folder / "browser",
        "temporary files": folder / "tmp",
    }
    return next((place for place in _PLAIN if path.is_relative_to(below[place])), "all other files"), plain_file


def _has_records(path: Path) -> bool:
    """Say whether a record of a spool lies in a segment: there is more of it than its title."""
    with contextlib.suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        return any(True for _head in segment.heads(file.fileno(), len(file.readline()), size))
    return False


async def _read_page(scan: Scan, client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> None:
    """Read a page; one that is refused, or is none, is a place that was not looked into."""
    try:
        answer = await client.get(url, headers=headers)
    except httpx.HTTPError as error:
        scan.lacks(f"{url}: {type(error).__name__}")
        return
    if not answer.is_success or not answer.content:
        scan.lacks(f"{url}: {answer.status_code}")
        return
    scan.row.files += 1
    scan.bytes(answer.content, url)


async def _sent(producer: AIOKafkaProducer, partition: int, content: bytes) -> bool:
    await producer.send_and_wait(CONTROL_TOPIC, content, partition=partition)
    return True


def _async(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return condition()

    return ask


@contextlib.asynccontextmanager
async def _beside(work: Any) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def forget(folder: Path, plan: Plan, tell: Callable[[str], None]) -> Found:
    """Run a house in this folder by plan, and say what it has not forgotten."""
    marks = Mark("C"), Mark("K")
    # What a camera sees is not the house's own: the pictures lie elsewhere.
    pictures = folder.with_name(f"{folder.name}-seen")
    try:
        source_of_pictures(pictures, marks[0], plan.pictures)
        async with short_house(folder, _short(plan, pictures)) as here:
            return await Run(here, plan, marks, tell).run()
    finally:
        shutil.rmtree(pictures, ignore_errors=True)
