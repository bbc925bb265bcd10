"""What could not be used: why, and its envelope. Never its payload."""

from typing import ClassVar, Literal

from pydantic import Field

from schemas.detections import FrameRef
from schemas.envelope import DataClass, Message, Reason


class DeadLetter(Message):
    """A record that a stage could not use. `headers` are the CloudEvents attributes, cut to 200 characters each."""

    ce_type: ClassVar[str] = "mimamori.dead-letter.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    source_record: FrameRef
    reason: Reason
    detail: str = Field(default="", max_length=200)
    headers: dict[str, str] = Field(default_factory=dict)
    value_bytes: int = Field(ge=0)
    stage: str = Field(max_length=64)

    @property
    def key(self) -> str:
        return str(self.store_id)
