"""How a stage loses and doubles nothing, whatever dies: outputs, then states, then the position, then memory.

DESIGN §6. State and position live in the stage's own compacted topic; what Kafka holds as committed is for display.
Whatever goes wrong ends the process at once, and its supervisor starts it again from what the topic says.
"""

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from faust.types import TP

from agents.dying import die
from agents.handling import Codec, Doing, Following, Handler, Outcome, S, Step, Work
from agents.lane import DEATHS, Held, Lane, instant, micros
from agents.outputs import Outputs, Sending
from agents.position import Attempt, Kept, Plan, Saved, plan
from agents.state_topic import StateTopic, find
from agents.taking import taken
from agents.wire import Broken, Item, Wire
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Erased, MimamoriError, Rejected, Unavailable
from pipeline.logs import log
from pipeline.reading import reader
from pipeline.received import Received
from schemas.envelope import Message
from schemas.topics import Topic

CAREFUL: Final = 50
"""So many messages after each assignment are handled singly: one of them may be what the last process died of."""
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Abandoned(Exception):
    """The partitions are going elsewhere, or the process is stopping: leave the portion to whoever reads it next."""


class Stage:
    """One stage: its source topics, its state topic, and what of it is in this process's hands.

    Args:
        app: The Faust app, made by `agents.app.create_app`; it knows its stage from here on.
        name: The stage's name; its state topic is `<name>-state.v1`.
        topics: Every topic by name (`schemas.topics.topics(lives)`).
        sources: The topics that it reads.
        outputs: The topics that it writes besides dead letters; a message goes to the one that lists its type.
        clock: For states that nobody has added to for long.
        lives: How long a camera's state lives after the last message in it: the frame TTL, since it is linkable. A
            state that has outlived it is none to the step, and is taken from the topic, but for what `Codec.remains`
            leaves of it. None: for ever.
        tells_of_broken: Whether records that are no message go to the dead letters; False where another stage reads
            the same topic and tells: one letter a record. Of what had expired before it came there is none anyway.
    """

    def __init__(
        self,
        app: Any,
        name: str,
        *,
        topics: Mapping[str, Topic],
        sources: Sequence[str],
        outputs: Sequence[str] = (),
        clock: Clock | None = None,
        lives: timedelta | None = None,
        tells_of_broken: bool = True,
    ) -> None:
        self.app = app
        self.name = name
        self.topics = topics
        self.sources = tuple(sources)
        self.clock = clock or SystemClock()
        self.lives = lives
        self.counts: Counter[str] = Counter()
        self.lanes: dict[TP, Lane] = {}
        self.channel = self.channel_of(*sources)
        self.outputs = Outputs(name, topics, outputs, self.counts)
        self._tells_of_broken = tells_of_broken
        self._kept = StateTopic(name)
        self._segment = topics[self._kept.name].segment
        self._handler: Handler | None = None
        self._handler_known = asyncio.Event()
        self._settling = asyncio.Lock()
        self._generation: Any = None
        app.stage = self
        if lives is not None:
            app.timer(interval=min(lives / 4, self._segment).total_seconds())(self.sweep)

    # --- what a stage's file calls -----------------------------------------------------------------------------

    def channel_of(self, *sources: str) -> Any:
        """Return some of the sources, for an agent of their own: what it waits for does not keep the others waiting."""
        return self.app.topic(*sources, schema=Wire(self.topics))

    def is_careful(self, items: Iterable[Received[Any]]) -> bool:
        """Say whether any of these is among the first after an assignment, which are handled singly."""
        lanes = ((self.lanes.get(TP(item.ref.topic, item.ref.partition)), item) for item in items)
        return any(lane is not None and lane.careful(item) for lane, item in lanes)

    async def run(self, stream: Any, *, step: Step[S], state: Codec[S], take: int = 50) -> None:
        """Follow every key with a state of its own. Returns only when the stream ends.

        Args:
            stream: The agent's stream over `stage.channel`.
            step: See `Step`.
            state: How a state becomes bytes and back.
            take: At most so many messages at a time.
        """
        await self._consume(stream, take, Following(step, state, self.lives, self.outputs))

    async def run_batches(self, stream: Any, *, work: Work, take: int = 50, within: float = 0.02) -> None:
        """Do something with messages, without a state. Returns only when the stream ends.

        Args:
            stream: The agent's stream over `stage.channel`.
            work: See `Work`. It has to be idempotent. What it raises as Unavailable is tried again, for as long as it
                takes; any other exception ends the process.
            take: At most so many messages at a time.
            within: Seconds after which they are handled though they are fewer.
        """
        await self._consume(stream, take, Doing(work, self.outputs), within)

    async def send(self, messages: Iterable[Message]) -> None:
        """Send messages of the stage's own accord, and wait until the broker has them."""
        await self._send(map(self.outputs.message, messages))

    async def note(self, name: str, value: bytes) -> None:
        """Keep a value that belongs to no source, in the state topic's partition 0, and wait until it is kept."""
        await self._send([self._kept.note(name, value)])

    async def noted(self, name: str) -> list[bytes]:
        """Return what was kept under a name, the last at the end; a worker that overslept may have kept it."""
        async with self._reader() as consumer:
            return await self._kept.noted(consumer, name)

    # --- the protocol ------------------------------------------------------------------------------------------

    async def _consume(self, stream: Any, take: int, handler: Handler, within: float = 0.02) -> None:
        self.handle_with(handler)
        async for events in taken(stream, take, within=within):
            try:
                await self.batch(events)
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 (an exception that leaves a Faust agent acknowledges)
                die(self.name, error)

    def handle_with(self, handler: Handler) -> None:
        """Say what is done with messages; partitions are taken up only then, since it reads their states."""
        self._handler = handler
        self._handler_known.set()

    async def batch(self, events: Sequence[Any]) -> None:
        """Handle what has arrived, the lanes beside each other.

        Raises:
            Exception: Whatever the step did; the caller ends the process.
        """
        portions: dict[TP, list[Item]] = defaultdict(list)
        for event in events:
            if self._current(event):
                portions[event.message.tp].append(event.value)
        results = await asyncio.gather(
            *(self._lane(self.lanes[tp], items) for tp, items in portions.items()), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Abandoned):
                raise result

    def _current(self, event: Any) -> bool:
        """Say whether a message came in the present assignment; what came before is read again by its new owner."""
        return (
            not self.app.rebalancing
            and event.message.tp in self.lanes
            and event.message.generation_id == self.app.consumer_generation_id
        )

    async def _lane(self, lane: Lane, items: Sequence[Item]) -> None:
        items = [item for item in items if item.ref.offset >= lane.next]
        while items:
            async with lane.held_by:
                if items[0].ref.offset > lane.next:
                    await self._cross(lane, items[0].ref.offset)
                portion = items[:1] if lane.careful(items[0]) else unbroken(items)
                await self._portion(lane, portion)
            items = items[len(portion) :]

    async def _cross(self, lane: Lane, offset: int) -> None:
        """End the process at a gap: messages may have been lost on their way.

        A gap that is still there for process after process is a hole in the log, as a transaction leaves one.
        """
        met = lane.gap if lane.gap.offset == lane.next else Attempt(lane.next)
        if met.times < DEATHS:
            await self._send([self._kept.record(lane.tp, "gap", Attempt(met.offset, met.times + 1).dumps())])
            die(f"{self.name}: offset {offset} of {lane.tp} where {lane.next} was due")
        self.counts["holes"] += offset - lane.next
        log().warning("hole", stage=self.name, topic=lane.tp.topic, partition=lane.tp.partition, offset=lane.next)
        lane.next = offset

    async def _portion(self, lane: Lane, items: Sequence[Item]) -> None:
        wanted = [item for item in items if lane.wants(item)]
        broken = [item for item in wanted if isinstance(item, Broken)]
        poison = [item for item in wanted if isinstance(item, Received) and lane.is_poison(item)]
        usable = [item for item in wanted if isinstance(item, Received) and not lane.is_poison(item)]
        outcome = await self._patiently(lane, usable)
        letters = [*self._letters(broken), *map(self.outputs.poison, poison)]
        await self._send([*outcome.outputs, *letters])
        self._refuse_if_lost(lane)
        last = items[-1].ref.offset
        position = lane.moved(last, outcome.states, [item.ref.offset for item in poison])
        await self._send([*self._saved(lane, outcome.states), self._kept.record(lane.tp, "position", position.dumps())])
        self._refuse_if_lost(lane)
        lane.states.update(outcome.states)
        lane.position = position
        lane.written = self.clock.now()
        lane.next = last + 1
        self.counts["handled"] += len(usable)

    def _letters(self, broken: Sequence[Broken]) -> list[Sending]:
        late = [item for item in broken if item.reason.reason == "expired"]
        wrong = [item for item in broken if item not in late]
        if late:
            # Nothing is wrong with what came too late: who sent it was behind. It is unread, and a letter would outlive
            # what it is about.
            ref, count = late[0].ref, len(late)
            self.counts["expired"] += count
            log().info("expired", stage=self.name, topic=ref.topic, partition=ref.partition, count=count)
        if self._tells_of_broken:
            return [self.outputs.broken(item) for item in wrong]
        self.counts["rejected"] += len(wrong)
        return []

    async def _patiently(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome:
        """Handle messages; while something is away, wait and try again."""
        assert self._handler is not None
        for attempt in range(sys.maxsize if items else 0):
            try:
                return await self._tried(lane, items) if lane.careful(items[0]) else await self._handler(lane, items)
            except Unavailable as away:
                self.counts["waited"] += 1
                log().warning("waiting", stage=self.name, error=str(away), attempt=attempt)
                await self._pause(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            self._refuse_if_lost(lane)
        return Outcome()

    async def _tried(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome:
        """Handle messages with a record, beforehand, that they are begun; only a death leaves it standing.

        What is away or set wrongly says nothing of the message, and is taken back even where the process ends by it.
        """
        assert self._handler is not None
        offset = items[0].ref.offset
        before = lane.attempt if lane.attempt.offset == offset else Attempt(offset)
        begun = Attempt(offset, before.times + 1)
        await self._send([self._kept.record(lane.tp, "attempt", begun.dumps())])
        try:
            outcome = await self._handler(lane, items)
        except (Rejected, Erased):
            # Said of the message, and not returned by the work: raised again and again, it would end us for ever.
            raise
        except MimamoriError:
            await self._send([self._kept.record(lane.tp, "attempt", before.dumps())])
            raise
        outcome.outputs.insert(0, self._kept.record(lane.tp, "attempt", before.dumps()))
        return outcome

    async def _pause(self, seconds: float) -> None:
        for _tenth in range(max(1, round(seconds * 10))):
            if self.app.rebalancing or self.app.should_stop:
                raise Abandoned
            await asyncio.sleep(0.1)

    def _refuse_if_lost(self, lane: Lane) -> None:
        if self.lanes.get(lane.tp) is not lane:
            raise Abandoned

    def _saved(self, lane: Lane, states: Mapping[str, Held]) -> list[Sending]:
        assert self._handler is not None
        dumps = self._handler.dumps
        return [
            self._kept.record(lane.tp, "state", Saved(held.offset, micros(held.seen), dumps(held.state)).dumps(), each)
            for each, held in states.items()
        ]

    async def _send(self, records: Iterable[Sending]) -> None:
        """Send records in order, and wait until the broker has acknowledged them all."""
        producer = self.app.producer
        acknowledgements = [
            await producer.send(each.topic, each.key, each.value, each.partition, None, each.headers)
            for each in records
        ]
        for acknowledgement in acknowledgements:
            await acknowledgement

    # --- forgetting --------------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Take away what may not outlive its frames of keys that have been silent for longer than a state lives."""
        if self.lives is not None:
            for lane in list(self.lanes.values()):
                async with lane.held_by:
                    await self._sweep(lane, self.clock.now() - self.lives)
                    await self._push_on(lane)

    async def _sweep(self, lane: Lane, since: datetime) -> None:
        assert self._handler is not None
        silent = lane.silent(since)
        rests = {each: held._replace(state=self._handler.remains(each, held.state)) for each, held in silent.items()}
        gone = {each: held for each, held in rests.items() if held.state is None}
        less = {each: held for each, held in rests.items() if each not in gone and held.state != silent[each].state}
        if self.lanes.get(lane.tp) is lane and (gone or less):
            if gone:
                await self._remove(lane, gone)
            await self._send(self._saved(lane, less))
            lane.states.update(less)
            lane.written = self.clock.now()
            self.counts["swept"] += len(gone) + len(less)

    async def _push_on(self, lane: Lane) -> None:
        """Write an idle lane's position once more: Kafka compacts no segment that is still open, and begins a new one
        only when something is written. What was taken away would lie in it for as long as nothing happens."""
        idle = self.clock.now() - lane.written >= self._segment
        if idle and self.lanes.get(lane.tp) is lane and lane.position.offset >= 0:
            await self._send([self._kept.record(lane.tp, "position", lane.position.dumps())])
            lane.written = self.clock.now()

    async def _remove(self, lane: Lane, gone: Mapping[str, Held]) -> None:
        """Let the position forget them first: a state that it knows and cannot find would be worked out again."""
        keys = {each: offset for each, offset in lane.position.keys.items() if each not in gone}
        position = replace(lane.position, keys=keys)
        await self._send([self._kept.record(lane.tp, "position", position.dumps())])
        await self._send([self._kept.removal(lane.tp, each, held.offset) for each, held in gone.items()])
        lane.position = position
        for each in gone:
            del lane.states[each]

    # --- assignment --------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Let go of every partition: they are being handed out again."""
        self.lanes = {}

    async def settle(self, consumer: Any) -> None:
        """Read the state topic for what we were assigned, and go to where it says.

        Called by `agents.app` wherever Faust would go to the committed offsets. Faust calls it for each assignment,
        and once more when it threw fetched records away; then we go back to where we are.
        """
        await self._handler_known.wait()
        async with self._settling:
            try:
                assigned = sorted(tp for tp in map(TP._make, consumer.assignment()) if tp.topic in self.sources)
                generation = self.app.consumer_generation_id
                if generation != self._generation or set(assigned) != self.lanes.keys():
                    await self._load(assigned)
                    self._generation = generation
                self.app.flow_control.clear()
                await consumer.seek_wait({tp: lane.next for tp, lane in self.lanes.items()})
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 (Faust would log it and read on from anywhere)
                die(f"{self.name} could not take up its partitions", error)

    async def _load(self, assigned: Sequence[TP]) -> None:
        async with self._reader() as consumer:
            self.take_up(*await find(consumer, self._kept.name, assigned))

    def _reader(self) -> AbstractAsyncContextManager[AIOKafkaConsumer]:
        return reader([f"{url.host}:{url.port or 9092}" for url in self.app.conf.broker_consumer])

    def take_up(self, kept: Mapping[TP, Kept], begin: Mapping[TP, int], end: Mapping[TP, int]) -> None:
        """Make lanes of partitions, from what is kept of them and from where to where their sources reach."""
        self.lanes = {tp: self._lane_of(tp, plan(each, begin[tp], end[tp]), each) for tp, each in kept.items()}

    def _lane_of(self, tp: TP, found: Plan, kept: Kept) -> Lane:
        for name in ("expired_unread", "redo_expired", "rewound"):
            if count := getattr(found, name):
                self.counts[name] += count
                log().warning(name, stage=self.name, topic=tp.topic, partition=tp.partition, count=count)
        log().info(
            "taken up", stage=self.name, topic=tp.topic, partition=tp.partition, offset=found.start,
            position=found.position.offset, count=len(found.redo),
        )  # fmt: skip
        assert self._handler is not None
        states = {
            each: Held(saved.offset, instant(saved.seen), self._handler.loads(saved.state))
            for each, saved in found.states.items()
        }
        return Lane(tp, found.start, found.position, states, found.redo, kept.attempt, kept.gap, found.start + CAREFUL)


def unbroken(items: Sequence[Item]) -> Sequence[Item]:
    """Return the messages up to the first gap."""
    first = items[0].ref.offset
    return [item for due, item in enumerate(items, start=first) if item.ref.offset == due]
