"""How a stage loses and doubles nothing, whatever dies: outputs, then states, then the position, then memory.

DESIGN §6. State and position live in the stage's own compacted topic; what Kafka holds as committed is for display.
Whatever goes wrong ends the process at once, and its supervisor starts it again from what the topic says.
"""

import asyncio
import os
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, NoReturn, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from agents import dead_letter
from agents.position import POISON_KEPT, Attempt, Kept, Place, Plan, Position, Saved, plan
from agents.wire import Broken, Item, Wire
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Misconfigured, Rejected, Unavailable
from pipeline.logs import log
from pipeline.received import Received
from schemas.envelope import DataClass, Invalid, Message
from schemas.topics import Topic
from schemas.wire import Record, Sealed, encode, key_of

S = TypeVar("S")

Step = Callable[[S | None, Received[Any]], tuple[S, Sequence[Message]]]
"""Pure: a camera's state and a message in, its next state and messages out. Raises Rejected to refuse the message."""

Result = Sequence[Message] | Rejected | Invalid
Work = Callable[[Sequence[Received[Any]]], Awaitable[Sequence[Result]]]
"""Does something with messages, and returns for each what it makes of it, in order. May be called again with them."""

DIED: Final = 70
"""Exit status of a stage that ended itself (sysexits: internal software error)."""
DEATHS: Final = 3
"""So many recorded deaths inside a step make a message poison."""
CAREFUL: Final = 50
"""So many messages after each assignment are handled singly: one of them may be what the last process died of."""
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_STATE_HEADERS: Final = [("ce_dataclass", DataClass.LINKABLE.value.encode())]
_REMOVES: Final = "removes"


class Codec(NamedTuple, Generic[S]):
    """How a state becomes bytes and back."""

    dumps: Callable[[S], bytes]
    loads: Callable[[bytes], S]


class Held(NamedTuple):
    """A key's state in memory, with the offset and the event time of the last message in it."""

    offset: int
    seen: datetime
    state: Any


