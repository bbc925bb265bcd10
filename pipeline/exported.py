"""What was exported of each store and day, in a database that all workers share; and the secret of its noise."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from pipeline.clock import Clock, SystemClock
from pipeline.errors import Misconfigured, Unavailable
from pipeline.flow.budget import Release
from pipeline.flow.noise import SECRET_BYTES
from schemas.frozen import iso

REMEMBERED: Final = timedelta(days=31)
"""So long after a day it may still be told of: detections of it live no longer than three days."""

_AGAIN: Final = 8
_META: Final = MetaData()
_DAYS: Final = Table(
    "exported_days",
    _META,
    Column("store_id", String(63), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("spent", Integer, nullable=False),
)
_SHARES: Final = Table(
    "exported_shares",
    _META,
    Column("store_id", String(63), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("camera_id", String(63), primary_key=True),
    Column("micro", Integer, nullable=False),
    Column("terms", String(64), nullable=False),
)
_WINDOWS: Final = Table(
    "exported_windows",
    _META,
    Column("store_id", String(63), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("camera_id", String(63), primary_key=True),
    Column("window_start", String(27), primary_key=True),
    Column("content", String(64), nullable=False),
)


class Exported:
    """The ledger of ε (`pipeline.flow.budget.Ledger`): SQLite on one machine, PostgreSQL on many.

    It knows no count: what a window told is kept sealed with the key of its noise.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._made = False

    def allows(self, release: Release) -> bool:
        """Enter a release; say whether it may be told. See `pipeline.flow.budget.Ledger`.

        Raises:
            Unavailable: The database is away, or so busy that nothing could be entered.
        """
        for _ in range(_AGAIN):
            try:
                with self._writing() as connection:
                    return _shared(connection, release, self._forgets) and _told_once(connection, release)
            except IntegrityError:
                continue  # another worker entered the same at this very moment: look again
            except SQLAlchemyError as error:
                raise Unavailable(f"the ledger of exports is away: {type(error).__name__}") from None
        raise Unavailable("the ledger of exports is busy")

    def spent(self, release: Release) -> int:
        """Return what a release's store and day have spent so far, in millionths of ε."""
        with self._writing() as connection:
            return connection.scalar(select(_DAYS.c.spent).where(_of_day(_DAYS, release))) or 0

    @property
    def _forgets(self) -> date:
        return (self._clock.now() - REMEMBERED).date()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if not self._made:
            if not set(inspect(self._engine).get_table_names()).issuperset(_META.tables):
                _META.create_all(self._engine)
            self._made = True
        with self._engine.begin() as connection:
            yield connection


def _of_day(table: Table, release: Release) -> Any:
    return (table.c.store_id == release.store_id) & (table.c.day == release.day)


def _shared(connection: Connection, release: Release, forgets: date) -> bool:
    """Say whether the camera has its share of the day; take it, where none was taken and enough is left."""
    had = _had(connection, release)
    if had is not None:
        return had
    if not connection.scalar(select(func.count()).select_from(_DAYS).where(_of_day(_DAYS, release))):
        _begin_day(connection, release, forgets)
    # One statement that looks and spends: no two can spend the same.
    enough = _of_day(_DAYS, release) & (_DAYS.c.spent + release.micro <= release.budget)
    if not connection.execute(update(_DAYS).where(enough).values(spent=_DAYS.c.spent + release.micro)).rowcount:
        # The last of it may have gone to this very camera, which another worker follows by now.
        return _had(connection, release) is True
    connection.execute(insert(_SHARES).values(**_key(release), micro=release.micro, terms=release.terms))
    return True


def _had(connection: Connection, release: Release) -> bool | None:
    """Say whether the camera's share was taken under the same terms; None: it was not taken."""
    here = _of_day(_SHARES, release) & (_SHARES.c.camera_id == release.camera_id)
    had = connection.execute(select(_SHARES.c.micro, _SHARES.c.terms).where(here)).one_or_none()
    return None if had is None else (had.micro, had.terms) == (release.micro, release.terms)


def _begin_day(connection: Connection, release: Release, forgets: date) -> None:
    # By the clock here and not by the day: a device whose clock is ahead must not make any day forgotten.
    connection.execute(insert(_DAYS).values(store_id=release.store_id, day=release.day, spent=0))
    for table in (_DAYS, _SHARES, _WINDOWS):
        old = (table.c.store_id == release.store_id) & (table.c.day < forgets)
        connection.execute(delete(table).where(old))


def _told_once(connection: Connection, release: Release) -> bool:
    """Say whether the window was not told before, or just so."""
    start = iso(release.window_start)
    here = _of_day(_WINDOWS, release) & (_WINDOWS.c.camera_id == release.camera_id)
    told = connection.scalar(select(_WINDOWS.c.content).where(here & (_WINDOWS.c.window_start == start)))
    if told is None:
        connection.execute(insert(_WINDOWS).values(**_key(release), window_start=start, content=release.content))
    return told in {None, release.content}


def _key(release: Release) -> dict[str, Any]:
    return {"store_id": release.store_id, "day": release.day, "camera_id": release.camera_id}


def open_exported(home: Path, url: str = "", clock: Clock | None = None) -> Exported:
    """Open the ledger: a file in this machine's home, made where there is none, or the database at the URL.

    Raises:
        Misconfigured: The URL is none, or no driver for it is installed.
    """
    return Exported(_server(url) if url else _sqlite(home / "flow" / "exported.db"), clock or SystemClock())


def _server(url: str) -> Engine:
    try:
        address = make_url(url)
        if address.drivername in {"postgresql", "postgres"}:
            address = address.set(drivername="postgresql+psycopg")
        return create_engine(address, hide_parameters=True, pool_pre_ping=True)
    except ArgumentError:
        # Its words would quote the URL, and the password in it.
        raise Misconfigured("MIMAMORI_FLOW__LEDGER is no database URL: postgresql://user:…@host/database") from None
    except (NoSuchModuleError, ModuleNotFoundError):
        raise Misconfigured("MIMAMORI_FLOW__LEDGER: no driver for it is installed") from None


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True, connect_args={"timeout": 5})

    # The driver's own transactions begin late: two who read and then write would both believe what they read.
    @event.listens_for(engine, "connect")
    def by_hand(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def secret_of(path: Path | None) -> bytes:
    """Read the secret from which all noise is drawn; whoever has it can take the noise away.

    Raises:
        Misconfigured: There is none, it is short, or other users may read it.
    """
    if path is None:
        raise Misconfigured("flow.profile is export, but MIMAMORI_FLOW__SECRET names no file: `mimamori flow secret`")
    try:
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"{path} is open to other users: chmod 600 {path}")
        secret = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from None
    if len(secret) < SECRET_BYTES:
        raise Misconfigured(f"{path} holds no secret of {SECRET_BYTES} bytes: `mimamori flow secret` makes one")
    return secret


def make_secret(path: Path) -> None:
    """Write a new secret.

    Raises:
        Misconfigured: There is a file already: another secret would draw other noise for the same counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Misconfigured(f"{path} is there already; its noise cannot be drawn from another") from None
