"""The vault: makes keys, lends them by purpose, destroys them on time, and says so in the ledger.

Nothing here knows HTTP, timers or the host's clock. Destruction goes in steps, each of which can be done again:
condemn the slot, delete its private keys, take its slot key out of the ring, bury it, tell the ledger. Whoever is
killed after any of them and started again ends with every key destroyed and one receipt each.

Keys of evidence, erasures before time, looks and holds stand on it: objects.py, early.py, looks.py, holds.py.
"""

import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from pipeline import sealing
from pipeline.canonical import canonical
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.sealing import SealSuite
from pipeline.vault.access import Action, Principal, require
from pipeline.vault.api import HoldState, Lease, Status, lease_info
from pipeline.vault.erased import Erasures
from pipeline.vault.keys import BucketKey, Ciphertext, Owner, Span, spans
from pipeline.vault.ledger import Body, Entry, Fact, Kind, Ledger
from pipeline.vault.policy import Allowed, Policy
from pipeline.vault.records import Record, RecordKind, record_of
from pipeline.vault.refusals import Refusals
from pipeline.vault.ring import Ring, wipe
from pipeline.vault.store import REMEMBERED, Held, KeyTable, NewKey, Slot, Wrapped
from schemas.envelope import Purpose
from schemas.frozen import iso
from schemas.ids import AlertId, CameraId, KeyId, NoticeId, StoreId

