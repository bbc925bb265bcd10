"""A worker of a real stage that counts messages, refuses some, and dies of others; started by test_stage_data."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.app import App, create_app, work
from agents.handling import Codec
from agents.stage import Stage
from pipeline.errors import Rejected
from pipeline.logs import configure
from pipeline.received import Received
from pipeline.settings import Kafka, Logs
from schemas.dead_letter import DeadLetter
from schemas.detections import Tick
from schemas.envelope import DataClass, Message, Module, Purpose
from schemas.ids import CameraId, EventId, NoticeId, StoreId
from schemas.topics import Topic

ABOUT = ("items", "scope", "purpose", "responsible")
NAMES: tuple[tuple[str, DataClass, tuple[type[Message], ...]], ...] = (
    ("in.v1", DataClass.LINKABLE, (Tick,)),
    ("out.v1", DataClass.LINKABLE, (Tick,)),
    ("in.v1.dead", DataClass.OPERATIONAL, (DeadLetter,)),
)


def topics() -> dict[str, Topic]:
    hour = timedelta(hours=1)
    found = {name: Topic(name, level, types, hour, *ABOUT, partitions=1) for name, level, types in NAMES}
    state = Topic("data-state.v1", DataClass.LINKABLE, (), hour, *ABOUT, compacted=True, partitions=1)
    return {**found, state.name: state}


def tick(name: str) -> Tick:
    """A message by its name."""
    now = datetime.now(UTC)
    return Tick(
        event_id=EventId(name),
        store_id=StoreId("s1"),
        camera_id=CameraId("a"),
        utc_time=now,
        purpose=Purpose.OPERATION,
        expires_at=now + timedelta(hours=1),
        notice_id=NoticeId("n1"),
        module=Module(name="test", version="1"),
    )


def step(state: int | None, received: Received[Any]) -> tuple[int, Sequence[Message]]:
    """Count, and say how many there were; a message named so is refused, or kills."""
    name = received.message.event_id
    if name.startswith("refuse"):
        raise Rejected("unknown_camera", "as it says")
    if name.startswith("kill"):
        os._exit(9)
    if name.startswith("raise"):
        raise ZeroDivisionError
    return (state or 0) + 1, [tick(f"{name}-{(state or 0) + 1}")]


def create(bootstrap: str, lives: timedelta | None) -> App:
    seat = os.environ.get("MIMAMORI_KAFKA__SEAT", "")
    app = create_app("data", Kafka(bootstrap=bootstrap, seat=seat), session_timeout=1.5)
    stage = Stage(app, "data", topics=topics(), sources=["in.v1"], outputs=["out.v1"], lives=lives)

    @app.agent(stage.channel, concurrency=1)
    async def count(stream: Any) -> None:
        await stage.run(stream, step=step, state=Codec(lambda number: str(number).encode(), int))

    return app


if __name__ == "__main__":
    configure(Logs(), "data")
    seconds = float(sys.argv[2])
    work(create(sys.argv[1], timedelta(seconds=seconds) if seconds else None))
