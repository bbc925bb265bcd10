"""What a manager does about the accounts of their own stores; all else is done by command line."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from pipeline.errors import Refused
from pipeline.governance import people
from pipeline.governance.accounts import Accounts, Note, added, changed, open_accounts
from pipeline.governance.passwords import Hashing, Passwords, require_strong
from pipeline.governance.people import Account, Grant
from pipeline.governance.roles import ALL, Action, Role, Stores
from pipeline.vault.api import Person
from pipeline.vault.keeping import Unreadable
from pipeline.vault.people import People
from pipeline.vault.people_api import NewAccount, Recorded
from schemas.frozen import iso
from schemas.ids import StoreId
from schemas.regulation import Regulation

COMMAND_LINE: Final = "`mimamori accounts` does this"
FAR: Final = timedelta(days=3653)
"""Ten years: dates of accounts that lie further off are mistakes."""


class Staff:
    """Accounts as managers see and change them. Every change is one for the ledger."""

    def __init__(self, people: People, accounts: Accounts, hashing: Hashing) -> None:
        self._people = people
        self._accounts = accounts
        self._hashing = hashing

    def of(self, manager: Person, now: datetime) -> tuple[Person, ...]:
        """Return the accounts of people who have a role in some store of this manager's.

        Raises:
            Refused: Who asks is no manager.
        """
        own = self._own(manager, now)
        return tuple(self._people.shown(each, now) for each in self._accounts.accounts() if _touches(each, own))

    async def add(self, manager: Person, asked: NewAccount, now: datetime) -> Person:
        """Make an account for one of a manager's staff.

        Raises:
            Refused: Not in these stores; a weak password; a name that is taken; no training or pledge in force.
        """
        for store in asked.stores:
            self._people.require_person(manager, Action.ACCOUNTS, store, None, now)
        _require_near(now, asked.training_until, asked.pledged_on, asked.pledge_until)
        account = people.new_account(
            asked.name,
            asked.display_name,
            [Grant(Role.STAFF, frozenset(asked.stores))],
            training_until=asked.training_until,
            pledged_on=asked.pledged_on,
            pledge_until=asked.pledge_until,
            now=now,
        )
        require_strong(asked.password, account.name, account.display_name)
        hashed = await self._hashing.hash(asked.password)
        self._accounts.add(account, hashed, added(account, by=manager.name))
        return self._people.shown(account, now)

    def set_stores(self, manager: Person, name: str, stores: frozenset[StoreId], now: datetime) -> Person:
        """Say in which of a manager's own stores somebody is staff.

        Raises:
            Refused: Not one of their stores; or no training or pledge in force.
        """
        for store in stores:
            self._people.require_person(manager, Action.ACCOUNTS, store, None, now)
        own = self._require(manager, name, now)
        note = changed(name, by=manager.name, what="granted", role=Role.STAFF.value, stores=sorted(stores))
        after = self._accounts.change(name, lambda account: _staff_in(account, stores, own, now), note)
        return self._people.shown(after, now)

    def record(self, manager: Person, name: str, asked: Recorded, now: datetime) -> Person:
        """Take down somebody's training, pledge or both, all of it or nothing. Nobody records their own.

        Raises:
            Refused: Nobody of their stores, or themselves.
            Unreadable: A date that no training or pledge can have.
        """
        self._require(manager, name, now)
        fields: dict[str, Any] = {}
        notes: list[Note] = []
        if asked.training_until is not None:
            fields["training_until"] = asked.training_until
            notes.append(changed(name, by=manager.name, what="trained", until=iso(asked.training_until)))
        if asked.pledged is not None:
            fields |= {"pledged_on": asked.pledged.signed_on, "pledge_until": asked.pledged.until}
            notes.append(changed(name, by=manager.name, what="pledged", until=iso(asked.pledged.until)))
        _require_near(now, *fields.values())
        after = self._accounts.change(name, lambda account: replace(account, **fields), *notes)
        return self._people.shown(after, now)

    def set_disabled(self, manager: Person, name: str, now: datetime, *, disabled: bool) -> Person:
        """Close or open the account of somebody who is staff, in stores of this manager's alone."""
        own = self._require(manager, name, now)
        note = changed(name, by=manager.name, what="disabled" if disabled else "enabled")
        after = self._accounts.change(name, _only_staff(own, lambda account: replace(account, disabled=disabled)), note)
        return self._people.shown(after, now)

    async def set_password(self, manager: Person, name: str, password: SecretStr, now: datetime) -> None:
        """Give another password to somebody who is staff, in stores of this manager's alone."""
        own = self._require(manager, name, now)
        account = self._accounts.account(name)
        if account is None or not _is_only_staff(account, own):
            raise _more_than_staff(name)
        require_strong(password, account.name, account.display_name)
        note = changed(name, by=manager.name, what="password")
        self._accounts.set_hash(name, await self._hashing.hash(password), note)

    def _own(self, manager: Person, now: datetime) -> Stores:
        own = self._people.stores(manager, Action.ACCOUNTS)
        if not own:
            raise Refused(f"{manager.name} may not {Action.ACCOUNTS}")
        # Whoever was a manager a moment ago is asked for again: at least one of those stores must still be theirs.
        for store in sorted(own) if own is not ALL else [None]:
            self._people.require_person(manager, Action.ACCOUNTS, store, None, now)
        return own

    def _require(self, manager: Person, name: str, now: datetime) -> Stores:
        """Return a manager's stores, if this is somebody of theirs, and somebody else."""
        own = self._own(manager, now)
        if name == manager.name:
            raise Refused(f"nobody changes their own account: another manager does, or {COMMAND_LINE}")
        account = self._accounts.account(name)
        if account is None or not _touches(account, own):
            raise Refused(f"{name} is nobody of {manager.name}'s stores")
        return own