AHEAD_MAX: Final = timedelta(hours=24)
_TOLD_AT_ONCE: Final = 1000
_SLOT_END: Final = "%Y%m%dT%H%M%S.%fZ"
_WRAP_TAG: Final = b"mimamori/wrap/1\x00"
_STORES: Final = frozenset({Kind.EVIDENCE_STORED, Kind.KEY_HELD})
"""Facts that tell of a ciphertext."""


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
        self.table = table
        self.ring = ring
        self.ledger = ledger
        self.policy = policy
        self.limits = limits or Limits()
        self._lent: dict[_Lent, int] = {}
        self.erasures = Erasures(table)
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
        alive, needed = self.ring.names(), self.table.slot_keys()
        # A slot key without a slot wraps nothing: the last vault died between making it and using it.
        self.ring.destroy(alive - needed)
        # A slot without its key is lost before its time: what it wrapped opens no more.
        self.table.condemn_lost(needed - alive, now)
        self.shred(now)
        self.bury(now)
        self.tell(now)

    def public_keys(
        self, principal: Principal, owner: Owner, start: datetime, end: datetime, now: datetime
    ) -> tuple[BucketKey, ...]:
        """Return the public keys for all frames from `start` to before `end`, made now where they are not there yet.

        Frames that have expired get none, nor those that were erased before time, nor those further ahead than the
        limit; the rest in order, up to a number.

        Raises:
            Refused: Not for this principal, camera or purpose. The ledger says so.
            Unavailable: Key table or ledger are away.
        """
        try:
            require(principal, Action.PUBLIC_KEYS, owner.purpose, owner.store)
            allowed = self.policy.require(owner.store, owner.camera, owner.purpose)
        except Refused as refusal:
            self.note_refusal(principal.name, Action.PUBLIC_KEYS, refusal, now, **owner_body(owner))
            raise
        wanted = self._wanted(owner, start, end, now)
        if not wanted:
            return ()
        found = {key.span: key for key in self.table.living(owner, wanted[0].start, wanted[-1].end)}
        made = self.make([new_key(owner, allowed, span, now) for span in wanted if span not in found])
        # No key leaves before the ledger knows that it exists: else it could be destroyed without ever having been.
        self.tell(now)
        found |= {key.span: key for key in made}
        return tuple(found[span] for span in wanted)

    def lease(self, principal: Principal, key_id: KeyId, purpose: Purpose, lease_public: bytes, now: datetime) -> Lease:
        """Lend a private key, sealed to the asker's own, for a minute or until it expires.

        Frames are opened by stages. Evidence is opened by people (looks.py), and by cutting only for a confirmed hold.

        Raises:
            Refused: Not for this principal or this purpose. The ledger says so.
            Erased: The key was destroyed, or is due to be.
            Rejected: There never was such a key, or `lease_public` is none.
            Unavailable: Key table or ledger are away.
        """
        self.require_ledger()
        held = self.table.held(key_id)
        try:
            require(principal, Action.LEASE, purpose)
            if held is None:
                raise Rejected("unknown_key", "there never was such a key")
            self.require_purpose(held.key.owner, purpose)
            self._require_for_hold(principal, held.key)
        except Refused as refusal:
            whose = {} if held is None else owner_body(held.key.owner)
            asked = {"key_id": str(key_id), "purpose": purpose.value}
            self.note_refusal(principal.name, Action.LEASE, refusal, now, **(whose | asked))
            raise
        lease = self.lent(held, principal.name, lease_public, now)
        lent = _Lent(key_id, principal.name, purpose)
        if held.key.alert is not None:
            # Evidence shows somebody: the ledger has it before the key goes, though we be killed in between.
            self.write_down([_lent_fact({lent: 1})], now)
        else:
            self._lent[lent] = self._lent.get(lent, 0) + 1
        return lease

    def lent(self, held: Held, name: str, lease_public: bytes, now: datetime, until: datetime | None = None) -> Lease:
        """Seal a private key to somebody's lease key. Who calls sees that they may, and that the ledger hears of it.

        `until` is when they may no longer, where that is before the key expires.

        Raises:
            Erased: The key was destroyed, or is due to be.
            Rejected: `lease_public` is none.
        """
        if held.wrapped is None or held.key.span.expires_at <= now:
            raise Erased(f"key {held.key.key_id} is destroyed")
        lease = Lease(
            key_id=held.key.key_id,
            purpose=held.key.owner.purpose,
            principal=name,
            at=now,
            ends_at=min(now + self.limits.lease, until or held.key.span.expires_at, held.key.span.expires_at),
            sealed=b"",
        )
        return lease.model_copy(update={"sealed": self._sealed(held.key, held.wrapped, lease, lease_public)})

    def require_ledger(self) -> None:
        """Raise Unavailable while the ledger is known to be away."""
        if self._ledger_away:
            raise Unavailable("nothing is done that the ledger cannot take down")

    def write_down(self, facts: Sequence[Fact], now: datetime) -> None:
        """Have the ledger hold something before going on.

        Raises:
            Unavailable: It does not: then nothing may come of it.
        """
        self.require_ledger()
        try:
            self.ledger.append(facts, now)
        except Unavailable:
            self._ledger_away = True
            # Something to tell, so that the ledger counts as back only when it has taken something.
            self._refusals.add({"principal": "vault", "action": "write_down", "reason": "the ledger was away"})
            raise

    def expires_at(self, key_id: KeyId) -> datetime | None:
        """Say when a key expires or expired; None where there never was one."""
        held = self.table.held(key_id)
        return None if held is None else held.key.span.expires_at

    def shred(self, now: datetime) -> None:
        """Destroy every key that is due, beyond recovery, before returning. Then call `bury`.

        Raises:
            Unavailable: The disk does not take it: call again.
        """
        due: tuple[Slot, ...] = ()
        try:
            due = self.table.due(now)
            if due:
                self.table.condemn(now)
            for slot in due:
                self.table.delete_private(slot)
        finally:
            # This is what makes it final, and needs no space, nor a key table that can be read: nothing may delay it.
            self.ring.destroy({*expired_names(self.ring, now), *(slot.slot_key for slot in due)})

    def bury(self, now: datetime) -> int:
        """Write down what was shredded, as done by `now`; return how many keys. Then call `tell`.

        Raises:
            Unavailable: The disk does not take it: call again.
        """
        buried = 0
        alive = self.ring.names()
        for slot in self.table.condemned():
            if slot.slot_key not in alive:
                keys = self.table.keys_of(slot)
                self.table.bury(slot, [_destroyed(key, slot, now) for key in keys])
                buried += len(keys)
                if now >= slot.end:
                    self._late = now - slot.end
                    self._latest = max(self._late, self._latest or self._late)
        return buried

    def tell(self, now: datetime) -> None:
        """Tell the ledger all that it has not heard: keys made and destroyed, leases, refusals.

        Raises:
            Unavailable: The ledger or the disk is away. Nothing is forgotten: call again.
        """
        self._ledger_away = True
        self._empty_outbox(now)
        self.ledger.append([*self._lent_facts(), *self._refusals.facts()], now)
        self._lent.clear()
        self._refusals.clear()
        self._ledger_away = False

    def next_destruction(self) -> datetime | None:
        """Say when the next keys die, a time in the past where they are late."""
        return self.table.next_slot_end()

    def note_time(self, now: datetime) -> None:
        """Remember that it is this late: whoever starts next does not begin before."""
        self.table.note_time(now)

    def status(self, now: datetime) -> Status:
        """Count."""
        count = self.table.count(now)
        return Status(
            now=now,
            keys_alive=count.alive,
            keys_destroyed=count.destroyed,
            oldest_readable=count.oldest_readable,
            next_destruction=self.next_destruction(),
            lateness_last_seconds=None if self._late is None else self._late.total_seconds(),
            lateness_max_seconds=None if self._latest is None else self._latest.total_seconds(),
            ledger_length=len(self.ledger),
            ledger_waiting=count.outbox + len(self._refusals) + len(self._lent),
            suite=self.limits.suite.value,
            frame_ttl_seconds=self.policy.frame_ttl.total_seconds(),
        )

    def _take_back(self, now: datetime) -> None:
        """Teach a key table from a backup what the ledger has heard since: what died, and what was made and is lost."""
        if self.table.last_number() >= self.ledger.last_outbox():
            return
        created: dict[str, Body] = {}
        destroyed: dict[str, Body] = {}
        stored: dict[str, Ciphertext] = {}
        records: dict[tuple[RecordKind, str], Record] = {}
        for entry in _all(self.ledger):
            said = entry.body
            if entry.kind is Kind.KEY_CREATED:
                created[said["key_id"]] = said
            elif entry.kind is Kind.KEY_DESTROYED:
                destroyed[said["key_id"]] = said
            elif entry.kind in _STORES:
                stored[_sealed_to(said)] = Ciphertext(said["sha256"], said["size"])
            if (record := record_of(entry)) is not None:
                records[record.kind, record.id] = record
        # Decisions first: from the next step on the table is believed to know all.
        self.table.put([record for record in records.values() if record.until > now], ())
        self.erasures.read_anew()
        for key_id in stored.keys() - destroyed.keys():
            self.table.stored(KeyId(key_id), stored[key_id], (), ())
        lost = [_key_of(body) for key_id, body in created.items() if key_id not in destroyed]
        dead = [key for key in map(_key_of, destroyed.values()) if key.span.expires_at > now - REMEMBERED]
        self.table.take_back(self.ledger.last_outbox(), map(KeyId, destroyed), lost, now, dead)

    def _wanted(self, owner: Owner, start: datetime, end: datetime, now: datetime) -> tuple[Span, ...]:
        ttl = self.policy.frame_ttl
        every = spans(max(start, now - ttl), min(end, now + min(self.limits.ahead, AHEAD_MAX)), ttl)
        erased = self.erasures.of_camera(owner.store, owner.camera)
        alive = (span for span in every if span.expires_at > now and not any(each.bars(span) for each in erased))
        return tuple(islice(alive, self.limits.keys))

    def make(self, wanted: Sequence[BucketKey]) -> tuple[BucketKey, ...]:
        """Make keys. None may leave before `tell`: else it could be destroyed without ever having been.

        Raises:
            Unavailable: Ring or key table do not take them.
        """
        if not wanted:
            return ()
        slots = {end: self.table.slot(end) for end in {key.span.expires_at for key in wanted}}
        new = [new_slot(end) for end, slot in slots.items() if slot is None]
        # The slot key is on disk before anything is wrapped by it.
        self.ring.create(slot.slot_key for slot in new)
        names = {slot.end: slot.slot_key for slot in (*slots.values(), *new) if slot is not None}
        keys = [self._new_key(key, names[key.span.expires_at]) for key in wanted]
        self.table.add(new, keys)
        return tuple(each.key for each in keys)

    def wrapped_anew(self, slot: Slot, staying: Sequence[Held], slot_key: str) -> tuple[bytes | None, ...]:
        """Wrap private keys of one slot under another slot key; None where one is lost already, or does not open."""
        there = [(held.key, held.wrapped.private) for held in staying if held.wrapped is not None]
        privates = self.ring.unwrap_all(slot.slot_key, [(wrapped, _bound(key)) for key, wrapped in there])
        opened = [(key, each) for (key, _), each in zip(there, privates, strict=True) if each is not None]
        try:
            anew = self.ring.wrap_all(slot_key, [(private, _bound(key)) for key, private in opened])
        finally:
            for _, private in opened:
                wipe(private)
        kept = {key.key_id: wrapped for (key, _), wrapped in zip(opened, anew, strict=True)}
        return tuple(kept.get(held.key.key_id) for held in staying)

    def _new_key(self, key: BucketKey, slot_key: str) -> NewKey:
        pair = sealing.generate(self.limits.suite)
        made = replace(key, public=pair.public)
        try:
            wrapped = Wrapped(slot_key, self.ring.wrap(slot_key, pair.private, _bound(made)))
        finally:
            wipe(pair.private)
        return NewKey(made, wrapped, Fact(Kind.KEY_CREATED, key_body(made)))

    def _require_for_hold(self, principal: Principal, key: BucketKey) -> None:
        if key.alert is None:
            return
        require(principal, Action.OBJECT_KEY, key.owner.purpose, key.owner.store)
        holds = (record.body for record in self.table.records(RecordKind.HOLD))
        if not any(hold["key_id"] == key.key_id and hold["state"] == HoldState.CONFIRMED for hold in holds):
            raise Refused("evidence is opened by a person's look, or to seal it anew for a hold that was confirmed")

    def require_purpose(self, owner: Owner, purpose: Purpose) -> None:
        if owner.purpose != purpose:
            raise Refused(f"purpose_incompatible: the key is for {owner.purpose}, not for {purpose}")
        self.policy.require(owner.store, owner.camera, purpose)

    def _sealed(self, key: BucketKey, wrapped: Wrapped, lease: Lease, lease_public: bytes) -> bytes:
        private = self.ring.unwrap(wrapped.slot_key, wrapped.private, _bound(key))
        try:
            return sealing.seal(lease_public, lease_info(lease), private)
        except ValueError as error:
            raise Rejected("bad_content", str(error)) from None
        finally:
            wipe(private)

    def _lent_facts(self) -> list[Fact]:
        if not self._lent:
            return []
        return [_lent_fact(self._lent)]

    def _empty_outbox(self, now: datetime) -> None:
        while waiting := self.table.outbox(_TOLD_AT_ONCE):
            # What was told just before a crash still waits in the outbox; it is not told twice.
            heard = self.ledger.last_outbox()
            self.ledger.append([fact for fact in waiting if (fact.outbox or 0) > heard], now)
            self.table.told(waiting[-1].outbox or 0)

    def note_refusal(self, name: str, action: Action, refusal: Refused, now: datetime, **asked: str) -> None:
        """Write down that somebody was refused something."""
        body = {"principal": name, "action": action.value, "reason": str(refusal), **asked}
        self._refusals.add(body)
        # Refused it is in any case; a ledger that is away hears of it later.
        with suppress(Unavailable):
            self.tell(now)


