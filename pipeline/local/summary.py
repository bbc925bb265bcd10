"""What happened in a run, counted from Kafka, the vault and ClickHouse; never from a producer's memory."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Protocol

from pipeline.errors import Erased
from pipeline.reading import records
from pipeline.settings import Clickhouse
from pipeline.vault.client import Leases, connected
from pipeline.warehouse import queries
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import reader
from schemas.dead_letter import DeadLetter
from schemas.detections import FrameDetections, FrameRef
from schemas.envelope import Invalid, Message, Purpose
from schemas.frame import Frame
from schemas.ids import KeyId
from schemas.topics import Topic
from schemas.wire import Sealed, decode

Placed = tuple[FrameRef, Message | Sealed]
"""A message and where it lies."""


class Keys(Protocol):
    """Where keys are asked for: `pipeline.vault.client.Leases`."""

    async def private_key(self, key_id: KeyId, purpose: Purpose) -> bytearray: ...


@dataclass(frozen=True)
class Summary:
    """Counts of a run. `frames_refused_after_expiry`: expired frames still in the log whose key is destroyed."""

    frames_published: int
    stills: int
    frames_opened: int
    detections: int
    people_tracked: int
    crossings: int
    alerts: int
    flow_rows: int
    keys_destroyed: int
    frames_refused_after_expiry: int
    frames_opened_after_expiry: int
    dead_letters: int
    latency_ms: Mapping[str, float]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


async def summarise(
    bootstrap: str, topics: Mapping[str, Topic], vault_url: str, tokens: Mapping[str, str], clickhouse: Clickhouse
) -> Summary:
    """Count everything, reading each topic from its beginning."""
    async with (
        connected(vault_url, tokens["detecting"]) as detecting,
        connected(vault_url, tokens["console"]) as console,
        Warehouse(reader(clickhouse)) as warehouse,
    ):
        letters = _messages(bootstrap, topics["frames.v1.dead"])
        dead = {letter.source_record async for _, letter in letters if isinstance(letter, DeadLetter)}
        frames = await count_frames(
            _messages(bootstrap, topics["frames.v1"]), dead, Leases(detecting), datetime.now(UTC)
        )
        seen = await _seen(bootstrap, topics["detections.v1"])
        dead_letters = sum([await _count(bootstrap, topics[name]) for name in topics if name.endswith(".dead")])
        (totals,) = await warehouse.ask(queries.totals())
        (latency,) = await warehouse.ask(queries.latency())
        status = await console.status()
    return Summary(
        frames_published=frames["frames"],
        stills=frames["stills"],
        frames_opened=seen["frames"],
        detections=seen["detections"],
        people_tracked=totals.people_tracked,
        crossings=totals.crossings,
        alerts=totals.alerts,
        flow_rows=totals.flow_rows,
        keys_destroyed=status.keys_destroyed,
        frames_refused_after_expiry=frames["refused"],
        frames_opened_after_expiry=frames["opened"],
        dead_letters=dead_letters,
        latency_ms={"p50": round(latency.p50, 1), "p95": round(latency.p95, 1), "p99": round(latency.p99, 1)},
    )


async def count_frames(
    messages: AsyncIterator[Placed], dead: Collection[FrameRef], leases: Keys, now: datetime
) -> Counter[str]:
    """Count the frames' log, and try to open all in it that has expired, but what was a dead letter anyway.

    Raises:
        Unavailable: The vault is away, or does not know us: that proves nothing about any key.
        Refused: The vault withholds a key from us for another reason than that it is gone.
        Rejected: The vault does not know of a key.
    """
    counts: Counter[str] = Counter()
    answers: dict[KeyId, str] = {}
    async for place, message in messages:
        if not isinstance(message, Sealed):
            counts["stills"] += 1
            continue
        counts["frames"] += 1
        frame = message.frame
        if frame.expires_at <= now and place not in dead:
            answers[frame.key_id] = answers.get(frame.key_id) or await _try(leases, frame)
            counts[answers[frame.key_id]] += 1
    return counts


async def _try(leases: Keys, frame: Frame) -> str:
    try:
        await leases.private_key(frame.key_id, frame.purpose)
    except Erased:
        return "refused"
    return "opened"


async def _seen(bootstrap: str, topic: Topic) -> Counter[str]:
    counts: Counter[str] = Counter()
    async for _, message in _messages(bootstrap, topic):
        if isinstance(message, FrameDetections):
            counts["frames"] += 1
            counts["detections"] += len(message.detections)
    return counts


async def _messages(bootstrap: str, topic: Topic) -> AsyncIterator[Placed]:
    """Read those of a topic's records that are messages; the others are dead letters, and counted there."""
    async for record in records(bootstrap, topic):
        with suppress(Invalid):
            place = FrameRef(topic=record.topic, partition=record.partition, offset=record.offset)
            yield place, decode(topic, record.key, record.headers, record.value or b"")


async def _count(bootstrap: str, topic: Topic) -> int:
    return len([record async for record in records(bootstrap, topic)])
