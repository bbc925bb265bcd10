"""One key an alert, and none anew."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.governance.roles import Role
from pipeline.vault.access import Principal
from pipeline.vault.api import EvidenceObject
from pipeline.vault.asking import Service
from pipeline.vault.keys import Owner
from pipeline.vault.ledger import Kind
from pipeline.vault.store import SqliteKeyTable
from schemas.envelope import Purpose
from schemas.ids import CameraId, KeyId
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    DOOR,
    NOON,
    POLICY,
    TILL,
    WORKER,
    Parts,
    destroy,
    in_memory,
    keys_for,
    lent,
    of_kind,
)
from tests.unit.pipeline.vault.evidence_building import ALERT, CIPHERTEXT, CUTTING, KEPT, OTHER, RESEALED, Desk, wanted
from tests.unit.pipeline.vault.test_vault import Full

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return in_memory(tmp_path)


@pytest.fixture
def desk(parts: Parts) -> Desk:
    return Desk(parts.vault())


def test_an_alert_has_one_key_however_often_it_is_asked_for(desk: Desk, parts: Parts) -> None:
    first = desk.key(NOON)

    assert desk.key(LATER) == first
    assert [each.body["alert_id"] for each in of_kind(parts.ledger, Kind.KEY_CREATED)] == [ALERT]


def test_evidence_expires_by_its_stores_rules_on_a_slots_end(desk: Desk) -> None:
    assert desk.key(LATER, start=NOON + timedelta(minutes=7)).expires_at == NOON + KEPT


def test_two_alerts_of_one_time_and_camera_have_a_key_each(desk: Desk) -> None:
    assert desk.key(NOON).key_id != desk.key(NOON, OTHER).key_id


def test_a_camera_clock_that_runs_ahead_keeps_nothing_longer(desk: Desk) -> None:
    assert desk.key(NOON, start=NOON + timedelta(days=20)).expires_at == NOON + KEPT


def test_r04_only_cutting_has_keys_of_evidence_made(desk: Desk, parts: Parts) -> None:
    for role in (Role.DETECTING, Role.CONSOLE, Role.ERASING, Role.RECORDING):
        with pytest.raises(Refused):
            desk.evidence.key(Service(Principal(name=role.value, role=role)), wanted(), NOON)

    assert len(of_kind(parts.ledger, Kind.REFUSED)) == 4
    assert not of_kind(parts.ledger, Kind.KEY_CREATED)


@pytest.mark.parametrize(
    "owner",
    [Owner(DOOR.store, CameraId("nowhere"), DOOR.purpose), Owner(DOOR.store, DOOR.camera, Purpose.PEOPLE_FLOW)],
)
def test_r05_no_rules_no_key_of_evidence(desk: Desk, owner: Owner) -> None:
    with pytest.raises(Refused):
        desk.key(NOON, owner=owner)


def test_an_alert_of_another_camera_is_none(desk: Desk) -> None:
    desk.key(NOON)

    with pytest.raises(Rejected):
        desk.key(NOON, owner=TILL)


def test_r20_evidence_dies_on_time_and_a_replay_makes_none_anew(desk: Desk, parts: Parts) -> None:
    key = desk.sealed(NOON)
    destroy(desk.vault, key.expires_at)

    for now in (key.expires_at, key.expires_at + timedelta(days=1), key.expires_at + timedelta(days=365)):
        with pytest.raises(Erased):
            desk.key(now)
    assert [each.body["key_id"] for each in of_kind(parts.ledger, Kind.KEY_DESTROYED)] == [key.key_id]


def test_r20_an_alert_that_is_too_old_never_gets_a_key(desk: Desk, parts: Parts) -> None:
    with pytest.raises(Erased):
        desk.key(NOON + KEPT)

    assert not of_kind(parts.ledger, Kind.KEY_CREATED)


def test_a_table_from_a_backup_learns_from_the_ledger_what_was_made_and_erased_since(tmp_path: Path) -> None:
    parts = in_memory(tmp_path)
    desk = Desk(parts.vault())
    key = desk.sealed(NOON)
    desk.erase("sato", LATER)
    (tmp_path / "old").mkdir()
    restored = Parts(SqliteKeyTable(tmp_path / "old" / "keys.db"), parts.ring, parts.ledger)
    again = Desk(restored.vault())

    again.vault.recover(LATER)

    with pytest.raises(Erased):
        again.key(LATER)
    with pytest.raises(Erased):
        again.evidence.of(CUTTING, ALERT, LATER)
    assert [each.body["key_id"] for each in of_kind(parts.ledger, Kind.KEY_DESTROYED)] == [key.key_id]


def test_no_key_leaves_before_the_ledger_knows_of_it(parts: Parts) -> None:
    ledger = Full(Ed25519PrivateKey.generate())
    desk = Desk(Parts(parts.table, parts.ring, ledger).vault())
    ledger.full = True

    with pytest.raises(Unavailable):
        desk.key(NOON)
    ledger.full = False
    desk.vault.tell(NOON)
    assert desk.key(NOON).alert_id == ALERT
    assert len(of_kind(ledger, Kind.KEY_CREATED)) == 1


def test_what_was_stored_is_told_and_listed(desk: Desk, parts: Parts) -> None:
    key = desk.key(NOON)
    desk.evidence.stored(CUTTING, key.key_id, CIPHERTEXT, NOON)
    desk.evidence.stored(CUTTING, key.key_id, CIPHERTEXT, NOON)

    (told,) = of_kind(parts.ledger, Kind.EVIDENCE_STORED)
    (listed,) = desk.evidence.objects(desk.people.signed("sato", NOON), None, NOON)
    assert (told.body["sha256"], told.body["key_id"]) == (CIPHERTEXT.sha256, key.key_id)
    assert (listed.sha256, listed.size, listed.stored) == (CIPHERTEXT.sha256, CIPHERTEXT.size, True)
    assert desk.key(NOON).stored


def test_what_was_sealed_twice_is_what_was_said_last(desk: Desk, parts: Parts) -> None:
    key = desk.sealed(NOON)
    desk.evidence.stored(CUTTING, key.key_id, RESEALED, NOON)

    assert desk.evidence.of(CUTTING, ALERT, NOON).sha256 == RESEALED.sha256
    assert len(of_kind(parts.ledger, Kind.EVIDENCE_STORED)) == 2


def test_nothing_is_stored_under_a_key_that_is_gone_or_no_alerts(desk: Desk) -> None:
    key = desk.key(NOON)
    (bucket,) = keys_for(desk.vault, NOON)
    with pytest.raises(Rejected):
        desk.evidence.stored(CUTTING, bucket.key_id, CIPHERTEXT, NOON)
    with pytest.raises(Rejected):
        desk.evidence.stored(CUTTING, KeyId("never"), CIPHERTEXT, NOON)
    with pytest.raises(Refused):
        desk.evidence.stored(Service(DETECTING), key.key_id, CIPHERTEXT, NOON)
    with pytest.raises(Erased):
        desk.evidence.stored(CUTTING, key.key_id, CIPHERTEXT, key.expires_at)


def _listed(desk: Desk, name: str) -> list[EvidenceObject]:
    return list(desk.evidence.objects(desk.people.signed(name, NOON), None, NOON))


def test_r17_people_know_of_the_evidence_of_their_own_stores(desk: Desk) -> None:
    desk.sealed(NOON)

    assert [len(_listed(desk, name)) for name in ("sato", "suzuki", "tanaka", "mori")] == [1, 1, 1, 0]
    with pytest.raises(Rejected):
        desk.evidence.of(desk.people.signed("mori", NOON), ALERT, NOON)


def test_evidence_is_listed_in_order_of_time_while_it_lives(desk: Desk) -> None:
    desk.sealed(LATER, OTHER, start=LATER)
    first = desk.sealed(LATER)

    assert [each.alert_id for each in desk.evidence.objects(CUTTING, None, LATER)] == [ALERT, OTHER]
    assert [each.alert_id for each in desk.evidence.objects(CUTTING, DOOR.store, first.expires_at)] == [OTHER]


def test_r18_no_stage_opens_evidence_but_cutting_for_a_confirmed_hold(desk: Desk) -> None:
    key = desk.sealed(NOON)

    def leased(principal: Principal, key_id: KeyId = key.key_id, now: datetime = NOON) -> bool:
        try:
            return bool(desk.vault.lease(principal, key_id, DOOR.purpose, WORKER.public, now).sealed)
        except Refused:
            return False

    assert not leased(CUTTING.principal)
    hold_id = desk.propose("sato", NOON, NOON + 2 * KEPT)
    assert not leased(CUTTING.principal)
    desk.confirm("suzuki", hold_id, NOON)
    assert leased(CUTTING.principal)
    assert not leased(DETECTING)
    with pytest.raises(Erased):
        leased(CUTTING.principal, now=key.expires_at)
    desk.holds.sealed(CUTTING, hold_id, RESEALED, NOON)
    assert not leased(CUTTING.principal)
    (hold,) = desk.holds.all(CUTTING, NOON)
    assert hold.held_key_id is not None
    assert not leased(CUTTING.principal, hold.held_key_id)


def test_buckets_and_evidence_do_not_meet(desk: Desk) -> None:
    desk.key(NOON)
    (bucket,) = keys_for(desk.vault, NOON)

    assert desk.vault.table.living(DOOR, NOON, NOON + BUCKET) == (bucket,)
    assert lent(desk.vault, bucket, NOON)


def test_a_retention_made_shorter_is_for_later_alerts(parts: Parts) -> None:
    before = Desk(parts.vault()).sealed(NOON)
    day = timedelta(days=1)
    parts.policy = replace(POLICY, cameras={of: replace(each, evidence=day) for of, each in POLICY.cameras.items()})

    again = Desk(parts.vault())

    assert again.key(NOON).expires_at == before.expires_at == NOON + KEPT
    assert again.key(NOON, OTHER).expires_at == NOON + day
