"""The key table in PostgreSQL: one vault's, which holds it by an advisory lock.

PostgreSQL keeps what was deleted: dead rows until VACUUM, their bytes in the page until it is written over, all of it
in the write-ahead log, its archive and every standby. Here that does not matter: a private half lies in this table only
under the slot key of its expiry, and the slot key lives in the ring alone. Once it is destroyed, what is left here, or
in any backup of here, is noise. VACUUM after each destruction keeps the table small; it is not what makes keys die.

Statements are those of `SqlKeyTable`; this file is the way there.

Whoever loses the lock may not take it up again: while it was free, another vault may have made and destroyed keys, or
the database may have come back from a backup, and what this process remembers is of before. So it ends, and the next
one recovers. While the database is away, it goes on as far as it can: slot keys die by their names.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg.pq import TransactionStatus

from pipeline.errors import MimamoriError, Misconfigured, Unavailable
from pipeline.vault.store import TABLES, Sql, SqlKeyTable

_LOCK: Final = int.from_bytes(b"mimamori")
"""Of an advisory lock: whoever holds it is the only vault of this database. It goes with the connection."""

_SETTINGS: Final = (
    "-c statement_timeout=10s -c lock_timeout=5s -c synchronous_commit=on"
    # Whoever loses its power leaves the lock behind: the server is to notice within half a minute, not in two hours.
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


class LockLost(MimamoriError):
    """The key table can be had again, by a process that has recovered: this one must end."""


class PostgresKeyTable(SqlKeyTable):
    """The key table in a PostgreSQL database of its own, over one connection. Once that is lost, and the database is
    there again, every method raises LockLost.

    The lock is the connection's, so there must be no pooler in between that shares connections.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        # Waiting for a moment: the last vault may have been killed just now, and its session not ended yet.
        self._db = self._connected("SELECT true FROM pg_advisory_lock(%s)")
        try:
            self._prepare()
        except psycopg.Error as error:
            self._db.close()
            raise Unavailable(f"the key table: {_said(error)}") from None
        except Misconfigured:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def _prepare(self) -> None:
        ((fsync,),) = self._db.execute("SHOW fsync").fetchall()
        if fsync != "on":
            raise Misconfigured("PostgreSQL runs with fsync off: a key table must survive a crash")
        for statement in filter(str.strip, _in_postgres(TABLES).split(";")):
            self._db.execute(statement)

    def _connected(self, lock: LiteralString) -> psycopg.Connection[tuple[Any, ...]]:
        try:
            # Quickly: a database that is away must not hold up the timer.
            db = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=2,
                tcp_user_timeout=5000,
                options=_SETTINGS,
                application_name="mimamori-vault",
            )
        except psycopg.ProgrammingError:
            # Not quoted: there may be a password in it.
            raise Misconfigured("the key table's address is none: postgresql://user@host/database") from None
        except psycopg.Error as error:
            raise Unavailable(f"the key table: {_said(error)}") from None
        try:
            ((held,),) = db.execute(lock, (_LOCK,)).fetchall()
        except psycopg.errors.LockNotAvailable:
            held = False
        except psycopg.Error as error:
            db.close()
            raise Unavailable(f"the key table: {_said(error)}") from None
        if not held:
            db.close()
            raise Misconfigured("another vault holds this database's key table: stop it first")
        return db

    def _alive(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._db.closed:
            try:
                # Not waiting: the timer has slot keys to destroy.
                self._connected("SELECT pg_try_advisory_lock(%s)").close()
            except Misconfigured as error:
                # Our own old session may not be gone yet; or another vault took over, and this one gives nothing.
                raise Unavailable(str(error)) from None
            raise LockLost("the key table was out of reach, and may be another than before")
        return self._db

    def _forget(self) -> None:
        try:
            self._alive().execute("VACUUM private_keys")
        except psycopg.Error as error:
            raise Unavailable(f"the key table: {_said(error)}") from None

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._alive().execute(_placed(query), values).fetchall()
        except psycopg.Error as error:
            raise Unavailable(f"the key table: {_said(error)}") from None

    @contextmanager
    def _transaction(self) -> Iterator[Sql]:
        db = self._alive()
        try:
            with db.transaction():
                yield _Statements(db)
        except psycopg.Error as error:
            raise Unavailable(f"the key table: {_said(error)}") from None
        finally:
            # Whatever ended it, nothing half done stays open.
            if not db.closed and db.info.transaction_status is not TransactionStatus.IDLE:
                db.close()


class _Statements:
    def __init__(self, db: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._db = db

    def execute(self, query: str, values: Sequence[Any] = (), /) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._db.execute(_placed(query), values)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> None:
        with self._db.cursor() as cursor:
            cursor.executemany(_placed(query), rows)


def _placed(query: str) -> str:
    return query.replace("?", "%s")


def _in_postgres(tables: str) -> str:
    """Turn SQLite's words for tables into PostgreSQL's, which is strict anyway."""
    return tables.replace(" STRICT", "").replace(" BLOB", " BYTEA").replace(" INTEGER", " BIGINT")


def _said(error: psycopg.Error) -> str:
    # What kind it is; its words may quote rows, or the address with the password in it.
    return f"{type(error).__name__} {error.sqlstate or ''}".strip()
