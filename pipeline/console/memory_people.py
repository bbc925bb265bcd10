"""The vault in memory, as the console asks it for people: it decides by the same table, and tells a ledger first."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing
from pipeline.clock import Clock
from pipeline.console import rights
from pipeline.console.memory import MemoryObjects
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.evidence import clip
from pipeline.governance.people import Suspended, Suspension
from pipeline.governance.roles import IDENTIFYING, MATRIX, Action, Role
from pipeline.sealing import KeyPair
from pipeline.vault.api import (
    BACKDROP,
    BackdropRequest,
    CheckpointPage,
    Erasure,
    ErasureRequest,
    EvidenceObject,
    Grant,
    Hold,
    HoldRequest,
    HoldState,
    Lease,
    LedgerPage,
    Look,
    LookRequest,
    Matrix,
    MatrixRow,
    Person,
    Receipt,
    Release,
    ReleaseRequest,
    SignedIn,
    SignedOut,
    lease_info,
)
from pipeline.vault.checkpoints import Checkpoint, signed_checkpoint
from pipeline.vault.ledger import FIRST, Fact, Kind, MemoryLedger
from pipeline.vault.merkle import inclusion_proof, tree_hash
from pipeline.vault.people_api import (
    AccountChange,
    Disabled,
    NewAccount,
    NewPassword,
    OwnPassword,
    Recorded,
)
from schemas.envelope import Purpose
from schemas.evidence import EvidenceFrame, EvidenceHeader
from schemas.ids import AlertId, CameraId, KeyId, StoreId

IDLE = timedelta(minutes=30)


@dataclass
class MemoryPeople:
    """Accounts, evidence and decisions, until they are away."""

    clock: Clock
    objects: MemoryObjects
    people: dict[str, tuple[str, Person]] = field(default_factory=dict)
    away: bool = False
    ledger_full: bool = False

    def __post_init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.told = MemoryLedger(self._key)
        self.sessions: dict[str, tuple[str, datetime]] = {}
        self.kept: dict[str, EvidenceObject] = {}
        self.erased: set[str] = set()
        self.released: list[Release] = []
        self.erasures: list[ErasureRequest] = []
        self._holds: dict[str, Hold] = {}
        self._private: dict[str, KeyPair] = {}

    def keep(
        self,
        alert_id: str,
        store: str,
        camera: str,
        frames: Sequence[EvidenceFrame],
        pictures: Sequence[bytes],
        *,
        lives: timedelta = timedelta(days=7),
    ) -> EvidenceObject:
        """Seal a clip and put it into the storage, as cutting would."""
        now = self.clock.now()
        found = self._key_for(alert_id, store, camera, now, now + lives)
        pair = self._private[found.key_id]
        header = EvidenceHeader(
            alert_id=found.alert_id,
            camera_id=found.camera_id,
            expires_at=found.expires_at,
            key_id=found.key_id,
            purpose=found.purpose,
            store_id=found.store_id,
        )
        name = clip.name_of(found.store_id, found.camera_id, found.key_id)
        self.objects.held[name] = clip.seal(header, pair.public, clip.pack(found.alert_id, frames, pictures))
        self.kept[alert_id] = found.model_copy(update={"stored": True})
        return self.kept[alert_id]

    def expect(self, alert_id: str, store: str, camera: str) -> None:
        """Promise evidence that is not sealed yet."""
        self.kept[alert_id] = self._key_for(
            alert_id, store, camera, self.clock.now(), self.clock.now() + timedelta(days=7)
        )

    def kinds(self) -> list[Kind]:
        """Return what the ledger was told, in order."""
        return [entry.kind for entry in self.told.entries(0, len(self.told))]

    async def sign_in(self, name: str, password: str) -> SignedIn:
        self._be_there()
        known = self.people.get(name)
        if known is None or known[0] != password:
            raise SignedOut("name and password are not somebody's")
        token = secrets.token_urlsafe(32)
        self.sessions[token] = (name, self.clock.now() + IDLE)
        self._tell(Kind.SIGNED_IN, {"person": name})
        return SignedIn(token=token, ends_at=self.clock.now() + IDLE, person=known[1])

    async def sign_out(self, *, session: str) -> None:
        self._be_there()
        self.sessions.pop(session, None)

    async def me(self, *, session: str) -> Person:
        return self._person(session)

    async def here(self, *, session: str) -> Person:
        person = self._person(session)
        self.sessions[session] = (person.name, self.clock.now() + IDLE)
        return person

    async def acknowledge_rules(self, version: str, *, session: str) -> Person:
        person = self._person(session)
        left = tuple(each for each in person.to_acknowledge if each != version)
        suspended = tuple(each for each in person.suspended if left or each != Suspension.RULES_NOT_ACKNOWLEDGED.value)
        read = person.model_copy(update={"to_acknowledge": left, "suspended": suspended})
        self.people[person.name] = (self.people[person.name][0], read)
        return read

    async def matrix(self, *, session: str | None = None) -> Matrix:
        self._person(session or "")
        return Matrix(
            rows=tuple(
                MatrixRow(
                    role=role, action=action, purposes=tuple(sorted(cell.purposes, key=str)),
                    only_released=cell.only_released,
                )
                for (role, action), cell in MATRIX.items()
            )
        )  # fmt: skip

    async def object_of(self, alert_id: AlertId, *, session: str | None = None) -> EvidenceObject:
        person = self._person(session or "")
        found = self._evidence(alert_id)
        if not any(rights.may(person, action, found.store_id) for action in (Action.ALERTS, Action.LEDGER)):
            raise Rejected("unknown_key", "there is no evidence of such an alert")
        return found

    async def ask_backdrop(self, asked: BackdropRequest, *, session: str) -> EvidenceObject:
        person = self._person(session)
        self._require(person, Action.PLACES, asked.store_id)
        alert_id = f"{BACKDROP}{len(self.kept)}"
        self.expect(alert_id, asked.store_id, asked.camera_id)
        return self.kept[alert_id]

    async def look(self, asked: LookRequest, *, session: str) -> Look:
        person = self._person(session)
        found = self._evidence(asked.alert_id)
        release = self._released(person, asked.alert_id)
        self._require(person, Action.LOOK, found.store_id, released=release is not None)
        if not found.stored:
            raise Rejected("unknown_key", "this alert's evidence is not sealed yet")
        self._tell(Kind.LOOK, {"person": person.name, "alert_id": asked.alert_id, "reason": asked.reason})
        now = self.clock.now()
        own = rights.may(person, Action.LOOK, found.store_id)
        until = found.expires_at if own or release is None else min(found.expires_at, release.until)
        lease = Lease(
            key_id=found.key_id,
            purpose=asked.purpose,
            principal=person.name,
            at=now,
            ends_at=min(now + timedelta(seconds=60), until),
            sealed=b"",
        )
        private = self._private[found.key_id].private
        sealed = sealing.seal(asked.lease_public, lease_info(lease), private)
        return Look(lease=lease.model_copy(update={"sealed": sealed}), object=found, until=until)

    async def erase(self, asked: ErasureRequest, *, session: str) -> Erasure:
        person = self._person(session)
        gone = [each for each in self._between(asked) if asked.alert_id in {None, each.alert_id}]
        self._require(person, Action.ERASE, asked.store_id)
        self.erasures.append(asked)
        self._tell(Kind.ERASURE_DECIDED, {"person": person.name, "reason": asked.reason})
        for each in gone:
            del self._private[each.key_id], self.kept[each.alert_id]
            self.erased.add(each.alert_id)
            self._tell(Kind.KEY_DESTROYED, {"key_id": each.key_id})
        return Erasure(erasure_id=f"{len(self.told):x}", keys=tuple(each.key_id for each in gone))

    async def holds(self, *, session: str | None = None) -> tuple[Hold, ...]:
        self._person(session or "")
        return tuple(self._holds.values())

    async def propose_hold(self, asked: HoldRequest, *, session: str) -> Hold:
        person = self._person(session)
        found = self._evidence(asked.alert_id)
        self._require(person, Action.HOLD_PROPOSE, found.store_id)
        self._tell(Kind.HOLD_PROPOSED, {"person": person.name, "alert_id": asked.alert_id})
        return self._put(
            Hold(
                hold_id=f"{len(self._holds) + 1:x}",
                alert_id=found.alert_id,
                store_id=found.store_id,
                camera_id=found.camera_id,
                purpose=found.purpose,
                state=HoldState.PROPOSED,
                until=asked.until,
                expires_at=found.expires_at,
                reason=asked.reason,
                incident=asked.incident,
                proposed_by=person.name,
                proposed_at=self.clock.now(),
                key_id=found.key_id,
            )
        )

    async def confirm_hold(self, hold_id: str, *, session: str) -> Hold:
        person, hold = self._person(session), self._hold(hold_id)
        self._require(person, Action.HOLD_CONFIRM, hold.store_id)
        if hold.proposed_by == person.name:
            raise Refused("whoever proposed it cannot be the second person")
        self._tell(Kind.HOLD_CONFIRMED, {"person": person.name, "hold_id": hold_id})
        return self._put(hold.model_copy(update={"state": HoldState.SEALED, "confirmed_by": person.name}))

    async def end_hold(self, hold_id: str, *, session: str) -> Hold:
        person, hold = self._person(session), self._hold(hold_id)
        self._require(person, Action.HOLD_END, hold.store_id)
        self._tell(Kind.HOLD_ENDED, {"person": person.name, "hold_id": hold_id})
        return self._put(hold.model_copy(update={"state": HoldState.ENDED, "ended_by": person.name}))

    async def release(self, asked: ReleaseRequest, *, session: str) -> Release:
        person = self._person(session)
        found = self._evidence(asked.alert_id)
        self._require(person, Action.RELEASE, found.store_id)
        known = self.people.get(asked.to)
        if known is None or not rights.needs_release(known[1], Action.LOOK, found.store_id):
            raise Refused(f"{asked.to} is not staff of {found.store_id}")
        self._tell(Kind.RELEASED, {"person": person.name, "to": asked.to, "alert_id": asked.alert_id})
        made = Release(
            release_id=f"{len(self.released) + 1:x}", alert_id=asked.alert_id, store_id=found.store_id, to=asked.to,
            by=person.name, at=self.clock.now(), until=asked.until, reason=asked.reason,
        )  # fmt: skip
        self.released.append(made)
        return made

    async def releases(self, *, session: str) -> tuple[Release, ...]:
        person, now = self._person(session), self.clock.now()
        return tuple(
            each
            for each in self.released
            if now < each.until and (each.to == person.name or rights.may(person, Action.RELEASE, each.store_id))
        )

    async def accounts(self, *, session: str) -> tuple[Person, ...]:
        manager = self._person(session)
        own = [each for _, each in self.people.values() if self._manages(manager, each)]
        return tuple(sorted(own, key=lambda each: each.name))

    async def add_account(self, asked: NewAccount, *, session: str) -> Person:
        manager = self._person(session)
        for store in asked.stores:
            self._require(manager, Action.ACCOUNTS, store)
        if asked.name in self.people:
            raise Refused(f"there is an account {asked.name} already")
        self._tell(Kind.ACCOUNT_CHANGED, {"person": asked.name, "by": manager.name, "what": "added"})
        made = Person(
            name=asked.name, display_name=asked.display_name, grants=(Grant(role=Role.STAFF, stores=asked.stores),),
            training_until=asked.training_until, pledge_until=asked.pledge_until,
        )  # fmt: skip
        self.people[asked.name] = (asked.password.get_secret_value(), made)
        return made

    async def change_account(self, name: str, asked: AccountChange, *, session: str) -> Person:
        manager, (password, person) = self._person(session), self._account(name)
        if name == manager.name or not self._manages(manager, person):
            raise Refused(f"{name} is nobody of {manager.name}'s stores")
        match asked:
            case Recorded():
                pledge = asked.pledged.until if asked.pledged else None
                dates = {"training_until": asked.training_until, "pledge_until": pledge}
                changes: dict[str, Any] = {name: until for name, until in dates.items() if until is not None}
            case Disabled():
                changes = {"suspended": (Suspension.DISABLED.value,) if asked.disabled else ()}
            case _:
                changes = {}
        self._tell(Kind.ACCOUNT_CHANGED, {"person": name, "by": manager.name, "what": asked.path})
        after = person.model_copy(update=changes)
        self.people[name] = (password, after)
        return after

    async def reset_password(self, name: str, asked: NewPassword, *, session: str) -> None:
        manager, (_, person) = self._person(session), self._account(name)
        if not self._manages(manager, person):
            raise Refused(f"{name} is nobody of {manager.name}'s stores")
        self.people[name] = (asked.password.get_secret_value(), person)

    async def change_password(self, asked: OwnPassword, *, session: str) -> None:
        person = self._person(session)
        if self.people[person.name][0] != asked.old.get_secret_value():
            raise SignedOut("the old password is not right")
        self.people[person.name] = (asked.password.get_secret_value(), person)
        self.sessions.clear()

    async def checkpoints(self, from_index: int = 0, *, session: str | None = None) -> CheckpointPage:
        self._require(self._person(session or ""), Action.LEDGER, None)
        public = self._key.public_key().public_bytes_raw()
        return CheckpointPage(public_key=public, checkpoints=(self._checkpoint(),) if not from_index else ())

    async def receipt(self, key_id: KeyId, *, session: str | None = None) -> Receipt:
        self._require(self._person(session or ""), Action.LEDGER, None)
        entries = self.told.entries(0, len(self.told))
        for entry in entries:
            if entry.kind is Kind.KEY_DESTROYED and entry.body["key_id"] == key_id:
                proof = inclusion_proof([bytes.fromhex(each.hash) for each in entries], entry.index)
                said = entry.model_dump(mode="json", exclude_none=True)
                inclusion = tuple(each.hex() for each in proof)
                return Receipt(entry=said, inclusion=inclusion, checkpoint=self._checkpoint())
        raise Rejected("unknown_key", "there is no receipt of that key")

    async def ledger(self, from_index: int, limit: int = 1000, *, session: str | None = None) -> LedgerPage:
        self._require(self._person(session or ""), Action.LEDGER, None)
        return LedgerPage(entries=self.told.entries(from_index, limit), length=len(self.told))

    def _manages(self, manager: Person, person: Person) -> bool:
        everywhere = (StoreId("*"),)
        return any(
            rights.may(manager, Action.ACCOUNTS, store)
            for grant in person.grants
            for store in (everywhere if grant.stores == "*" else grant.stores)
        )

    def _account(self, name: str) -> tuple[str, Person]:
        if name not in self.people:
            raise Refused(f"there is no account {name}")
        return self.people[name]

    def _be_there(self) -> None:
        if self.away:
            raise Unavailable("the vault is away")

    def _person(self, session: str) -> Person:
        self._be_there()
        name, ends = self.sessions.get(session, ("", self.clock.now()))
        if ends <= self.clock.now() or name not in self.people:
            raise SignedOut("nobody is signed in by this session, or not any more")
        return self.people[name][1]

    def _require(self, person: Person, action: Action, store: StoreId | None, *, released: bool = False) -> None:
        allowed = rights.may(person, action, store) or (
            released and store is not None and rights.needs_release(person, action, store)
        )
        if not allowed:
            self._tell(Kind.REFUSED, {"person": person.name, "action": action.value})
            raise Refused(f"{person.name} may not {action}")
        if action in IDENTIFYING and person.suspended:
            self._tell(Kind.REFUSED, {"person": person.name, "action": action.value})
            raise Suspended(Suspension(each) for each in person.suspended)

    def _released(self, person: Person, alert_id: str) -> Release | None:
        now = self.clock.now()
        mine = (each for each in self.released if each.to == person.name and each.alert_id == alert_id)
        return next((each for each in mine if now < each.until), None)

    def _evidence(self, alert_id: str) -> EvidenceObject:
        if alert_id in self.erased:
            raise Erased("the evidence was erased")
        if alert_id not in self.kept:
            raise Rejected("unknown_key", "there is no evidence of that alert")
        if (found := self.kept[alert_id]).expires_at <= self.clock.now():
            raise Erased("the evidence has expired")
        return found

    def _between(self, asked: ErasureRequest) -> Iterable[EvidenceObject]:
        return [
            each for each in self.kept.values() if (each.store_id, each.camera_id) == (asked.store_id, asked.camera_id)
        ]

    def _hold(self, hold_id: str) -> Hold:
        if hold_id not in self._holds:
            raise Rejected("unknown_key", "there is no such hold")
        return self._holds[hold_id]

    def _put(self, hold: Hold) -> Hold:
        self._holds[hold.hold_id] = hold
        return hold

    def _key_for(self, alert_id: str, store: str, camera: str, now: datetime, expires_at: datetime) -> EvidenceObject:
        key_id = KeyId(secrets.token_hex(16))
        self._private[key_id] = sealing.generate()
        return EvidenceObject(
            key_id=key_id, alert_id=AlertId(alert_id), store_id=StoreId(store), camera_id=CameraId(camera),
            purpose=Purpose.CRIME_PREVENTION, start=now, end=now, created_at=now, expires_at=expires_at, stored=False,
        )  # fmt: skip

    def _tell(self, kind: Kind, body: dict[str, Any]) -> None:
        if self.ledger_full:
            raise Unavailable("the ledger takes nothing")
        self.told.append([Fact(kind, body)], self.clock.now())

    def _checkpoint(self) -> Checkpoint:
        leaves = [bytes.fromhex(each.hash) for each in self.told.entries(0, len(self.told))]
        return signed_checkpoint(self._key, len(leaves), tree_hash(leaves), self.clock.now(), FIRST)
