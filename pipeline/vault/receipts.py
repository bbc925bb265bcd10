"""Ledger entries in, receipts out."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pipeline.vault.ledger import Body, Entry, Kind
from schemas.audit import AccessRecord
from schemas.envelope import Module, Purpose
from schemas.erasure import ErasureReceipt
from schemas.ids import NoticeId, event_id

KEPT: Final = timedelta(days=3 * 365)
"""Receipts outlive what they tell of by far, and name nobody."""

_MODULE: Final = Module(name="vault", version="1")


def receipts_of(entries: Iterable[Entry]) -> list[ErasureReceipt]:
    """Give the receipt of every destruction among these entries. The same entry gives the same receipt."""
    return [_receipt(entry) for entry in entries if entry.kind is Kind.KEY_DESTROYED]


def messages_of(entries: Iterable[Entry]) -> list[ErasureReceipt | AccessRecord]:
    """Give all that is published of these entries: receipts, and refusals. The same entry gives the same message."""
    told = list(entries)
    return [*receipts_of(told), *(_refusal(entry) for entry in told if entry.kind is Kind.REFUSED)]


def _refusal(entry: Entry) -> AccessRecord:
    said = entry.body
    return AccessRecord(
        event_id=event_id("refusal", entry.hash),
        store_id=said.get("store_id", "unknown"),
        utc_time=entry.at,
        purpose=Purpose.OPERATION,
        expires_at=entry.at + KEPT,
        notice_id=NoticeId("none"),
        module=_MODULE,
        principal=said["principal"],
        action=said["action"],
        asked_purpose=said.get("purpose"),
        granted=False,
        reason=_reason(said),
        ledger_index=entry.index,
    )


def _reason(said: Body) -> str:
    often = f" ({said['times']} times)" if "times" in said else ""
    return str(said["reason"])[: 256 - len(often)] + often


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
        ledger_index=entry.index,
        ledger_hash=entry.hash,
        signature=entry.signature,
    )
