"""Who is signed in, and whether they may: the vault's side of accounts. The console holds neither password nor role."""

import secrets
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from pydantic import SecretStr

from pipeline.errors import Refused, Unavailable
from pipeline.governance import people
from pipeline.governance.accounts import Accounts, Note, changed
from pipeline.governance.passwords import Hashing, Passwords, require_strong
from pipeline.governance.people import Account, Grant, RulesByStore, Suspended, Suspension
from pipeline.governance.roles import ALL, MATRIX, Action, Role, Stores
from pipeline.governance.throttle import Throttle, Wait
from pipeline.vault import api
from pipeline.vault.api import Matrix, MatrixRow, Person, SignedIn, SignedOut
from pipeline.vault.ledger import Fact, Kind, Ledger
from pipeline.vault.refusals import Refusals
from schemas.envelope import Purpose
from schemas.ids import StoreId

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=8)
NOBODY: Final = "nobody"
"""Whom the ledger names where the name that was typed is nobody's."""

_SEEN_EVERY: Final = timedelta(seconds=30)
_TOLD_AT_ONCE: Final = 1000
_WRONG: Final = "name and password are not somebody's"
_OVER: Final = "nobody is signed in by this session, or not any more"


class People:
    """Sessions and what they may, at use. Call it from one thread; only hashing goes to another."""

    def __init__(
        self,
        accounts: Accounts,
        rules: RulesByStore,
        hashing: Hashing | None = None,
    ) -> None:
        self._accounts = accounts
        self._rules = rules
        self._hashing = hashing or Hashing(Passwords())
        self._throttle = Throttle()
        self._refused = Refusals()

    def person(self, session: str | None, now: datetime, *, acting: bool = True) -> Person:
        """Say who is signed in by a session's token; where they act, and not only their page asks, keep it alive.

        Raises:
            SignedOut: Nobody is: it ended, was idle for half an hour, or never was.
            Unavailable: The accounts are away.
        """
        return self.shown(self._account_of(session, now, acting=acting), now)

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
        """Refuse what this person may not do now; their account is read again, it may have changed.

        Args:
            person: As `person` said.
            action: What they want to do.
            store: Where; None for the estate as a whole.
            purpose: What for; None where nothing is opened.
            now: The vault's time.
            released: Whether a manager has released this very item to this very person, in force now (R16).

        Raises:
            Suspended: Training, pledge or rules have run out, or the account is disabled: `reasons` says which.
            Refused: Not in their role, not in that store, or not for that purpose.
            Unavailable: The accounts are away.
        """
        account = self._accounts.account(person.name)
        if account is None:
            raise Refused(f"there is no account {person.name}")
        people.require(account, action, store, purpose, rules=self._rules, now=now, released=released)

    def stores(self, person: Person, action: Action) -> Stores:
        """Return where this person may do something by their role, a release not counted; to filter lists by."""
        granted = [domain(grant) for grant in person.grants if (grant.role, action) in MATRIX]
        own = [grant.stores for grant in granted if not MATRIX[grant.role, action].only_released]
        return ALL if ALL in own else frozenset(store for each in own if each is not ALL for store in each)

    def require_staff(self, name: str, store: StoreId) -> None:
        """Refuse to release anything to somebody who is not staff of that store, or whose account is closed.

        Raises:
            Refused: They are not.
            Unavailable: The accounts are away.
        """
        account = self._accounts.account(name)
        if account is None or account.disabled or not _is(account, Role.STAFF, store):
            raise Refused(f"{name} is not staff of {store}")

    async def sign_in(self, name: str, password: SecretStr, now: datetime) -> SignedIn:
        """Begin a session.

        Raises:
            SignedOut: Name and password are not somebody's; the same answer after the same work, whichever is wrong.
            Suspended: They are, and the account is closed.
            Wait: There were too many attempts for this name.
            Unavailable: The accounts are away, or too many sign in at once.
        """
        name = _typed(name)
        hashed = self._accounts.hashed(name)
        try:
            return await self._signed_in(name, hashed, password, now)
        except Refused as refusal:
            # What was typed for a name may be a password: only a name that somebody has is written down.
            self._refused.add(_refusal(NOBODY if hashed is None else name, refusal))
            raise

    async def _signed_in(self, name: str, hashed: str | None, password: SecretStr, now: datetime) -> SignedIn:
        self._throttle.begin(name, now)
        if not await self._hashing.fits(hashed, password):
            raise SignedOut(_WRONG)
        account = self._accounts.account(name)
        if account is None or hashed is None:
            raise SignedOut(_WRONG)
        if account.disabled:
            raise Suspended([Suspension.DISABLED])
        self._throttle.right(name)
        hashed = await self._with_work_of_today(name, hashed, password)
        token, note = secrets.token_urlsafe(32), Note(Kind.SIGNED_IN.value, {"person": name})
        self._accounts.forget_sessions(now - LONGEST, now - IDLE)
        if not self._accounts.open_session(_digest(token), name, hashed, now, note):
            # While this one was hashed, somebody gave another password or closed the account.
            raise SignedOut(_WRONG)
        return SignedIn(token=token, ends_at=now + LONGEST, person=self.shown(account, now))

    async def _with_work_of_today(self, name: str, hashed: str, password: SecretStr) -> str:
        if not self._hashing.outdated(hashed):
            return hashed
        anew = await self._hashing.hash(password)
        return anew if self._accounts.rehash(name, hashed, anew) else hashed

    def sign_out(self, session: str) -> None:
        """End a session; one that has ended stays so."""
        self._accounts.close_session(_digest(session))

    def acknowledge(self, session: str | None, version: str, now: datetime) -> Person:
        """Take down that somebody has read this version of their stores' rules (R15).

        Raises:
            SignedOut: Nobody is signed in.
            Refused: None of their stores has rules of that version.
        """
        name = self._account_of(session, now).name
        after = self._accounts.change(
            name,
            lambda account: replace(account, acknowledged=people.acknowledged(account, self._rules, version)),
            changed(name, by=name, what="rules_acknowledged", version=version),
        )
        return self.shown(after, now)

    async def change_own_password(self, session: str | None, old: SecretStr, new: SecretStr, now: datetime) -> None:
        """Let somebody choose another password; all their sessions end.

        Raises:
            SignedOut: Nobody is signed in, or the old password is not theirs.
            Wait: There were too many attempts.
            WeakPassword: The new one would keep nobody out.
        """
        account = self._account_of(session, now)
        self._throttle.begin(account.name, now)
        hashed = self._accounts.hashed(account.name)
        if not await self._hashing.fits(hashed, old):
            raise SignedOut("the old password is not right")
        self._throttle.right(account.name)
        require_strong(new, account.name, account.display_name)
        note = changed(account.name, by=account.name, what="password")
        self._accounts.set_hash(account.name, await self._hashing.hash(new), note)

    def matrix(self) -> Matrix:
        """Return all that anybody may (R17)."""
        return Matrix(
            rows=tuple(
                MatrixRow(
                    role=role,
                    action=action,
                    purposes=tuple(sorted(cell.purposes, key=str)),
                    only_released=cell.only_released,
                )
                for (role, action), cell in MATRIX.items()
            )
        )

    def tell(self, ledger: Ledger, now: datetime) -> None:
        """Tell the ledger who signed in, who could not, and whose account was changed; killed in between, twice.

        Those who could not are counted: guessing fills no disk.

        Raises:
            Unavailable: Ledger or accounts are away. Nothing is forgotten: call again.
        """
        ledger.append(self._refused.facts(), now)
        self._refused.clear()
        while notes := self._accounts.notes(_TOLD_AT_ONCE):
            ledger.append([Fact(Kind(note.kind), note.body) for note in notes], now)
            self._accounts.told(notes[-1].number)

    def close(self) -> None:
        """Let go of threads and database."""
        self._hashing.close()
        self._accounts.close()

    def _account_of(self, token: str | None, now: datetime, *, acting: bool = True) -> Account:
        if not token:
            raise SignedOut(_OVER)
        digest = _digest(token)
        session = self._accounts.session(digest)
        if session is None or not now < min(session.started_at + LONGEST, session.seen_at + IDLE):
            raise SignedOut(_OVER)
        account = self._accounts.account(session.name)
        if account is None or account.disabled:
            raise SignedOut(_OVER)
        if acting and now - session.seen_at >= _SEEN_EVERY:
            # A disk that takes nothing keeps nobody from reading; the session ends a little earlier.
            with suppress(Unavailable):
                self._accounts.touch(digest, now)
        return account

    def shown(self, account: Account, now: datetime) -> Person:
        """Say of an account what goes over the wire."""
        return Person(
            name=account.name,
            display_name=account.display_name,
            grants=tuple(api.Grant(role=role, stores=_listed(stores)) for role, stores in account.grants),
            training_until=account.training_until,
            pledge_until=account.pledge_until,
            acknowledged_version=_one(account.acknowledged),
            acknowledged=dict(account.acknowledged),
            to_acknowledge=people.to_acknowledge(account, self._rules),
            suspended=people.suspensions(account, self._rules, now),
        )


def _refusal(name: str, refusal: Refused) -> dict[str, str]:
    reason = "too many attempts" if isinstance(refusal, Wait) else str(refusal)
    return {"principal": name, "action": Action.SIGN_IN.value, "reason": reason}


def _typed(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().lower()


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _is(account: Account, role: Role, store: StoreId) -> bool:
    return any(grant.role is role and (grant.stores is ALL or store in grant.stores) for grant in account.grants)


def _one(read: Mapping[StoreId, str]) -> str | None:
    """Return the version that somebody has read, where it is one for all their stores."""
    versions = set(read.values())
    return versions.pop() if len(versions) == 1 else None


def _listed(stores: Stores) -> Any:
    return ALL.value if stores is ALL else tuple(sorted(stores))


def domain(grant: api.Grant) -> Grant:
    """Read a grant from the wire."""
    return Grant(grant.role, ALL if grant.stores == ALL.value else frozenset(grant.stores))
