"""Kills every part of a running house at seeded times, and compares what came out with what should have."""

import asyncio
import contextlib
import os
import random
import re
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from agents import watching
from pipeline.errors import Rejected
from pipeline.evidence.clip import name_of
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow, row
from pipeline.reading import reader
from pipeline.received import Received
from pipeline.vault.api import EvidenceObject
from pipeline.vault.ledger import Kind
from schemas.dead_letter import DeadLetter
from schemas.detections import DeviceMessage, FrameDetections, FrameRef, Still
from schemas.envelope import CameraMessage, Invalid
from schemas.erasure import ErasureReceipt
from schemas.estate import load_regulations
from schemas.frame import Frame
from schemas.topics import STAGES
from schemas.wire import Sealed, decode
from tests.integration.house import House, house

VICTIMS: Final = (*STAGES, "vault", "clickhouse", "kafka")
SIGNS: Final = {
    "detecting": "detections.v1",
    "watching": "watching-state.v1",
    "recording": "recording-state.v1",
    "cutting": "cutting-state.v1",
    "erasing": "erasing-state.v1",
    "vault": "detections.v1",
    "clickhouse": "recording-state.v1",
    "kafka": "detections.v1",
}
"""Where one sees that a part is at work again, and those behind it too: something new comes here.

Recording, cutting and erasing have something to do only when a window closes, an alert fires or the ledger grows: up
to a window later.
"""

COMPARED: Final = ("frames.v1", "detections.v1", "alerts.v1", "flow.v1")
FOLLOWED: Final = (*COMPARED, "erasures.v1")
CALM_AFTER: Final = 90.0
_EXPIRED_UNREAD: Final = re.compile(r'"count": (\d+), "event": "expired_unread"')


@dataclass(frozen=True)
class Plan:
    """How to disturb: so often everyone, this far apart."""

    rounds: int
    pause: tuple[float, float]
    together: int = 0
    """How often, besides, two are killed at once."""


class Recovery(NamedTuple):
    """One kill: whom, until a new process was ready, and until something came of it again."""

    victim: str
    ready: float
    works: float


@dataclass
class Found:
    """What came of it. All that is called a difference must be 0."""

    kills: list[Recovery] = field(default_factory=list)
    died_besides: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    stills: int = 0
    without_outcome: int = 0
    expired_unread: int = 0
    """Frames that retention took before they were read: more than frames live had passed by. Counted, not lost."""
    outcomes_that_differ: int = 0
    outcomes_twice: int = 0
    alerts: int = 0
    alert_rows_differ: int = 0
    flow_rows: int = 0
    flow_rows_differ: int = 0
    coverage_rows: int = 0
    coverage_rows_differ: int = 0
    alerts_published_differ: int = 0
    keys_destroyed: int = 0
    receipts_differ: int = 0
    clips: int = 0
    clips_differ: int = 0
    """Clips that do not lie there as the vault was told, or two of one alert."""
    control: int = 0
    """How much differs when one detected frame is left out on purpose: a comparison that says 0 then sees nothing."""
    dead_letters: dict[str, int] = field(default_factory=dict)
    """Whatever dies, every record can be used: any of these is a failure too."""
    calm_after: float = 0.0
    seconds: float = 0.0

    @property
    def difference(self) -> int:
        return (
            self.without_outcome
            + self.outcomes_that_differ
            + self.alert_rows_differ
            + self.flow_rows_differ
            + self.coverage_rows_differ
            + self.alerts_published_differ
            + self.receipts_differ
            + self.clips_differ
        )


