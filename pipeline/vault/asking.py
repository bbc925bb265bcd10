"""Who asks the vault: a part of the system by its token, or a person who is signed in. Both ask the same table."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.errors import Refused
from pipeline.governance.roles import Stores, covers
from pipeline.vault import access
from pipeline.vault.access import Action, Principal
from pipeline.vault.api import Person
from pipeline.vault.ledger import Ledger
from pipeline.vault.vault import Vault
from schemas.envelope import Purpose
from schemas.ids import StoreId


class Asker(Protocol):
    """Somebody who asks, at one moment."""

    @property
    def name(self) -> str:
        """How the ledger calls them."""
        ...

    def require(
        self, action: Action, store: StoreId | None, purpose: Purpose | None = None, *, released: bool = False
    ) -> None:
        """Raise Refused unless they may do this there, for that purpose. `released`: a manager let them see this."""
        ...

    def may_list(self, action: Action, store: StoreId) -> bool:
        """Say whether what is of this store belongs in a list for them."""
        ...


class People(Protocol):
    """The accounts, as far as the vault asks them: `people.People`, or a test's."""

    def person(self, session: str | None, now: datetime, *, acting: bool = True) -> Person:
        """Say who is signed in; `acting` keeps the session alive. Raises SignedOut where nobody is."""
        ...

    def require_person(
        self,
        person: Person,
        action: Action,
        store: StoreId | None,
        purpose: Purpose | None,
        now: datetime,
        *,
        released: bool = False,
    ) -> None:
        """Raise Refused for what this person may not do now."""
        ...

    def stores(self, person: Person, action: Action) -> Stores:
        """Return where this person may do something."""
        ...

    def require_staff(self, name: str, store: StoreId) -> None:
        """Raise Refused unless somebody of this name is staff of that store."""
        ...

    def tell(self, ledger: Ledger, now: datetime) -> None:
        """Tell the ledger who signed in. Raises Unavailable: nothing is forgotten, call again."""
        ...


@dataclass(frozen=True)
class Service:
    """A part of the system."""

    principal: Principal

    @property
    def name(self) -> str:
        return self.principal.name

    def require(
        self, action: Action, store: StoreId | None, purpose: Purpose | None = None, *, released: bool = False
    ) -> None:
        del released
        access.require(self.principal, action, purpose, store)

    def may_list(self, action: Action, store: StoreId) -> bool:
        return any(access.may(self.principal, action, purpose, store) for purpose in (None, *Purpose))


@dataclass(frozen=True)
class Signed:
    """A person who is signed in, as of now."""

    people: People
    person: Person
    now: datetime

    @property
    def name(self) -> str:
        return self.person.name

    def require(
        self, action: Action, store: StoreId | None, purpose: Purpose | None = None, *, released: bool = False
    ) -> None:
        self.people.require_person(self.person, action, store, purpose, self.now, released=released)

    def may_list(self, action: Action, store: StoreId) -> bool:
        return covers(self.people.stores(self.person, action), action, store)


@contextmanager
def noted(vault: Vault, asker: Asker, action: Action, now: datetime, **asked: str) -> Iterator[None]:
    """Have the ledger hear of it where somebody is refused."""
    try:
        yield
    except Refused as refusal:
        vault.note_refusal(asker.name, action, refusal, now, **asked)
        raise
