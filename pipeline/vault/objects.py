"""Keys of evidence: one an alert, made once, never anew after it was erased or has expired.

A key's end is fixed when it is made, by the regulation of then. A retention made shorter is for later alerts; what is
there already keeps its end, unless somebody decides to erase it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pipeline.errors import Erased, Rejected
from pipeline.vault.access import Action
from pipeline.vault.api import BACKDROP, EvidenceObject, ObjectKey, ObjectRequest, Stored
from pipeline.vault.asking import Asker, noted
from pipeline.vault.keys import BucketKey, Ciphertext, Owner, Span, evidence_span
from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.policy import Allowed
from pipeline.vault.store import Held
from pipeline.vault.vault import Vault, new_key, owner_body
from schemas.ids import AlertId, KeyId, StoreId


class Evidence:
    """The evidence of a vault. Methods may raise Unavailable: key table or ledger are away, and nothing is lost."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def key(self, asker: Asker, asked: ObjectRequest, now: datetime) -> ObjectKey:
        """Return the key for one alert's evidence, made now where it is not there yet.

        Raises:
            Refused: Not for who asks, or not for this camera or purpose. The ledger says so.
            Erased: It was erased or has expired: a replay makes no evidence anew.
            Rejected: The alert is another camera's.
        """
        self._vault.require_ledger()
        owner = Owner(asked.store_id, asked.camera_id, asked.purpose)
        about = {**owner_body(owner), "alert_id": str(asked.alert_id)}
        with noted(self._vault, asker, Action.OBJECT_KEY, now, **about):
            asker.require(Action.OBJECT_KEY, owner.store, owner.purpose)
            allowed = self._vault.policy.require(owner.store, owner.camera, owner.purpose)
        known = [held for held in self._vault.table.of_alert(asked.alert_id) if held.key.hold is None]
        if any(held.key.owner != owner for held in known):
            raise Rejected("bad_content", "the alert is another camera's")
        found = next((held.key for held in known if lives(held, now)), None)
        if found is None and asked.alert_id.startswith(BACKDROP):
            raise Erased("this backdrop is gone, or nobody asked for it")
        if found is None:
            found = self._made(owner, allowed, asked, bool(known), now)
        # No key leaves before the ledger knows that it exists.
        self._vault.tell(now)
        return _object_key(found)

    def stored(self, asker: Asker, key_id: KeyId, stored: Stored, now: datetime) -> EvidenceObject:
        """Note that the evidence lies in the object storage; where it was sealed twice, what was said last holds.

        Raises:
            Refused: Not by who asks. The ledger says so.
            Erased: The key is gone: so should be what was stored.
            Rejected: It is no alert's key.
        """
        held = self._vault.table.held(key_id)
        if held is None or held.key.alert is None or held.key.hold is not None:
            raise Rejected("unknown_key", "there never was such a key of an alert's evidence")
        key, owner = held.key, held.key.owner
        with noted(self._vault, asker, Action.OBJECT_KEY, now, **owner_body(owner), key_id=str(key_id)):
            asker.require(Action.OBJECT_KEY, owner.store, owner.purpose)
        if not lives(held, now):
            raise Erased(f"key {key_id} is destroyed")
        ciphertext = Ciphertext(stored.sha256, stored.size)
        if key.ciphertext is None or key.ciphertext != ciphertext:
            self._vault.table.stored(key_id, ciphertext, (), [Fact(Kind.EVIDENCE_STORED, stored_body(key, ciphertext))])
        self._vault.tell(now)
        return shown(replace(key, ciphertext=ciphertext))

    def objects(self, asker: Asker, store: StoreId | None, now: datetime) -> tuple[EvidenceObject, ...]:
        """Return the evidence that lives, as far as who asks may know of it; what a hold sealed anew stands for it."""
        alive = [key for key in self._vault.table.evidence(store) if key.span.expires_at > now]
        return tuple(map(shown, newest(key for key in alive if may_know(asker, key.owner.store))))

    def of(self, asker: Asker, alert: AlertId, now: datetime) -> EvidenceObject:
        """Return one alert's evidence.

        Raises:
            Erased: It is gone.
            Rejected: There never was any that who asks may know of.
        """
        known = self._vault.table.of_alert(alert)
        if known and not may_know(asker, known[0].key.owner.store):
            raise Rejected("unknown_key", "there is no evidence of such an alert")
        return shown(self.current(alert, now).key)

    def current(self, alert: AlertId, now: datetime) -> Held:
        """Return the key that one alert's evidence is sealed to at the moment: a hold's, once that is in force.

        Raises:
            Erased: It is gone.
            Rejected: There never was any.
        """
        known = self._vault.table.of_alert(alert)
        alive = [held for held in known if lives(held, now)]
        for held in reversed(alive):
            if held.key.hold is None or held.key.ciphertext is not None:
                return held
        if known or self._vault.erasures.of_alert(alert):
            raise Erased("this evidence is gone")
        raise Rejected("unknown_key", "there is no evidence of such an alert")

    def _made(self, owner: Owner, allowed: Allowed, asked: ObjectRequest, known: bool, now: datetime) -> BucketKey:
        # A camera's clock that runs ahead keeps nothing longer.
        ends = evidence_span(min(asked.start, now), asked.end, allowed.evidence, self._vault.policy.frame_ttl)
        span = Span(asked.start, asked.end, ends.expires_at)
        decided = self._vault.erasures.of_camera(owner.store, owner.camera)
        erased = any(each.covers(asked.alert_id, span.start, span.end) for each in decided)
        if known or erased or span.expires_at <= now:
            raise Erased("this alert's evidence is gone, and is not made anew")
        (made,) = self._vault.make([new_key(owner, allowed, span, now, alert=asked.alert_id)])
        return made


