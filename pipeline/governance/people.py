"""Somebody with an account: what they are where, and what suspends them by itself. Pure: who asks hands the time in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from pipeline.errors import Refused
from pipeline.governance import roles
from pipeline.governance.roles import ALL, IDENTIFYING, PEOPLE, SERVICES, Action, Role, Stores
from schemas.envelope import Purpose
from schemas.ids import Name, StoreId
from schemas.regulation import Regulation

NAME: Final = re.compile(str(Name.pattern))

_OPERATIONAL: Final = frozenset({Purpose.OPERATION, None})
"""Purposes that no regulation has to name: nothing about a visitor is used for them."""


class Suspension(StrEnum):
    """Why somebody may not see what identifies people, whatever their role; the console says what to do about it."""

    TRAINING_EXPIRED = "training_expired"
    PLEDGE_MISSING = "pledge_missing"
    RULES_NOT_ACKNOWLEDGED = "rules_not_acknowledged"
    DISABLED = "disabled"


class Suspended(Refused):
    """The role would do, but something has run out: `reasons` says what."""

    def __init__(self, reasons: Iterable[Suspension]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(", ".join(self.reasons))


class Grant(NamedTuple):
    """What somebody is, and in which stores."""

    role: Role
    stores: Stores


class Rules(NamedTuple):
    """Of a store's regulation, what decides about people: its version, and the purposes that it names."""

    version: str
    purposes: frozenset[Purpose]


RulesByStore = Mapping[StoreId, Rules]


@dataclass(frozen=True)
class Account:
    """One person's account, without the password's hash, which is looked at only to sign in."""

    name: str
    display_name: str = ""
    grants: tuple[Grant, ...] = ()
    training_until: datetime | None = None
    pledged_on: date | None = None
    pledge_until: datetime | None = None
    acknowledged: Mapping[StoreId, str] = field(default_factory=dict)
    """The version of each store's rules that they have read."""
    disabled: bool = False


def rules_of(regulations: Mapping[StoreId, Regulation]) -> dict[StoreId, Rules]:
    return {store: Rules(each.version, frozenset(each.purposes)) for store, each in regulations.items()}


def sees_people(role: Role) -> bool:
    """Say whether the role can see what identifies people at all: then it takes training and a pledge (R14)."""
    return any(roles.ever(role, action) for action in IDENTIFYING)


def suspensions(account: Account, rules: RulesByStore, now: datetime) -> tuple[Suspension, ...]:
    """Say all that keeps somebody from what identifies people; () where nothing does, or their role never can."""
    if not any(sees_people(grant.role) for grant in account.grants):
        return (Suspension.DISABLED,) if account.disabled else ()
    return tuple(
        reason
        for reason, holds in {
            Suspension.TRAINING_EXPIRED: account.training_until is None or account.training_until <= now,
            Suspension.PLEDGE_MISSING: not _pledged(account, now),
            Suspension.RULES_NOT_ACKNOWLEDGED: bool(to_acknowledge(account, rules)),
            Suspension.DISABLED: account.disabled,
        }.items()
        if holds
    )


def to_acknowledge(account: Account, rules: RulesByStore) -> tuple[str, ...]:
    """Name the versions of rules that somebody still has to read, of the stores where they can see people (R15)."""
    unread = {rules[store].version for store in _sees_in(account, rules) if not _read(account, rules, store)}
    return tuple(sorted(unread))


def acknowledged(account: Account, rules: RulesByStore, version: str) -> dict[StoreId, str]:
    """Return what somebody has read once they have read this version, too.

    Raises:
        Refused: None of their stores has it.
    """
    stores = [store for store in _stores_of(account, rules) if rules[store].version == version]
    if not stores:
        raise Refused(f"none of {account.name}'s stores has rules of version {version}")
    return {**account.acknowledged, **dict.fromkeys(stores, version)}


def may(
    account: Account, action: Action, store: StoreId | None, purpose: Purpose | None, *, released: bool = False
) -> bool:
    """Say whether some grant of theirs allows it; nothing of suspensions."""
    return any(
        roles.may(grant.role, action, stores=grant.stores, store=store, purpose=purpose, released=released)
        for grant in account.grants
    )


