"""What people may ask for about what was recorded of them: erased by the one path there is, however short it lives."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.clock import ManualClock
from pipeline.errors import Erased, Refused
from pipeline.vault.api import ErasureRequest
from pipeline.vault.guard import Guard
from pipeline.vault.ledger import Kind
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tokens import issue
from pipeline.vault.vault import Vault
from schemas.envelope import Purpose
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    DOOR,
    NOON,
    TTL,
    WORKER,
    Parts,
    destroy,
    in_memory,
    keys_for,
    lent,
    of_kind,
)
from tests.unit.pipeline.vault.evidence_building import ALERT, REASON, Desk, whole

SOON = NOON + timedelta(minutes=1)
WRITING = {"post", "put", "patch", "delete"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return in_memory(tmp_path)


@pytest.fixture
def desk(parts: Parts) -> Desk:
    return Desk(parts.vault())


def test_r36_a_request_executes_by_the_same_path_as_every_destruction_and_yields_a_receipt(
    desk: Desk, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys_for(desk.vault, NOON)
    desk.sealed(NOON)
    steps: list[str] = []
    for name in ("shred", "bury"):
        _listen(monkeypatch, desk.vault, name, steps)

    erased = desk.erase("sato", SOON, ErasureRequest(alert_id=ALERT, reason=REASON))

    assert steps == ["shred", "bury"]
    receipts = of_kind(parts.ledger, Kind.KEY_DESTROYED)
    (decided,) = of_kind(parts.ledger, Kind.ERASURE_DECIDED)
    assert {receipt.body["key_id"] for receipt in receipts} == set(erased)
    assert {receipt.body["method"] for receipt in receipts} == {"slot_key_destroyed"}
    assert {receipt.body["erasure_id"] for receipt in receipts} == {decided.body["erasure_id"]}
    steps.clear()
    keys_for(desk.vault, SOON + BUCKET)
    destroy(desk.vault, SOON + BUCKET + TTL)
    assert steps == ["shred", "bury"]
    last = of_kind(parts.ledger, Kind.KEY_DESTROYED)[-1].body
    assert last["method"] == "slot_key_destroyed"
    assert last.keys() == receipts[-1].body.keys() - {"early", "erasure_id", "alert_id"}


@pytest.mark.parametrize("left", [timedelta(seconds=1), timedelta(minutes=5), timedelta(minutes=59)])
def test_r37_what_lives_for_seconds_or_minutes_only_is_erased_on_request_too(
    desk: Desk, parts: Parts, left: timedelta
) -> None:
    (key,) = keys_for(desk.vault, NOON)
    asked_at = key.span.expires_at - left

    erased = desk.erase("sato", asked_at, whole(NOON, NOON + BUCKET / 2))

    assert erased == (key.key_id,)
    with pytest.raises(Erased):
        lent(desk.vault, key, asked_at)
    (receipt,) = of_kind(parts.ledger, Kind.KEY_DESTROYED)
    assert receipt.body["early"] is True


def test_r37_evidence_is_erased_on_request_up_to_its_last_moment(desk: Desk) -> None:
    key = desk.sealed(NOON)

    assert key.key_id in desk.erase("sato", key.expires_at - timedelta(microseconds=1))


def test_r06_no_api_changes_the_purpose_of_what_exists(surface: dict[str, Any]) -> None:
    named = {
        (method, path)
        for path, operations in surface["paths"].items()
        for method, operation in operations.items()
        if method in WRITING and "purpose" in _said_in(operation.get("requestBody", {}), surface)
    }

    # A key made for a purpose, and two ways to ask for a key, which are refused for any other than its own.
    assert named == {("post", "/v1/objects"), ("post", "/v1/leases"), ("post", "/v1/looks")}
    assert not [path for path, operations in surface["paths"].items() if {"put", "patch"} & operations.keys()]
    assert not [path for path in surface["paths"] if "purpose" in path]


def test_r06_asking_again_with_another_purpose_changes_nothing(desk: Desk, parts: Parts) -> None:
    (key,) = keys_for(desk.vault, NOON)
    evidence = desk.sealed(NOON)

    with pytest.raises(Refused):
        desk.look("sato", SOON, purpose=Purpose.PEOPLE_FLOW)
    with pytest.raises(Refused, match="people_flow"):
        desk.vault.lease(DETECTING, key.key_id, Purpose.PEOPLE_FLOW, WORKER.public, SOON)

    for key_id in (key.key_id, evidence.key_id):
        held = parts.table.held(key_id)
        assert held is not None
        assert held.key.owner == DOOR


@pytest.fixture
def surface(parts: Parts, tmp_path: Path) -> dict[str, Any]:
    """The description of everything that the vault answers."""
    keeper = Keeper(parts.vault(), parts.ledger, Guard(ManualClock(NOON), None), b"public")
    return app_of(keeper, issue(tmp_path, [])).openapi()


def _said_in(part: Any, surface: dict[str, Any]) -> set[str]:
    """Name every property of a body, through its references."""
    if isinstance(part, list):
        return set().union(*(_said_in(each, surface) for each in part))
    if not isinstance(part, dict):
        return set()
    names = set(part["properties"]) if isinstance(part.get("properties"), dict) else set()
    if "$ref" in part:
        return names | _said_in(surface["components"]["schemas"][part["$ref"].rpartition("/")[2]], surface)
    return names.union(*(_said_in(each, surface) for each in part.values()))


def _listen(monkeypatch: pytest.MonkeyPatch, vault: Vault, name: str, steps: list[str]) -> None:
    done = getattr(vault, name)

    def heard(*args: Any) -> Any:
        steps.append(name)
        return done(*args)

    monkeypatch.setattr(vault, name, heard)
