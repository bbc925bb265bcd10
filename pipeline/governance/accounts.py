"""Accounts and sessions in a database: SQLite in the vault's folder, or PostgreSQL by URL.

Whoever changes one leaves a note in the same transaction, which the vault tells the ledger; so does the command line
beside a vault that runs or stands still. Sessions are kept by their tokens' hashes, and outlive the vault's process.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from pipeline.errors import Misconfigured, Refused, Unavailable
from pipeline.governance.people import Account, Grant, replace_grants
from pipeline.governance.roles import ALL, Role, Stores
from schemas.frozen import iso
from schemas.ids import StoreId

FILE: Final = "accounts.db"
_POSTGRES: Final = frozenset({"postgresql", "postgres"})
_WRITES: Final = "mimamori_writes"

Change = Callable[[Account], Account]


class _Time(TypeDecorator[datetime]):
    """An instant as text, the same in every database, in the order of time."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else iso(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


_META: Final = MetaData()
_ACCOUNTS: Final = Table(
    "accounts",
    _META,
    Column("name", String(63), primary_key=True),
    Column("display_name", String(80), nullable=False),
    Column("password", String(255), nullable=False),
    Column("training_until", _Time),
    Column("pledged_on", Date),
    Column("pledge_until", _Time),
    Column("disabled", Boolean, nullable=False),
)
_GRANTS: Final = Table(
    "grants",
    _META,
    Column("name", String(63), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("store", String(63), primary_key=True),
)
_READ: Final = Table(
    "rules_read",
    _META,
    Column("name", String(63), primary_key=True),
    Column("store", String(63), primary_key=True),
    Column("version", String(64), nullable=False),
)
_SESSIONS: Final = Table(
    "sessions",
    _META,
    Column("digest", String(64), primary_key=True),
    Column("name", String(63), nullable=False, index=True),
    Column("started_at", _Time, nullable=False),
    Column("seen_at", _Time, nullable=False),
)
_NOTES: Final = Table(
    "notes",
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("body", JSON, nullable=False),
    sqlite_autoincrement=True,
)


class Note(NamedTuple):
    """Something that the ledger is to hear."""

    kind: str
    body: dict[str, Any]
    number: int = 0


def changed(name: str, *, by: str, what: str, **more: str | list[str]) -> Note:
    """Say for the ledger who changed whose account, and what of it."""
    return Note("account_changed", {"person": name, "by": by, "change": what, **more})


def added(account: Account, *, by: str) -> Note:
    """Say for the ledger that there is a new account, and what it may."""
    return changed(account.name, by=by, what="added", grants=[spoken(grant) for grant in account.grants])


def spoken(grant: Grant) -> str:
    """Write a grant in one word, as lists and the ledger have it."""
    return f"{grant.role}:{','.join(_named(grant.stores))}"


class Session(NamedTuple):
    """Somebody signed in."""

    name: str
    started_at: datetime
    seen_at: datetime


class Accounts:
    """The accounts of one vault. Every method may raise Unavailable: the database is away, and nothing was changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made = False

    def account(self, name: str) -> Account | None:
        """Return somebody's account."""
        with self._reading() as connection:
            return _account(connection, name)

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts, by name."""
        with self._reading() as connection:
            names = connection.scalars(select(_ACCOUNTS.c.name).order_by(_ACCOUNTS.c.name)).all()
            found = (_account(connection, name) for name in names)
            return tuple(each for each in found if each is not None)

    def hashed(self, name: str) -> str | None:
        """Return the hash of somebody's password; None: nobody is called so."""
        with self._reading() as connection:
            return connection.scalar(select(_ACCOUNTS.c.password).where(_ACCOUNTS.c.name == name))

    def add(self, account: Account, hashed: str, note: Note) -> None:
        """Add an account.

        Raises:
            Refused: Somebody is called so already.
        """
        with self._writing() as connection:
            try:
                connection.execute(insert(_ACCOUNTS).values(name=account.name, password=hashed, **_fields(account)))
            except IntegrityError:
                raise Refused(f"there is an account {account.name} already") from None
            _write_rest(connection, account)
            _note(connection, note)

    def change(self, name: str, how: Change, *notes: Note) -> Account:
        """Change an account, from what it is at that moment, all at once. Who is disabled by it is signed out.

        Raises:
            Refused: Nobody is called so; or `how` refuses.
        """
        with self._writing() as connection:
            connection.execute(select(_ACCOUNTS.c.name).where(_ACCOUNTS.c.name == name).with_for_update())
            before = _account(connection, name)
            if before is None:
                raise Refused(f"there is no account {name}")
            after = how(before)
            connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.name == name).values(**_fields(after)))
            _write_rest(connection, after)
            if after.disabled:
                connection.execute(delete(_SESSIONS).where(_SESSIONS.c.name == name))
            for note in notes:
                _note(connection, note)
        return after

    def set_hash(self, name: str, hashed: str, note: Note) -> None:
        """Give somebody another password, and end all their sessions.

        Raises:
            Refused: Nobody is called so.
        """
        with self._writing() as connection:
            done = connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.name == name).values(password=hashed))
            if not done.rowcount:
                raise Refused(f"there is no account {name}")
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.name == name))
            _note(connection, note)

    def remove(self, name: str, note: Note) -> None:
        """Forget somebody: their account, grants and sessions. What the ledger says of them stays.

        Raises:
            Refused: Nobody is called so.
        """
        with self._writing() as connection:
            if not connection.execute(delete(_ACCOUNTS).where(_ACCOUNTS.c.name == name)).rowcount:
                raise Refused(f"there is no account {name}")
            for table in (_GRANTS, _READ, _SESSIONS):
                connection.execute(delete(table).where(table.c.name == name))
            _note(connection, note)

    def rehash(self, name: str, old: str, new: str) -> bool:
        """Keep the same password with more work; sessions go on. False: meanwhile it is another."""
        where = (_ACCOUNTS.c.name == name) & (_ACCOUNTS.c.password == old)
        with self._writing() as connection:
            return bool(connection.execute(update(_ACCOUNTS).where(where).values(password=new)).rowcount)

    def open_session(self, digest: str, name: str, hashed: str, now: datetime, note: Note) -> bool:
        """Remember who is signed in by a token of this hash.

        Returns:
            False: Meanwhile the account was closed, or its password is no longer that of `hashed`.
        """
        same = (_ACCOUNTS.c.name == name) & (_ACCOUNTS.c.password == hashed) & _ACCOUNTS.c.disabled.is_(False)
        with self._writing() as connection:
            if connection.scalar(select(_ACCOUNTS.c.name).where(same).with_for_update()) is None:
                return False
            values = {"digest": digest, "name": name, "started_at": now, "seen_at": now}
            connection.execute(insert(_SESSIONS).values(**values))
            _note(connection, note)
        return True

    def session(self, digest: str) -> Session | None:
        """Return who is signed in by a token of this hash."""
        columns = (_SESSIONS.c.name, _SESSIONS.c.started_at, _SESSIONS.c.seen_at)
        with self._reading() as connection:
            row = connection.execute(select(*columns).where(_SESSIONS.c.digest == digest)).one_or_none()
            return None if row is None else Session(*row)

    def touch(self, digest: str, now: datetime) -> None:
        """Remember that a session was used just now."""
        with self._writing() as connection:
            connection.execute(update(_SESSIONS).where(_SESSIONS.c.digest == digest).values(seen_at=now))

    def close_session(self, digest: str) -> None:
        with self._writing() as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.digest == digest))

    def forget_sessions(self, started_before: datetime, seen_before: datetime) -> None:
        """Forget sessions that are over."""
        over = or_(_SESSIONS.c.started_at <= started_before, _SESSIONS.c.seen_at <= seen_before)
        with self._writing() as connection:
            connection.execute(delete(_SESSIONS).where(over))

    def notes(self, limit: int) -> tuple[Note, ...]:
        """Return what the ledger has not heard yet, in order."""
        asked = select(_NOTES.c.kind, _NOTES.c.body, _NOTES.c.number).order_by(_NOTES.c.number).limit(limit)
        with self._reading() as connection:
            return tuple(Note(*row) for row in connection.execute(asked))

    def told(self, number: int) -> None:
        """Forget the notes up to a number: the ledger holds them."""
        with self._writing() as connection:
            connection.execute(delete(_NOTES).where(_NOTES.c.number <= number))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _away():
            self._make()
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _away():
            self._make()
            with self._begin() as connection:
                yield connection

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def _make(self) -> None:
        # Not when it is opened: a vault whose accounts are away starts all the same, and destroys its keys on time.
        if self._made:
            return
        with self._engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
        if not there.issuperset(_META.tables):
            with self._begin() as connection:
                _META.create_all(connection)
        self._made = True


