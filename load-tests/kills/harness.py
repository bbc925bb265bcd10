"""Disturbs a real stage on real Kafka at seeded random times, and compares what came out with the truth."""

import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import chain
from aiokafka import AIOKafkaProducer, TopicPartition
from faust.types import TP

from agents.position import Kept, Place, Saved
from agents.state_topic import read_state
from pipeline import broker
from pipeline.local.kafka import Process, ready
from pipeline.reading import read_all, reader
from pipeline.received import Received
from schemas.detections import FrameRef
from schemas.topics import Topic
from schemas.wire import decode, encode

SESSION_TIMEOUT: Final = 3.0
WORKER: Final = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Variant:
    """One way of disturbing: how many workers, how often what is done to them, and how the state topic is kept."""

    name: str
    workers: int
    disturbances: tuple[tuple[str, int], ...]
    compacting: bool = False
    seated: bool = False
    """Whether a worker that is started again takes the seat of the one before it."""
    milliseconds: float = 0.3
    """How long the step takes."""
    rate: int = 100
    """Messages a second and camera."""
    pause: tuple[float, float] = (0.4, 2.4)
    """Seconds from one disturbance to the next."""


@dataclass
class Found:
    """What came of it."""

    variant: str
    done: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    wrong_states: int = 0
    missing_outputs: int = 0
    wrong_outputs: int = 0
    unhandled: int = 0
    duplicate_outputs: int = 0
    late_states: int = 0
    state_records: int = 0
    compacted_away: int = 0
    seconds: float = 0.0

    @property
    def difference(self) -> int:
        """Everything that differs from the undisturbed run."""
        return self.wrong_states + self.missing_outputs + self.wrong_outputs + self.unhandled

    @property
    def disturbed(self) -> int:
        return sum(self.done.values())


class Worker:
    """One worker process, started again whenever it ends."""

    def __init__(self, argv: Sequence[str], log: Path, exits: Counter[str]) -> None:
        self._argv, self._log, self._exits = argv, log, exits
        self.child: asyncio.subprocess.Process | None = None
        self.started = 0.0
        self._task = asyncio.create_task(self._keep_up())

    async def _keep_up(self) -> None:
        while True:
            with self._log.open("ab") as log:
                self.child = await asyncio.create_subprocess_exec(*self._argv, stdout=log, stderr=log)
            self.started = time.monotonic()
            self._exits[str(await self.child.wait())] += 1
            self.note(f"ended with {self.child.returncode}")
            await asyncio.sleep(0.3)

    def alive(self, seconds: float) -> bool:
        """Say whether its process has lived so long."""
        there = self.child is not None and self.child.returncode is None
        return there and time.monotonic() - self.started > seconds

    def signal(self, sign: signal.Signals) -> None:
        if self.child is not None and self.child.returncode is None:
            self.note(sign.name)
            self.child.send_signal(sign)

    def note(self, what: str) -> None:
        """Write into the worker's log what is done to it."""
        with self._log.open("a") as log:
            log.write(f"[{time.strftime('%F %T', time.gmtime())}] --- {what} {self.child.pid if self.child else ''}\n")

    async def end(self) -> None:
        """Stop it for good."""
        self._task.cancel()
        if self.child is not None and self.child.returncode is None:
            self.child.kill()
            await self.child.wait()
            self._exits["ended"] += 1


