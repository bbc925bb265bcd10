"""The vault: makes bucket keys, lends them by purpose, destroys them on time, and says so in the ledger.

Nothing here knows HTTP, timers or the host's clock. Destruction goes in steps, each of which can be done again:
condemn the slot, delete its private keys, take its slot key out of the ring, bury it, tell the ledger. Whoever is
killed after any of them and started again ends with every key destroyed and one receipt each.
"""

import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import rfc8785

from pipeline import sealing
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.sealing import SealSuite
from pipeline.vault.access import Action, Principal, require
from pipeline.vault.api import Lease, Status, lease_info
from pipeline.vault.keys import BucketKey, Owner, Span, spans
from pipeline.vault.ledger import Body, Entry, Fact, Kind, Ledger
from pipeline.vault.policy import Allowed, Policy
from pipeline.vault.refusals import Refusals
from pipeline.vault.ring import Ring, wipe
from pipeline.vault.store import KeyTable, NewKey, Slot, Wrapped
from schemas.envelope import Purpose
from schemas.frozen import iso
from schemas.ids import CameraId, KeyId, NoticeId, StoreId

AHEAD_MAX: Final = timedelta(hours=24)
_TOLD_AT_ONCE: Final = 1000
_SLOT_END: Final = "%Y%m%dT%H%M%S.%fZ"
_WRAP_TAG: Final = b"mimamori/wrap/1\x00"


@dataclass(frozen=True)
class Limits:
    """How far ahead keys are made, how many in one answer, how long a lease is, and with which suite."""

    ahead: timedelta = AHEAD_MAX
    keys: int = 500
    lease: timedelta = timedelta(seconds=60)
    suite: SealSuite = SealSuite.MLKEM768_X25519


@dataclass(frozen=True)
class _Lent:
    key_id: KeyId
    principal: str
    purpose: Purpose


