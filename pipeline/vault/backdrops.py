"""Backdrops: a picture of a camera's place without anybody in it, to draw zones on. Asked for here, made by cutting.

A backdrop is sealed, looked at, listed and erased as an alert's evidence is. That it was asked for is that its key is
there and nothing is sealed to it yet: no other list is kept.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final

from pipeline.vault.access import Action
from pipeline.vault.api import BACKDROP, BackdropRequest, EvidenceObject
from pipeline.vault.asking import Asker, noted
from pipeline.vault.keys import BucketKey, Owner, Span, evidence_span
from pipeline.vault.objects import lives, may_know, shown
from pipeline.vault.vault import Vault, new_key, owner_body
from schemas.envelope import Purpose
from schemas.ids import AlertId, KeyId

LIVES: Final = timedelta(hours=1)
"""Long enough to draw by."""


class Backdrops:
    """The backdrops of a vault. Methods may raise Unavailable: key table or ledger are away."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._waiting: set[KeyId] | None = None

    def ask(self, asker: Asker, asked: BackdropRequest, now: datetime) -> EvidenceObject:
        """Ask for a backdrop of a camera; one that was asked for and is not made yet is the same.

        Raises:
            Refused: Not for who asks, or the camera's frames are for no such purpose. The ledger says so.
        """
        self._vault.require_ledger()
        owner = Owner(asked.store_id, asked.camera_id, Purpose.CRIME_PREVENTION)
        with noted(self._vault, asker, Action.PLACES, now, **owner_body(owner)):
            asker.require(Action.PLACES, owner.store)
            allowed = self._vault.policy.require(owner.store, owner.camera, owner.purpose)
        waiting = (each for each in self._not_made(now) if each.owner == owner)
        found = next(waiting, None)
        if found is None:
            ttl = self._vault.policy.frame_ttl
            ends = evidence_span(now, now, min(LIVES, allowed.evidence), ttl)
            # It is put together from frames that live now: whoever erases one of those erases it.
            span = Span(now - ttl, now, ends.expires_at)
            (found,) = self._vault.make([new_key(owner, allowed, span, now, alert=_named())])
            self._known().add(found.key_id)
        # Nobody hears of a key before the ledger does.
        self._vault.tell(now)
        return shown(found)

    def waiting(self, asker: Asker, now: datetime) -> tuple[EvidenceObject, ...]:
        """Return those that are to be made, as far as who asks may know of them."""
        return tuple(shown(each) for each in self._not_made(now) if may_know(asker, each.owner.store))

    def _not_made(self, now: datetime) -> list[BucketKey]:
        held = {each: self._vault.table.held(each) for each in self._known()}
        there = [each for each in held.values() if each is not None and lives(each, now)]
        left = [each.key for each in there if each.key.ciphertext is None]
        self._waiting = {each.key_id for each in left}
        return sorted(left, key=lambda each: each.created_at)

    def _known(self) -> set[KeyId]:
        """Return those that may be waiting; after a start the key table says which."""
        if self._waiting is None:
            alive = self._vault.table.evidence(None)
            self._waiting = {each.key_id for each in alive if each.alert is not None and is_backdrop(each.alert)}
        return self._waiting


def is_backdrop(alert: AlertId) -> bool:
    """Say whether this is what a backdrop is called by."""
    return alert.startswith(BACKDROP)


def _named() -> AlertId:
    return AlertId(f"{BACKDROP}{uuid.uuid4().hex}")
