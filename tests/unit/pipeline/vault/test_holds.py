"""Held longer by two people, for so long and no longer, and only what was named."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.vault.api import HoldState
from pipeline.vault.asking import Service
from pipeline.vault.ledger import Kind
from pipeline.vault.ring import MemoryRing
from pipeline.vault.store import SqliteKeyTable
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    DOOR,
    NOON,
    TTL,
    WORKER,
    Parts,
    damage,
    destroy,
    in_memory,
    keys_for,
    of_kind,
)
from tests.unit.pipeline.vault.evidence_building import ALERT, CUTTING, KEPT, OTHER, RESEALED, Desk
from tests.unit.pipeline.vault.test_vault import Full

SOON = NOON + timedelta(hours=1)
EXPIRY = NOON + KEPT
UNTIL = NOON + timedelta(days=60)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return in_memory(tmp_path)


@pytest.fixture
def desk(parts: Parts) -> Desk:
    found = Desk(parts.vault())
    found.sealed(NOON)
    return found


def tick(desk: Desk, now: datetime) -> None:
    """Do what the timer does."""
    destroy(desk.vault, now)
    desk.holds.lapse(now)


def states(desk: Desk, now: datetime) -> list[HoldState]:
    return [hold.state for hold in desk.holds.all(desk.people.signed("sato", now), now)]


def test_r20_what_two_people_hold_can_be_opened_after_its_expiry_and_until_the_holds_end(desk: Desk) -> None:
    old = desk.look("sato", SOON)
    desk.held(SOON, UNTIL)
    desk.sealed(SOON, OTHER)

    tick(desk, EXPIRY)

    held = desk.look("sato", EXPIRY)
    assert held != old
    assert desk.look("sato", UNTIL - timedelta(seconds=1)) == held
    with pytest.raises(Erased):
        desk.look("sato", EXPIRY, OTHER)
    with pytest.raises(Erased):
        desk.look("sato", UNTIL)


def test_r20_no_hold_outlives_its_end(desk: Desk, parts: Parts) -> None:
    desk.held(SOON, UNTIL)
    tick(desk, EXPIRY)
    tick(desk, UNTIL)

    assert not parts.ring.names()
    assert states(desk, UNTIL) == [HoldState.ENDED]
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 2


def test_r20_the_key_of_the_evidence_itself_dies_on_time_whatever_is_held(desk: Desk, parts: Parts) -> None:
    desk.held(SOON, UNTIL)
    (created, _) = of_kind(parts.ledger, Kind.KEY_CREATED)

    tick(desk, EXPIRY)

    (receipt,) = of_kind(parts.ledger, Kind.KEY_DESTROYED)
    assert receipt.body["key_id"] == created.body["key_id"]
    assert receipt.body["destroyed_at"] == receipt.body["expires_at"]


def test_the_ledger_says_what_is_held_until_when_and_by_whom(desk: Desk, parts: Parts) -> None:
    desk.held(SOON, UNTIL)

    (said,) = of_kind(parts.ledger, Kind.KEY_HELD)
    (old, held) = of_kind(parts.ledger, Kind.KEY_CREATED)
    assert said.body["key_id"] == old.body["key_id"]
    assert said.body["held_key_id"] == held.body["key_id"]
    assert datetime.fromisoformat(said.body["until"]) == UNTIL
    assert (said.body["proposed_by"], said.body["confirmed_by"]) == ("sato", "suzuki")
    assert held.body["hold_id"] == said.body["hold_id"]


def test_a_hold_has_a_key_of_its_own_that_the_clip_is_sealed_to(desk: Desk) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)
    desk.confirm("suzuki", hold_id, SOON)
    (hold,) = desk.holds.all(CUTTING, SOON)
    assert hold.state is HoldState.CONFIRMED
    assert hold.public is not None
    clip = sealing.seal(hold.public, b"clip", b"pictures")

    desk.holds.sealed(CUTTING, hold_id, RESEALED, SOON)

    assert sealing.open_(desk.look("sato", SOON), b"clip", clip) == b"pictures"
    assert desk.evidence.of(CUTTING, ALERT, SOON).held_until == UNTIL
    assert [each.held_until for each in desk.evidence.objects(CUTTING, None, SOON)] == [UNTIL]


def test_r18_the_ledger_has_it_before_cutting_gets_the_key_of_held_evidence(desk: Desk, parts: Parts) -> None:
    desk.confirm("suzuki", desk.propose("sato", SOON, UNTIL), SOON)
    key = desk.evidence.of(CUTTING, ALERT, SOON).key_id

    desk.vault.lease(CUTTING.principal, key, DOOR.purpose, WORKER.public, SOON)

    # Of the ledger alone: nothing was told by the timer since.
    (lent,) = of_kind(parts.ledger, Kind.LEASES)
    assert lent.body["leases"] == [{"key_id": key, "principal": "cutting", "purpose": DOOR.purpose.value, "times": 1}]


def test_r18_no_ledger_no_key_of_held_evidence(tmp_path: Path) -> None:
    ledger = Full(Ed25519PrivateKey.generate())
    desk = Desk(Parts(SqliteKeyTable(tmp_path / "other.db"), MemoryRing(), ledger).vault())
    key = desk.sealed(NOON).key_id
    desk.confirm("suzuki", desk.propose("sato", SOON, UNTIL), SOON)
    ledger.full = True

    with pytest.raises(Unavailable):
        desk.vault.lease(CUTTING.principal, key, DOOR.purpose, WORKER.public, SOON)


def test_a_hold_that_is_not_sealed_yet_leaves_looks_as_they_are(desk: Desk) -> None:
    before = desk.look("sato", SOON)
    hold_id = desk.propose("sato", SOON, UNTIL)
    assert desk.look("sato", SOON) == before
    desk.confirm("suzuki", hold_id, SOON)

    assert desk.look("sato", SOON) == before
    assert [each.held_until for each in desk.evidence.objects(CUTTING, None, SOON)] == [None]


def test_nobody_confirms_their_own_hold(desk: Desk, parts: Parts) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)

    with pytest.raises(Refused, match="somebody else"):
        desk.confirm("sato", hold_id, SOON)
    assert states(desk, SOON) == [HoldState.PROPOSED]
    assert [each.body["action"] for each in of_kind(parts.ledger, Kind.REFUSED)] == ["hold_confirm"]


@pytest.mark.parametrize("name", ["tanaka", "mori", "audit"])
def test_r17_only_managers_and_deputies_of_the_store_hold(desk: Desk, name: str) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)
    with pytest.raises(Refused):
        desk.propose(name, SOON, UNTIL)
    with pytest.raises(Refused):
        desk.confirm(name, hold_id, SOON)
    with pytest.raises(Refused):
        desk.holds.end(desk.people.signed(name, SOON), hold_id, SOON)


def test_r20_nothing_is_held_after_its_expiry(desk: Desk, parts: Parts) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)

    with pytest.raises(Refused, match="expired"):
        desk.propose("sato", EXPIRY, UNTIL)
    with pytest.raises(Refused, match="expired"):
        desk.confirm("suzuki", hold_id, EXPIRY)
    assert len(of_kind(parts.ledger, Kind.KEY_CREATED)) == 1


def test_r20_a_hold_that_was_not_sealed_in_time_lapses_and_its_key_dies(desk: Desk, parts: Parts) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)
    desk.confirm("suzuki", hold_id, SOON)
    with pytest.raises(Refused):
        desk.holds.sealed(CUTTING, hold_id, RESEALED, EXPIRY)

    tick(desk, EXPIRY)

    assert states(desk, EXPIRY) == [HoldState.LAPSED]
    assert not parts.ring.names()
    with pytest.raises(Refused):
        desk.holds.sealed(CUTTING, hold_id, RESEALED, EXPIRY)


@pytest.mark.parametrize("until", [EXPIRY, EXPIRY + timedelta(minutes=9), SOON, SOON + timedelta(days=366)])
def test_r26_a_hold_ends_after_the_expiry_and_within_a_year(desk: Desk, until: datetime) -> None:
    with pytest.raises(Refused, match="within a year"):
        desk.propose("sato", SOON, until)


def test_a_holds_end_is_rounded_down_to_a_slots_end(desk: Desk) -> None:
    desk.propose("sato", SOON, UNTIL + BUCKET - timedelta(seconds=1))

    assert [hold.until for hold in desk.holds.all(CUTTING, SOON)] == [UNTIL]


def test_evidence_has_one_hold_at_a_time(desk: Desk) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)
    with pytest.raises(Refused, match="already"):
        desk.propose("suzuki", SOON, UNTIL)
    desk.holds.end(desk.people.signed("sato", SOON), hold_id, SOON)

    assert desk.propose("suzuki", SOON, UNTIL)


def test_a_hold_that_is_ended_goes_at_once_and_the_evidence_goes_on(desk: Desk, parts: Parts) -> None:
    before = desk.look("sato", SOON)
    hold_id = desk.held(SOON, UNTIL)

    desk.holds.end(desk.people.signed("suzuki", SOON), hold_id, SOON)

    assert desk.look("sato", SOON) == before
    assert states(desk, SOON) == [HoldState.ENDED]
    (receipt,) = of_kind(parts.ledger, Kind.KEY_DESTROYED)
    (ended,) = of_kind(parts.ledger, Kind.HOLD_ENDED)
    assert receipt.body["early"]
    assert (receipt.body["hold_id"], ended.body["ended_by"]) == (hold_id, "suzuki")
    with pytest.raises(Refused):
        desk.holds.end(desk.people.signed("suzuki", SOON), hold_id, SOON)


def test_ending_a_hold_bars_no_bucket_and_no_other_evidence(desk: Desk) -> None:
    hold_id = desk.held(SOON, UNTIL)
    desk.holds.end(desk.people.signed("suzuki", SOON), hold_id, SOON)

    assert desk.key(SOON).stored
    assert desk.key(SOON, OTHER)


def test_r23_an_erasure_ends_the_hold_too(desk: Desk, parts: Parts) -> None:
    desk.held(SOON, UNTIL)

    assert len(desk.erase("sato", SOON)) == 2

    assert states(desk, SOON) == [HoldState.ENDED]
    assert not parts.ring.names()
    with pytest.raises(Erased):
        desk.look("sato", SOON)


def test_r23_an_erasure_ends_a_hold_whose_evidence_expired(desk: Desk, parts: Parts) -> None:
    desk.held(SOON, UNTIL)
    tick(desk, EXPIRY)

    assert len(desk.erase("sato", EXPIRY)) == 1

    assert not parts.ring.names()
    with pytest.raises(Erased):
        desk.look("sato", EXPIRY)


def test_a_hold_can_be_ended_when_the_evidences_own_key_is_long_forgotten(desk: Desk, parts: Parts) -> None:
    hold_id = desk.held(SOON, UNTIL)
    tick(desk, EXPIRY)
    later = EXPIRY + timedelta(days=31)
    keys_for(desk.vault, later)
    desk.vault.note_time(later + 2 * TTL)
    tick(desk, later + 2 * TTL)
    (own,) = parts.table.of_alert(ALERT)
    assert own.key.hold == hold_id

    desk.holds.end(desk.people.signed("suzuki", later), hold_id, later + 2 * TTL)

    assert not parts.ring.names()


def test_only_cutting_says_that_a_hold_is_sealed(desk: Desk) -> None:
    hold_id = desk.propose("sato", SOON, UNTIL)
    with pytest.raises(Refused, match="proposed"):
        desk.holds.sealed(CUTTING, hold_id, RESEALED, SOON)
    desk.confirm("suzuki", hold_id, SOON)

    with pytest.raises(Refused):
        desk.holds.sealed(Service(DETECTING), hold_id, RESEALED, SOON)
    assert desk.holds.sealed(CUTTING, hold_id, RESEALED, SOON).state is HoldState.SEALED


def test_saying_it_again_changes_nothing(desk: Desk, parts: Parts) -> None:
    hold_id = desk.held(SOON, UNTIL)

    desk.holds.sealed(CUTTING, hold_id, RESEALED, SOON)

    assert len(of_kind(parts.ledger, Kind.KEY_HELD)) == 1


def test_r20_a_damaged_row_stops_no_hold_from_lapsing(desk: Desk, parts: Parts, tmp_path: Path) -> None:
    desk.sealed(NOON, OTHER)
    desk.held(SOON, UNTIL)
    desk.confirm("suzuki", desk.propose("sato", SOON, UNTIL, OTHER), SOON)
    (neighbour,) = (held.key for held in parts.table.of_alert(ALERT) if held.key.hold is not None)
    damage(tmp_path, neighbour)

    tick(desk, EXPIRY)

    assert sorted(states(desk, EXPIRY)) == [HoldState.LAPSED, HoldState.SEALED]
    tick(desk, UNTIL)
    assert not parts.ring.names()


def test_a_hold_that_is_none_is_unknown(desk: Desk) -> None:
    with pytest.raises(Rejected):
        desk.confirm("suzuki", "0", SOON)
    with pytest.raises(Rejected):
        desk.propose("sato", SOON, UNTIL, OTHER)


def test_r17_holds_are_listed_for_their_store_while_they_last_and_a_month(desk: Desk) -> None:
    desk.held(SOON, UNTIL)
    tick(desk, UNTIL)

    def listed(name: str, now: datetime) -> int:
        return len(desk.holds.all(desk.people.signed(name, now), now))

    assert [listed(name, UNTIL) for name in ("sato", "audit", "mori", "tanaka")] == [1, 1, 0, 0]
    assert listed("sato", UNTIL + timedelta(days=30)) == 0


def test_r18_nothing_is_decided_that_the_ledger_cannot_take_down(tmp_path: Path) -> None:
    ledger = Full(Ed25519PrivateKey.generate())
    parts = Parts(SqliteKeyTable(tmp_path / "keys.db"), in_memory(tmp_path / "other").ring, ledger)
    desk = Desk(parts.vault())
    desk.sealed(NOON)
    ledger.full = True
    with pytest.raises(Unavailable):
        desk.look("sato", SOON)

    decisions: list[Callable[[], object]] = [
        lambda: desk.propose("sato", SOON, UNTIL),
        lambda: desk.release("sato", "tanaka", SOON, SOON + BUCKET),
        lambda: desk.key(SOON, OTHER),
        lambda: desk.look("sato", SOON),
    ]
    for decide in decisions:
        with pytest.raises(Unavailable):
            decide()

    ledger.full = False
    destroy(desk.vault, SOON)
    decided = {Kind.HOLD_PROPOSED, Kind.RELEASED, Kind.LOOK}
    assert not [entry for entry in ledger.entries(0, 100) if entry.kind in decided]
    assert len(of_kind(ledger, Kind.KEY_CREATED)) == 1
    assert desk.propose("sato", SOON, UNTIL)


def test_what_was_decided_just_before_the_ledger_went_away_is_answered_as_done_and_told_later(tmp_path: Path) -> None:
    ledger = Full(Ed25519PrivateKey.generate())
    desk = Desk(Parts(SqliteKeyTable(tmp_path / "other.db"), MemoryRing(), ledger).vault())
    desk.sealed(NOON)
    desk.sealed(NOON, OTHER)
    confirmed = desk.propose("sato", SOON, UNTIL, OTHER)
    desk.confirm("suzuki", confirmed, SOON)

    def proposed() -> object:
        return desk.propose("sato", SOON, UNTIL)

    decisions: list[Callable[[], object]] = [
        proposed,
        lambda: desk.release("sato", "tanaka", SOON, SOON + BUCKET),
        lambda: desk.holds.sealed(CUTTING, confirmed, RESEALED, SOON),
        lambda: desk.holds.end(desk.people.signed("sato", SOON), confirmed, SOON),
    ]
    for decide in decisions:
        ledger.full = True
        decide()
        with pytest.raises(Unavailable):
            decide()
        ledger.full = False
        desk.vault.tell(SOON)

    kinds = [entry.kind for entry in ledger.entries(0, 100)]
    for kind in (Kind.RELEASED, Kind.KEY_HELD, Kind.HOLD_ENDED):
        assert kinds.count(kind) == 1
    assert kinds.count(Kind.HOLD_PROPOSED) == 2
    with pytest.raises(Refused, match="already"):
        proposed()


def test_r18_no_hold_is_confirmed_whose_key_the_ledger_does_not_know(tmp_path: Path) -> None:
    ledger = Full(Ed25519PrivateKey.generate())
    desk = Desk(Parts(SqliteKeyTable(tmp_path / "other.db"), MemoryRing(), ledger).vault())
    desk.sealed(NOON)
    hold_id = desk.propose("sato", SOON, UNTIL)
    ledger.full = True
    with pytest.raises(Unavailable):
        desk.confirm("suzuki", hold_id, SOON)
    assert states(desk, SOON) == [HoldState.PROPOSED]

    ledger.full = False
    desk.vault.tell(SOON)
    desk.confirm("suzuki", hold_id, SOON)

    assert states(desk, SOON) == [HoldState.CONFIRMED]
    assert len(of_kind(ledger, Kind.KEY_CREATED)) == 2
