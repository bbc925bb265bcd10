"""Nobody looks unless they may and the ledger holds it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from pipeline import sealing
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.vault.api import LookRequest
from pipeline.vault.ledger import Kind
from schemas.envelope import Purpose
from tests.unit.pipeline.vault.building import DOOR, NOON, WORKER, Parts, in_memory, of_kind
from tests.unit.pipeline.vault.evidence_building import ALERT, OTHER, REASON, Desk
from tests.unit.pipeline.vault.test_vault import Full

SOON = NOON + timedelta(minutes=25)
LATER = SOON + timedelta(hours=2)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(in_memory(tmp_path).table, in_memory(tmp_path / "ring").ring, Full(Ed25519PrivateKey.generate()))


@pytest.fixture
def desk(parts: Parts) -> Desk:
    return Desk(parts.vault())


def test_r18_a_look_is_in_the_ledger_with_person_purpose_and_reason(desk: Desk, parts: Parts) -> None:
    key = desk.sealed(NOON)

    private = desk.look("sato", SOON)

    (look,) = of_kind(parts.ledger, Kind.LOOK)
    assert sealing.open_(private, b"clip", sealing.seal(key.public, b"clip", b"pictures")) == b"pictures"
    assert {name: look.body[name] for name in ("person", "alert_id", "key_id", "purpose", "reason")} == {
        "person": "sato",
        "alert_id": ALERT,
        "key_id": key.key_id,
        "purpose": DOOR.purpose.value,
        "reason": REASON,
    }


def test_r18_without_the_ledger_there_is_no_look_at_once(desk: Desk, parts: Parts) -> None:
    desk.sealed(NOON)
    assert isinstance(parts.ledger, Full)
    parts.ledger.full = True

    for _ in range(2):
        with pytest.raises(Unavailable):
            desk.look("sato", SOON)
    parts.ledger.full = False
    desk.vault.tell(SOON)
    assert desk.look("sato", SOON)
    assert len(of_kind(parts.ledger, Kind.LOOK)) == 1


@pytest.mark.parametrize("name", ["tanaka", "mori", "audit"])
def test_r17_only_the_stores_manager_and_deputy_look(desk: Desk, parts: Parts, name: str) -> None:
    desk.sealed(NOON)

    with pytest.raises(Refused):
        desk.look(name, SOON)
    (refused,) = of_kind(parts.ledger, Kind.REFUSED)
    assert (refused.body["principal"], refused.body["action"], refused.body["alert_id"]) == (name, "look", ALERT)
    assert not of_kind(parts.ledger, Kind.LOOK)


@pytest.mark.parametrize("purpose", [Purpose.PEOPLE_FLOW, Purpose.OPERATION])
def test_r05_no_role_looks_for_another_purpose(desk: Desk, parts: Parts, purpose: Purpose) -> None:
    desk.sealed(NOON)

    with pytest.raises(Refused):
        desk.look("sato", SOON, purpose=purpose)
    assert of_kind(parts.ledger, Kind.REFUSED)


def test_r14_who_is_suspended_does_not_look(desk: Desk) -> None:
    desk.sealed(NOON)
    desk.people.suspended.add("sato")

    with pytest.raises(Refused):
        desk.look("sato", SOON)


def test_there_is_nothing_to_look_at_before_it_is_sealed_or_after_it_is_gone(desk: Desk) -> None:
    with pytest.raises(Rejected):
        desk.look("sato", SOON)
    key = desk.key(NOON)
    with pytest.raises(Rejected):
        desk.look("sato", SOON)
    desk.sealed(NOON)
    with pytest.raises(Erased):
        desk.look("sato", key.expires_at)


def test_a_lease_of_a_look_ends_with_the_evidence(desk: Desk, parts: Parts) -> None:
    key = desk.sealed(NOON)

    desk.look("sato", key.expires_at - timedelta(seconds=5))

    (look,) = of_kind(parts.ledger, Kind.LOOK)
    assert datetime.fromisoformat(look.body["ends_at"]) == key.expires_at


def test_a_lease_key_that_is_none_is_no_look(desk: Desk, parts: Parts) -> None:
    desk.sealed(NOON)
    asked = LookRequest(alert_id=ALERT, purpose=DOOR.purpose, reason=REASON, lease_public=b"short")

    with pytest.raises(Rejected, match="bad_content"):
        desk.looks.look(desk.people.signed("sato", SOON), asked, SOON)
    assert not of_kind(parts.ledger, Kind.LOOK)


@pytest.mark.parametrize("reason", ["", "because", "x" * 257, "because of a\x1b[31m colour", "because\nof two lines"])
def test_a_look_takes_a_written_reason(reason: str) -> None:
    with pytest.raises(ValidationError):
        LookRequest(alert_id=ALERT, purpose=DOOR.purpose, reason=reason, lease_public=WORKER.public)


def test_r16_what_a_manager_released_one_member_of_staff_sees_for_a_while(desk: Desk, parts: Parts) -> None:
    desk.sealed(NOON)
    desk.sealed(NOON, OTHER)

    desk.release("sato", "tanaka", SOON, LATER)

    assert desk.look("tanaka", SOON)
    assert desk.look("tanaka", LATER - timedelta(seconds=1))
    with pytest.raises(Refused):
        desk.look("tanaka", SOON, OTHER)
    with pytest.raises(Refused):
        desk.look("tanaka", LATER)
    (released,) = of_kind(parts.ledger, Kind.RELEASED)
    assert {look.body["release_id"] for look in of_kind(parts.ledger, Kind.LOOK)} == {released.body["release_id"]}


def test_r16_what_a_look_by_release_opens_is_shown_no_longer_than_that(desk: Desk) -> None:
    key = desk.sealed(NOON)
    desk.release("sato", "tanaka", SOON, SOON + timedelta(hours=1))
    desk.release("sato", "tanaka", SOON, LATER)
    asked = LookRequest(alert_id=ALERT, purpose=DOOR.purpose, reason=REASON, lease_public=WORKER.public)

    last = LATER - timedelta(seconds=15)
    look = desk.looks.look(desk.people.signed("tanaka", last), asked, last)
    assert (look.until, look.lease.ends_at) == (LATER, LATER)

    assert desk.looks.look(desk.people.signed("sato", last), asked, last).until == key.expires_at


def test_r16_a_release_does_not_lift_a_suspension(desk: Desk) -> None:
    desk.sealed(NOON)
    desk.release("sato", "tanaka", SOON, LATER)
    desk.people.suspended.add("tanaka")

    with pytest.raises(Refused):
        desk.look("tanaka", SOON)


@pytest.mark.parametrize(
    ("by", "to", "until"),
    [
        ("suzuki", "tanaka", LATER),
        ("tanaka", "tanaka", LATER),
        ("mori", "tanaka", LATER),
        ("sato", "nobody", LATER),
        ("sato", "suzuki", LATER),
        ("sato", "tanaka", SOON),
        ("sato", "tanaka", SOON + timedelta(hours=24, seconds=1)),
    ],
)
def test_r16_what_is_no_release(desk: Desk, parts: Parts, by: str, to: str, until: datetime) -> None:
    desk.sealed(NOON)

    with pytest.raises(Refused):
        desk.release(by, to, SOON, until)
    assert not of_kind(parts.ledger, Kind.RELEASED)
    assert len(of_kind(parts.ledger, Kind.REFUSED)) == 1


def test_r16_what_is_gone_is_not_released(desk: Desk) -> None:
    with pytest.raises(Rejected):
        desk.release("sato", "tanaka", SOON, LATER)
    key = desk.sealed(NOON)
    with pytest.raises(Erased):
        desk.release("sato", "tanaka", key.expires_at, key.expires_at + timedelta(hours=1))