class Run:
    """One variant, from the first message to the comparison."""

    def __init__(self, variant: Variant, kafka: Process, seed: int, logs: Path) -> None:
        self.variant, self.kafka, self._logs = variant, kafka, logs
        self.found = Found(variant.name)
        self.topics = chain.topics(compacting=variant.compacting)
        self._random = random.Random(seed)
        self._producing = True
        self._workers: list[Worker] = []

    async def run(self) -> Found:
        """Disturb, let it come to rest, and compare."""
        began = time.monotonic()
        await broker.create_topics(self.kafka.kafka.bootstrap, self.topics.values())
        self._workers = [self._worker(number) for number in range(self.variant.workers)]
        producing = asyncio.create_task(self._produce())
        try:
            await self._until_under_way()
            await self._disturb()
            self._producing = False
            self.found.messages = await producing
            await self._come_to_rest()
        finally:
            self._producing = False
            for worker in self._workers:
                await worker.end()
        await self._compare()
        self.found.seconds = time.monotonic() - began
        return self.found

    def _worker(self, number: int) -> Worker:
        kind = "compacting" if self.variant.compacting else "plain"
        argv = [sys.executable, str(WORKER), self.kafka.kafka.bootstrap, str(SESSION_TIMEOUT)]
        seat = f"chain-{number}" if self.variant.seated else ""
        log = self._logs / f"{self.variant.name}-{number}.log"
        return Worker([*argv, str(self.variant.milliseconds), kind, seat], log, self.found.exits)

    async def _produce(self) -> int:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka.kafka.bootstrap, enable_idempotence=True, request_timeout_ms=60_000
        )
        await producer.start()
        sequence = 0
        began = time.monotonic()
        while self._producing:
            for camera in range(chain.CAMERAS):
                record = encode(chain.number(camera, sequence), self.topics[chain.SOURCE])
                await producer.send(chain.SOURCE, record.value, record.key, headers=record.headers)
            sequence += 1
            await asyncio.sleep(max(0.0, began + sequence / self.variant.rate - time.monotonic()))
        await producer.stop()
        return sequence * chain.CAMERAS

    async def _until_under_way(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(each.position.offset >= 0 for each in (await self._kept()).values()):
                return
            await asyncio.sleep(0.3)
        raise TimeoutError("no worker has begun")

    async def _disturb(self) -> None:
        acts = [kind for kind, times in self.variant.disturbances for _time in range(times)]
        self._random.shuffle(acts)
        for kind in acts:
            await asyncio.sleep(self._random.uniform(*self.variant.pause))
            await getattr(self, f"_{kind}")()
            self.found.done[kind] += 1

    async def _someone(self) -> Worker:
        """Choose a living worker: sometimes one that is just starting, mostly one at work."""
        age = self._random.choice((0.5, 2.0, 3.0, 4.0))
        for _tenth in range(600):
            if alive := [worker for worker in self._workers if worker.alive(age)]:
                return self._random.choice(alive)
            await asyncio.sleep(0.1)
        raise TimeoutError("no worker lives for long")

    async def _kill(self) -> None:
        (await self._someone()).signal(signal.SIGKILL)

    async def _term(self) -> None:
        (await self._someone()).signal(signal.SIGTERM)

    async def _stop(self) -> None:
        """Let a worker sleep beyond its session: it wakes up as a zombie that still thinks its partitions its own."""
        worker = await self._someone()
        worker.signal(signal.SIGSTOP)
        await asyncio.sleep(SESSION_TIMEOUT + self._random.uniform(0.3, 2.5))
        worker.signal(signal.SIGCONT)

    async def _join(self) -> None:
        """Let one more worker come, and go: two rebalances."""
        worker = self._worker(99)
        self._workers.append(worker)
        await asyncio.sleep(self._random.uniform(2.0, 4.0))
        self._workers.remove(worker)
        await worker.end()

    async def _twin(self) -> None:
        """Start a second worker on the seat of one that sleeps, and wake that one: only one of them may go on."""
        number = self._random.randrange(self.variant.workers)
        sleeper = self._workers[number]
        sleeper.signal(signal.SIGSTOP)
        twin = self._worker(number)
        await asyncio.sleep(self._random.uniform(2.0, 5.0))
        sleeper.signal(signal.SIGCONT)
        await asyncio.sleep(self._random.uniform(1.0, 3.0))
        await twin.end()

    async def _broker(self) -> None:
        await asyncio.to_thread(self.kafka.kill)
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        await asyncio.to_thread(self.kafka.start)

    async def _come_to_rest(self) -> None:
        """Wait until everything that was sent has been handled."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if await ready(self.kafka.kafka.bootstrap) and await self._unhandled() == 0:
                break
            await asyncio.sleep(0.5)
        self.found.unhandled = await self._unhandled()
        # A zombie may still be writing old news.
        await asyncio.sleep(1.0)

    async def _unhandled(self) -> int:
        async with reader(self.kafka.kafka.bootstrap) as consumer:
            ends = await consumer.end_offsets([TopicPartition(*tp) for tp in LANES])
        kept = await self._kept()
        return sum(ends[TopicPartition(*tp)] - 1 - kept[tp].position.offset for tp in LANES)

    async def _kept(self) -> dict[TP, Kept]:
        async with reader(self.kafka.kafka.bootstrap) as consumer:
            return await read_state(consumer, chain.STATE, LANES)

    async def _compare(self) -> None:
        source = await self._records(chain.SOURCE)
        true = chain.truth(Received(self._read(self.topics[chain.SOURCE], each), ref(each)) for each in source)
        states = {name: saved.state for kept in (await self._kept()).values() for name, saved in kept.states.items()}
        self.found.wrong_states = sum(
            name not in states or chain.loads(states[name]) != each for name, each in true.chains.items()
        )
        sent = [self._read(self.topics[chain.SINK], each) for each in await self._records(chain.SINK)]
        links = {(str(each.event_id), each.module.model_digest) for each in sent}
        self.found.missing_outputs = len(true.links.items() - links)
        self.found.wrong_outputs = len(links - true.links.items())
        self.found.duplicate_outputs = len(sent) - len(links)
        await self._look_at_state_topic()

    async def _look_at_state_topic(self) -> None:
        records = await self._records(chain.STATE)
        newest: dict[bytes, int] = {}
        for record in records:
            if Place.loads(record.key).kind == "state" and record.value is not None:
                offset = Saved.loads(record.value).offset
                self.found.late_states += offset < newest.get(record.key, -1)
                newest[record.key] = max(offset, newest.get(record.key, -1))
        async with reader(self.kafka.kafka.bootstrap) as consumer:
            ends = await consumer.end_offsets([TopicPartition(chain.STATE, each) for each in range(chain.PARTITIONS)])
        self.found.state_records = sum(ends.values())
        self.found.compacted_away = sum(ends.values()) - len(records)

    async def _records(self, topic: str) -> list[Any]:
        partitions = [TopicPartition(topic, each) for each in range(chain.PARTITIONS)]
        async with reader(self.kafka.kafka.bootstrap) as consumer:
            return [record async for record in read_all(consumer, partitions)]

    def _read(self, topic: Topic, record: Any) -> Any:
        return decode(topic, record.key, record.headers, record.value)


LANES: Final = [TP(chain.SOURCE, number) for number in range(chain.PARTITIONS)]


def ref(record: Any) -> FrameRef:
    return FrameRef(topic=record.topic, partition=record.partition, offset=record.offset)


def summary(found: Sequence[Found]) -> dict[str, Any]:
    """Return the figures of all variants together, and of each."""
    return {
        "kills": sum(each.disturbed for each in found),
        "aggregate_difference": sum(each.difference for each in found),
        "messages": sum(each.messages for each in found),
        "variants": [json.loads(json.dumps({**vars(each), "difference": each.difference})) for each in found],
    }