def open_accounts(folder: Path, url: str = "") -> Accounts:
    """Open the accounts of a vault: the file in its folder, made where there is none, or those at the URL.

    Raises:
        Misconfigured: The URL is none, or the file is open to other users.
    """
    return Accounts(_engine(_address(url)) if url else _sqlite(folder / FILE))


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        # Its words would quote the URL, and the password in it.
        raise Misconfigured("MIMAMORI_ACCOUNTS__URL is no database URL: postgresql://user:…@host/database") from None
    return address.set(drivername="postgresql+psycopg") if address.drivername in _POSTGRES else address


def _engine(address: URL) -> Engine:
    try:
        return create_engine(address, hide_parameters=True, pool_pre_ping=True, connect_args=_quickly(address))
    except (NoSuchModuleError, ModuleNotFoundError):
        raise Misconfigured(f"MIMAMORI_ACCOUNTS__URL: no driver for {address.drivername} is installed") from None


def _quickly(address: URL) -> dict[str, str]:
    # The vault asks from the thread whose timer destroys keys: a database that is away must not hold it up for long.
    if address.drivername != "postgresql+psycopg":
        return {}
    return {"connect_timeout": "2", "tcp_user_timeout": "5000", "options": "-c statement_timeout=5s -c lock_timeout=5s"}


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"{path} is open to other users: chmod 600 {path}")
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": 5})

    # The driver's own transactions begin late: two who read and then write would both believe what they read.
    # Who only reads needs no lock for writing, nor a disk that takes any.
    @event.listens_for(engine, "connect")
    def by_hand(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"the accounts are away: {type(error).__name__}") from None