def open_people(folder: Path, url: str, regulations: Mapping[StoreId, Regulation]) -> tuple[People, Staff]:
    """Open the accounts of a vault in its folder, or at the URL, for stores with these rules.

    Raises:
        Misconfigured: The URL is none, or the file is open to other users.
    """
    accounts, hashing = open_accounts(folder, url), Hashing(Passwords())
    found = People(accounts, people.rules_of(regulations), hashing)
    return found, Staff(found, accounts, hashing)


def _require_near(now: datetime, *dates: date) -> None:
    for each in dates:
        day = each.date() if isinstance(each, datetime) else each
        if abs(day - now.date()) > FAR:
            raise Unreadable("a training or a pledge begins and ends within ten years of now")


def _touches(account: Account, own: Stores) -> bool:
    return any(own is ALL or stores is ALL or bool(frozenset(stores) & own) for _, stores in account.grants)


def _within(stores: Stores, own: Stores) -> bool:
    return own is ALL or (stores is not ALL and frozenset(stores) <= own)


def _is_only_staff(account: Account, own: Stores) -> bool:
    return all(role is Role.STAFF and _within(stores, own) for role, stores in account.grants)


def _only_staff(own: Stores, how: Callable[[Account], Account]) -> Callable[[Account], Account]:
    def change(account: Account) -> Account:
        if not _is_only_staff(account, own):
            raise _more_than_staff(account.name)
        return how(account)

    return change


def _more_than_staff(name: str) -> Refused:
    return Refused(f"{name} is more than staff of your own stores: {COMMAND_LINE}")


def _staff_in(account: Account, stores: frozenset[StoreId], own: Stores, now: datetime) -> Account:
    """Make somebody staff in just these of a manager's stores; elsewhere, and in other roles, nothing changes."""
    kept: frozenset[StoreId] = frozenset()
    for role, there in account.grants:
        if role is Role.STAFF and own is not ALL:
            if there is ALL:
                raise _more_than_staff(account.name)
            kept |= frozenset(there) - own
    if stores:
        people.require_grant(account, Role.STAFF, now)
    others = [grant for grant in account.grants if grant.role is not Role.STAFF]
    return people.replace_grants(account, [*others, Grant(Role.STAFF, kept | stores)])
