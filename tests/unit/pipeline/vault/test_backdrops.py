"""Backdrops: asked for by a manager of the store, made once, gone on time, and never what evidence is."""

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import Erased, Refused
from pipeline.vault.api import BackdropRequest, EvidenceObject
from pipeline.vault.backdrops import LIVES, Backdrops, is_backdrop
from pipeline.vault.ledger import Kind
from schemas.ids import AlertId
from tests.unit.pipeline.vault.building import DOOR, NOON, TILL, Parts, destroy, in_memory, of_kind
from tests.unit.pipeline.vault.evidence_building import ALERT, CIPHERTEXT, CUTTING, Desk, wanted, whole

SOON = NOON + timedelta(seconds=20)
ASKED = BackdropRequest(store_id=DOOR.store, camera_id=DOOR.camera)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return in_memory(tmp_path)


@pytest.fixture
def desk(parts: Parts) -> Desk:
    return Desk(parts.vault())


@pytest.fixture
def backdrops(desk: Desk) -> Backdrops:
    return Backdrops(desk.vault)


def asked(desk: Desk, backdrops: Backdrops) -> EvidenceObject:
    return backdrops.ask(desk.people.signed("sato", NOON), ASKED, NOON)


def test_what_a_manager_asks_for_waits_until_it_is_made(desk: Desk, backdrops: Backdrops, parts: Parts) -> None:
    found = asked(desk, backdrops)
    waiting = backdrops.waiting(CUTTING, SOON)
    desk.evidence.stored(CUTTING, found.key_id, CIPHERTEXT, SOON)

    assert is_backdrop(found.alert_id)
    assert waiting == (found,)
    assert backdrops.waiting(CUTTING, SOON) == ()
    assert [each.body["alert_id"] for each in of_kind(parts.ledger, Kind.KEY_CREATED)] == [found.alert_id]


def test_asked_for_twice_it_is_one(desk: Desk, backdrops: Backdrops) -> None:
    assert asked(desk, backdrops) == asked(desk, backdrops)


def test_a_vault_that_starts_again_knows_what_was_asked_for(desk: Desk, backdrops: Backdrops) -> None:
    desk.key(NOON)
    found = asked(desk, backdrops)

    assert Backdrops(desk.vault).waiting(CUTTING, SOON) == (found,)


@pytest.mark.parametrize("name", ["suzuki", "tanaka", "mori", "audit"])
def test_r17_only_a_manager_of_the_store_asks(name: str, desk: Desk, backdrops: Backdrops, parts: Parts) -> None:
    with pytest.raises(Refused):
        backdrops.ask(desk.people.signed(name, NOON), ASKED, NOON)
    desk.vault.tell(NOON)
    assert [each.body["action"] for each in of_kind(parts.ledger, Kind.REFUSED)] == ["places"]
    assert of_kind(parts.ledger, Kind.KEY_CREATED) == []


def test_r20_it_lives_for_an_hour_and_cannot_be_held(desk: Desk, backdrops: Backdrops) -> None:
    found = asked(desk, backdrops)
    desk.evidence.stored(CUTTING, found.key_id, CIPHERTEXT, NOON)

    assert found.expires_at <= NOON + LIVES
    with pytest.raises(Refused, match="backdrop"):
        desk.propose("sato", NOON, NOON + timedelta(days=60), found.alert_id)
    destroy(desk.vault, found.expires_at)
    with pytest.raises(Erased):
        desk.look("sato", found.expires_at, found.alert_id)


def test_r15_a_look_at_it_is_in_the_ledger(desk: Desk, backdrops: Backdrops, parts: Parts) -> None:
    found = asked(desk, backdrops)
    desk.evidence.stored(CUTTING, found.key_id, CIPHERTEXT, NOON)
    desk.look("sato", SOON, found.alert_id)

    (look,) = of_kind(parts.ledger, Kind.LOOK)
    assert (look.body["person"], look.body["alert_id"]) == ("sato", found.alert_id)


def test_whoever_erases_what_it_was_made_of_erases_it(desk: Desk, backdrops: Backdrops) -> None:
    found = asked(desk, backdrops)
    gone = desk.erase("sato", SOON, whole(NOON - timedelta(minutes=20), NOON - timedelta(minutes=10)))

    assert found.key_id in gone
    assert backdrops.waiting(CUTTING, SOON) == ()


def test_nobody_makes_one_that_was_not_asked_for(desk: Desk) -> None:
    with pytest.raises(Erased):
        desk.evidence.key(CUTTING, wanted(AlertId("backdrop-1")), NOON)


def test_other_cameras_and_stages_have_nothing_to_do_with_it(desk: Desk, backdrops: Backdrops) -> None:
    asked(desk, backdrops)
    of_till = BackdropRequest(store_id=TILL.store, camera_id=TILL.camera)
    other = backdrops.ask(desk.people.signed("sato", NOON), of_till, NOON)

    assert {each.camera_id for each in backdrops.waiting(CUTTING, SOON)} == {DOOR.camera, other.camera_id}
    assert not is_backdrop(ALERT)