def lives(held: Held, now: datetime) -> bool:
    """Say whether a key can be used."""
    return held.wrapped is not None and held.key.span.expires_at > now


def may_know(asker: Asker, store: StoreId) -> bool:
    """Say whether somebody may know that there is evidence: it takes no more than knowing of the alert."""
    return any(asker.may_list(action, store) for action in (Action.ALERTS, Action.OBJECT_KEY, Action.LEDGER))


def newest(keys: Iterable[BucketKey]) -> list[BucketKey]:
    """Of each alert's keys, in order, keep the last that counts: a hold's only once something is sealed to it."""
    found: dict[AlertId, BucketKey] = {}
    for key in keys:
        if key.alert is not None and (key.hold is None or key.ciphertext is not None):
            before = found.get(key.alert)
            if before is None or before.hold is None:
                found[key.alert] = key
    return list(found.values())


def stored_body(key: BucketKey, ciphertext: Ciphertext) -> dict[str, str | int]:
    """Say for the ledger what was sealed with a key."""
    of = {"key_id": str(key.key_id), "alert_id": str(key.alert), **owner_body(key.owner)}
    return {**of, "sha256": ciphertext.sha256, "size": ciphertext.size}


def shown(key: BucketKey) -> EvidenceObject:
    """Say of a key of evidence what may be told. It must be one."""
    if key.alert is None:
        raise ValueError(f"key {key.key_id} is no alert's")
    return EvidenceObject(
        key_id=key.key_id,
        alert_id=key.alert,
        store_id=key.owner.store,
        camera_id=key.owner.camera,
        purpose=key.owner.purpose,
        start=key.span.start,
        end=key.span.end,
        created_at=key.created_at,
        expires_at=key.span.expires_at,
        stored=key.ciphertext is not None,
        sha256=None if key.ciphertext is None else key.ciphertext.sha256,
        size=None if key.ciphertext is None else key.ciphertext.size,
        held_until=None if key.hold is None else key.span.expires_at,
    )


def _object_key(key: BucketKey) -> ObjectKey:
    said = shown(key)
    return ObjectKey(
        key_id=said.key_id,
        alert_id=said.alert_id,
        store_id=said.store_id,
        camera_id=said.camera_id,
        purpose=said.purpose,
        expires_at=said.expires_at,
        public=key.public,
        stored=said.stored,
    )