class Sending(NamedTuple):
    """A record on its way."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None = None


@dataclass
class Outcome:
    """What a portion of messages came to."""

    outputs: list[Sending] = field(default_factory=list)
    states: dict[str, Held] = field(default_factory=dict)


@dataclass
class Lane:
    """One partition of one source topic, while it is ours."""

    tp: TP
    next: int
    position: Position
    states: dict[str, Held]
    redo: frozenset[str]
    attempt: Attempt
    careful_until: int
    held_by: asyncio.Lock = field(default_factory=asyncio.Lock)
    """By whoever writes its states: a portion of messages, or the sweep."""

    def wants(self, item: Item) -> bool:
        """Say whether a message has not been handled; below the position only what a lost state needs is."""
        return item.ref.offset > self.position.offset or (isinstance(item, Received) and key(item) in self.redo)

    def careful(self, item: Item) -> bool:
        return item.ref.offset < self.careful_until

    def is_poison(self, item: Item) -> bool:
        offset = item.ref.offset
        died = self.attempt.offset == offset and self.attempt.times >= DEATHS
        return died or offset in self.position.poison

    def silent(self, since: datetime) -> dict[str, Held]:
        """Return the states that no message has reached since then."""
        return {each: held for each, held in self.states.items() if held.seen < since and each not in self.redo}

    def moved(self, last: int, states: Mapping[str, Held], poison: Iterable[int]) -> Position:
        """Return the position after a portion. Of a state that is being redone it says what that has to reach."""
        offsets = {each: held.offset for each, held in states.items()}
        keys = {each: max(offset, self.position.keys.get(each, -1)) for each, offset in offsets.items()}
        known = dict.fromkeys([*self.position.poison, *poison])
        return Position(max(last, self.position.offset), {**self.position.keys, **keys}, tuple(known)[-POISON_KEPT:])


class Handler(Protocol):
    """What a stage does with messages of one lane."""

    async def __call__(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome: ...

    def loads(self, raw: bytes) -> Any: ...

    def dumps(self, state: Any) -> bytes: ...


class Abandoned(Exception):
    """The partitions are going elsewhere, or the process is stopping: leave the portion to whoever reads it next."""


class Stage:
    """One stage: its source topics, its state topic, and what of it is in this process's hands.

    Args:
        app: The Faust app, made by `agents.app.create_app`; it knows its stage from here on.
        name: The stage's name; its state topic is `<name>-state.v1`.
        topics: Every topic by name (`schemas.topics.topics(frame_ttl)`).
        sources: The topics that it reads.
        outputs: The topics that it writes besides dead letters; a message goes to the one that lists its type.
        clock: For what has expired.
        lives: How long a camera's state lives after the last message in it: the frame TTL, since it is linkable. A
            state that has outlived it is none to the step, and is taken from the topic. None: for ever.
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
    ) -> None:
        self.app = app
        self.name = name
        self.topics = topics
        self.sources = tuple(sources)
        self.state_topic = f"{name}-state.v1"
        self.clock = clock or SystemClock()
        self.lives = lives
        self.counts: Counter[str] = Counter()
        self.lanes: dict[TP, Lane] = {}
        self.channel = app.topic(*sources, schema=Wire(topics, self.clock))
        self._routes = routes(topics, outputs)
        self._handler: Handler | None = None
        self._handler_known = asyncio.Event()
        self._settling = asyncio.Lock()
        self._generation: Any = None
        app.stage = self
        if lives is not None:
            app.timer(interval=lives.total_seconds() / 4)(self.sweep)

    # --- what a stage's file calls -----------------------------------------------------------------------------

    async def run(self, stream: Any, *, step: Step[S], state: Codec[S], take: int = 50) -> None:
        """Follow every key with a state of its own. Returns only when the stream ends.

        Args:
            stream: The agent's stream over `stage.channel`.
            step: See `Step`.
            state: How a state becomes bytes and back.
            take: At most so many messages at a time.
        """
        await self._consume(stream, take, Following(step, state, self.lives, self.sending, self.rejected))

    async def run_batches(self, stream: Any, *, work: Work, take: int = 50) -> None:
        """Do something with messages, without a state. Returns only when the stream ends.

        Args:
            stream: The agent's stream over `stage.channel`.
            work: See `Work`. It has to be idempotent. What it raises as Unavailable is tried again, for as long as it
                takes; any other exception ends the process.
            take: At most so many messages at a time.
        """
        await self._consume(stream, take, Doing(work, self.sending, self.rejected))

    async def send(self, messages: Iterable[Message]) -> None:
        """Send messages of the stage's own accord, and wait until the broker has them."""
        await self._send([self.sending(message) for message in messages])

    async def note(self, name: str, value: bytes) -> None:
        """Keep a value that belongs to no source, in the state topic's partition 0, and wait until it is kept."""
        await self._send([Sending(self.state_topic, Place("note", name).dumps(), value, _STATE_HEADERS, 0)])

    async def noted(self, name: str) -> bytes | None:
        """Return what was kept under a name last."""
        found: bytes | None = None
        reader = make_reader([f"{url.host}:{url.port or 9092}" for url in self.app.conf.broker_consumer])
        await reader.start()
        try:
            async for record in read_all(reader, [TopicPartition(self.state_topic, 0)]):
                found = record.value if record.key == Place("note", name).dumps() else found
        finally:
            await reader.stop()
        return found

    # --- outputs -----------------------------------------------------------------------------------------------

    def sending(self, message: Message) -> Sending:
        """Write a message for the topic that its type lies in."""
        topic = self._routes[type(message)]
        record = encode(message, topic)
        return Sending(topic.name, *record)

    def rejected(self, item: Received[Any], why: Rejected | Invalid) -> Sending:
        """Write a dead letter for a message that a step refused."""
        self.counts["rejected"] += 1
        return self._dead(item.ref.topic, encode_dead(dead_letter.of_rejected(item, why, self.name), self.topics))

    def _broken(self, item: Broken) -> Sending:
        self.counts["rejected"] += 1
        return self._dead(item.ref.topic, encode_dead(dead_letter.of_broken(item, self.name), self.topics))

    def _poison(self, item: Received[Any]) -> Sending:
        self.counts["poison"] += 1
        log().error(
            "poison", stage=self.name, topic=item.ref.topic, partition=item.ref.partition, offset=item.ref.offset
        )
        return self._dead(item.ref.topic, encode_dead(dead_letter.of_poison(item, self.name), self.topics))

    def _dead(self, topic: str, record: Record) -> Sending:
        return Sending(f"{topic}.dead", *record)

    # --- the protocol ------------------------------------------------------------------------------------------

    async def _consume(self, stream: Any, take: int, handler: Handler) -> None:
        self.handle_with(handler)
        async for events in stream.take_events(take, within=0.02):
            try:
                await self.batch(events)
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 (an exception that leaves a Faust agent acknowledges)
                die(f"{self.name}: {error!r}", error)

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
        for offset, item in enumerate(items, start=lane.next):
            if item.ref.offset != offset:
                die(f"{self.name}: offset {item.ref.offset} of {lane.tp} where {offset} was due")
        while items:
            count = 1 if lane.careful(items[0]) else len(items)
            async with lane.held_by:
                await self._portion(lane, items[:count])
            items = items[count:]

    async def _portion(self, lane: Lane, items: Sequence[Item]) -> None:
        wanted = [item for item in items if lane.wants(item)]
        broken = [item for item in wanted if isinstance(item, Broken)]
        poison = [item for item in wanted if isinstance(item, Received) and lane.is_poison(item)]
        usable = [item for item in wanted if isinstance(item, Received) and not lane.is_poison(item)]
        outcome = await self._patiently(lane, usable)
        letters = [*map(self._broken, broken), *map(self._poison, poison)]
        await self._send([*outcome.outputs, *letters])
        self._refuse_if_lost(lane)
        last = items[-1].ref.offset
        position = lane.moved(last, outcome.states, [item.ref.offset for item in poison])
        await self._send([*self._saved(lane, outcome.states), self._at(lane, "position", position.dumps())])
        self._refuse_if_lost(lane)
        lane.states.update(outcome.states)
        lane.position = position
        lane.next = last + 1
        self.counts["handled"] += len(usable)

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
        """Handle messages with a record, beforehand, that they are begun; only a death leaves it standing."""
        assert self._handler is not None
        offset = items[0].ref.offset
        before = lane.attempt if lane.attempt.offset == offset else Attempt(offset)
        begun = Attempt(offset, before.times + 1)
        await self._send([self._at(lane, "attempt", begun.dumps())])
        try:
            outcome = await self._handler(lane, items)
        except Unavailable:
            await self._send([self._at(lane, "attempt", before.dumps())])
            raise
        outcome.outputs.insert(0, self._at(lane, "attempt", before.dumps()))
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
            self._at(lane, "state", Saved(held.offset, micros(held.seen), dumps(held.state)).dumps(), each)
            for each, held in states.items()
        ]

    def _at(self, lane: Lane, kind: str, value: bytes, name: str = "") -> Sending:
        place = Place(kind, lane.tp.topic, name).dumps()
        return Sending(self.state_topic, place, value, _STATE_HEADERS, lane.tp.partition)

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
        """Take away the states of keys that have been silent for longer than a state lives."""
        if self.lives is not None:
            for lane in list(self.lanes.values()):
                async with lane.held_by:
                    await self._sweep(lane, self.clock.now() - self.lives)

    async def _sweep(self, lane: Lane, since: datetime) -> None:
        """Let the position forget them first: a state that it knows and cannot find would be worked out again."""
        silent = lane.silent(since)
        if not silent or self.lanes.get(lane.tp) is not lane:
            return
        keys = {each: offset for each, offset in lane.position.keys.items() if each not in silent}
        position = replace(lane.position, keys=keys)
        await self._send([self._at(lane, "position", position.dumps())])
        await self._send([self._removed(lane, each, held.offset) for each, held in silent.items()])
        lane.position = position
        for each in silent:
            del lane.states[each]
        self.counts["swept"] += len(silent)

    def _removed(self, lane: Lane, name: str, offset: int) -> Sending:
        """Write a tombstone that says which state it takes away: a worker that overslept may not take a later one."""
        place = Place("state", lane.tp.topic, name).dumps()
        headers = [*_STATE_HEADERS, (_REMOVES, str(offset).encode())]
        return Sending(self.state_topic, place, None, headers, lane.tp.partition)

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
                    await self._load(consumer, assigned)
                    self._generation = generation
                self.app.flow_control.clear()
                await consumer.seek_wait({tp: lane.next for tp, lane in self.lanes.items()})
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 (Faust would log it and read on from anywhere)
                die(f"{self.name}: could not take up its partitions: {error!r}", error)

    async def _load(self, consumer: Any, assigned: Sequence[TP]) -> None:
        """Read what is kept, and only then how far the sources reach: they never end before what was read of them."""
        reader = make_reader([f"{url.host}:{url.port or 9092}" for url in self.app.conf.broker_consumer])
        await reader.start()
        try:
            kept = await read_state(reader, self.state_topic, assigned)
        finally:
            await reader.stop()
        if assigned:
            self.take_up(kept, await consumer.earliest_offsets(*assigned), await consumer.highwaters(*assigned))

    def take_up(self, kept: Mapping[TP, Kept], begin: Mapping[TP, int], end: Mapping[TP, int]) -> None:
        """Make lanes of partitions, from what is kept of them and from where to where their sources reach."""
        self.lanes = {tp: self._lane_of(tp, plan(each, begin[tp], end[tp]), each.attempt) for tp, each in kept.items()}

    def _lane_of(self, tp: TP, found: Plan, attempt: Attempt) -> Lane:
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
        return Lane(tp, found.start, found.position, states, found.redo, attempt, found.start + CAREFUL)


