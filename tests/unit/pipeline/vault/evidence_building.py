"""Evidence to test with: an alert of noon, people who may and may not, and what they ask."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pipeline import sealing
from pipeline.errors import Refused
from pipeline.governance.roles import ALL, MATRIX, Action, Role, Stores, may
from pipeline.vault.access import Principal
from pipeline.vault.api import (
    ErasureRequest,
    Grant,
    HoldRequest,
    LookRequest,
    ObjectKey,
    ObjectRequest,
    Person,
    ReleaseRequest,
    SignedOut,
    Stored,
    lease_info,
)
from pipeline.vault.asking import Service, Signed
from pipeline.vault.early import Early
from pipeline.vault.holds import Holds
from pipeline.vault.keys import Owner
from pipeline.vault.ledger import Ledger
from pipeline.vault.looks import Looks
from pipeline.vault.objects import Evidence
from pipeline.vault.vault import Vault
from schemas.envelope import Purpose
from schemas.ids import AlertId, StoreId
from tests.unit.pipeline.vault.building import DOOR, NOON, WORKER

ALERT: Final = AlertId("alert-1")
OTHER: Final = AlertId("alert-2")
LONG: Final = timedelta(seconds=30)
"""How long an alert lasts here."""

KEPT: Final = timedelta(days=7)
REASON: Final = "asked for by a visitor"
CUTTING: Final = Service(Principal(name="cutting", role=Role.CUTTING))
CIPHERTEXT: Final = Stored(sha256=sha256(b"sealed").hexdigest(), size=6)
RESEALED: Final = Stored(sha256=sha256(b"sealed anew").hexdigest(), size=11)


@dataclass
class Staffing:
    """People by name, who may what the matrix says, and are suspended as a test wants."""

    roles: dict[str, tuple[Role, Stores]] = field(
        default_factory=lambda: {
            "sato": (Role.MANAGER, frozenset({DOOR.store})),
            "suzuki": (Role.DEPUTY, frozenset({DOOR.store})),
            "tanaka": (Role.STAFF, frozenset({DOOR.store})),
            "mori": (Role.MANAGER, frozenset({StoreId("shibuya")})),
            "audit": (Role.AUDITOR, ALL),
        }
    )
    suspended: set[str] = field(default_factory=set)

    def person(self, session: str | None, now: datetime, *, acting: bool = True) -> Person:
        if session not in self.roles:
            raise SignedOut("nobody is signed in by this session")
        role, stores = self.roles[session]
        return Person(
            name=session,
            display_name=session,
            grants=(Grant(role=role, stores="*" if stores is ALL else tuple(sorted(stores))),),
        )

    def require_person(
        self,
        person: Person,
        action: Action,
        store: StoreId | None,
        purpose: Purpose | None,
        now: datetime,
        *,
        released: bool = False,
    ) -> None:
        role, stores = self.roles[person.name]
        if person.name in self.suspended:
            raise Refused("training_expired")
        if not may(role, action, stores=stores, store=store, purpose=purpose, released=released):
            raise Refused(f"{person.name} may not {action}")

    def stores(self, person: Person, action: Action) -> Stores:
        role, stores = self.roles[person.name]
        cell = MATRIX.get((role, action))
        return frozenset() if cell is None or cell.only_released else stores

    def require_staff(self, name: str, store: StoreId) -> None:
        if self.roles.get(name) != (Role.STAFF, frozenset({store})):
            raise Refused(f"{name} is not staff of {store}")

    def tell(self, ledger: Ledger, now: datetime) -> None:
        pass

    def signed(self, name: str, now: datetime) -> Signed:
        return Signed(self, self.person(name, now), now)


@dataclass
class Desk:
    """Everything about evidence, over one vault, for people of one store."""

    vault: Vault
    people: Staffing = field(default_factory=Staffing)

    def __post_init__(self) -> None:
        self.evidence = Evidence(self.vault)
        self.early = Early(self.vault)
        self.holds = Holds(self.vault, self.evidence, self.early)
        self.looks = Looks(self.vault, self.evidence)

    def key(self, now: datetime, alert: AlertId = ALERT, start: datetime = NOON, owner: Owner = DOOR) -> ObjectKey:
        return self.evidence.key(CUTTING, wanted(alert, start, owner), now)

    def sealed(self, now: datetime, alert: AlertId = ALERT, start: datetime = NOON, owner: Owner = DOOR) -> ObjectKey:
        """Make a key, and say that the clip was sealed to it."""
        key = self.key(now, alert, start, owner)
        self.evidence.stored(CUTTING, key.key_id, CIPHERTEXT, now)
        return key

    def look(self, name: str, now: datetime, alert: AlertId = ALERT, purpose: Purpose = DOOR.purpose) -> bytes:
        """Look at evidence, and give the private key that this lends."""
        asked = LookRequest(alert_id=alert, purpose=purpose, reason=REASON, lease_public=WORKER.public)
        lease = self.looks.look(self.people.signed(name, now), asked, now).lease
        return sealing.open_(WORKER.private, lease_info(lease), lease.sealed)

    def erase(self, name: str, now: datetime, asked: ErasureRequest | None = None) -> tuple[str, ...]:
        asked = asked or ErasureRequest(alert_id=ALERT, reason=REASON)
        who, target = self.people.signed(name, now), self.early.target(asked, now)
        self.early.require(who, target, now)
        alerts = {key.alert for key in self.early.doomed(target) if key.alert is not None}
        return self.early.erase(who, target, asked.reason, now, self.holds.endings(alerts, name)).keys

    def propose(self, name: str, now: datetime, until: datetime, alert: AlertId = ALERT) -> str:
        asked = HoldRequest(alert_id=alert, until=until, reason=REASON, incident="2026-7")
        return self.holds.propose(self.people.signed(name, now), asked, now).hold_id

    def confirm(self, name: str, hold_id: str, now: datetime) -> None:
        self.holds.confirm(self.people.signed(name, now), hold_id, now)

    def held(self, now: datetime, until: datetime) -> str:
        """Propose, confirm and seal a hold."""
        hold_id = self.propose("sato", now, until)
        self.confirm("suzuki", hold_id, now)
        self.holds.sealed(CUTTING, hold_id, RESEALED, now)
        return hold_id

    def release(self, name: str, to: str, now: datetime, until: datetime) -> None:
        asked = ReleaseRequest(alert_id=ALERT, to=to, until=until, reason=REASON)
        self.looks.release(self.people.signed(name, now), asked, self.people.require_staff, now)


def wanted(alert: AlertId = ALERT, start: datetime = NOON, owner: Owner = DOOR) -> ObjectRequest:
    return ObjectRequest(
        alert_id=alert,
        store_id=owner.store,
        camera_id=owner.camera,
        purpose=owner.purpose,
        start=start,
        end=start + LONG,
    )


def whole(start: datetime, end: datetime, owner: Owner = DOOR) -> ErasureRequest:
    """All of one camera."""
    return ErasureRequest(store_id=owner.store, camera_id=owner.camera, start=start, end=end, reason=REASON)