class Witness:
    """Reads topics as they grow, from their beginning, so that retention takes nothing from the comparison."""

    def __init__(self, here: House) -> None:
        self._here = here
        self.records: dict[TopicPartition, dict[int, Any]] = defaultdict(dict)
        self.newest: dict[str, float] = {}

    async def follow(self) -> None:
        """Read on for ever; while the broker is away, wait for it."""
        places = [
            TopicPartition(name, number)
            for name in {*FOLLOWED, *SIGNS.values()}
            for number in range(self._here.topics[name].partitions)
        ]
        while True:
            with contextlib.suppress(KafkaError, OSError):
                async with reader(self._here.demo.bootstrap) as consumer:
                    consumer.assign(places)
                    for place in places:
                        consumer.seek(place, max(self.records[place], default=-1) + 1)
                    while True:
                        self._take(await consumer.getmany(timeout_ms=200))
            await asyncio.sleep(0.2)

    def _take(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        for place, records in fetched.items():
            for record in records:
                if record.offset not in self.records[place]:
                    self.newest[place.topic] = time.monotonic()
                    self.records[place][record.offset] = record

    def reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all(max(self.records[place], default=-1) + 1 >= end for place, end in ends.items())

    def gaps(self) -> int:
        """Count the records that went by unseen."""
        return sum(max(found) + 1 - len(found) for place, found in self.records.items() if found and _kept(place.topic))

    def late(self) -> set[FrameRef]:
        """Return where records lie that had expired when they came: what sent them was behind."""
        return {
            FrameRef(topic=place.topic, partition=place.partition, offset=offset)
            for place, found in self.records.items()
            if _kept(place.topic)
            for offset, record in found.items()
            if _late(self._here.topics[place.topic], record)
        }

    def messages(self, topic: str) -> list[tuple[FrameRef, Any]]:
        """Return a topic's messages and where they lie, in the order of each partition."""
        contract = self._here.topics[topic]
        return [
            (FrameRef(topic=topic, partition=place.partition, offset=offset), _inner(contract, record))
            for place in sorted(self.records)
            if place.topic == topic
            for offset, record in sorted(self.records[place].items())
        ]


def _kept(topic: str) -> bool:
    """Say whether nothing of a topic is cleaned away in the middle."""
    return not topic.endswith("-state.v1")


def _late(contract: Any, record: Any) -> bool:
    try:
        stamp = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        decode(contract, record.key, record.headers, record.value or b"", stamp)
    except Invalid as why:
        return why.reason == "expired"
    return False


def _inner(contract: Any, record: Any) -> Any:
    message = decode(contract, record.key, record.headers, record.value or b"")
    return message.frame if isinstance(message, Sealed) else message


class Run:
    """One house, from its first frame to the comparison."""

    def __init__(self, here: House, plan: Plan, seed: int) -> None:
        self._here, self._plan = here, plan
        self._random = random.Random(seed)
        self._witness = Witness(here)
        self.found = Found()

    async def run(self) -> Found:
        """Disturb, let it come to rest, and compare."""
        began = time.monotonic()
        async with _beside(self._witness.follow()):
            await self._here.until(self._flows, "frames are detected")
            recoveries = await self._disturb()
            self.found.kills = [await each for each in recoveries]
            await self._here.until(self._destroys, "a key is destroyed", 90)
            await self._come_to_rest()
            await self._compare_at_rest()
            # Keys go on dying, and a receipt waits for the next checkpoint: no rest is needed for these.
            await self._compare_receipts()
            await self._compare_clips()
        self.found.seconds = round(time.monotonic() - began, 1)
        return self.found

    async def _flows(self) -> bool:
        return {"detections.v1", "watching-state.v1", "erasing-state.v1"} <= self._witness.newest.keys()

    async def _destroys(self) -> bool:
        return "erasures.v1" in self._witness.newest

    async def _disturb(self) -> list["asyncio.Task[Recovery]"]:
        victims = [
            (name,) for _round in range(self._plan.rounds) for name in self._random.sample(VICTIMS, len(VICTIMS))
        ]
        pairs = [tuple(self._random.sample(VICTIMS, 2)) for _pair in range(self._plan.together)]
        recovering = []
        for together in (*victims, *pairs):
            await asyncio.sleep(self._random.uniform(*self._plan.pause))
            recovering += [self._kill(name) for name in together]
        return recovering

    def _kill(self, name: str) -> "asyncio.Task[Recovery]":
        pid = self._here.supervisor.pid(name)
        with contextlib.suppress(ProcessLookupError):  # it may have died just now, of another's death
            os.kill(pid, signal.SIGKILL)
        return asyncio.create_task(self._recovery(name, pid, time.monotonic()))

    async def _recovery(self, name: str, pid: int, killed: float) -> Recovery:
        child = next(each for each in self._here.supervisor.children if each.name == name)

        async def ready() -> bool:
            return self._here.supervisor.pid(name) != pid and await child.ready()

        async def works() -> bool:
            return self._witness.newest.get(SIGNS[name], 0) > up

        await self._here.until(ready, f"{name} is ready again")
        up = time.monotonic()
        await self._here.until(works, f"something comes of {name} again")
        return Recovery(name, round(up - killed, 1), round(time.monotonic() - killed, 1))

    async def _come_to_rest(self) -> None:
        """End the devices, and wait until everything has been handled."""
        restarts = self._here.supervisor.restarts()
        killed = Counter(each.victim for each in self.found.kills)
        self.found.died_besides = {name: more for name, times in restarts.items() if (more := times - killed[name]) > 0}
        await self._here.supervisor.end(*(each for each in restarts if each.startswith("device-")))
        self.found.calm_after = round(await self._here.until(self._at_rest, "everything is handled", CALM_AFTER), 1)

    async def _at_rest(self) -> bool:
        return await self._here.all_handled() and self._witness.reached(await self._here.ends(*FOLLOWED))

    # --- comparing ---------------------------------------------------------------------------------------------

    async def _compare_at_rest(self) -> None:
        """Compare while nothing moves: cameras that fell silent are ticked now and then, and that makes windows."""
        for _attempt in range(10):
            await self._here.until(self._at_rest, "everything is handled", CALM_AFTER)
            ends = await self._here.ends(*COMPARED)
            await self._compare()
            if ends == await self._here.ends(*COMPARED):
                return
        raise TimeoutError("it never came to rest")

    async def _compare(self) -> None:
        assert self._witness.gaps() == 0
        letters = await self._letters()
        self.found.dead_letters = dict(Counter(f"{each.stage}: {each.reason}" for each in letters))
        # What had expired when the broker took it is unread, and no letter tells of it.
        refused = {each.source_record for each in letters} | self._witness.late()
        self._compare_outcomes(refused)
        await self._compare_rows(refused)

    async def _compare_clips(self) -> None:
        """Every clip that the vault was told of lies there, to the last byte, and there is one an alert."""
        async with self._here.vault("cutting") as vault:
            told = [each for each in await vault.objects() if each.stored]
        there = [each for each in told if self._digest(each) == each.sha256]
        self.found.clips = len(there)
        self.found.clips_differ = len(told) - len(there) + len(told) - len({each.alert_id for each in told})

    def _digest(self, clip: EvidenceObject) -> str | None:
        file = self._here.demo.run / "objects" / name_of(clip.store_id, clip.camera_id, clip.key_id)
        return sha256(file.read_bytes()).hexdigest() if file.exists() else None

    async def _letters(self) -> list[DeadLetter]:
        dead = [name for name in self._here.topics if name.endswith(".dead")]
        return [letter for name in dead for letter in await self._here.messages(name)]

    def _compare_outcomes(self, refused: set[FrameRef]) -> None:
        """Everything that devices sent has come to one thing, or to the same one twice."""
        outcomes: dict[Any, list[Any]] = defaultdict(list)
        for _ref, message in self._witness.messages("detections.v1"):
            if isinstance(message, DeviceMessage):
                outcomes[_name(message)].append(message)
        sent = [each for each in self._witness.messages("frames.v1") if each[0] not in refused]
        self.found.frames = sum(isinstance(each, Frame) for _ref, each in sent)
        self.found.stills = sum(isinstance(each, Still) for _ref, each in sent)
        wanted = {_name(each) for _ref, each in sent}
        self.found.expired_unread = sum(map(int, _EXPIRED_UNREAD.findall(self._log("detecting"))))
        missing = len(wanted - outcomes.keys())
        self.found.without_outcome = abs(missing - self.found.expired_unread) + len(outcomes.keys() - wanted)
        self.found.outcomes_twice = sum(len(each) - 1 for each in outcomes.values())
        self.found.outcomes_that_differ = sum(len(_seen(each)) > 1 for each in outcomes.values())

    def _log(self, name: str) -> str:
        return (self._here.demo.logs / f"{name}.log").read_text(errors="replace")

    async def _compare_rows(self, refused: set[FrameRef]) -> None:
        """The warehouse holds what the pure step makes of detections.v1 as it lies in Kafka."""
        wanted = self._wanted(refused)
        for kind, name in ((AlertRow, "alert_rows"), (FlowRow, "flow_rows"), (CoverageRow, "coverage_rows")):
            rows = {_key(each): _plain(each) for each in await self._here.rows(kind)}
            setattr(self.found, f"{name}_differ", _differ(wanted[kind], rows))
            setattr(self.found, "alerts" if kind is AlertRow else name, len(rows))
        left_out = next(
            ref for ref, each in self._witness.messages("detections.v1") if isinstance(each, FrameDetections)
        )
        rows = {_key(each): _plain(each) for each in await self._here.rows(CoverageRow)}
        self.found.control = _differ(self._wanted({*refused, left_out})[CoverageRow], rows)
        published = {each.alert_id for _ref, each in self._witness.messages("alerts.v1")}
        self.found.alerts_published_differ = len(published ^ {key[0] for key in wanted[AlertRow]})

    def _wanted(self, refused: set[FrameRef]) -> dict[type[Any], dict[Any, Any]]:
        rows: dict[type[Any], dict[Any, Any]] = {AlertRow: {}, FlowRow: {}, CoverageRow: {}}
        newest: dict[Any, int] = {}
        for message in self._stepped(refused):
            made = row(message, self._timezone(message))
            version = getattr(made, "version", 0)
            if version >= newest.get((type(made), _key(made)), 0):
                newest[type(made), _key(made)] = version
                rows[type(made)][_key(made)] = _plain(made)
        return rows

    def _timezone(self, message: CameraMessage) -> ZoneInfo:
        store = self._here.estate.store(message.store_id)
        assert store is not None
        return ZoneInfo(store.timezone)

    def _stepped(self, refused: set[FrameRef]) -> Iterable[Any]:
        estate, path = self._here.estate, self._here.demo.estate_path
        views = watching.views_of(estate, load_regulations(path, estate))
        states: dict[str, Any] = {}
        for ref, message in self._witness.messages("detections.v1"):
            assert isinstance(message, CameraMessage)
            if ref not in refused:
                with contextlib.suppress(Rejected):
                    received = Received(message, ref)
                    states[message.key], made = watching.step(states.get(message.key), received, views=views)
                    yield from made

    async def _compare_receipts(self) -> None:
        """Every key that the ledger calls destroyed has one receipt, however often it was published."""
        destroyed = await self._destroyed()

        async def told() -> bool:
            return set(destroyed) <= await self._receipts()

        await self._here.until(told, "every destroyed key has its receipt")
        self.found.keys_destroyed = len(destroyed)
        receipts = await self._receipts()
        # Keys go on dying meanwhile; none has a receipt that the ledger does not know.
        unknown = receipts - set(await self._destroyed())
        self.found.receipts_differ = len(unknown) + _twice(destroyed) + _twice(receipts)

    async def _receipts(self) -> set[tuple[str, str]]:
        """Return what erasures.v1 says was destroyed, and by which entry of the ledger. It may say so again."""
        messages = await self._here.messages("erasures.v1")
        return {(each.key_id, each.ledger_hash) for each in messages if isinstance(each, ErasureReceipt)}

    async def _destroyed(self) -> list[tuple[str, str]]:
        ledger = await self._here.ledger()
        return [(each.body["key_id"], each.hash) for each in ledger if each.kind is Kind.KEY_DESTROYED]


def _twice(told: Collection[tuple[str, str]]) -> int:
    return len(told) - len({key for key, _hash in told})


def _name(message: Any) -> tuple[Any, ...]:
    return message.store_id, message.camera_id, message.device_id, message.boot, message.sequence


def _seen(outcomes: Sequence[DeviceMessage]) -> set[Any]:
    """Return what was seen in a frame, which is the same however often it was looked at.

    Looked at again it may have been erased meanwhile: watching takes the first that it hears.
    """
    return {each.detections for each in outcomes if isinstance(each, FrameDetections)}


def _key(made: Any) -> tuple[Any, ...]:
    if isinstance(made, AlertRow):
        return (made.alert_id,)
    place = (made.metric, made.line_id, made.zone_id) if isinstance(made, FlowRow) else ()
    return (made.store_id, made.camera_id, *place, made.window_start, made.window_seconds)


def _plain(made: Any) -> Any:
    """Return a row as the warehouse can hold it: the coverage of a count with fewer digits."""
    return made._replace(coverage=float(np.float32(made.coverage))) if isinstance(made, FlowRow) else made


def _differ(wanted: Mapping[Any, Any], rows: Mapping[Any, Any]) -> int:
    return sum(wanted.get(key) != rows.get(key) for key in wanted.keys() | rows.keys())


@contextlib.asynccontextmanager
async def _beside(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def disturb(folder: Path, plan: Plan, seed: int) -> Found:
    """Start a house of drawn scenes in this folder, disturb it by plan, and say what came of it."""
    async with house(folder, devices=True) as here:
        return await Run(here, plan, seed).run()
