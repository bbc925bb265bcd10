"""Holds: named evidence that is kept longer, by decision of two people, sealed anew under a key of the hold's own.

The key of the evidence itself dies on time, whatever is held; a hold that was not sealed by then has lapsed. What a
hold keeps ends with it: at `until` by its slot, or before, when somebody ends it.
"""

import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline.errors import Refused, Rejected, Unavailable
from pipeline.vault.access import Action
from pipeline.vault.api import HOLD_LONGEST, Hold, HoldRequest, HoldState, Stored
from pipeline.vault.asking import Asker, noted
from pipeline.vault.backdrops import is_backdrop
from pipeline.vault.early import Early
from pipeline.vault.keys import BucketKey, Ciphertext, Span, floor, slot_length
from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.objects import Evidence, lives
from pipeline.vault.records import Record, RecordKind, record_of
from pipeline.vault.store import Held
from pipeline.vault.vault import Vault, new_key, owner_body
from schemas.frozen import iso
from schemas.ids import AlertId, KeyId

SHOWN_FOR: Final = timedelta(days=30)
"""How long a hold that is over stays in the list."""

OPEN: Final = frozenset({HoldState.PROPOSED, HoldState.CONFIRMED, HoldState.SEALED})
_NOBODY: Final = "vault"


class Holds:
    """The holds of a vault.

    Methods may raise Unavailable: the ledger is known to be away or the key table is, and nothing was decided. What the
    key table has taken is decided, and the ledger hears of it as soon as it can.
    """

    def __init__(self, vault: Vault, evidence: Evidence, early: Early) -> None:
        self._vault = vault
        self._evidence = evidence
        self._early = early

    def propose(self, asker: Asker, asked: HoldRequest, now: datetime) -> Hold:
        """Propose a hold. Nothing is kept longer before somebody else confirms it.

        Raises:
            Refused: Not by who asks; the evidence has expired, was erased or is held already; or not until then.
            Rejected: There is no evidence of such an alert.
        """
        self._vault.require_ledger()
        known = self._vault.table.of_alert(asked.alert_id)
        if not known:
            raise Rejected("unknown_key", "there is no evidence of such an alert")
        key = known[0].key
        about = {**owner_body(key.owner), "alert_id": str(asked.alert_id)}
        with noted(self._vault, asker, Action.HOLD_PROPOSE, now, **about):
            asker.require(Action.HOLD_PROPOSE, key.owner.store)
            if is_backdrop(asked.alert_id):
                raise Refused("a backdrop is evidence of nothing: another one is made when it is asked for")
            self._alive(key.key_id, now)
            until = floor(asked.until, slot_length(self._vault.policy.frame_ttl))
            if not key.span.expires_at < until <= now + HOLD_LONGEST:
                raise Refused("a hold ends after the evidence's own expiry, and within a year")
            if any(hold.alert_id == asked.alert_id and hold.state in OPEN for hold in self._all()):
                raise Refused("there is a hold of this evidence already")
        hold = Hold(
            hold_id=uuid.uuid4().hex,
            alert_id=asked.alert_id,
            store_id=key.owner.store,
            camera_id=key.owner.camera,
            purpose=key.owner.purpose,
            state=HoldState.PROPOSED,
            until=until,
            expires_at=key.span.expires_at,
            reason=asked.reason,
            incident=asked.incident,
            proposed_by=asker.name,
            proposed_at=now,
            key_id=key.key_id,
        )
        return self._keep(hold, Kind.HOLD_PROPOSED, now)

    def confirm(self, asker: Asker, hold_id: str, now: datetime) -> Hold:
        """Confirm a hold. It has a key of its own now, for the clip to be sealed to anew.

        Raises:
            Refused: Not by who asks, nor by who proposed it; or the evidence has expired or was erased.
            Rejected: There is no such hold.
        """
        self._vault.require_ledger()
        hold = self._hold(hold_id)
        with self._noted(asker, Action.HOLD_CONFIRM, hold, now):
            asker.require(Action.HOLD_CONFIRM, hold.store_id)
            if hold.proposed_by == asker.name:
                raise Refused("somebody else than who proposed it confirms a hold")
            if hold.state is not HoldState.PROPOSED:
                raise Refused(f"the hold is {hold.state} already")
            key = self._alive(hold.key_id, now)
            allowed = self._vault.policy.require(hold.store_id, hold.camera_id, hold.purpose)
        own = self._own_key(hold)
        if own is None:
            span = Span(key.span.start, key.span.end, hold.until)
            wanted = new_key(key.owner, allowed, span, now, alert=key.alert, hold=hold_id)
            (own,) = self._vault.make([wanted])
        # No key leaves before the ledger knows that it exists. Without one nothing is confirmed; the key waits.
        self._vault.tell(now)
        said = {"state": HoldState.CONFIRMED, "confirmed_by": asker.name, "held_key_id": own.key_id}
        return self._keep(hold.model_copy(update=said), Kind.HOLD_CONFIRMED, now)

    def sealed(self, asker: Asker, hold_id: str, stored: Stored, now: datetime) -> Hold:
        """Note that the clip lies sealed to the hold's key: from now on the hold is in force.

        Raises:
            Refused: Not by who asks; the hold was not confirmed; or the evidence has expired or was erased.
            Rejected: There is no such hold.
        """
        self._vault.require_ledger()
        hold = self._hold(hold_id)
        ciphertext = Ciphertext(stored.sha256, stored.size)
        with self._noted(asker, Action.OBJECT_KEY, hold, now):
            asker.require(Action.OBJECT_KEY, hold.store_id, hold.purpose)
            own = self._own_key(hold)
            if own is None or hold.state not in {HoldState.CONFIRMED, HoldState.SEALED}:
                raise Refused(f"the hold is {hold.state}: nothing is sealed for it")
            if hold.state is HoldState.SEALED and own.ciphertext == ciphertext:
                return self._shown(hold)
            self._alive(hold.key_id, now)
        hold = hold.model_copy(update={"state": HoldState.SEALED})
        fact = Fact(Kind.KEY_HELD, _body(hold) | {"sha256": stored.sha256, "size": stored.size})
        self._vault.table.stored(own.key_id, ciphertext, _records([fact]), [fact])
        self._tell(now)
        return self._shown(hold)

    def end(self, asker: Asker, hold_id: str, now: datetime) -> Hold:
        """End a hold before its time. Its key is destroyed when this returns.

        Raises:
            Refused: Not by who asks; or it is over.
            Rejected: There is no such hold.
        """
        self._vault.require_ledger()
        hold = self._hold(hold_id)
        with self._noted(asker, Action.HOLD_END, hold, now):
            asker.require(Action.HOLD_END, hold.store_id)
            if hold.state not in OPEN:
                raise Refused(f"the hold is {hold.state}")
        return self._end(hold, HoldState.ENDED, asker.name, now)

    def all(self, asker: Asker, now: datetime) -> tuple[Hold, ...]:
        """Return the holds that who asks may know of, newest first."""
        known = (hold for hold in self._all() if hold.state in OPEN or now < hold.until + SHOWN_FOR)
        shown = [self._shown(hold) for hold in known if asker.may_list(Action.HOLDS, hold.store_id)]
        return tuple(sorted(shown, key=lambda hold: hold.proposed_at, reverse=True))

    def lapse(self, now: datetime) -> None:
        """End what is over: holds that were not sealed before the evidence expired, and those whose time has come."""
        for hold in self._all():
            if hold.state in {HoldState.PROPOSED, HoldState.CONFIRMED} and hold.expires_at <= now:
                self._end(hold, HoldState.LAPSED, _NOBODY, now)
            elif hold.state is HoldState.SEALED and hold.until <= now:
                self._end(hold, HoldState.ENDED, _NOBODY, now)

    def endings(self, alerts: Iterable[AlertId], by: str) -> list[Fact]:
        """Say of the open holds of these alerts that they end, for a decision that destroys their keys."""
        gone = set(alerts)
        return [
            _ended(hold, HoldState.ENDED, by) for hold in self._all() if hold.state in OPEN and hold.alert_id in gone
        ]

    def _end(self, hold: Hold, how: HoldState, by: str, now: datetime) -> Hold:
        fact, own = _ended(hold, how, by), self._own_key(hold)
        if own is None:
            self._vault.table.put(_records([fact]), [fact])
            self._tell(now)
        else:
            about = {"hold_id": hold.hold_id, "alert_id": hold.alert_id, "store_id": hold.store_id}
            about |= {"camera_id": hold.camera_id}
            self._early.destroy([own], by=by, reason=f"hold {how}", about=about, now=now, also=[fact])
        return hold.model_copy(update={"state": how, "ended_by": by})

    def _keep(self, hold: Hold, kind: Kind, now: datetime) -> Hold:
        fact = Fact(kind, _body(hold))
        self._vault.table.put(_records([fact]), [fact])
        self._tell(now)
        return self._shown(hold)

    def _tell(self, now: datetime) -> None:
        # What is decided stands in the key table, and is told as soon as the ledger takes it.
        with suppress(Unavailable):
            self._vault.tell(now)

    def _hold(self, hold_id: str) -> Hold:
        record = self._vault.table.record(RecordKind.HOLD, hold_id)
        if record is None:
            raise Rejected("unknown_key", "there is no such hold")
        return _hold_of(record)

    def _all(self) -> list[Hold]:
        return [_hold_of(record) for record in self._vault.table.records(RecordKind.HOLD)]

    def _own_key(self, hold: Hold) -> BucketKey | None:
        """Find the hold's own key where it lives; made it was perhaps just before a crash, when nobody noted it."""
        found = (held.key for held in self._keys(hold) if held.key.hold == hold.hold_id and held.wrapped is not None)
        return next(found, None)

    def _keys(self, hold: Hold) -> tuple[Held, ...]:
        return self._vault.table.of_alert(hold.alert_id)

    def _alive(self, key_id: KeyId, now: datetime) -> BucketKey:
        held = self._vault.table.held(key_id)
        if held is None or not lives(held, now):
            raise Refused("the evidence has expired or was erased: nothing can be held any more")
        return held.key

    def _shown(self, hold: Hold) -> Hold:
        own = self._own_key(hold)
        return hold if own is None else hold.model_copy(update={"public": own.public, "held_key_id": own.key_id})

    def _noted(self, asker: Asker, action: Action, hold: Hold, now: datetime) -> AbstractContextManager[None]:
        about = {"store_id": str(hold.store_id), "camera_id": str(hold.camera_id), "alert_id": str(hold.alert_id)}
        return noted(self._vault, asker, action, now, **about, hold_id=hold.hold_id)


def _body(hold: Hold) -> dict[str, Any]:
    said = hold.model_dump(mode="json", exclude_none=True, exclude={"public"})
    return said | {"remembered_until": iso(hold.until + SHOWN_FOR)}


def _hold_of(record: Record) -> Hold:
    return Hold.model_validate({name: each for name, each in record.body.items() if name in Hold.model_fields})


def _ended(hold: Hold, how: HoldState, by: str) -> Fact:
    return Fact(Kind.HOLD_ENDED, _body(hold.model_copy(update={"state": how, "ended_by": by})))


def _records(facts: Iterable[Fact]) -> list[Record]:
    return [record for fact in facts if (record := record_of(fact)) is not None]
