"""Who may do what: one table of role, action and purpose, and whose stores. What is not in it is denied (R17).

There is no role above the table: a purpose that it does not name, marketing above all, is nobody's (R05).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.envelope import Purpose
from schemas.ids import StoreId


class Role(StrEnum):
    """What a part of the system, or a person, is."""

    DEVICE = "device"
    DETECTING = "detecting"
    WATCHING = "watching"
    RECORDING = "recording"
    CUTTING = "cutting"
    ERASING = "erasing"
    CONSOLE = "console"
    STAFF = "staff"
    MANAGER = "manager"
    DEPUTY = "deputy"
    AUDITOR = "auditor"
    ON_CALL = "on_call"


class Action(StrEnum):
    """What can be asked."""

    PUBLIC_KEYS = "public_keys"
    LEASE = "lease"
    OBJECT_KEY = "object_key"
    LOOK = "look"
    ERASE = "erase"
    HOLD_PROPOSE = "hold_propose"
    HOLD_CONFIRM = "hold_confirm"
    HOLD_END = "hold_end"
    HOLDS = "holds"
    RELEASE = "release"
    LEDGER = "ledger"
    STATUS = "status"
    ALERTS = "alerts"
    FLOW = "flow"
    CAMERAS = "cameras"
    PLACES = "places"
    STAGES = "stages"
    ACCOUNTS = "accounts"
    SIGN_IN = "sign_in"


PEOPLE: Final = frozenset({Role.STAFF, Role.MANAGER, Role.DEPUTY, Role.AUDITOR, Role.ON_CALL})
SERVICES: Final = frozenset(Role) - PEOPLE

IDENTIFYING: Final = frozenset({Action.LOOK, Action.RELEASE, Action.HOLD_PROPOSE, Action.HOLD_CONFIRM, Action.HOLD_END})
"""What a person does only with training, pledge and the rules' newest version acknowledged (R14, R15)."""

OF_NO_STORE: Final = frozenset({Action.LEDGER, Action.STATUS, Action.STAGES, Action.SIGN_IN})
"""What is one for the whole estate: it may be asked without naming a store."""

Purposes = frozenset[Purpose | None]

_PICTURES: Final[Purposes] = frozenset({Purpose.CRIME_PREVENTION})
_ABOUT_PICTURES: Final[Purposes] = frozenset({Purpose.CRIME_PREVENTION, None})
_COUNTS: Final[Purposes] = frozenset({Purpose.PEOPLE_FLOW})
_OPERATION: Final[Purposes] = frozenset({Purpose.OPERATION, None})

PURPOSES: Final[Mapping[Action, Purposes]] = {
    Action.PUBLIC_KEYS: _PICTURES,
    Action.LEASE: _PICTURES,
    Action.OBJECT_KEY: _PICTURES,
    Action.LOOK: _PICTURES,
    Action.RELEASE: _ABOUT_PICTURES,
    Action.HOLD_PROPOSE: _ABOUT_PICTURES,
    Action.HOLD_CONFIRM: _ABOUT_PICTURES,
    Action.HOLD_END: _ABOUT_PICTURES,
    Action.ALERTS: _ABOUT_PICTURES,
    Action.FLOW: _COUNTS,
    Action.ERASE: _OPERATION,
    Action.HOLDS: _OPERATION,
    Action.LEDGER: _OPERATION,
    Action.STATUS: _OPERATION,
    Action.CAMERAS: _OPERATION,
    Action.PLACES: _OPERATION,
    Action.STAGES: _OPERATION,
    Action.ACCOUNTS: _OPERATION,
    Action.SIGN_IN: _OPERATION,
}
"""What each action can be for. None: it needs to name no purpose, as it opens nothing."""

_REVIEWING: Final = frozenset(
    {
        Action.ALERTS,
        Action.FLOW,
        Action.CAMERAS,
        Action.LOOK,
        Action.ERASE,
        Action.HOLD_PROPOSE,
        Action.HOLD_CONFIRM,
        Action.HOLD_END,
        Action.HOLDS,
        Action.LEDGER,
    }
)

_ACTIONS: Final[Mapping[Role, AbstractSet[Action]]] = {
    Role.DEVICE: {Action.PUBLIC_KEYS},
    Role.DETECTING: {Action.LEASE},
    Role.WATCHING: frozenset(),
    Role.RECORDING: frozenset(),
    Role.CUTTING: {Action.LEASE, Action.OBJECT_KEY, Action.HOLDS},
    Role.ERASING: {Action.LEDGER, Action.STATUS},
    Role.CONSOLE: {Action.LEDGER, Action.STATUS, Action.SIGN_IN},
    Role.STAFF: {Action.ALERTS, Action.FLOW, Action.CAMERAS, Action.LOOK},
    Role.MANAGER: _REVIEWING | {Action.RELEASE, Action.ACCOUNTS, Action.PLACES},
    Role.DEPUTY: _REVIEWING,
    Role.AUDITOR: {Action.LEDGER, Action.STATUS, Action.HOLDS},
    Role.ON_CALL: {Action.STATUS, Action.STAGES, Action.CAMERAS, Action.HOLDS},
}

ONLY_RELEASED: Final = frozenset({(Role.STAFF, Action.LOOK)})
"""What is had only for one item that a manager released to this very person, while the release lasts (R16)."""


class Cell(NamedTuple):
    """What the table says of one role and one action."""

    purposes: Purposes
    only_released: bool = False


MATRIX: Final[Mapping[tuple[Role, Action], Cell]] = {
    (role, action): Cell(PURPOSES[action], (role, action) in ONLY_RELEASED)
    for role, actions in _ACTIONS.items()
    for action in sorted(actions)
}
"""The role matrix. Nothing else says yes."""


class EveryStore(StrEnum):
    """All stores of the estate, those to come included."""

    ALL = "*"


ALL: Final = EveryStore.ALL
Stores = frozenset[StoreId] | EveryStore


def covers(stores: Stores, action: Action, store: StoreId | None) -> bool:
    """Say whether somebody with these stores may ask about that one; None is the estate as a whole."""
    if store is None:
        return stores is ALL or (action in OF_NO_STORE and bool(stores))
    return stores is ALL or store in stores


def may(
    role: Role,
    action: Action,
    *,
    stores: Stores,
    store: StoreId | None = None,
    purpose: Purpose | None = None,
    released: bool = False,
) -> bool:
    """Say whether this role in these stores may do this there, for that purpose.

    Args:
        role: What who asks is.
        action: What is asked.
        stores: Where who asks has the role.
        store: The store whose data it is about; None where it is about no store or every store.
        purpose: What for; None where nothing is opened or read for a purpose.
        released: Whether a manager has released this very item to this very person, and that is in force.
    """
    cell = MATRIX.get((role, action))
    if cell is None or purpose not in cell.purposes:
        return False
    return covers(stores, action, store) and (released or not cell.only_released)


def ever(role: Role, action: Action) -> bool:
    """Say whether the role has anything to do with the action at all."""
    return (role, action) in MATRIX
