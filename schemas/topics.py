"""Every topic as data: what may lie in it, for how long, and who answers for it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from schemas.alert import Alert
from schemas.audit import AccessRecord
from schemas.dead_letter import DeadLetter
from schemas.detections import Erased, FrameDetections, Skipped, Still, Tick
from schemas.envelope import DataClass, Message
from schemas.erasure import ErasureReceipt
from schemas.flow import CoverageWindow, FlowWindow
from schemas.frame import Frame
from schemas.gate import GateEvent
from schemas.health import CameraHealth, DeviceHealth
from schemas.review import Review

PARTITIONS: Final = 4
"""Fixed by provisioning: a camera's partition is its key's murmur2 hash, so the count never changes."""

FRAME_TTL_MAX: Final = timedelta(hours=72)
STAGES: Final = ("detecting", "watching", "recording", "erasing")

_STATE_SEGMENT = timedelta(minutes=15)
_COMPACTION_LAG_MAX = timedelta(hours=1)
_COMPACTION_LAG_MIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Topic:
    """A Kafka topic. R11: items, scope and purpose of use, and who is responsible stand beside it."""

    name: str
    data_class: DataClass
    messages: tuple[type[Message], ...]
    lives: timedelta
    items: str
    scope: str
    purpose: str
    responsible: str
    compacted: bool = False
    partitions: int = PARTITIONS

    @property
    def config(self) -> dict[str, str]:
        """Return the broker's settings for it; provisioning sets them and every start compares them.

        facts/forgetting.md §3.2: retention alone forgets nothing, since only whole segments go.
        """
        if self.compacted:
            return {
                "cleanup.policy": "compact",
                "segment.ms": _ms(_STATE_SEGMENT),
                "min.compaction.lag.ms": _ms(_COMPACTION_LAG_MIN),
                "max.compaction.lag.ms": _ms(_COMPACTION_LAG_MAX),
            }
        return {
            "cleanup.policy": "delete",
            "retention.ms": _ms(self.lives),
            "segment.ms": _ms(max(timedelta(seconds=10), min(self.lives / 4, _STATE_SEGMENT))),
            "segment.bytes": str(64 << 20),
            "file.delete.delay.ms": "1000",
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(2 << 20),
        }


def _ms(length: timedelta) -> str:
    return str(int(length / timedelta(milliseconds=1)))


def _topics(frame_ttl: timedelta) -> tuple[Topic, ...]:
    linkable, operational = DataClass.LINKABLE, DataClass.OPERATIONAL
    month, years3 = timedelta(days=30), timedelta(days=3 * 365)
    return (
        Topic(
            "frames.v1", DataClass.IDENTIFYING, (Frame, Still), frame_ttl,
            "sealed pictures and their envelopes", "detecting; recording, for frames an alert names",
            "crime prevention", "store manager",
        ),
        Topic(
            "detections.v1", linkable, (FrameDetections, Still, Skipped, Erased, Tick), frame_ttl,
            "boxes of people and faces, without pictures", "watching, recording",
            "crime prevention; people flow is derived from it", "store manager",
        ),
        Topic(
            "alerts.v1", linkable, (Alert,), month,
            "observations for review", "recording, console", "crime prevention", "store manager",
        ),
        Topic(
            "reviews.v1", linkable, (Review,), month,
            "what a person decided about an alert", "recording, console", "crime prevention", "store manager",
        ),
        Topic(
            "gates.v1", operational, (GateEvent,), month,
            "alarms of article gates", "watching", "crime prevention", "store manager",
        ),
        Topic(
            "health.v1", operational, (DeviceHealth, CameraHealth), month,
            "state of devices and cameras", "console, on-call", "operation", "on-call engineer",
        ),
        Topic(
            "flow.v1", DataClass.DEIDENTIFIED, (FlowWindow, CoverageWindow), timedelta(days=761),
            "counts in windows", "recording, console, headquarters", "people flow", "store manager",
        ),
        Topic(
            "erasures.v1", operational, (ErasureReceipt,), years3,
            "receipts of destroyed keys", "console, auditor", "operation", "on-call engineer",
        ),
        Topic(
            "audit.v1", operational, (AccessRecord,), years3,
            "uses of keys and refusals", "console, auditor", "operation", "store manager",
        ),
    )  # fmt: skip


def _dead(source: Topic) -> Topic:
    return Topic(
        f"{source.name}.dead", DataClass.OPERATIONAL, (DeadLetter,), timedelta(days=7),
        "reasons and envelopes of records that could not be used", "on-call", "operation", "on-call engineer",
    )  # fmt: skip


def _state(stage: str) -> Topic:
    return Topic(
        f"{stage}-state.v1", DataClass.LINKABLE, (), _COMPACTION_LAG_MAX,
        "a stage's state by camera and its position", f"{stage} alone", "as its source", "on-call engineer",
        compacted=True,
    )  # fmt: skip


def topics(frame_ttl: timedelta) -> dict[str, Topic]:
    """Return every topic by name.

    Raises:
        ValueError: The frame TTL is none, or more than 72 h.
    """
    if not timedelta(0) < frame_ttl <= FRAME_TTL_MAX:
        raise ValueError(f"frames live up to {FRAME_TTL_MAX}, not {frame_ttl}")
    sources = _topics(frame_ttl)
    every = (*sources, *map(_dead, sources), *map(_state, STAGES))
    return {topic.name: topic for topic in every}


MESSAGES: Final[dict[str, type[Message]]] = {
    message.ce_type: message for topic in topics(FRAME_TTL_MAX).values() for message in topic.messages
}
"""Every message by its ce_type."""