def _account(connection: Connection, name: str) -> Account | None:
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.name == name)).one_or_none()
    if row is None:
        return None
    granted = connection.execute(select(_GRANTS.c.role, _GRANTS.c.store).where(_GRANTS.c.name == name)).all()
    read = connection.execute(select(_READ.c.store, _READ.c.version).where(_READ.c.name == name)).all()
    account = Account(
        name=row.name,
        display_name=row.display_name,
        training_until=row.training_until,
        pledged_on=row.pledged_on,
        pledge_until=row.pledge_until,
        acknowledged={StoreId(store): version for store, version in read},
        disabled=row.disabled,
    )
    return replace_grants(account, (_grant(role, store) for role, store in granted))


def _grant(role: str, store: str) -> Grant:
    return Grant(Role(role), ALL if store == ALL else frozenset({StoreId(store)}))


def _named(stores: Stores) -> list[str]:
    return [ALL.value] if stores is ALL else sorted(stores)


def _fields(account: Account) -> dict[str, str | bool | datetime | date | None]:
    return {
        "display_name": account.display_name,
        "training_until": account.training_until,
        "pledged_on": account.pledged_on,
        "pledge_until": account.pledge_until,
        "disabled": account.disabled,
    }


def _write_rest(connection: Connection, account: Account) -> None:
    for table in (_GRANTS, _READ):
        connection.execute(delete(table).where(table.c.name == account.name))
    grants = [
        {"name": account.name, "role": role.value, "store": store}
        for role, stores in account.grants
        for store in _named(stores)
    ]
    read = [{"name": account.name, "store": store, "version": said} for store, said in account.acknowledged.items()]
    _insert_all(connection, _GRANTS, grants)
    _insert_all(connection, _READ, read)


def _insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, str]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _note(connection: Connection, note: Note) -> None:
    connection.execute(insert(_NOTES).values(kind=note.kind, body=note.body))
