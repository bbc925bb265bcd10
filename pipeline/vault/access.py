"""Who may ask the vault: a principal and its token. What it may, the one table of roles says."""

from pydantic import Field, model_validator

from pipeline.errors import Refused
from pipeline.governance import roles
from pipeline.governance.roles import ALL, SERVICES, Action, Role, Stores
from schemas.audit import PRINCIPAL
from schemas.envelope import Purpose
from schemas.frozen import Frozen
from schemas.ids import NamedStore, StoreId

__all__ = ["Action", "Principal", "Role", "WrongRole", "may", "require"]


class WrongRole(Refused):
    """Whoever asks may not do this for anybody or anything: they come with somebody else's token."""


class Principal(Frozen):
    """A part of the system that asks. A device belongs to one store, and asks for no other."""

    name: str = Field(min_length=1, max_length=PRINCIPAL, pattern=r"^[a-z0-9][a-z0-9._-]*$")
    role: Role
    store: NamedStore | None = None

    @model_validator(mode="after")
    def _is_no_person(self) -> "Principal":
        if self.role not in SERVICES:
            raise ValueError("a person signs in, and has no token of their own")
        return self

    @property
    def stores(self) -> Stores:
        if self.store is not None:
            return frozenset({self.store})
        return frozenset[StoreId]() if self.role is Role.DEVICE else ALL


def may(principal: Principal, action: Action, purpose: Purpose | None = None, store: StoreId | None = None) -> bool:
    """Say whether this principal may do this, for this purpose, in this store."""
    return roles.may(principal.role, action, stores=principal.stores, store=store, purpose=purpose)


def require(principal: Principal, action: Action, purpose: Purpose | None = None, store: StoreId | None = None) -> None:
    """Refuse what the table does not name.

    Raises:
        WrongRole: Not for any purpose.
        Refused: Not for this purpose, or in this store.
    """
    if not may(principal, action, purpose, store):
        kind = Refused if roles.ever(principal.role, action) else WrongRole
        raise kind(f"{principal.name} may not {action}" + (f" for {purpose}" if purpose else ""))
