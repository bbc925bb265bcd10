"""Who looked at what, and why."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from schemas.envelope import DataClass, Message, Purpose

PRINCIPAL: Final = 80
"""A device's principal is named after it, and its own name may have 63 characters."""


class AccessRecord(Message):
    """One use of a key, or one refusal of it."""

    ce_type: ClassVar[str] = "mimamori.access-record.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    principal: str = Field(max_length=PRINCIPAL)
    action: str = Field(max_length=32)
    asked_purpose: Purpose | None = None
    granted: bool
    reason: str = Field(default="", max_length=256)
    ledger_index: int = Field(ge=0)

    @property
    def key(self) -> str:
        return str(self.store_id)
