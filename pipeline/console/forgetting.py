"""What was forgotten so far: what the vault says, in words."""

from datetime import datetime, timedelta

from pipeline.console import spoken
from pipeline.console.sources import Forgotten
from pipeline.console.words import Words
from schemas.erasure import ErasureReceipt
from schemas.frozen import Frozen, UtcTime


class ForgottenPanel(Frozen):
    """Keys destroyed, and how old the oldest readable frame is, in one language."""

    keys_destroyed: int
    keys_text: str
    keys_alive: int
    oldest_readable: UtcTime | None
    oldest: str
    receipt: str
    next_destruction_at: UtcTime | None
    next: str
    retention: str


def panel(forgotten: Forgotten, receipt: ErasureReceipt | None, now: datetime, words: Words) -> ForgottenPanel:
    """Say what the vault says, and when the latest receipt was published."""
    return ForgottenPanel(
        keys_destroyed=forgotten.keys_destroyed,
        keys_text=spoken.number(forgotten.keys_destroyed),
        keys_alive=forgotten.keys_alive,
        oldest_readable=forgotten.oldest_readable,
        oldest=_ago(forgotten.oldest_readable, now, words) or words("forgotten.oldest.none"),
        receipt=_ago(receipt.destroyed_at if receipt else None, now, words) or words("forgotten.none"),
        next_destruction_at=forgotten.next_destruction_at,
        next=_ahead(forgotten.next_destruction_at, now, words),
        retention=spoken.length(forgotten.ttl, words),
    )


def _ago(time: datetime | None, now: datetime, words: Words) -> str:
    return words("cameras.ago", length=spoken.length(now - time, words)) if time else ""


def _ahead(time: datetime | None, now: datetime, words: Words) -> str:
    if time is None:
        return words("forgotten.none")
    if time - now < timedelta(seconds=1):
        return words("forgotten.next.due")
    return words("forgotten.next.in", length=spoken.length(time - now, words))