def expired_names(ring: Ring, now: datetime) -> list[str]:
    """Name the slot keys of a ring that have to be gone by now, by their names alone."""
    ends = ((name, _slot_end(name)) for name in ring.names())
    return [name for name, end in ends if end is not None and end <= now]


def new_key(
    owner: Owner,
    allowed: Allowed,
    span: Span,
    now: datetime,
    *,
    alert: AlertId | None = None,
    hold: str | None = None,
) -> BucketKey:
    """Say which key is to be made. It has no public half yet."""
    return BucketKey(KeyId(uuid.uuid4().hex), owner, span, now, allowed.notice, b"", alert, hold)


def new_slot(end: datetime) -> Slot:
    """Name a slot that ends then. No name is ever used again."""
    return Slot(end, f"{end:{_SLOT_END}}-{secrets.token_hex(8)}")


def _slot_end(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.partition("-")[0], _SLOT_END).replace(tzinfo=UTC)
    except ValueError:
        return None


def _bound(key: BucketKey) -> bytes:
    return _WRAP_TAG + canonical(key_body(key))


def _sealed_to(said: Body) -> str:
    return str(said["held_key_id"] if "held_key_id" in said else said["key_id"])


def owner_body(owner: Owner) -> dict[str, str]:
    return {"store_id": str(owner.store), "camera_id": str(owner.camera), "purpose": owner.purpose.value}


