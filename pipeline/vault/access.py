"""Who may ask the vault for what, as a table. What is not in it is refused."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import Field

from pipeline.errors import Refused
from schemas.audit import PRINCIPAL
from schemas.envelope import Purpose
from schemas.frozen import Frozen
from schemas.ids import NamedStore, StoreId


class Role(StrEnum):
    """What a principal is."""

    DEVICE = "device"
    DETECTING = "detecting"
    RECORDING = "recording"
    ERASING = "erasing"
    CONSOLE = "console"


class Action(StrEnum):
    """What can be asked."""

    PUBLIC_KEYS = "public_keys"
    LEASE = "lease"
    LEDGER = "ledger"
    STATUS = "status"


class WrongRole(Refused):
    """Whoever asks may not do this for anybody or anything: they come with somebody else's token."""


class Principal(Frozen):
    """Who asks. A device belongs to one store, and asks for no other."""

    name: str = Field(min_length=1, max_length=PRINCIPAL, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    role: Role
    store: NamedStore | None = None


_PICTURES: Final = frozenset({Purpose.CRIME_PREVENTION})
_NO_PURPOSE: Final = frozenset({None})

MAY: Final[Mapping[tuple[Role, Action], frozenset[Purpose | None]]] = {
    (Role.DEVICE, Action.PUBLIC_KEYS): _PICTURES,
    (Role.DETECTING, Action.LEASE): _PICTURES,
    (Role.RECORDING, Action.LEASE): _PICTURES,
    (Role.ERASING, Action.LEDGER): _NO_PURPOSE,
    (Role.ERASING, Action.STATUS): _NO_PURPOSE,
    (Role.CONSOLE, Action.LEDGER): _NO_PURPOSE,
    (Role.CONSOLE, Action.STATUS): _NO_PURPOSE,
}


def may(principal: Principal, action: Action, purpose: Purpose | None = None, store: StoreId | None = None) -> bool:
    """Say whether this principal may do this, for this purpose, in this store."""
    if principal.role is Role.DEVICE and (store is None or principal.store != store):
        return False
    return purpose in MAY.get((principal.role, action), frozenset())


def require(principal: Principal, action: Action, purpose: Purpose | None = None, store: StoreId | None = None) -> None:
    """Refuse what the table does not name.

    Raises:
        WrongRole: Not for any purpose.
        Refused: Not for this purpose, or in this store.
    """
    if not may(principal, action, purpose, store):
        kind = Refused if (principal.role, action) in MAY else WrongRole
        raise kind(f"{principal.name} may not {action}" + (f" for {purpose}" if purpose else ""))
