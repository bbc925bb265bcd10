"""What every message carries: whose it is, what for, how identifying, until when."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from schemas.frozen import Frozen, UtcTime
from schemas.ids import EventId, NamedCamera, NamedNotice, NamedStore

Reason = Literal[
    "header_missing",
    "header_repeated",
    "header_unreadable",
    "header_contradicts_body",
    "unknown_type",
    "unknown_version",
    "wrong_topic",
    "wrong_class",
    "wrong_key",
    "unknown_key",
    "bad_content",
    "expired",
    "unknown_store",
    "unknown_camera",
    "unknown_device",
    "wrong_store",
    "bad_signature",
    "not_sealed_for_this",
    "no_key_for_this",
    "bad_image",
    "poison",
]
"""Why a message was not used: one list for dead letters, metrics and the console."""


class Invalid(ValueError):
    """Bytes that are no message, or a message that may not be where it is."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DataClass(StrEnum):
    """How much a record says about a person (DESIGN §4)."""

    IDENTIFYING = "identifying"
    LINKABLE = "linkable"
    OPERATIONAL = "operational"
    DEIDENTIFIED = "de-identified"


_RANK = {DataClass.IDENTIFYING: 3, DataClass.LINKABLE: 2, DataClass.OPERATIONAL: 1, DataClass.DEIDENTIFIED: 0}


def may_lie_in(message: DataClass, topic: DataClass) -> bool:
    """Say whether a message of one class may lie in a topic of another: never in a lower one."""
    return _RANK[message] <= _RANK[topic]


class Purpose(StrEnum):
    """What data may be used for. Purposes that no regulation names get no keys."""

    CRIME_PREVENTION = "crime_prevention"
    PEOPLE_FLOW = "people_flow"
    OPERATION = "operation"


class Module(Frozen):
    """Which code made a message, with which models and which settings."""

    name: str = Field(max_length=64)
    version: str = Field(max_length=32)
    model_digest: str = Field(default="", max_length=64)
    config_digest: str = Field(default="", max_length=64)


class Message(Frozen):
    """A message on a topic. `ce_type` names it and its version."""

    ce_type: ClassVar[str]

    event_id: Annotated[EventId, Field(min_length=1, max_length=64)]
    store_id: NamedStore
    camera_id: NamedCamera | None = None
    utc_time: UtcTime
    purpose: Purpose
    data_class: DataClass
    expires_at: UtcTime
    notice_id: NamedNotice
    module: Module

    @model_validator(mode="after")
    def _expires_after_it_happened(self) -> "Message":
        if self.expires_at <= self.utc_time:
            raise ValueError("expires_at must lie after utc_time")
        return self

    @property
    def source(self) -> str:
        """The CloudEvents source."""
        return f"/stores/{self.store_id}" + (f"/cameras/{self.camera_id}" if self.camera_id else "")


class CameraMessage(Message):
    """A message about one camera."""

    camera_id: NamedCamera

    @property
    def key(self) -> str:
        """The Kafka key; its murmur2 hash is the partition."""
        return f"{self.store_id}/{self.camera_id}"
