"""The signed record of a shredding."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.envelope import CameraMessage, DataClass, Purpose
from schemas.frozen import UtcTime
from schemas.ids import AlertId, NamedKey


class ErasureReceipt(CameraMessage):
    """A key was destroyed: when, how, and where the ledger says so."""

    ce_type: ClassVar[str] = "mimamori.erasure-receipt.v1"
    data_class: Literal[DataClass.OPERATIONAL] = DataClass.OPERATIONAL
    key_id: NamedKey
    key_purpose: Purpose
    bucket_start: UtcTime
    key_created_at: UtcTime
    key_expired_at: UtcTime
    destroyed_at: UtcTime
    method: Literal["slot_key_destroyed"] = "slot_key_destroyed"
    early: bool = False
    """Destroyed before its time: by a decision, which `erasure_id` names in the ledger."""
    erasure_id: Annotated[str, Field(max_length=64)] | None = None
    alert_id: Annotated[AlertId, Field(min_length=1, max_length=64)] | None = None
    """Set for a key of one alert's evidence; then `bucket_start` is when the alert began."""
    ledger_index: int = Field(ge=0)
    ledger_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signature: str = Field(max_length=128)

    @property
    def key(self) -> str:
        return str(self.key_id)
