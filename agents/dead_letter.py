"""What is said of a record that could not be used: why, and its envelope, on `<topic>.dead`. Never its payload."""

import re
from datetime import datetime, timedelta
from typing import Final

from agents.wire import Broken
from pipeline.errors import Rejected
from pipeline.received import Received
from schemas.dead_letter import DeadLetter
from schemas.envelope import Invalid, Message, Module, Purpose
from schemas.ids import NoticeId, StoreId, event_id
from schemas.wire import Sealed, attributes, envelope_of

LIVES: Final = timedelta(days=7)
UNKNOWN: Final = "unknown"
_STORE: Final = re.compile(r"^/stores/([a-z0-9][a-z0-9._-]{0,62})(?:/|$)")


def of_broken(broken: Broken, stage: str) -> DeadLetter:
    """Say what was wrong with a record that is no message."""
    return _letter(broken, broken.reason.reason, broken.reason.detail, stage)


def of_rejected(received: Received[Message | Sealed], why: Rejected | Invalid, stage: str) -> DeadLetter:
    """Say why a step could not use a message."""
    return _letter(envelope(received), why.reason, why.detail, stage)


def of_poison(received: Received[Message | Sealed], stage: str) -> DeadLetter:
    """Say that a message was skipped because the process died of it, again and again."""
    return _letter(envelope(received), "poison", "", stage)


def envelope(received: Received[Message | Sealed]) -> Broken:
    """Return what may be kept of a message that was read."""
    told = received.message
    message, size = (told.frame, len(told.value)) if isinstance(told, Sealed) else (told, 0)
    headers = envelope_of([(name, text.encode()) for name, text in attributes(message).items()])
    return Broken(received.ref, Invalid("bad_content"), "", headers, size, message.utc_time)


def _letter(broken: Broken, reason: str, detail: str, stage: str) -> DeadLetter:
    ref = broken.ref
    return DeadLetter.model_validate(
        {
            "event_id": event_id("dead", stage, ref.topic, ref.partition, ref.offset),
            "store_id": _store(broken.headers.get("ce_source", "")),
            "utc_time": broken.time,
            "purpose": Purpose.OPERATION,
            "expires_at": _expiry(broken.time),
            "notice_id": NoticeId(UNKNOWN),
            "module": Module(name=f"stage.{stage}", version="1"),
            "source_record": ref,
            "reason": reason,
            "detail": detail[:200],
            "headers": dict(broken.headers),
            "value_bytes": broken.value_bytes,
            "stage": stage,
        }
    )


def _expiry(time: datetime) -> datetime:
    return time + LIVES


def _store(source: str) -> StoreId:
    found = _STORE.match(source)
    return StoreId(found[1] if found else UNKNOWN)
