"""The role matrix, against what the shop's rules say, written down a second time and in another way."""

from itertools import product
from typing import Final

import pytest

from pipeline.governance.roles import (
    ALL,
    IDENTIFYING,
    MATRIX,
    PEOPLE,
    PURPOSES,
    SERVICES,
    Action,
    Role,
    Stores,
    covers,
    ever,
    may,
)
from schemas.envelope import Purpose
from schemas.ids import StoreId

GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")
PICTURES, FLOW, OPERATION = Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW, Purpose.OPERATION

RELATIONS: Final[dict[str, tuple[Stores, StoreId | None]]] = {
    "their own store": (frozenset({GINZA}), GINZA),
    "one of their stores": (frozenset({GINZA, SHIBUYA}), GINZA),
    "another store": (frozenset({SHIBUYA}), GINZA),
    "any store, having all": (ALL, GINZA),
    "no store, having one": (frozenset({GINZA}), None),
    "no store, having all": (ALL, None),
    "a store, having none": (frozenset(), GINZA),
    "no store, having none": (frozenset(), None),
}
WITHIN: Final = {"their own store", "one of their stores", "any store, having all"}

# One row an action: who may (r: only what was released to them), for which purposes (-: naming none), and whether it
# may be asked of the estate as a whole by somebody who has single stores only.
TABLE: Final = """
public_keys   | device                                  | crime_prevention    | no
lease         | detecting cutting                       | crime_prevention    | no
object_key    | cutting                                 | crime_prevention    | no
look          | manager deputy staff:r                  | crime_prevention    | no
erase         | manager deputy                          | - operation         | no
hold_propose  | manager deputy                          | - crime_prevention  | no
hold_confirm  | manager deputy                          | - crime_prevention  | no
hold_end      | manager deputy                          | - crime_prevention  | no
holds         | manager deputy auditor on_call cutting  | - operation         | no
release       | manager                                 | - crime_prevention  | no
ledger        | manager deputy auditor console erasing  | - operation         | yes
status        | auditor on_call console erasing         | - operation         | yes
alerts        | manager deputy staff                    | - crime_prevention  | no
flow          | manager deputy staff                    | people_flow         | no
cameras       | manager deputy staff on_call            | - operation         | no
places        | manager                                 | - operation         | no
stages        | on_call                                 | - operation         | yes
accounts      | manager                                 | - operation         | no
sign_in       | console                                 | - operation         | yes
"""
ROWS: Final = {
    name: (who.split(), purposes.split(), estate_wide == "yes")
    for name, who, purposes, estate_wide in (map(str.strip, line.split("|")) for line in TABLE.strip().splitlines())
}


def _expected(role: Role, action: Action, relation: str, purpose: Purpose | None, *, released: bool) -> bool:
    who, purposes, estate_wide = ROWS[action.value]
    named = role.value in who or (released and f"{role.value}:r" in who)
    fits = ("-" if purpose is None else purpose.value) in purposes
    wide = {"no store, having all", *(["no store, having one"] if estate_wide else [])}
    return named and fits and relation in WITHIN | wide


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_r17_every_role_action_store_and_purpose_is_as_the_rules_say(role: Role, action: Action) -> None:
    wrong = [
        (relation, purpose, released)
        for relation, purpose, released in product(RELATIONS, [None, *Purpose], [False, True])
        if may(
            role,
            action,
            stores=RELATIONS[relation][0],
            store=RELATIONS[relation][1],
            purpose=purpose,
            released=released,
        )
        is not _expected(role, action, relation, purpose, released=released)
    ]

    assert wrong == []


def test_the_expectation_names_every_action() -> None:
    assert set(ROWS) == {action.value for action in Action}
    assert set(PURPOSES) == set(Action)


@pytest.mark.parametrize("purpose", ["marketing", "commercial", "", "CRIME_PREVENTION", "*", "vip", "any", "-"])
def test_r05_a_purpose_that_is_not_named_is_nobodys(purpose: str) -> None:
    for role, action, released in product(Role, Action, [False, True]):
        assert not may(role, action, stores=ALL, store=GINZA, purpose=purpose, released=released)  # type: ignore[arg-type] # what a caller could smuggle in
    assert purpose not in set(Purpose)


@pytest.mark.parametrize("action", [Action.LOOK, Action.LEASE, Action.OBJECT_KEY, Action.PUBLIC_KEYS])
def test_r04_pictures_are_for_crime_prevention_alone(action: Action) -> None:
    for role, purpose in product(Role, [None, FLOW, OPERATION]):
        assert not may(role, action, stores=ALL, store=GINZA, purpose=purpose, released=True)


def test_r05_no_role_has_everything_and_none_is_above_the_table() -> None:
    for role in Role:
        assert not all(ever(role, action) for action in Action)


def test_r13_only_manager_and_deputy_open_recorded_pictures_of_their_own_accord() -> None:
    looking = {role for role in PEOPLE if may(role, Action.LOOK, stores=ALL, store=GINZA, purpose=PICTURES)}

    assert looking == {Role.MANAGER, Role.DEPUTY}


def test_r16_staff_open_what_was_released_to_them_in_their_store_and_nothing_else() -> None:
    own: Stores = frozenset({GINZA})

    assert may(Role.STAFF, Action.LOOK, stores=own, store=GINZA, purpose=PICTURES, released=True)
    assert not may(Role.STAFF, Action.LOOK, stores=own, store=GINZA, purpose=PICTURES)
    assert not may(Role.STAFF, Action.LOOK, stores=own, store=SHIBUYA, purpose=PICTURES, released=True)
    for role in (Role.AUDITOR, Role.ON_CALL):
        assert not may(role, Action.LOOK, stores=ALL, store=GINZA, purpose=PICTURES, released=True)


def test_people_and_services_share_no_role_and_no_way_to_keys() -> None:
    assert set(Role) == PEOPLE | SERVICES
    assert not PEOPLE & SERVICES
    for role, action in MATRIX:
        if action in {Action.PUBLIC_KEYS, Action.LEASE, Action.OBJECT_KEY, Action.SIGN_IN}:
            assert role in SERVICES
        if action in IDENTIFYING:
            assert role in PEOPLE


def test_only_two_stages_may_hold_keys_of_pictures() -> None:
    holding = {role for role, action in MATRIX if action in {Action.LEASE, Action.OBJECT_KEY}}

    assert holding == {Role.DETECTING, Role.CUTTING}


def test_somebody_with_no_store_asks_for_nothing() -> None:
    assert not any(covers(frozenset(), action, store) for action, store in product(Action, [None, GINZA]))
