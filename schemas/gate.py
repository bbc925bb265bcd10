"""What the electronic article gate at a door reports."""

from typing import Annotated, ClassVar, Literal

from schemas.envelope import DataClass, Message
from schemas.ids import GateId, Name


class GateEvent(Message):
    """An EAS gate raised its alarm, or somebody passed it."""

    ce_type: ClassVar[str] = "mimamori.gate-event.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    gate_id: Annotated[GateId, Name]
    alarm: bool
    direction: Literal["in", "out", "unknown"] = "unknown"

    @property
    def key(self) -> str:
        return f"{self.store_id}/{self.gate_id}"
