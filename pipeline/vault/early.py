"""Erasure before time: by alert, or by camera and span, so that no copy of the key table brings anything back.

Keys share slot keys, and a copy of the key table holds every private key under its slot's. So the slot key itself must
go: survivors are wrapped anew under another one, in the same transaction that condemns the old slot; then the old slot
goes the way of every slot. Whoever is killed on the way and started again ends with the same.

Leases that were lent before end within their minute, as `leases_end_by` says in the ledger.
"""

import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import Rejected, Unavailable
from pipeline.vault.access import Action
from pipeline.vault.api import Erasure, ErasureRequest
from pipeline.vault.asking import Asker, noted
from pipeline.vault.erased import REMEMBERED
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import Body, Fact, Kind
from pipeline.vault.records import Record, record_of
from pipeline.vault.store import Move, Slot
from pipeline.vault.vault import Vault, new_slot
from schemas.frozen import iso
from schemas.ids import AlertId, CameraId, KeyId, StoreId


@dataclass(frozen=True)
class Target:
    """What is to be erased: a camera's span, or of it only what an alert's evidence came from."""

    store: StoreId
    camera: CameraId
    start: datetime
    end: datetime
    alert: AlertId | None = None

    def body(self) -> dict[str, str]:
        of = {} if self.alert is None else {"alert_id": str(self.alert)}
        span = {"start": iso(self.start), "end": iso(self.end)}
        return {"store_id": str(self.store), "camera_id": str(self.camera), **span, **of}


class Early:
    """What a vault erases before its time."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def target(self, asked: ErasureRequest, now: datetime) -> Target:
        """Say what a request is about. A span ends now at the latest: what is not there yet cannot be erased.

        Raises:
            Rejected: There is no evidence of such an alert, and no span says where it was.
        """
        if asked.alert_id is not None:
            for held in self._vault.table.of_alert(asked.alert_id):
                owner, span = held.key.owner, held.key.span
                return Target(owner.store, owner.camera, span.start, span.end, asked.alert_id)
        if asked.store_id is None or asked.camera_id is None or asked.start is None or asked.end is None:
            raise Rejected("unknown_key", "there is no evidence of such an alert")
        end = asked.end if asked.alert_id is not None else min(asked.end, now)
        return Target(asked.store_id, asked.camera_id, asked.start, end, asked.alert_id)

    def require(self, asker: Asker, target: Target, now: datetime) -> None:
        """Raise Refused unless who asks may decide this. The ledger says so."""
        with noted(self._vault, asker, Action.ERASE, now, **target.body()):
            asker.require(Action.ERASE, target.store)

    def doomed(self, target: Target) -> tuple[BucketKey, ...]:
        """Name the living keys that go: all of the span; or an alert's own, and the buckets that it was cut from."""
        meeting = self._vault.table.meeting(target.store, target.camera, target.start, target.end)
        return tuple(key for key in meeting if target.alert is None or key.alert in {None, target.alert})

    def erase(self, asker: Asker, target: Target, reason: str, now: datetime, also: Sequence[Fact] = ()) -> Erasure:
        """Destroy the target's keys, before returning. `also` are facts that go with the decision.

        Raises:
            Unavailable: The disk does not take the decision, and nothing was erased; or it took that, and the timer
                does the rest.
        """
        doomed = self.doomed(target)
        return self.destroy(doomed, by=asker.name, reason=reason, about=target.body(), now=now, also=also)

    def destroy(
        self,
        doomed: Sequence[BucketKey],
        *,
        by: str,
        reason: str,
        about: Body,
        now: datetime,
        also: Sequence[Fact] = (),
    ) -> Erasure:
        """Destroy these keys, and no other, before returning."""
        erasure_id = uuid.uuid4().hex
        decided = {
            "erasure_id": erasure_id,
            "by": by,
            "reason": reason,
            **about,
            "at": iso(now),
            "leases_end_by": iso(now + self._vault.limits.lease),
            "keys": len(doomed),
            "remembered_until": iso(now + REMEMBERED),
        }
        facts = [Fact(Kind.ERASURE_DECIDED, decided), *also]
        moves = self._moves(doomed, erasure_id)
        try:
            self._vault.table.move(moves, _records(facts), facts, now)
        finally:
            # Also where it failed: it may have been taken, and only the answer been lost.
            self._vault.erasures.read_anew()
        self._vault.shred(now)
        self._vault.bury(now)
        # What is decided stands in the key table, and is told as soon as the ledger takes it.
        with suppress(Unavailable):
            self._vault.tell(now)
        return Erasure(erasure_id=erasure_id, keys=tuple(key.key_id for key in doomed))

    def _moves(self, doomed: Sequence[BucketKey], erasure_id: str) -> list[Move]:
        going = {key.key_id for key in doomed}
        slots = {slot for key_id in going if (slot := self._vault.table.slot_of(key_id)) is not None}
        return [self._move(slot, going, erasure_id) for slot in sorted(slots)]

    def _move(self, slot: Slot, going: Iterable[KeyId], erasure_id: str) -> Move:
        gone = slot._replace(erasure=erasure_id)
        staying = [held for held in self._vault.table.all_held(slot) if held.key.key_id not in going]
        if not staying:
            return Move(gone, (), None)
        into = new_slot(slot.end)
        # The new slot key is on disk before anything is wrapped by it.
        self._vault.ring.create([into.slot_key])
        privates = self._vault.wrapped_anew(slot, staying, into.slot_key)
        survivors = tuple((held.key.key_id, private) for held, private in zip(staying, privates, strict=True))
        return Move(gone, survivors, into)


def _records(facts: Iterable[Fact]) -> list[Record]:
    return [record for fact in facts if (record := record_of(fact)) is not None]