def require(
    account: Account,
    action: Action,
    store: StoreId | None,
    purpose: Purpose | None,
    *,
    rules: RulesByStore,
    now: datetime,
    released: bool = False,
) -> None:
    """Refuse what a person may not do.

    Raises:
        Suspended: They are disabled; or it shows people, and training, pledge or the rules' version have run out.
        Refused: Not in their role there, or not for this purpose, or not for any that the store's rules name.
    """
    if account.disabled:
        raise Suspended([Suspension.DISABLED])
    if not may(account, action, store, purpose, released=released):
        if may(account, action, store, purpose, released=True):
            raise Refused(f"{account.name} may {action} only what a manager has released to them")
        raise Refused(f"{account.name} may not {action}{_told(store, purpose)}")
    if purpose not in _OPERATIONAL and not _named(rules, store, purpose):
        raise Refused(f"purpose_incompatible: the rules of {store or 'every store'} do not name {purpose}")
    if action in IDENTIFYING and (reasons := _suspended_in(account, store, rules, now)):
        raise Suspended(reasons)


def require_grant(account: Account, role: Role, now: datetime) -> None:
    """Refuse to give a role that sees people to somebody without training and pledge in force (R14).

    Raises:
        Refused: It is no person's role, or one of them has run out.
    """
    if role not in PEOPLE:
        raise Refused(f"{role} is no person's role")
    if not sees_people(role):
        return
    lacking = [
        each
        for each in suspensions(replace_grants(account, [Grant(role, ALL)]), {}, now)
        if each is not Suspension.DISABLED
    ]
    if lacking:
        raise Refused(f"{role} can see people: {account.name} first needs what is missing ({', '.join(lacking)})")


def replace_grants(account: Account, grants: Iterable[Grant]) -> Account:
    """Give back the account with these grants instead, one a role, in order."""
    merged: dict[Role, Stores] = {}
    for role, stores in grants:
        merged[role] = _both(merged[role], stores) if role in merged else stores
    kept = tuple(Grant(role, merged[role]) for role in Role if merged.get(role))
    return Account(**{**vars(account), "grants": kept})


def new_account(
    name: str,
    display_name: str,
    grants: Iterable[Grant],
    *,
    training_until: datetime | None,
    pledged_on: date | None,
    pledge_until: datetime | None,
    acknowledged: Mapping[StoreId, str] | None = None,
    now: datetime,
) -> Account:
    """Give a new account, which is in no database yet.

    Raises:
        Refused: A part of the system is called so; or a role sees people, without training and pledge in force (R14).
    """
    if not valid_name(name):
        raise Refused(f"{name} is no name for a person: a short one in lower case, and no part of the system's")
    account = Account(
        name,
        display_name,
        training_until=training_until,
        pledged_on=pledged_on,
        pledge_until=pledge_until,
        acknowledged=acknowledged or {},
    )
    granted = tuple(grants)
    for role, _ in granted:
        require_grant(account, role, now)
    return replace_grants(account, granted)


def valid_name(name: str) -> bool:
    """Say whether a person may be called so: the ledger tells people from parts of the system by the name."""
    taken = name.startswith("device-") or name in {role.value for role in SERVICES}
    return not taken and NAME.fullmatch(name) is not None


def _both(one: Stores, other: Stores) -> Stores:
    return ALL if one is ALL or other is ALL else frozenset(one) | frozenset(other)


def _pledged(account: Account, now: datetime) -> bool:
    if account.pledged_on is None or account.pledge_until is None:
        return False
    # A day's grace: where the shops are, today may be tomorrow already.
    return account.pledged_on <= (now + timedelta(days=1)).date() and now < account.pledge_until


def _suspended_in(
    account: Account, store: StoreId | None, rules: RulesByStore, now: datetime
) -> tuple[Suspension, ...]:
    """Say what suspends them in one store: other stores' rules do not matter there."""
    here = rules if store is None else {each: said for each, said in rules.items() if each == store}
    return suspensions(account, here, now)


def _sees_in(account: Account, rules: RulesByStore) -> set[StoreId]:
    return {
        store
        for grant in account.grants
        if sees_people(grant.role)
        for store in (rules if grant.stores is ALL else grant.stores)
        if store in rules
    }


def _stores_of(account: Account, rules: RulesByStore) -> set[StoreId]:
    return {store for store in rules if any(grant.stores is ALL or store in grant.stores for grant in account.grants)}


def _read(account: Account, rules: RulesByStore, store: StoreId) -> bool:
    return account.acknowledged.get(store) == rules[store].version


def _named(rules: RulesByStore, store: StoreId | None, purpose: Purpose | None) -> bool:
    asked = rules.values() if store is None else [rules[store]] if store in rules else []
    return bool(asked) and all(purpose in each.purposes for each in asked)


def _told(store: StoreId | None, purpose: Purpose | None) -> str:
    return (f" in {store}" if store else "") + (f" for {purpose}" if purpose else "")