class Following(Generic[S]):
    """Handles messages one after the other, each key with a state of its own."""

    def __init__(
        self,
        step: Step[S],
        codec: Codec[S],
        lives: timedelta | None,
        sending: Callable[[Message], Sending],
        rejected: Callable[[Received[Any], Rejected | Invalid], Sending],
    ) -> None:
        self._step, self._codec, self._lives = step, codec, lives
        self._sending, self._rejected = sending, rejected

    async def __call__(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome:
        outcome = Outcome()
        for item in items:
            name = key(item)
            held = outcome.states.get(name) or lane.states.get(name)
            if held is None or item.ref.offset > held.offset:
                self._one(outcome, name, held, item)
        return outcome

    def _one(self, outcome: Outcome, name: str, held: Held | None, item: Received[Any]) -> None:
        time = time_of(item)
        # A state that outlived its frames is no state, whether or not it has been swept away yet.
        lapsed = held is not None and self._lives is not None and time - held.seen > self._lives
        try:
            state, messages = self._step(None if held is None or lapsed else held.state, item)
        except (Rejected, Invalid) as why:
            outcome.outputs.append(self._rejected(item, why))
            return
        outcome.outputs += map(self._sending, messages)
        outcome.states[name] = Held(item.ref.offset, time, state)

    def loads(self, raw: bytes) -> S:
        return self._codec.loads(raw)

    def dumps(self, state: S) -> bytes:
        return self._codec.dumps(state)


class Doing:
    """Handles messages together, without a state."""

    def __init__(
        self,
        work: Work,
        sending: Callable[[Message], Sending],
        rejected: Callable[[Received[Any], Rejected | Invalid], Sending],
    ) -> None:
        self._work, self._sending, self._rejected = work, sending, rejected

    async def __call__(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome:
        del lane
        outcome = Outcome()
        for item, result in zip(items, await self._work(items), strict=True):
            if isinstance(result, Rejected | Invalid):
                outcome.outputs.append(self._rejected(item, result))
            else:
                outcome.outputs += map(self._sending, result)
        return outcome

    def loads(self, raw: bytes) -> None:
        """Nothing is kept."""

    def dumps(self, state: None) -> bytes:
        raise AssertionError(f"nothing is kept, but here is {state!r}")


def make_reader(bootstrap: str | list[str]) -> AIOKafkaConsumer:
    """Make a consumer without a group, for reading a topic from its beginning.

    `earliest` matters: on assignment aiokafka begins to look for a position, `latest` by default, and one that is
    found late undoes a `seek_to_beginning`. Measured: a whole state topic read as empty.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )


async def read_all(reader: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> AsyncIterator[Any]:
    """Read partitions from their beginnings to what are their ends now."""
    if not partitions:
        return
    reader.assign(partitions)
    begin, end = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
    for partition in partitions:
        reader.seek(partition, begin[partition])
    while [each for each in partitions if await reader.position(each) < end[each]]:
        for records in (await reader.getmany(timeout_ms=200, max_records=5000)).values():
            for record in records:
                yield record


async def read_state(reader: AIOKafkaConsumer, topic: str, lanes: Sequence[TP]) -> dict[TP, Kept]:
    """Read the partitions of a state topic to their ends, and merge what lies there by lane."""
    kept = {tp: Kept() for tp in lanes}
    partitions = [TopicPartition(topic, number) for number in sorted({tp.partition for tp in lanes})]
    async for record in read_all(reader, partitions):
        merge(kept, record)
    return kept


def merge(kept: Mapping[TP, Kept], record: Any) -> None:
    """Take in one record of the state topic, unless it belongs to a source that is not ours."""
    place = Place.loads(record.key)
    lane = kept.get(TP(place.topic, record.partition))
    if lane is not None:
        lane.merge(place, record.value, int(dict(record.headers).get(_REMOVES, b"-1")))


def routes(topics: Mapping[str, Topic], outputs: Sequence[str]) -> dict[type[Message], Topic]:
    """Return which topic each type of message goes to.

    Raises:
        Misconfigured: A type could go to two of them.
    """
    found: dict[type[Message], Topic] = {}
    for name in outputs:
        for message in topics[name].messages:
            if message in found:
                raise Misconfigured(f"{message.__name__} could go to {found[message].name} or to {name}")
            found[message] = topics[name]
    return found


def encode_dead(letter: Any, topics: Mapping[str, Topic]) -> Record:
    """Write a dead letter, keyed by its store."""
    return encode(letter, topics[f"{letter.source_record.topic}.dead"])


def key(item: Received[Any]) -> str:
    """Return whose state a message concerns."""
    return key_of(inner(item)).decode()


def time_of(item: Received[Any]) -> datetime:
    """Return a message's event time."""
    return inner(item).utc_time


def inner(item: Received[Any]) -> Message:
    """Return the message, which for a frame lies beside its picture."""
    told = item.message
    return told.frame if isinstance(told, Sealed) else told


def micros(time: datetime) -> int:
    """Return microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """Return the time so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def die(why: str, error: BaseException | None = None) -> NoReturn:
    """End the process at once: no handler, no flush, no commit comes between the fault and the restart."""
    log().critical("stage died", detail=why)
    if error is not None:
        traceback.print_exception(error, limit=-8, file=sys.stderr)
    sys.stderr.flush()
    os._exit(DIED)
