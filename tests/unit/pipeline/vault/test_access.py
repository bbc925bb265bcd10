"""Who asks the vault: principals, each within their role and their store."""

from itertools import product

import pytest
from pydantic import ValidationError

from pipeline.errors import Refused
from pipeline.governance import roles
from pipeline.governance.roles import ALL, PEOPLE, SERVICES
from pipeline.vault.access import Action, Principal, Role, WrongRole, may, require
from schemas.envelope import Purpose
from schemas.ids import StoreId

GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")
PICTURES = Purpose.CRIME_PREVENTION


def _principal(role: Role) -> Principal:
    return Principal(name=role.value, role=role, store=GINZA if role is Role.DEVICE else None)


@pytest.mark.parametrize(
    ("role", "action", "purpose", "store"),
    list(product(sorted(SERVICES), Action, [None, *Purpose], [None, GINZA, SHIBUYA])),
)
def test_r17_a_principal_may_what_its_role_may_in_its_stores(
    role: Role, action: Action, purpose: Purpose | None, store: StoreId | None
) -> None:
    stores = frozenset({GINZA}) if role is Role.DEVICE else ALL

    allowed = may(_principal(role), action, purpose, store)

    assert allowed is roles.may(role, action, stores=stores, store=store, purpose=purpose)


def test_r17_what_stages_and_devices_may_is_this_and_nothing_else() -> None:
    yes = {
        (role.value, action.value, store)
        for role, action, store in product(sorted(SERVICES), Action, [None, GINZA, SHIBUYA])
        if any(may(_principal(role), action, purpose, store) for purpose in [None, *Purpose])
    }

    everywhere = {
        ("detecting", "lease"),
        ("cutting", "lease"),
        ("cutting", "object_key"),
        ("cutting", "holds"),
        ("erasing", "ledger"),
        ("erasing", "status"),
        ("console", "ledger"),
        ("console", "status"),
        ("console", "sign_in"),
    }
    assert yes == {("device", "public_keys", GINZA)} | {
        (*each, store) for each in everywhere for store in (None, GINZA, SHIBUYA)
    }


def test_a_device_asks_for_its_own_store_alone() -> None:
    device = _principal(Role.DEVICE)

    assert may(device, Action.PUBLIC_KEYS, PICTURES, GINZA)
    with pytest.raises(Refused, match="may not public_keys"):
        require(device, Action.PUBLIC_KEYS, PICTURES, SHIBUYA)


def test_another_principals_token_is_told_from_another_purpose() -> None:
    with pytest.raises(WrongRole):
        require(_principal(Role.CONSOLE), Action.LEASE, PICTURES)
    with pytest.raises(Refused) as refused:
        require(_principal(Role.DETECTING), Action.LEASE, Purpose.PEOPLE_FLOW)
    assert not isinstance(refused.value, WrongRole)


def test_a_device_of_no_store_gets_nothing() -> None:
    assert not may(Principal(name="x", role=Role.DEVICE), Action.PUBLIC_KEYS, PICTURES, None)


@pytest.mark.parametrize("role", sorted(PEOPLE))
def test_r13_no_token_makes_anybody_a_person(role: Role) -> None:
    with pytest.raises(ValidationError, match="signs in"):
        Principal(name="sato", role=role)
