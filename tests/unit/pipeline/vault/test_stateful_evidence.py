"""Evidence, holds and erasures in any order, killed at any step, restored from any backup, whatever the clock does.

What has a receipt is never opened again, not by the vault, and not out of any copy of the key table that was ever made.
No hold outlives its end, no expiry its slot, and every key that ever was has one receipt in the end.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline import sealing, signing
from pipeline.clock import ManualClock
from pipeline.errors import Erased, Refused, Rejected
from pipeline.vault import verify
from pipeline.vault.api import Hold, HoldState
from pipeline.vault.early import Target
from pipeline.vault.guard import Guard, latest
from pipeline.vault.keys import BucketKey, Owner
from pipeline.vault.ledger import FileLedger, Kind, last_time
from pipeline.vault.ring import FileRing
from pipeline.vault.store import SqliteKeyTable, Wrapped
from pipeline.vault.verify import What
from schemas.ids import AlertId, KeyId
from tests.unit.pipeline.vault.building import BUCKET, DOOR, NOON, POLICY, TILL, Parts, destroy, keys_for, lent, of_kind
from tests.unit.pipeline.vault.evidence_building import CUTTING, RESEALED, Desk, whole
from tests.unit.pipeline.vault.test_killed import STEPS, Death, Killed, transactions

EVIDENCE: Final = timedelta(hours=3)
SHORT_LIVED: Final = replace(
    POLICY, cameras={each: replace(allowed, evidence=EVIDENCE) for each, allowed in POLICY.cameras.items()}
)
ALERTS: Final = tuple(AlertId(f"alert-{number}") for number in range(2))
OWNERS: Final = {alert: (DOOR, TILL)[number % 2] for number, alert in enumerate(ALERTS)}
FAR: Final = timedelta(days=30)

alerts = st.sampled_from(ALERTS)
owners = st.sampled_from([DOOR, TILL])
lengths = st.timedeltas(timedelta(0), timedelta(minutes=55))


class Life(RuleBasedStateMachine):
    """A vault with its files, all copies of its key table that were made, and what was promised."""

    def __init__(self) -> None:
        super().__init__()
        self.files = ExitStack()
        self.home = tempfile.TemporaryDirectory()
        self.folder = Path(self.home.name)
        self.clock = ManualClock(NOON)
        self.public: dict[KeyId, bytes] = {}
        self.copies: dict[tuple[KeyId, Wrapped], BucketKey] = {}
        self.backups: list[Path] = []
        self.erased: set[AlertId] = set()
        self.lossy = False
        self.start()

    def start(self) -> None:
        self.files.close()
        table = self.files.enter_context(closing(SqliteKeyTable(self.folder / "keys.db")))
        ring = self.files.enter_context(closing(FileRing(self.folder / "ring")))
        signer = signing.load_or_create(self.folder / "ledger.key")
        ledger = self.files.enter_context(closing(FileLedger(self.folder / "ledger.jsonl", signer)))
        self.parts = Parts(table, ring, ledger, SHORT_LIVED)
        self.guard = Guard(self.clock, latest(table.high_water(), last_time(ledger)))
        self.desk = Desk(self.parts.vault())
        self.desk.vault.recover(self.now)

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            self.files.close()
            self.home.cleanup()

    @property
    def now(self) -> datetime:
        return self.guard.read().now

    @property
    def receipts(self) -> Counter[str]:
        return Counter(entry.body["key_id"] for entry in of_kind(self.parts.ledger, Kind.KEY_DESTROYED))

    # --- What is done ----------------------------------------------------------------------------------------------
    @rule(buckets=st.integers(1, 4), owner=owners)
    def a_device_asks_for_keys(self, buckets: int, owner: Owner) -> None:
        now = self.now
        asked = keys_for(self.desk.vault, now - BUCKET, buckets * BUCKET, owner)

        self.public |= {key.key_id: key.public for key in asked}
        erased = self.desk.vault.erasures.of_camera(owner.store, owner.camera)
        assert not [key for key in asked if any(each.bars(key.span) for each in erased)]

    @rule(alert=alerts)
    def cutting_seals(self, alert: AlertId) -> None:
        try:
            key = self.desk.sealed(self.now, alert, min(self.now, NOON + BUCKET), OWNERS[alert])
        except Erased:
            return
        assert alert not in self.erased
        assert str(key.key_id) not in self.receipts
        self.public[key.key_id] = key.public

    @precondition(lambda self: self.public)
    @rule(data=st.data())
    def a_stage_leases(self, data: st.DataObject) -> None:
        key_id = data.draw(st.sampled_from(list(self.public)))
        held = self.desk.vault.table.held(key_id)
        try:
            private = lent(self.desk.vault, held.key, self.now) if held is not None else b""
        except Erased:
            assert self.lossy or held is None or held.wrapped is None or held.key.span.expires_at <= self.now
            return
        except Refused:
            # Evidence is opened by people alone.
            assert held is not None
            assert held.key.alert is not None
            return
        if held is not None:
            assert str(key_id) not in self.receipts
            assert held.key.span.expires_at > self.now
            assert sealing.open_(private, b"", sealing.seal(self.public[key_id], b"", b"picture")) == b"picture"

    @rule(alert=alerts)
    def a_manager_looks(self, alert: AlertId) -> None:
        before = len(of_kind(self.parts.ledger, Kind.LOOK))
        try:
            assert self.desk.look("sato", self.now, alert)
        except (Erased, Rejected):
            return
        told = of_kind(self.parts.ledger, Kind.LOOK)
        assert len(told) == before + 1
        assert told[-1].body["key_id"] not in self.receipts
        assert alert not in self.erased

    @rule(alert=alerts, dies_at=st.one_of(st.none(), st.integers(0, 60)))
    def a_manager_erases_an_alert(self, alert: AlertId, dies_at: int | None) -> None:
        owner = OWNERS[alert]
        asked = whole(NOON, NOON + BUCKET, owner).model_copy(update={"alert_id": alert})
        doomed = self.desk.early.doomed(self.desk.early.target(asked, self.now))
        if self.done(lambda: self.desk.erase("sato", self.now, asked), dies_at):
            self.erased.add(alert)
            assert {str(key.key_id) for key in doomed} <= set(self.receipts)

    @rule(owner=owners, back=lengths, length=lengths, dies_at=st.one_of(st.none(), st.integers(0, 60)))
    def a_manager_erases_a_span(self, owner: Owner, back: timedelta, length: timedelta, dies_at: int | None) -> None:
        start = self.now - back
        doomed = self.desk.early.doomed(Target(owner.store, owner.camera, start, min(start + length, self.now)))
        asked = whole(start, start + length, owner)
        if self.done(lambda: self.desk.erase("suzuki", self.now, asked), dies_at):
            assert {str(key.key_id) for key in doomed} <= set(self.receipts)

    @rule(alert=alerts, length=st.timedeltas(timedelta(hours=4), timedelta(hours=8)), far=st.integers(0, 2))
    def two_people_hold_evidence(self, alert: AlertId, length: timedelta, far: int) -> None:
        """Hold what is there, or has just been sealed; or come only part of the way."""
        self.cutting_seals(alert)
        now = self.now
        try:
            hold_id = self.desk.propose("sato", now, now + length, alert)
        except (Refused, Rejected):
            return
        assert alert not in self.erased
        if far > 0:
            self.desk.confirm("suzuki", hold_id, now)
        if far > 1:
            self.desk.holds.sealed(CUTTING, hold_id, RESEALED, now)

    @rule(dies_at=st.one_of(st.none(), st.integers(0, 60)))
    def holds_go_on(self, dies_at: int | None) -> None:
        def go_on() -> None:
            for hold in self.held():
                if hold.state is HoldState.PROPOSED:
                    self.goes_on(hold, lambda each: self.desk.confirm("suzuki", each.hold_id, self.now))
                elif hold.state is HoldState.CONFIRMED:
                    self.goes_on(hold, lambda each: self.desk.holds.sealed(CUTTING, each.hold_id, RESEALED, self.now))

        self.done(go_on, dies_at)

    def goes_on(self, hold: Hold, how: Callable[[Hold], object]) -> None:
        try:
            how(hold)
        except Refused:
            # Its evidence has expired, or was lost with a key table that was restored.
            assert self.lossy or hold.expires_at <= self.now
        else:
            assert hold.expires_at > self.now

    @rule(data=st.data())
    def somebody_ends_a_hold(self, data: st.DataObject) -> None:
        holds = [each for each in self.held() if each.state is HoldState.SEALED]
        if holds:
            hold = data.draw(st.sampled_from(holds))
            self.desk.holds.end(self.desk.people.signed("sato", self.now), hold.hold_id, self.now)
            assert hold.held_key_id is None or str(hold.held_key_id) in self.receipts

    @precondition(lambda self: self.held())
    @rule()
    def what_was_held_expires(self) -> None:
        self.clock.advance(EVIDENCE)
        self.the_timer_runs(None)

    @rule(length=lengths)
    def time_passes(self, length: timedelta) -> None:
        self.clock.advance(length)

    @rule(length=st.timedeltas(-timedelta(days=2), timedelta(minutes=55)))
    def the_wall_clock_is_set(self, length: timedelta) -> None:
        self.clock.set_wall(self.clock.now() + length)

    @rule(dies_at=st.one_of(st.none(), st.integers(0, 60)))
    def the_timer_is_due(self, dies_at: int | None) -> None:
        self.the_timer_runs(dies_at)

    def the_timer_runs(self, dies_at: int | None) -> None:
        def tick() -> None:
            destroy(self.desk.vault, self.now)
            self.desk.holds.lapse(self.now)

        if self.done(tick, dies_at):
            now, dead = self.now, set(self.receipts)
            for entry in of_kind(self.parts.ledger, Kind.KEY_CREATED):
                due = datetime.fromisoformat(entry.body["expires_at"]) <= now
                assert not due or entry.body["key_id"] in dead
            for hold in self.held():
                # What was not sealed in time keeps nothing, and what was, nothing beyond its end.
                over = hold.expires_at <= now if hold.state is not HoldState.SEALED else hold.until <= now
                assert not over or hold.state in {HoldState.ENDED, HoldState.LAPSED}
                assert not over or hold.held_key_id is None or str(hold.held_key_id) in dead

    @rule()
    def somebody_backs_up_the_key_table(self) -> None:
        self.desk.vault.tell(self.now)
        copy = self.folder / f"backup-{len(self.backups)}"
        shutil.copy(self.folder / "keys.db", copy)
        self.backups.append(copy)

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def the_key_table_is_restored(self, data: st.DataObject) -> None:
        self.desk.vault.tell(self.now)
        self.files.close()
        shutil.copy(data.draw(st.sampled_from(self.backups)), self.folder / "keys.db")
        self.lossy = True
        self.start()

    @rule()
    def the_vault_is_started_again(self) -> None:
        self.desk.vault.tell(self.now)
        self.start()

    # --- What holds ------------------------------------------------------------------------------------------------
    @invariant()
    def no_copy_of_the_table_that_ever_was_opens_what_has_a_receipt(self) -> None:
        for key_id in self.public:
            held = self.desk.vault.table.held(key_id)
            if held is not None and held.wrapped is not None:
                self.copies[key_id, held.wrapped] = held.key
        dead, alive = set(self.receipts), self.parts.ring.names()
        for key_id, wrapped in self.copies:
            assert str(key_id) not in dead or wrapped.slot_key not in alive

    @invariant()
    def no_key_has_two_receipts(self) -> None:
        assert set(self.receipts.values()) <= {1}

    @invariant()
    def the_ring_holds_what_the_table_needs_and_no_more(self) -> None:
        assert self.parts.ring.names() == self.parts.table.slot_keys()

    @invariant()
    def no_expiry_outlives_its_slot(self) -> None:
        for slot in self.parts.table.due(self.now + FAR):
            assert {held.key.span.expires_at for held in self.parts.table.all_held(slot)} <= {slot.end}

    def held(self) -> list[Hold]:
        """The holds, in an order that is the same in every run."""
        return sorted(self.desk.holds.all(CUTTING, self.now), key=lambda hold: (hold.proposed_at, hold.alert_id))

    def done(self, does: Callable[[], object], dies_at: int | None) -> bool:
        """Do something; or be killed on the way, where it takes so many steps, and be started again."""
        if dies_at is None:
            does()
            return True
        death = Death(dies_at)
        for owner, name in STEPS:
            patch.object(owner, name, death.around(getattr(owner, name))).start()
        patch.object(SqliteKeyTable, "_transaction", transactions(death)).start()
        try:
            does()
        except Killed:
            died = True
        else:
            died = False
        finally:
            patch.stopall()
        if died:
            self.start()
        return not died

    def everything_ends(self) -> None:
        """Long after, nothing can be opened, every key has its receipt, and the auditor finds no fault but lateness."""
        self.clock.advance(FAR)
        destroy(self.desk.vault, self.now)
        self.desk.holds.lapse(self.now)
        destroy(self.desk.vault, self.now)
        created = {entry.body["key_id"] for entry in of_kind(self.parts.ledger, Kind.KEY_CREATED)}
        assert self.receipts == dict.fromkeys(created, 1)
        assert not self.parts.ring.names()
        public = signing.load(self.folder / "ledger.key").public_key()
        with (self.folder / "ledger.jsonl").open("rb") as lines:
            report = verify.check_ledger(lines, public, [], self.now)
        assert {each.what for each in report.faults} <= {What.LATE}


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