class Vault:
    """One vault over one key table, one ring and one ledger; nobody else writes to them."""

    def __init__(
        self, table: KeyTable, ring: Ring, ledger: Ledger, policy: Policy, limits: Limits | None = None
    ) -> None:
        self._table = table
        self._ring = ring
        self._ledger = ledger
        self._policy = policy
        self._limits = limits or Limits()
        self._lent: dict[_Lent, int] = {}
        self._refusals = Refusals()
        self._ledger_away = False
        self._late: timedelta | None = None
        self._latest: timedelta | None = None

    def recover(self, now: datetime) -> None:
        """Call once, before anything else: goes on where the last vault was stopped.

        Raises:
            Unavailable: The disk does not take it.
        """
        self._take_back(now)
        alive, needed = self._ring.names(), self._table.slot_keys()
        # A slot key without a slot wraps nothing: the last vault died between making it and using it.
        self._ring.destroy(alive - needed)
        # A slot without its key is lost before its time: what it wrapped opens no more.
        self._table.condemn_lost(needed - alive, now)
        self.shred(now)
        self.bury(now)
        self.tell(now)

    def public_keys(
        self, principal: Principal, owner: Owner, start: datetime, end: datetime, now: datetime
    ) -> tuple[BucketKey, ...]:
        """Return the public keys for all frames from `start` to before `end`, made now where they are not there yet.

        Frames that have expired get none, nor those further ahead than the limit; the rest in order, up to a number.

        Raises:
            Refused: Not for this principal, camera or purpose. The ledger says so.
            Unavailable: Key table or ledger are away.
        """
        try:
            require(principal, Action.PUBLIC_KEYS, owner.purpose, owner.store)
            allowed = self._policy.require(owner.store, owner.camera, owner.purpose)
        except Refused as refusal:
            self._note_refusal(principal, Action.PUBLIC_KEYS, refusal, now, **_owner_body(owner))
            raise
        wanted = self._wanted(start, end, now)
        if not wanted:
            return ()
        found = {key.span: key for key in self._table.living(owner, wanted[0].start, wanted[-1].end)}
        made = self._make(owner, allowed, [span for span in wanted if span not in found], now)
        # No key leaves before the ledger knows that it exists: else it could be destroyed without ever having been.
        self.tell(now)
        found |= {key.span: key for key in made}
        return tuple(found[span] for span in wanted)

    def lease(self, principal: Principal, key_id: KeyId, purpose: Purpose, lease_public: bytes, now: datetime) -> Lease:
        """Lend a private key, sealed to the asker's own, for a minute or until it expires.

        Raises:
            Refused: Not for this principal or this purpose. The ledger says so.
            Erased: The key was destroyed, or is due to be.
            Rejected: There never was such a key, or `lease_public` is none.
            Unavailable: Key table or ledger are away.
        """
        if self._ledger_away:
            raise Unavailable("nothing is lent that the ledger cannot take down")
        held = self._table.held(key_id)
        try:
            require(principal, Action.LEASE, purpose)
            if held is None:
                raise Rejected("unknown_key", "there never was such a key")
            self._require_purpose(held.key.owner, purpose)
        except Refused as refusal:
            whose = {} if held is None else _owner_body(held.key.owner)
            asked = {"key_id": str(key_id), "purpose": purpose.value}
            self._note_refusal(principal, Action.LEASE, refusal, now, **(whose | asked))
            raise
        if held.wrapped is None or held.key.span.expires_at <= now:
            raise Erased(f"key {key_id} is destroyed")
        lease = Lease(
            key_id=key_id,
            purpose=purpose,
            principal=principal.name,
            at=now,
            ends_at=min(now + self._limits.lease, held.key.span.expires_at),
            sealed=b"",
        )
        sealed = self._sealed(held.key, held.wrapped, lease, lease_public)
        lent = _Lent(key_id, principal.name, purpose)
        self._lent[lent] = self._lent.get(lent, 0) + 1
        return lease.model_copy(update={"sealed": sealed})

    def expires_at(self, key_id: KeyId) -> datetime | None:
        """Say when a key expires or expired; None where there never was one."""
        held = self._table.held(key_id)
        return None if held is None else held.key.span.expires_at

    def shred(self, now: datetime) -> None:
        """Destroy every key that is due, beyond recovery, before returning. Then call `bury`.

        Raises:
            Unavailable: The disk does not take it: call again.
        """
        due: tuple[Slot, ...] = ()
        try:
            due = self._table.due(now)
            if due:
                self._table.condemn(now)
            for slot in due:
                self._table.delete_private(slot)
        finally:
            # This is what makes it final, and needs no space, nor a key table that can be read: nothing may delay it.
            self._ring.destroy({*expired_names(self._ring, now), *(slot.slot_key for slot in due)})

    def bury(self, now: datetime) -> int:
        """Write down what was shredded, as done by `now`; return how many keys. Then call `tell`.

        Raises:
            Unavailable: The disk does not take it: call again.
        """
        buried = 0
        alive = self._ring.names()
        for slot in self._table.condemned():
            if slot.slot_key not in alive:
                keys = self._table.keys_of(slot)
                self._table.bury(slot, [_destroyed(key, slot, now) for key in keys])
                self._late = now - slot.end
                self._latest = max(self._late, self._latest or self._late)
                buried += len(keys)
        return buried

    def tell(self, now: datetime) -> None:
        """Tell the ledger all that it has not heard: keys made and destroyed, leases, refusals.

        Raises:
            Unavailable: The ledger or the disk is away. Nothing is forgotten: call again.
        """
        self._ledger_away = True
        self._empty_outbox(now)
        self._ledger.append([*self._lent_facts(), *self._refusals.facts()], now)
        self._lent.clear()
        self._refusals.clear()
        self._ledger_away = False

    def next_destruction(self) -> datetime | None:
        """Say when the next keys die, a time in the past where they are late."""
        return self._table.next_slot_end()

    def note_time(self, now: datetime) -> None:
        """Remember that it is this late: whoever starts next does not begin before."""
        self._table.note_time(now)

    def status(self, now: datetime) -> Status:
        """Count."""
        count = self._table.count(now)
        return Status(
            now=now,
            keys_alive=count.alive,
            keys_destroyed=count.destroyed,
            oldest_readable=count.oldest_readable,
            next_destruction=self.next_destruction(),
            lateness_last_seconds=None if self._late is None else self._late.total_seconds(),
            lateness_max_seconds=None if self._latest is None else self._latest.total_seconds(),
            ledger_length=len(self._ledger),
            ledger_waiting=count.outbox + len(self._refusals) + len(self._lent),
            suite=self._limits.suite.value,
            frame_ttl_seconds=self._policy.frame_ttl.total_seconds(),
        )

    def _take_back(self, now: datetime) -> None:
        """Teach a key table from a backup what the ledger has heard since: what died, and what was made and is lost."""
        if self._table.last_number() >= self._ledger.last_outbox():
            return
        created: dict[str, Body] = {}
        destroyed: set[KeyId] = set()
        for entry in _all(self._ledger):
            if entry.kind is Kind.KEY_CREATED:
                created[entry.body["key_id"]] = entry.body
            elif entry.kind is Kind.KEY_DESTROYED:
                destroyed.add(KeyId(entry.body["key_id"]))
        lost = [_key_of(body) for key_id, body in created.items() if KeyId(key_id) not in destroyed]
        self._table.take_back(self._ledger.last_outbox(), destroyed, lost, now)

    def _wanted(self, start: datetime, end: datetime, now: datetime) -> tuple[Span, ...]:
        ttl = self._policy.frame_ttl
        every = spans(max(start, now - ttl), min(end, now + min(self._limits.ahead, AHEAD_MAX)), ttl)
        return tuple(islice((span for span in every if span.expires_at > now), self._limits.keys))

    def _make(self, owner: Owner, allowed: Allowed, missing: Sequence[Span], now: datetime) -> tuple[BucketKey, ...]:
        if not missing:
            return ()
        slots = {end: self._table.slot(end) for end in {span.expires_at for span in missing}}
        new = [Slot(end, _slot_key_name(end)) for end, slot in slots.items() if slot is None]
        # The slot key is on disk before anything is wrapped by it.
        self._ring.create(slot.slot_key for slot in new)
        names = {slot.end: slot.slot_key for slot in (*slots.values(), *new) if slot is not None}
        keys = [self._new_key(owner, allowed, span, names[span.expires_at], now) for span in missing]
        self._table.add(new, keys)
        return tuple(each.key for each in keys)

    def _new_key(self, owner: Owner, allowed: Allowed, span: Span, slot_key: str, now: datetime) -> NewKey:
        pair = sealing.generate(self._limits.suite)
        key = BucketKey(KeyId(uuid.uuid4().hex), owner, span, now, allowed.notice, pair.public)
        wrapped = Wrapped(slot_key, self._ring.wrap(slot_key, pair.private, _bound(key)))
        wipe(pair.private)
        return NewKey(key, wrapped, Fact(Kind.KEY_CREATED, _key_body(key)))

    def _require_purpose(self, owner: Owner, purpose: Purpose) -> None:
        if owner.purpose != purpose:
            raise Refused(f"purpose_incompatible: the key is for {owner.purpose}, not for {purpose}")
        self._policy.require(owner.store, owner.camera, purpose)

    def _sealed(self, key: BucketKey, wrapped: Wrapped, lease: Lease, lease_public: bytes) -> bytes:
        private = self._ring.unwrap(wrapped.slot_key, wrapped.private, _bound(key))
        try:
            return sealing.seal(lease_public, lease_info(lease), private)
        except ValueError as error:
            raise Rejected("bad_content", str(error)) from None
        finally:
            wipe(private)

    def _lent_facts(self) -> list[Fact]:
        if not self._lent:
            return []
        return [Fact(Kind.LEASES, {"leases": [_lent_body(each, count) for each, count in self._lent.items()]})]

    def _empty_outbox(self, now: datetime) -> None:
        while waiting := self._table.outbox(_TOLD_AT_ONCE):
            # What was told just before a crash still waits in the outbox; it is not told twice.
            heard = self._ledger.last_outbox()
            self._ledger.append([fact for fact in waiting if (fact.outbox or 0) > heard], now)
            self._table.told(waiting[-1].outbox or 0)

    def _note_refusal(
        self, principal: Principal, action: Action, refusal: Refused, now: datetime, **asked: str
    ) -> None:
        body = {"principal": principal.name, "action": action.value, "reason": str(refusal), **asked}
        self._refusals.add(body)
        # Refused it is in any case; a ledger that is away hears of it later.
        with suppress(Unavailable):
            self.tell(now)


