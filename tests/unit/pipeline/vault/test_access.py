"""Who may what, exhaustively: the table says yes to these and to nothing else."""

from itertools import product

import pytest

from pipeline.errors import Refused
from pipeline.vault.access import Action, Principal, Role, WrongRole, may, require
from schemas.envelope import Purpose
from schemas.ids import StoreId

GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")
PICTURES = Purpose.CRIME_PREVENTION

YES = {
    (Role.DEVICE, Action.PUBLIC_KEYS, PICTURES, GINZA),
    *((role, Action.LEASE, PICTURES, store) for role in (Role.DETECTING, Role.RECORDING) for store in (None, GINZA)),
    *(
        (role, action, None, store)
        for role in (Role.ERASING, Role.CONSOLE)
        for action in (Action.LEDGER, Action.STATUS)
        for store in (None, GINZA)
    ),
}


def _principal(role: Role) -> Principal:
    return Principal(name=role.value, role=role, store=GINZA if role is Role.DEVICE else None)


@pytest.mark.parametrize(
    ("role", "action", "purpose", "store"), list(product(Role, Action, [None, *Purpose], [None, GINZA]))
)
def test_r17_what_the_table_does_not_name_is_denied(
    role: Role, action: Action, purpose: Purpose | None, store: StoreId | None
) -> None:
    assert may(_principal(role), action, purpose, store) == ((role, action, purpose, store) in YES)


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
