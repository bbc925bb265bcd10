"""The whole path, twice over one recorded `frames.v1`: once left alone, once killed at random; nothing may differ."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from recording import Recording, record

from pipeline.broker import admin, create_topics
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from pipeline.local.supervise import Child
from pipeline.settings import Clickhouse
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import owner
from schemas.detections import DeviceMessage
from schemas.topics import STAGES
from tests.integration.house import TABLES, House
from tests.integration.short import Short, short_house

KEPT: Final = frozenset({"frames.v1", "erasures.v1", "audit.v1", "erasing-state.v1"})
"""Not emptied between the runs: what was recorded, and what is the vault's."""

LIVES: Final = timedelta(minutes=40)
"""Longer than both runs take: what is erased meanwhile could not be looked at twice."""

KINDS: Final = (FlowRow, CoverageRow, AlertRow)
_PATIENCE: Final = 600.0
_LOOKS: Final = 5.0
"""Seconds that asking for a lag may take; a broker that was just killed does not answer."""


@dataclass(frozen=True)
class Plan:
    """How long the recording is, who is killed how often, and how far apart."""

    span: timedelta
    kills: tuple[tuple[str, int], ...]
    pause: tuple[float, float]

    @property
    def victims(self) -> list[str]:
        return [name for name, times in self.kills for _time in range(times)]


FULL: Final = Plan(
    timedelta(seconds=300),
    (
        ("detecting", 5),
        ("watching", 4),
        ("recording", 3),
        ("cutting", 1),
        ("kafka", 3),
        ("clickhouse", 2),
        ("vault", 3),
    ),
    (1.0, 4.0),
)
QUICK: Final = Plan(
    timedelta(seconds=45),
    (("detecting", 1), ("watching", 1), ("recording", 1), ("kafka", 1), ("clickhouse", 1), ("vault", 1)),
    (0.5, 1.5),
)
SEEDS: Final = (1, 2, 3)


class Killed(NamedTuple):
    """One kill: whom, and how many records lay before the stages at that moment; None where nobody could say."""

    victim: str
    lag: int | None


class Outcome(NamedTuple):
    """What a run came to: its rows by kind and key, without their versions."""

    rows: dict[type[Any], dict[Any, Any]]
    seconds: float
    twice: int
    """Outcomes of frames that were told again."""

    def counted(self) -> Counter[str]:
        """Return what was counted at each camera's lines."""
        counts: Counter[str] = Counter()
        for each in self.rows[FlowRow].values():
            if each.line_id and each.values:
                way = each.metric.removeprefix("line_")
                counts[f"{each.store_id}/{each.camera_id} {each.line_id} {way}"] += round(each.values[0])
        return counts


@dataclass
class Found:
    """What came of it. `difference` must be 0."""

    records: int = 0
    kills: list[Killed] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    differ: dict[str, int] = field(default_factory=dict)
    control: int = 0
    """How much differs where one row is left out and one is changed: 2, or the comparison sees nothing."""
    outcomes_twice: int = 0
    crossings: int = 0
    crossings_missed: int = 0
    """By how much what is counted differs from what is true, left alone."""
    crossings_missed_when_killed: int = 0
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def in_flight(self) -> int:
        return sum(bool(each.lag) for each in self.kills)

    @property
    def difference(self) -> int:
        return sum(self.differ.values()) + abs(self.crossings_missed_when_killed - self.crossings_missed)

    def as_dict(self) -> dict[str, Any]:
        """Return it all, for JSON."""
        kills = Counter(each.victim for each in self.kills)
        return vars(self) | {"kills": dict(kills), "in_flight": self.in_flight, "difference": self.difference}


