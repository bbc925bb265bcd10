"""What the kill harness computes: a hash chain per camera, wrong for ever after one lost or doubled message."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from agents.handling import Codec
from pipeline.received import Received
from schemas.detections import Tick
from schemas.envelope import DataClass, Message, Module, Purpose
from schemas.ids import CameraId, EventId, NoticeId, StoreId
from schemas.topics import Topic

SOURCE: Final = "ticks.v1"
SINK: Final = "links.v1"
STATE: Final = "chain-state.v1"
CAMERAS: Final = 6
PARTITIONS: Final = 4
OUTPUT_EVERY: Final = 3

_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Chain(NamedTuple):
    """How many messages a camera has had, and the hash over all of them in order."""

    length: int = 0
    digest: str = ""


class _Compacted(Topic):
    """A state topic that is cleaned while one looks on: segments of a second, and nothing is kept from the cleaner."""

    @property
    def config(self) -> dict[str, str]:
        return {
            "cleanup.policy": "compact",
            "segment.ms": "1000",
            "min.compaction.lag.ms": "0",
            "max.compaction.lag.ms": "1000",
            "min.cleanable.dirty.ratio": "0.01",
            "delete.retention.ms": "1000",
            "file.delete.delay.ms": "100",
        }


def topics(*, compacting: bool) -> dict[str, Topic]:
    """Return the harness's topics: of a kind with the real ones, or with a state topic that is cleaned all the time."""
    kind = _Compacted if compacting else Topic
    about = ("numbered messages", "the kill harness", "operation", "on-call engineer")
    day = timedelta(days=1)
    every = (
        Topic(SOURCE, DataClass.LINKABLE, (Tick,), day, *about, partitions=PARTITIONS),
        Topic(SINK, DataClass.LINKABLE, (Tick,), day, *about, partitions=PARTITIONS),
        kind(STATE, DataClass.LINKABLE, (), day, *about, compacted=True, partitions=PARTITIONS),
    )
    return {topic.name: topic for topic in every}


def number(camera: int, sequence: int) -> Tick:
    """Make a camera's message number so-and-so."""
    return _tick(CameraId(f"c{camera}"), EventId(f"n-{sequence}"), sequence, "")


def follow(chain: Chain | None, received: Received[Tick]) -> tuple[Chain, tuple[Message, ...]]:
    """Add a message to its camera's chain; every third sends a link."""
    tick, before = received.message, chain or Chain()
    digest = hashlib.sha256(f"{before.digest} {tick.camera_id} {tick.event_id}".encode()).hexdigest()
    after = Chain(before.length + 1, digest)
    if after.length % OUTPUT_EVERY:
        return after, ()
    return after, (_tick(tick.camera_id, EventId(f"l-{tick.camera_id}-{after.length}"), after.length, digest),)


def _tick(camera: CameraId, name: EventId, sequence: int, digest: str) -> Tick:
    time = _BEGAN + timedelta(milliseconds=sequence)
    return Tick(
        event_id=name,
        store_id=StoreId("kills"),
        camera_id=camera,
        utc_time=time,
        purpose=Purpose.OPERATION,
        expires_at=time + timedelta(days=3650),
        notice_id=NoticeId("none"),
        module=Module(name="kills", version="1", model_digest=digest),
    )


def dumps(chain: Chain) -> bytes:
    return json.dumps(chain).encode()


def loads(raw: bytes) -> Chain:
    return Chain(*json.loads(raw))


CODEC: Final = Codec(dumps, loads)


class Truth(NamedTuple):
    """What an undisturbed run comes to."""

    chains: dict[str, Chain]
    links: dict[str, str]


def truth(messages: Iterable[Received[Any]]) -> Truth:
    """Work it out offline from the source topic, in its order."""
    chains: dict[str, Chain] = {}
    links: dict[str, str] = {}
    for received in messages:
        name = received.message.key
        chains[name], outputs = follow(chains.get(name), received)
        links |= {str(each.event_id): each.module.model_digest for each in outputs}
    return Truth(chains, links)