def key_body(key: BucketKey) -> dict[str, str]:
    of = {"alert_id": key.alert, "hold_id": key.hold}
    return {
        "key_id": str(key.key_id),
        **owner_body(key.owner),
        "bucket_start": iso(key.span.start),
        "bucket_end": iso(key.span.end),
        "expires_at": iso(key.span.expires_at),
        "created_at": iso(key.created_at),
        "notice_id": str(key.notice),
        **{name: str(each) for name, each in of.items() if each is not None},
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
        alert=None if "alert_id" not in body else AlertId(body["alert_id"]),
        hold=body.get("hold_id"),
    )


def _all(ledger: Ledger) -> Iterator[Entry]:
    for start in range(0, len(ledger), _TOLD_AT_ONCE):
        yield from ledger.entries(start, _TOLD_AT_ONCE)


def _destroyed(key: BucketKey, slot: Slot, now: datetime) -> Fact:
    told = {"destroyed_at": iso(now), "method": "slot_key_destroyed", "slot_key": slot.slot_key}
    decided = {} if slot.erasure is None else {"early": now < slot.end, "erasure_id": slot.erasure}
    return Fact(Kind.KEY_DESTROYED, key_body(key) | told | decided)


def _lent_fact(lent: Mapping[_Lent, int]) -> Fact:
    return Fact(Kind.LEASES, {"leases": [_lent_body(each, count) for each, count in lent.items()]})


def _lent_body(lent: _Lent, times: int) -> Body:
    said = {"key_id": str(lent.key_id), "principal": lent.principal, "purpose": lent.purpose.value}
    return {**said, "times": times}
