"""Ledger entries in, receipts out."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from pipeline.vault.access import Action
from pipeline.vault.ledger import Body, Entry, Kind
from schemas.audit import AccessRecord
from schemas.envelope import Module, Purpose
from schemas.erasure import ErasureReceipt
from schemas.ids import NoticeId, event_id

KEPT: Final = timedelta(days=3 * 365)
"""Receipts outlive what they tell of by far, and name nobody."""

_MODULE: Final = Module(name="vault", version="1")


_GRANTED: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.LOOK: (Action.LOOK, "person"),
    Kind.ERASURE_DECIDED: (Action.ERASE, "by"),
    Kind.HOLD_PROPOSED: (Action.HOLD_PROPOSE, "proposed_by"),
    Kind.HOLD_CONFIRMED: (Action.HOLD_CONFIRM, "confirmed_by"),
    Kind.HOLD_ENDED: (Action.HOLD_END, "ended_by"),
    Kind.RELEASED: (Action.RELEASE, "by"),
    Kind.SIGNED_IN: (Action.SIGN_IN, "person"),
    Kind.ACCOUNT_CHANGED: (Action.ACCOUNTS, "by"),
}
"""What people did: as which action it is published, and where the entry says who."""


def receipts_of(entries: Iterable[Entry]) -> list[ErasureReceipt]:
    """Give the receipt of every destruction among these entries. The same entry gives the same receipt."""
    return [_receipt(entry) for entry in entries if entry.kind is Kind.KEY_DESTROYED]


def messages_of(entries: Iterable[Entry]) -> list[ErasureReceipt | AccessRecord]:
    """Give all that is published of these entries: receipts, refusals, and what people did.

    The same entry gives the same message.
    """
    told = list(entries)
    return [*receipts_of(told), *(record for entry in told if (record := _access(entry)) is not None)]


def _access(entry: Entry) -> AccessRecord | None:
    said = entry.body
    if entry.kind is Kind.REFUSED:
        return _record(entry, "refusal", said["principal"], said["action"], granted=False)
    # A hold that ends takes its key with it: that is told as the hold's end.
    if entry.kind not in _GRANTED or (entry.kind is Kind.ERASURE_DECIDED and "hold_id" in said):
        return None
    action, who = _GRANTED[entry.kind]
    return _record(entry, "access", said[who], action, granted=True)


def _record(entry: Entry, what: str, who: str, action: str, *, granted: bool) -> AccessRecord:
    said = entry.body
    return AccessRecord(
        event_id=event_id(what, entry.hash),
        store_id=said.get("store_id", "unknown"),
        utc_time=entry.at,
        purpose=Purpose.OPERATION,
        expires_at=entry.at + KEPT,
        notice_id=NoticeId("none"),
        module=_MODULE,
        principal=who,
        action=action,
        asked_purpose=said.get("purpose"),
        granted=granted,
        reason=_reason(said),
        ledger_index=entry.index,
    )


def _reason(said: Body) -> str:
    often = f" ({said['times']} times)" if "times" in said else ""
    # Whoever signs in gives no reason; of an account, it is published what of whose was changed.
    why = said.get("reason", f"{said['change']}: {said['person']}" if "change" in said else "")
    return str(why)[: 256 - len(often)] + often


def _receipt(entry: Entry) -> ErasureReceipt:
    said = entry.body
    destroyed_at = datetime.fromisoformat(said["destroyed_at"])
    return ErasureReceipt(
        event_id=event_id("erasure", said["key_id"]),
        store_id=said["store_id"],
        camera_id=said["camera_id"],
        utc_time=destroyed_at,
        purpose=Purpose.OPERATION,
        expires_at=destroyed_at + KEPT,
        notice_id=said["notice_id"],
        module=_MODULE,
        key_id=said["key_id"],
        key_purpose=said["purpose"],
        bucket_start=datetime.fromisoformat(said["bucket_start"]),
        key_created_at=datetime.fromisoformat(said["created_at"]),
        key_expired_at=datetime.fromisoformat(said["expires_at"]),
        destroyed_at=destroyed_at,
        early=said.get("early", False),
        erasure_id=said.get("erasure_id"),
        alert_id=said.get("alert_id"),
        ledger_index=entry.index,
        ledger_hash=entry.hash,
        signature=entry.signature,
    )
