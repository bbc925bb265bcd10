"""What a person may be shown follows the one table of roles, in their own stores."""

from itertools import product

import pytest

from pipeline.console import rights
from pipeline.governance import roles
from pipeline.governance.roles import MATRIX, PEOPLE, Action, Role
from pipeline.vault.api import Grant
from schemas.ids import StoreId
from tests.unit.pipeline.console.house import estate, person

GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")


@pytest.mark.parametrize(("role", "action"), list(product(sorted(PEOPLE), Action)))
def test_r17_every_role_and_action_is_as_the_table_says(role: Role, action: Action) -> None:
    somebody = person("somebody", Grant(role=role, stores=(GINZA,)))
    cell = MATRIX.get((role, action))
    own = cell is not None and not cell.only_released

    assert rights.may(somebody, action, GINZA) == own
    assert not rights.may(somebody, action, SHIBUYA)
    assert rights.may_anywhere(somebody, action) == own
    assert rights.needs_release(somebody, action, GINZA) == (cell is not None and cell.only_released)
    assert rights.may(somebody, action) == (own and action in roles.OF_NO_STORE)


@pytest.mark.parametrize("action", Action)
def test_r17_who_has_no_grant_may_nothing(action: Action) -> None:
    assert not rights.may_anywhere(person("nobody"), action)


def test_all_stores_are_all_that_there_are() -> None:
    head = person("head", Grant(role=Role.MANAGER, stores="*"))

    assert rights.stores(head, Action.ALERTS, estate()) == estate().stores
    assert rights.stores(head, Action.STAGES, estate()) == ()