class Runs:
    """Both runs in one house."""

    def __init__(self, here: House, plan: Plan, seed: int) -> None:
        self._here, self._plan = here, plan
        self._random = random.Random(seed)
        names = {name for name in STAGES if name != "erasing"}
        self._stages: list[Child] = [each for each in here.supervisor.children if each.name in names]
        self.found = Found()

    async def run(self) -> Found:
        """Record, run alone, run disturbed, compare."""
        await self._end_stages()
        recording = await record(self._here, self._plan.span, SEEDS)
        self.found.records = recording.records
        alone = await self._replay(recording, ())
        victims = self._plan.victims
        self._random.shuffle(victims)
        killed = await self._replay(recording, victims)
        self._compare(recording, alone, killed)
        return self.found

    async def _replay(self, recording: Recording, victims: Sequence[str]) -> Outcome:
        """Begin with nothing but `frames.v1`, and go on until every window of the recording has been told."""
        began = time.monotonic()
        await self._forget()
        await self._here.supervisor.start(*self._stages)
        if victims:
            await self._here.until(lambda: self._under_way(recording), "the replay is under way")
        for victim in victims:
            await asyncio.sleep(self._random.uniform(*self._plan.pause))
            self.found.kills.append(Killed(victim, await self._lag()))
            with contextlib.suppress(ProcessLookupError):  # it may have died just now, of another's death
                os.kill(self._here.supervisor.pid(victim), signal.SIGKILL)
        await self._here.until(self._here.all_handled, "every stage has handled everything", _PATIENCE)
        await self._here.until(lambda: self._told(recording), "every window of the recording is told", _PATIENCE)
        await self._here.until(self._here.all_handled, "every stage has handled everything", _PATIENCE)
        rows = {kind: await self._rows(kind, recording) for kind in KINDS}
        twice = await self._twice()
        await self._end_stages()
        return Outcome(rows, round(time.monotonic() - began, 1), twice)

    async def _under_way(self, recording: Recording) -> bool:
        return await self._here.lag("detecting") < recording.records

    async def _lag(self) -> int | None:
        """How many records lie before detecting, watching and recording."""
        with contextlib.suppress(Exception):  # nobody answers while the broker is away: then it is not known
            async with asyncio.timeout(_LOOKS):
                return sum([await self._here.lag(stage) for stage in ("detecting", "watching", "recording")])
        return None

    async def _told(self, recording: Recording) -> bool:
        """Say whether the last window of every camera is there."""
        length = self._here.estate.flow.window
        last = {
            (row.store_id, row.camera_id)
            for row in await self._here.rows(CoverageRow)
            if row.window_start + length >= recording.ends
        }
        return last >= recording.truths.keys()

    async def _rows(self, kind: type[Any], recording: Recording) -> dict[Any, Any]:
        """Return the recording's rows; what silent cameras are told after it is no part of it."""
        rows = await self._here.rows(kind)
        within = [each for each in rows if kind is AlertRow or each.window_start < recording.ends]
        return {key_of(each): plain(each) for each in within}

    async def _twice(self) -> int:
        told = Counter(
            (each.store_id, each.camera_id, each.boot, each.sequence)
            for each in await self._here.messages("detections.v1")
            if isinstance(each, DeviceMessage)
        )
        return sum(times - 1 for times in told.values())

    async def _end_stages(self) -> None:
        await self._here.supervisor.end(*(each.name for each in self._stages))

    async def _forget(self) -> None:
        """Leave nothing of an earlier run but what was recorded."""
        topics = {name: topic for name, topic in self._here.topics.items() if name not in KEPT}

        async def gone() -> bool:
            async with admin(self._here.demo.bootstrap) as client:
                return not set(topics) & set(await client.list_topics())

        async with admin(self._here.demo.bootstrap) as client:
            await client.delete_topics(list(topics))
        await self._here.until(gone, "the topics are gone")
        await create_topics(self._here.demo.bootstrap, topics.values())
        passwords = self._here.demo.clickhouse.passwords()
        login = owner(Clickhouse(url=self._here.demo.clickhouse.url, owner_password=passwords["owner"]))
        async with Warehouse(login) as warehouse:
            for table in TABLES.values():
                await warehouse.run(f"TRUNCATE TABLE {table}")

    def _compare(self, recording: Recording, alone: Outcome, killed: Outcome) -> None:
        found = self.found
        found.rows = {kind.__name__: len(alone.rows[kind]) for kind in KINDS}
        found.differ = {kind.__name__: differ(alone.rows[kind], killed.rows[kind]) for kind in KINDS}
        found.control = control(alone.rows[FlowRow])
        found.outcomes_twice = killed.twice
        true = recording.crossed()
        found.crossings = sum(true.values())
        found.crossings_missed = missed(true, alone.counted())
        found.crossings_missed_when_killed = missed(true, killed.counted())
        found.seconds = (alone.seconds, killed.seconds)


def key_of(row: Any) -> tuple[Any, ...]:
    """What a row is about."""
    if isinstance(row, AlertRow):
        return (row.alert_id,)
    place = (row.metric, row.line_id, row.zone_id) if isinstance(row, FlowRow) else ()
    return (row.store_id, row.camera_id, *place, row.window_start, row.window_seconds)


def plain(row: Any) -> Any:
    """A row without its version: that is where its message lay, and a message may have been told again before it."""
    return row._replace(version=0) if hasattr(row, "version") else row


def differ(wanted: Mapping[Any, Any], rows: Mapping[Any, Any]) -> int:
    """Count the rows that are missing, too many or other."""
    return sum(wanted.get(key) != rows.get(key) for key in wanted.keys() | rows.keys())


def control(rows: Mapping[Any, Any]) -> int:
    """Compare rows with themselves, one left out and one changed."""
    spoilt = dict(rows)
    left_out, changed = list(rows)[:2]
    del spoilt[left_out]
    spoilt[changed] = spoilt[changed]._replace(coverage=spoilt[changed].coverage + 0.01)
    return differ(rows, spoilt)


def missed(true: Mapping[str, int], counted: Mapping[str, int]) -> int:
    """Sum over all lines and ways how far what was counted is from what is true."""
    return sum(abs(number - counted.get(name, 0)) for name, number in true.items())


async def replay_killed(folder: Path, plan: Plan, seed: int) -> Found:
    """Start a house without devices in this folder, and run both."""
    async with short_house(folder, Short(ttl=LIVES)) as here:
        return await Runs(here, plan, seed).run()
