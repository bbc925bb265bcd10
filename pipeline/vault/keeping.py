"""What people and stages ask about evidence, at the vault's time: nothing is decided while the clock is in doubt."""

from datetime import datetime

from pipeline.errors import MimamoriError, Rejected, Unavailable
from pipeline.vault.api import (
    BackdropRequest,
    Erasure,
    ErasureRequest,
    EvidenceObject,
    Hold,
    HoldRequest,
    Look,
    LookRequest,
    ObjectKey,
    ObjectRequest,
    Release,
    ReleaseRequest,
    Stored,
)
from pipeline.vault.asking import Asker, People
from pipeline.vault.backdrops import Backdrops
from pipeline.vault.early import Early
from pipeline.vault.guard import MEND, Guard
from pipeline.vault.holds import Holds
from pipeline.vault.looks import Looks
from pipeline.vault.objects import Evidence
from pipeline.vault.vault import Vault
from schemas.ids import AlertId, KeyId, StoreId


class Unreadable(MimamoriError):
    """What was asked makes no sense, whatever keys there are."""


class EvidenceKeeper:
    """Evidence, looks, erasures, holds and releases of one vault, by one clock."""

    def __init__(self, vault: Vault, guard: Guard, people: People | None = None) -> None:
        self._guard = guard
        self._people = people
        self._evidence = Evidence(vault)
        self._early = Early(vault)
        self._holds = Holds(vault, self._evidence, self._early)
        self._looks = Looks(vault, self._evidence)
        self._backdrops = Backdrops(vault)

    def object_key(self, asker: Asker, asked: ObjectRequest) -> ObjectKey:
        return self._evidence.key(asker, asked, self._now())

    def object_stored(self, asker: Asker, key_id: KeyId, stored: Stored) -> EvidenceObject:
        return self._evidence.stored(asker, key_id, stored, self._now())

    def objects(self, asker: Asker, store: StoreId | None) -> tuple[EvidenceObject, ...]:
        return self._evidence.objects(asker, store, self._now())

    def object_of(self, asker: Asker, alert: AlertId) -> EvidenceObject:
        return self._evidence.of(asker, alert, self._now())

    def ask_backdrop(self, asker: Asker, asked: BackdropRequest) -> EvidenceObject:
        return self._backdrops.ask(asker, asked, self._now())

    def backdrops(self, asker: Asker) -> tuple[EvidenceObject, ...]:
        return self._backdrops.waiting(asker, self._now())

    def look(self, asker: Asker, asked: LookRequest) -> Look:
        try:
            return self._looks.look(asker, asked, self._sure())
        except Rejected as why:
            if why.reason == "unknown_key":
                raise
            raise Unreadable(f"lease_public: {why.detail}") from None

    def erase(self, asker: Asker, asked: ErasureRequest) -> Erasure:
        """Erase, and end the holds of what is erased: there is nothing left to hold."""
        now = self._now()
        target = self._early.target(asked, now)
        self._early.require(asker, target, now)
        alerts = {key.alert for key in self._early.doomed(target)} | {target.alert}
        endings = self._holds.endings((alert for alert in alerts if alert is not None), asker.name)
        return self._early.erase(asker, target, asked.reason, now, endings)

    def propose_hold(self, asker: Asker, asked: HoldRequest) -> Hold:
        return self._holds.propose(asker, asked, self._sure())

    def confirm_hold(self, asker: Asker, hold_id: str) -> Hold:
        return self._holds.confirm(asker, hold_id, self._sure())

    def hold_sealed(self, asker: Asker, hold_id: str, stored: Stored) -> Hold:
        return self._holds.sealed(asker, hold_id, stored, self._sure())

    def end_hold(self, asker: Asker, hold_id: str) -> Hold:
        return self._holds.end(asker, hold_id, self._now())

    def holds(self, asker: Asker) -> tuple[Hold, ...]:
        return self._holds.all(asker, self._now())

    def release(self, asker: Asker, asked: ReleaseRequest) -> Release:
        if self._people is None:
            raise Unavailable("this vault has no accounts")
        return self._looks.release(asker, asked, self._people.require_staff, self._sure())

    def releases(self, asker: Asker) -> tuple[Release, ...]:
        return self._looks.releases(asker, self._now())

    def lapse(self, now: datetime) -> None:
        """End the holds that are over."""
        self._holds.lapse(now)

    def _now(self) -> datetime:
        return self._guard.read().now

    def _sure(self) -> datetime:
        """Return the time, unless the clock leapt: then nobody knows what has expired."""
        reading = self._guard.read()
        if reading.doubtful:
            raise Unavailable(f"the clock leapt: whether this evidence has expired is not known yet; {MEND}")
        return reading.now
