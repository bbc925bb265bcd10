"""Every topic as data: what may lie in it, for how long, and who answers for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.alert import Alert
from schemas.aside import SetAside
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
ALERTS_TTL_MAX: Final = timedelta(days=30)
FLOW_TTL_MAX: Final = timedelta(days=761)
SLACK: Final = timedelta(hours=24)
"""What has expired is off every disk by then (R21)."""

STAGES: Final = ("detecting", "watching", "recording", "cutting", "erasing")

RETENTION_CHECK_MAX: Final = timedelta(minutes=5)
CLEANER_BACKOFF_MAX: Final = timedelta(minutes=1)
"""How seldom a broker may look for segments to remove and to compact; it is asked when anything of ours starts."""

_SEGMENT = timedelta(minutes=15)
_COMPACTION_LAG_MAX = timedelta(hours=1)
_COMPACTION_LAG_MIN = timedelta(minutes=10)
_TOMBSTONES_STAY = timedelta(hours=1)
_FILES_STAY = timedelta(seconds=1)
_FOREVER_MS = str(2**63 - 1)

BROKER: Final[Mapping[str, str | timedelta]] = {
    # A topic made by being named in passing has Kafka's defaults, which forget nothing for a week.
    "auto.create.topics.enable": "false",
    # Segments that went to other storage are one copy more, with a retention of its own.
    "remote.log.storage.system.enable": "false",
    "log.cleaner.enable": "true",
    "log.retention.check.interval.ms": RETENTION_CHECK_MAX,
    "log.cleaner.backoff.ms": CLEANER_BACKOFF_MAX,
}
"""What the brokers themselves must have: a value, or a time that is not exceeded."""


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
            return _PHYSICS | {
                "cleanup.policy": "compact",
                "segment.ms": _ms(self.segment),
                "min.compaction.lag.ms": _ms(_COMPACTION_LAG_MIN),
                "max.compaction.lag.ms": _ms(_COMPACTION_LAG_MAX),
                "delete.retention.ms": _ms(_TOMBSTONES_STAY),
            }
        return _PHYSICS | {
            "cleanup.policy": "delete",
            "retention.ms": _ms(self.lives),
            "segment.ms": _ms(self.segment),
        }

    @property
    def segment(self) -> timedelta:
        """How long records come into one segment: only a whole one can go."""
        return _SEGMENT if self.compacted else max(timedelta(seconds=10), min(self.lives / 4, _SEGMENT))

    @property
    def gone_within(self) -> timedelta:
        """How long bytes lie on a broker's disk at most: from when the broker stamped a record or, where the topic is
        compacted, from when a later record took its place.

        The first record of a segment waits for the last, both for the broker's next look, and for the file to be
        unlinked. A segment that is written to no more goes too, by retention but not by compaction: so a stage keeps
        writing its position (agents/stage.py).
        """
        if self.compacted:
            return self.segment + _COMPACTION_LAG_MAX + CLEANER_BACKOFF_MAX + _FILES_STAY
        return self.lives + self.segment + RETENTION_CHECK_MAX + _FILES_STAY

    def in_time_until(self, expires_at: datetime) -> datetime:
        """Say until when a record that expires then may reach the broker.

        A topic's life counts from the broker's stamp: where that is longer than a day, what comes later would lie there
        when it must be gone (R21).
        """
        return expires_at - max(timedelta(0), self.gone_within - SLACK)


def _ms(length: timedelta) -> str:
    return str(int(length / timedelta(milliseconds=1)))


_PHYSICS: Final = {
    "segment.bytes": str(64 << 20),
    "file.delete.delay.ms": _ms(_FILES_STAY),
    # A device's wrong clock can neither keep a segment nor end one: the broker's own stamp counts.
    "message.timestamp.type": "LogAppendTime",
    "message.timestamp.after.max.ms": _ms(timedelta(hours=1)),
    "message.timestamp.before.max.ms": _FOREVER_MS,
    "max.message.bytes": str(2 << 20),
    "remote.storage.enable": "false",
}


class Lives(NamedTuple):
    """How long records live that somebody's regulation bounds (R20); the rest is the same everywhere."""

    frames: timedelta
    alerts: timedelta = ALERTS_TTL_MAX
    flow: timedelta = FLOW_TTL_MAX


def _topics(lives: Lives) -> tuple[Topic, ...]:
    linkable, operational = DataClass.LINKABLE, DataClass.OPERATIONAL
    month, years3 = timedelta(days=30), timedelta(days=3 * 365)
    return (
        Topic(
            "frames.v1", DataClass.IDENTIFYING, (Frame, Still), lives.frames,
            "sealed pictures and their envelopes", "detecting; cutting, for frames an alert names",
            "crime prevention", "store manager",
        ),
        Topic(
            "detections.v1", linkable, (FrameDetections, Still, Skipped, Erased, Tick), lives.frames,
            "boxes of people and faces, without pictures", "watching, recording, cutting",
            "crime prevention; people flow is derived from it", "store manager",
        ),
        Topic(
            "alerts.v1", linkable, (Alert, SetAside), lives.alerts,
            "observations for review; what never moves and is set aside", "recording, cutting, console",
            "crime prevention", "store manager",
        ),
        Topic(
            "reviews.v1", linkable, (Review,), lives.alerts,
            "what a person decided about an alert", "recording, console", "crime prevention", "store manager",
        ),
        Topic(
            "gates.v1", operational, (GateEvent,), month,
            "alarms of article gates", "watching", "crime prevention", "store manager",
        ),
        Topic(
            "health.v1", operational, (DeviceHealth, CameraHealth), month,
            "state of devices and cameras", "recording, console, on-call", "operation", "on-call engineer",
        ),
        Topic(
            "flow.v1", DataClass.DEIDENTIFIED, (FlowWindow, CoverageWindow), lives.flow,
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


def topics(lives: Lives) -> dict[str, Topic]:
    """Return every topic by name.

    Raises:
        ValueError: Something has no life, or a longer one than anybody's may be.
    """
    most = Lives(FRAME_TTL_MAX)
    for what, life, longest in zip(Lives._fields, lives, most, strict=True):
        if not timedelta(0) < life <= longest:
            raise ValueError(f"{what} live up to {longest}, not {life}")
    sources = _topics(lives)
    every = (*sources, *map(_dead, sources), *map(_state, STAGES))
    return {topic.name: topic for topic in every}


MESSAGES: Final[dict[str, type[Message]]] = {
    message.ce_type: message for topic in topics(Lives(FRAME_TTL_MAX)).values() for message in topic.messages
}
"""Every message by its ce_type."""