def expired_names(ring: Ring, now: datetime) -> list[str]:
    """Name the slot keys of a ring that have to be gone by now, by their names alone."""
    ends = ((name, _slot_end(name)) for name in ring.names())
    return [name for name, end in ends if end is not None and end <= now]


def _slot_key_name(end: datetime) -> str:
    return f"{end:{_SLOT_END}}-{secrets.token_hex(8)}"


def _slot_end(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.partition("-")[0], _SLOT_END).replace(tzinfo=UTC)
    except ValueError:
        return None


def _bound(key: BucketKey) -> bytes:
    return _WRAP_TAG + rfc8785.dumps(_key_body(key))


def _owner_body(owner: Owner) -> dict[str, str]:
    return {"store_id": str(owner.store), "camera_id": str(owner.camera), "purpose": owner.purpose.value}


def _key_body(key: BucketKey) -> dict[str, str]:
    return {
        "key_id": str(key.key_id),
        **_owner_body(key.owner),
        "bucket_start": iso(key.span.start),
        "bucket_end": iso(key.span.end),
        "expires_at": iso(key.span.expires_at),
        "created_at": iso(key.created_at),
        "notice_id": str(key.notice),
    }


def _key_of(body: Body) -> BucketKey:
    span = Span(*(datetime.fromisoformat(body[name]) for name in ("bucket_start", "bucket_end", "expires_at")))
    return BucketKey(
        key_id=KeyId(body["key_id"]),
        owner=Owner(StoreId(body["store_id"]), CameraId(body["camera_id"]), Purpose(body["purpose"])),
        span=span,
        created_at=datetime.fromisoformat(body["created_at"]),
        notice=NoticeId(body["notice_id"]),
        public=b"",
    )


def _all(ledger: Ledger) -> Iterator[Entry]:
    for start in range(0, len(ledger), _TOLD_AT_ONCE):
        yield from ledger.entries(start, _TOLD_AT_ONCE)


def _destroyed(key: BucketKey, slot: Slot, now: datetime) -> Fact:
    told = {"destroyed_at": iso(now), "method": "slot_key_destroyed", "slot_key": slot.slot_key}
    return Fact(Kind.KEY_DESTROYED, _key_body(key) | told)


def _lent_body(lent: _Lent, times: int) -> Body:
    said = {"key_id": str(lent.key_id), "principal": lent.principal, "purpose": lent.purpose.value}
    return {**said, "times": times}
