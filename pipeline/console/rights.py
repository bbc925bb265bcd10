"""What a signed-in person may be shown and do, by the one table of roles. The vault decides again at every act."""

from pipeline.governance import roles
from pipeline.governance.roles import ALL, MATRIX, Action, Stores
from pipeline.vault.api import Grant, Person
from schemas.estate import Estate, Store
from schemas.ids import StoreId


def may(person: Person, action: Action, store: StoreId | None = None) -> bool:
    """Say whether some grant of theirs allows it there; what only a release allows is not allowed by this."""
    return any(_grants(grant, action, store) for grant in person.grants)


def may_anywhere(person: Person, action: Action) -> bool:
    """Say whether some grant of theirs allows it in any store at all."""
    return any(may(person, action, store) for store in (None, *_named(person)))


def stores(person: Person, action: Action, estate: Estate) -> tuple[Store, ...]:
    """Return the estate's stores where they may do it."""
    return tuple(store for store in estate.stores if may(person, action, store.id))


def needs_release(person: Person, action: Action, store: StoreId) -> bool:
    """Say whether they may do it there, but only with one item that a manager released to them."""
    return not may(person, action, store) and any(
        _grants(grant, action, store, released=True) for grant in person.grants
    )


def _grants(grant: Grant, action: Action, store: StoreId | None, *, released: bool = False) -> bool:
    cell = MATRIX.get((grant.role, action))
    return cell is not None and any(
        roles.may(grant.role, action, stores=_of(grant), store=store, purpose=purpose, released=released)
        for purpose in cell.purposes
    )


def _of(grant: Grant) -> Stores:
    return ALL if grant.stores == "*" else frozenset(grant.stores)


def _named(person: Person) -> frozenset[StoreId]:
    return frozenset(store for grant in person.grants if grant.stores != "*" for store in grant.stores)
