"""A stage without Faust and Kafka: an app, a producer and a consumer that remember what was done with them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from agents.handling import Codec
from agents.position import Kept, Place
from agents.stage import Stage
from agents.wire import Broken, Item
from pipeline.clock import ManualClock
from pipeline.received import Received
from schemas.detections import FrameRef, Tick
from schemas.envelope import DataClass, Invalid, Message, Module, Purpose
from schemas.ids import CameraId, EventId, NoticeId, StoreId
from schemas.topics import Topic

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = TP("in.v1", 0)
ABOUT = ("items", "scope", "purpose", "responsible")
TOPICS = {
    name: Topic(name, data_class, messages, DAY, *ABOUT)
    for name, data_class, messages in (
        ("in.v1", DataClass.LINKABLE, (Tick,)),
        ("out.v1", DataClass.LINKABLE, (Tick,)),
        ("twin-state.v1", DataClass.LINKABLE, ()),
    )
}
COUNT = Codec[int](lambda count: str(count).encode(), int)


def topics_with_dead_letters() -> dict[str, Topic]:
    from schemas.dead_letter import DeadLetter  # noqa: PLC0415 (only here)

    dead = Topic("in.v1.dead", DataClass.OPERATIONAL, (DeadLetter,), DAY, *ABOUT)
    return {**TOPICS, "in.v1.dead": dead}


@dataclass
class Sent:
    """One record that was sent."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None
    headers: list[tuple[str, bytes]]

    @property
    def kind(self) -> str:
        """Which kind of record of the state topic it is; else its topic."""
        return Place.loads(self.key).kind if self.topic == "twin-state.v1" else self.topic


class Producer:
    """Acknowledges at once."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def send(  # noqa: PLR0917 (Faust's)
        self, topic: str, key: bytes, value: bytes | None, partition: int | None, time: None, headers: Any
    ) -> "asyncio.Future[None]":
        self.sent.append(Sent(topic, key, value, partition, headers))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


@dataclass
class App:
    """What a stage asks of its app."""

    producer: Producer = field(default_factory=Producer)
    rebalancing: bool = False
    should_stop: bool = False
    consumer_generation_id: int = 1
    timers: list[Any] = field(default_factory=list)
    flow_control: Any = field(default_factory=lambda: SimpleNamespace(clear=lambda: None))

    def topic(self, *names: str, schema: object) -> Sequence[str]:
        return names

    def timer(self, interval: float) -> Any:
        return self.timers.append


class Died(BaseException):
    """Stands for the end of the process."""


class Twin:
    """A stage over one partition, and what its process would have written."""

    def __init__(
        self, kept: Kept | None = None, lives: timedelta | None = None, begin: int = 0, *, tells: bool = True
    ) -> None:
        self.app = App()
        self.clock = ManualClock(NOON)
        self.kept = kept or Kept()
        self.begin = begin
        self.stage = Stage(
            self.app,
            "twin",
            topics=topics_with_dead_letters(),
            sources=["in.v1"],
            outputs=["out.v1"],
            clock=self.clock,
            lives=lives,
            tells_of_broken=tells,
        )

    async def handle(self, handler: Any, items: Sequence[Item], generation: int = 1) -> None:
        """Do what happens when a batch arrives, taking up the partition first."""
        self.stage.handle_with(handler)
        if not self.stage.lanes:
            self.stage.take_up({SOURCE: self.kept}, {SOURCE: self.begin}, {SOURCE: 1000})
        await self.stage.batch([event(item, generation) for item in items])

    @property
    def sent(self) -> list[Sent]:
        return self.app.producer.sent

    def kinds(self) -> list[str]:
        return [each.kind for each in self.sent]

    def after(self) -> Kept:
        """Return what a new process would find."""
        found = replace(self.kept, states=dict(self.kept.states))
        for each in self.sent:
            if each.topic == "twin-state.v1":
                headers = dict(each.headers)
                found.merge(Place.loads(each.key), each.value, int(headers.get("removes", b"-1")))
        return found


def event(item: Item, generation: int) -> Any:
    message = SimpleNamespace(tp=TP(item.ref.topic, item.ref.partition), generation_id=generation)
    return SimpleNamespace(message=message, value=item)


def tick(offset: int, camera: str = "a", time: datetime = NOON) -> Received[Tick]:
    """A message at an offset."""
    return Received(_tick(camera, f"n{offset}", time), FrameRef(topic="in.v1", partition=0, offset=offset))


def broken(offset: int) -> Broken:
    """A record at an offset that is no message."""
    ref = FrameRef(topic="in.v1", partition=0, offset=offset)
    return Broken(ref, Invalid("bad_content", "value: json_invalid"), "x", {"ce_type": "?"}, 5, NOON)


def echo(camera: str, count: int) -> Message:
    return _tick(camera, f"out-{camera}-{count}", NOON)


def _tick(camera: str, name: str, time: datetime) -> Tick:
    return Tick(
        event_id=EventId(name),
        store_id=StoreId("s1"),
        camera_id=CameraId(camera),
        utc_time=time,
        purpose=Purpose.OPERATION,
        expires_at=time + DAY,
        notice_id=NoticeId("n1"),
        module=Module(name="test", version="1"),
    )
