"""The key table: keys, their private halves wrapped, decisions, and the outbox of what the ledger must still hear.

A private half lies here only under the slot key of its expiry; the slot key lies in the ring. What changes a key and
what the ledger must say about it are one transaction.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.keys import BucketKey, Ciphertext, Owner, Span, instant, micros
from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.records import RECORDS, Record, Records, SqlRecords, put
from pipeline.vault.sql import Sql, note_number, post, raise_number
from schemas.envelope import Purpose
from schemas.ids import AlertId, CameraId, KeyId, NoticeId, StoreId

__all__ = ["REMEMBERED", "TABLES", "KeyTable", "Sql", "SqlKeyTable", "SqliteKeyTable"]


class Wrapped(NamedTuple):
    """A private key under a slot key."""

    slot_key: str
    private: bytes


class NewKey(NamedTuple):
    """A key on its way into the table."""

    key: BucketKey
    wrapped: Wrapped
    fact: Fact


class Held(NamedTuple):
    """What the table knows of a key; `wrapped` is None once it was destroyed, or is about to be."""

    key: BucketKey
    wrapped: Wrapped | None


class Slot(NamedTuple):
    """All that expires at one slot end. `erasure` names the decision by which it goes before."""

    end: datetime
    slot_key: str
    erasure: str | None = None


class Move(NamedTuple):
    """What an erasure does to one slot: it goes, and its survivors are wrapped anew under another, where there are any.

    A survivor whose private half is lost has nothing to wrap.
    """

    gone: Slot
    survivors: tuple[tuple[KeyId, bytes | None], ...]
    into: Slot | None


@dataclass(frozen=True)
class Count:
    """The table in numbers."""

    alive: int
    destroyed: int
    oldest_readable: datetime | None
    outbox: int


class KeyTable(Records, Protocol):
    """Keys and what happened to them. Every method is one transaction, durable when it returns.

    Raises Unavailable when the disk or the database does not take it; nothing has changed then.
    """

    def slot(self, end: datetime) -> Slot | None:
        """Return the living slot that ends then."""
        ...

    def add(self, slots: Sequence[Slot], keys: Sequence[NewKey]) -> None:
        """Add slots that are not there yet, keys, and the facts that tell of them."""
        ...

    def living(self, owner: Owner, start: datetime, end: datetime) -> tuple[BucketKey, ...]:
        """Return the owner's living keys whose bucket starts from `start` to before `end`, in order."""
        ...

    def of_alert(self, alert: AlertId) -> tuple[Held, ...]:
        """Return the keys that were made for an alert's evidence and are remembered: its own first, then its holds'."""
        ...

    def evidence(self, store: StoreId | None) -> tuple[BucketKey, ...]:
        """Return the keys of evidence that can be opened, of one store or all, in order of time."""
        ...

    def stored(self, key_id: KeyId, ciphertext: Ciphertext, records: Sequence[Record], facts: Sequence[Fact]) -> None:
        """Note what was sealed with a key, with the records and facts that tell of it."""
        ...

    def meeting(self, store: StoreId, camera: CameraId, start: datetime, end: datetime) -> tuple[BucketKey, ...]:
        """Return the keys of one camera, of whatever purpose, that something from `start` to `end` may be sealed with,
        and that are neither destroyed nor being destroyed."""
        ...

    def slot_of(self, key_id: KeyId) -> Slot | None:
        """Return the slot that a key is in, while it is not being destroyed."""
        ...

    def all_held(self, slot: Slot) -> tuple[Held, ...]:
        """Return all keys of a living slot."""
        ...

    def move(self, moves: Sequence[Move], records: Sequence[Record], facts: Sequence[Fact], now: datetime) -> None:
        """Condemn slots before their end, after putting their survivors into others, with what tells of it.

        All of it is one transaction: nobody ever finds a survivor in two slots or in none. Note the time with it.
        """
        ...

    def held(self, key_id: KeyId) -> Held | None:
        """Return what is known of a key."""
        ...

    def condemn(self, until: datetime) -> None:
        """Mark every slot that ends by then as being destroyed: its keys are no longer lent. Note the time with it."""
        ...

    def condemn_lost(self, slot_keys: Iterable[str], now: datetime) -> None:
        """Mark slots, whose slot key is gone, as being destroyed, whenever they end. Note the time with it."""
        ...

    def take_back(
        self,
        number: int,
        destroyed: Iterable[KeyId],
        others: Iterable[BucketKey],
        now: datetime,
        dead: Iterable[BucketKey] = (),
    ) -> None:
        """Make a table from a backup know better: forget private keys of what was destroyed since, and go on behind
        that outbox number. Of the others, add those that it does not know, as keys whose private half is lost: they
        are buried when their time comes. Add those of the `dead` that it does not know as destroyed."""
        ...

    def last_number(self) -> int:
        """Return the highest number that the outbox ever gave."""
        ...

    def next_slot_end(self) -> datetime | None:
        """Return the earliest end of a slot that is not buried."""
        ...

    def due(self, now: datetime) -> tuple[Slot, ...]:
        """Return the slots that have ended, and those that are condemned."""
        ...

    def condemned(self) -> tuple[Slot, ...]:
        """Return the slots being destroyed."""
        ...

    def delete_private(self, slot: Slot) -> None:
        """Delete the slot's private keys, from every file of the table, the write-ahead log among them."""
        ...

    def keys_of(self, slot: Slot) -> tuple[BucketKey, ...]:
        """Return the keys of a slot, without their private halves."""
        ...

    def bury(self, slot: Slot, facts: Sequence[Fact]) -> None:
        """Mark the slot's keys as destroyed, with the facts that tell of it, and forget the slot.

        Keys that were destroyed long ago, and records that are over, are forgotten too: the ledger remembers them.
        """
        ...

    def outbox(self, limit: int) -> tuple[Fact, ...]:
        """Return facts that wait for the ledger, oldest first, numbered."""
        ...

    def told(self, until: int) -> None:
        """Forget the facts up to that number: the ledger has them."""
        ...

    def slot_keys(self) -> frozenset[str]:
        """Name the slot keys that the table still needs."""
        ...

    def count(self, now: datetime) -> Count: ...

    def high_water(self) -> datetime | None:
        """Return the latest time that was ever noted."""
        ...

    def note_time(self, now: datetime) -> None:
        """Note the time, unless a later one is noted."""
        ...


REMEMBERED: Final = timedelta(days=30)
"""How long after its expiry the table can tell a destroyed key from one that never was. Evidence lives so long at most,
from its start: whatever is asked for again later has expired by then without anybody remembering it."""

TABLES: Final = (
    RECORDS
    + """
CREATE TABLE IF NOT EXISTS slots (
    slot_key TEXT PRIMARY KEY,
    ends INTEGER NOT NULL,
    condemned INTEGER NOT NULL DEFAULT 0,
    erasure TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS slots_by_end ON slots (ends);
CREATE UNIQUE INDEX IF NOT EXISTS slots_alive ON slots (ends) WHERE condemned = 0;
CREATE TABLE IF NOT EXISTS keys (
    key_id TEXT PRIMARY KEY,
    slot_key TEXT NOT NULL,
    store TEXT NOT NULL,
    camera TEXT NOT NULL,
    purpose TEXT NOT NULL,
    bucket_start INTEGER NOT NULL,
    bucket_end INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    notice TEXT NOT NULL,
    public BLOB NOT NULL,
    destroyed INTEGER NOT NULL DEFAULT 0,
    alert TEXT NOT NULL DEFAULT '',
    hold TEXT NOT NULL DEFAULT '',
    sha256 TEXT,
    size INTEGER
) STRICT;
DROP INDEX IF EXISTS keys_alive;
CREATE UNIQUE INDEX IF NOT EXISTS keys_living
    ON keys (store, camera, purpose, bucket_start, bucket_end, expires_at, alert, hold)
    WHERE destroyed = 0 AND length(public) > 0;
CREATE INDEX IF NOT EXISTS keys_by_alert ON keys (alert) WHERE alert <> '';
CREATE INDEX IF NOT EXISTS keys_by_slot ON keys (slot_key);
CREATE INDEX IF NOT EXISTS keys_dead ON keys (expires_at) WHERE destroyed = 1;
CREATE INDEX IF NOT EXISTS keys_by_start ON keys (bucket_start) WHERE destroyed = 0;
CREATE TABLE IF NOT EXISTS private_keys (
    key_id TEXT PRIMARY KEY,
    slot_key TEXT NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS private_keys_by_slot ON private_keys (slot_key);
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""
)

_ADDED: Final = {
    "keys": ("alert TEXT NOT NULL DEFAULT ''", "hold TEXT NOT NULL DEFAULT ''", "sha256 TEXT", "size INTEGER"),
    "slots": ("erasure TEXT",),
}
"""Columns that tables of before do not have."""

_KEY: Final = (
    "keys.key_id, store, camera, purpose, bucket_start, bucket_end, expires_at, created_at, notice, public,"
    " alert, hold, sha256, size"
)
_HELD: Final = (
    f"SELECT {_KEY}, private_keys.slot_key, wrapped FROM keys"  # noqa: S608 - our own column list
    " LEFT JOIN slots ON slots.slot_key = keys.slot_key AND condemned = 0"
    " LEFT JOIN private_keys ON private_keys.key_id = keys.key_id AND private_keys.slot_key = slots.slot_key"
)

_ADD_SLOT: Final = "INSERT INTO slots (slot_key, ends) VALUES (?, ?)"
_ADD_KEY: Final = (
    "INSERT INTO keys (key_id, slot_key, store, camera, purpose, bucket_start, bucket_end, expires_at, created_at,"
    " notice, public, alert, hold) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqlKeyTable(SqlRecords):
    """What every key table in SQL does."""

    def slot(self, end: datetime) -> Slot | None:
        found = self._one("SELECT slot_key FROM slots WHERE ends = ? AND condemned = 0", micros(end))
        return None if found is None else Slot(end, found[0])

    def add(self, slots: Sequence[Slot], keys: Sequence[NewKey]) -> None:
        with self._transaction() as db:
            db.executemany(_ADD_SLOT, [(each.slot_key, micros(each.end)) for each in slots])
            db.executemany(_ADD_KEY, [_key_row(new.key, new.wrapped.slot_key) for new in keys])
            wrapped = [(new.key.key_id, *new.wrapped) for new in keys]
            db.executemany("INSERT INTO private_keys VALUES (?, ?, ?)", wrapped)
            post(db, [new.fact for new in keys])

    def living(self, owner: Owner, start: datetime, end: datetime) -> tuple[BucketKey, ...]:
        rows = self._all(
            f"SELECT {_KEY} FROM keys WHERE store = ? AND camera = ? AND purpose = ? AND destroyed = 0"  # noqa: S608 - our own column list
            " AND alert = '' AND length(public) > 0 AND bucket_start >= ? AND bucket_start < ? ORDER BY bucket_start",
            *(owner.store, owner.camera, owner.purpose.value, micros(start), micros(end)),
        )
        return tuple(map(_key, rows))

    def held(self, key_id: KeyId) -> Held | None:
        row = self._one(f"{_HELD} WHERE keys.key_id = ?", key_id)
        return None if row is None else _held(row)

    def of_alert(self, alert: AlertId) -> tuple[Held, ...]:
        return tuple(
            map(_held, self._all(f"{_HELD} WHERE alert = ? ORDER BY hold <> '', created_at, keys.key_id", alert))
        )

    def evidence(self, store: StoreId | None) -> tuple[BucketKey, ...]:
        rows = self._all(
            f"{_HELD} WHERE alert <> '' AND destroyed = 0 AND wrapped IS NOT NULL AND (store = ? OR ? = '')"
            " ORDER BY bucket_start, keys.key_id",
            *(store or "", store or ""),
        )
        return tuple(map(_key, rows))

    def stored(self, key_id: KeyId, ciphertext: Ciphertext, records: Sequence[Record], facts: Sequence[Fact]) -> None:
        with self._transaction() as db:
            db.execute("UPDATE keys SET sha256 = ?, size = ? WHERE key_id = ?", (*ciphertext, key_id))
            put(db, records)
            post(db, facts)

    def meeting(self, store: StoreId, camera: CameraId, start: datetime, end: datetime) -> tuple[BucketKey, ...]:
        rows = self._all(
            f"SELECT {_KEY} FROM keys JOIN slots ON slots.slot_key = keys.slot_key AND condemned = 0"  # noqa: S608 - our own column list
            " WHERE store = ? AND camera = ? AND destroyed = 0 AND bucket_start <= ? AND bucket_end >= ?"
            " ORDER BY bucket_start, keys.key_id",
            *(store, camera, micros(end), micros(start)),
        )
        return tuple(key for key in map(_key, rows) if key.meets(start, end))

    def slot_of(self, key_id: KeyId) -> Slot | None:
        row = self._one(
            "SELECT ends, slots.slot_key, erasure FROM keys JOIN slots ON slots.slot_key = keys.slot_key"
            " WHERE key_id = ? AND condemned = 0",
            key_id,
        )
        return None if row is None else _slot(row)

    def all_held(self, slot: Slot) -> tuple[Held, ...]:
        query = f"{_HELD} WHERE keys.slot_key = ? AND destroyed = 0 ORDER BY bucket_start, keys.key_id"
        return tuple(map(_held, self._all(query, slot.slot_key)))

    def move(self, moves: Sequence[Move], records: Sequence[Record], facts: Sequence[Fact], now: datetime) -> None:
        with self._transaction() as db:
            for each in moves:
                _move(db, each)
            put(db, records)
            post(db, facts)
            _note_time(db, now)

    def condemn(self, until: datetime) -> None:
        with self._transaction() as db:
            db.execute("UPDATE slots SET condemned = 1 WHERE ends <= ? AND condemned = 0", (micros(until),))
            _note_time(db, until)

    def condemn_lost(self, slot_keys: Iterable[str], now: datetime) -> None:
        lost = [(name,) for name in slot_keys]
        if not lost:
            return
        with self._transaction() as db:
            db.executemany("UPDATE slots SET condemned = 1 WHERE slot_key = ?", lost)
            _note_time(db, now)

    def take_back(
        self,
        number: int,
        destroyed: Iterable[KeyId],
        others: Iterable[BucketKey],
        now: datetime,
        dead: Iterable[BucketKey] = (),
    ) -> None:
        gone = [(key_id,) for key_id in destroyed]
        with self._transaction() as db:
            db.executemany(f"{_ADD_KEY} ON CONFLICT DO NOTHING", [_key_row(key, "") for key in dead])
            db.executemany("DELETE FROM private_keys WHERE key_id = ?", gone)
            db.executemany(
                "UPDATE keys SET destroyed = 1, public = ? WHERE key_id = ?", [(b"", *each) for each in gone]
            )
            for end, keys in groupby(sorted(others, key=_expiry), key=_expiry):
                _add_lost(db, end, keys)
            db.execute("DELETE FROM outbox WHERE number <= ?", (number,))
            note_number(db, "outbox", number)
            _note_time(db, now)
        self._forget()

    def last_number(self) -> int:
        return self._number("outbox") or 0

    def next_slot_end(self) -> datetime | None:
        (ends,) = self._one("SELECT min(ends) FROM slots") or (None,)
        return None if ends is None else instant(ends)

    def due(self, now: datetime) -> tuple[Slot, ...]:
        query = "SELECT ends, slot_key, erasure FROM slots WHERE condemned = 1 OR ends <= ? ORDER BY ends"
        return tuple(map(_slot, self._all(query, micros(now))))

    def condemned(self) -> tuple[Slot, ...]:
        rows = self._all("SELECT ends, slot_key, erasure FROM slots WHERE condemned = 1 ORDER BY ends")
        return tuple(map(_slot, rows))

    def delete_private(self, slot: Slot) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM private_keys WHERE slot_key = ?", (slot.slot_key,))
        self._forget()

    def keys_of(self, slot: Slot) -> tuple[BucketKey, ...]:
        rows = self._all(
            f"SELECT {_KEY} FROM keys WHERE slot_key = ? AND destroyed = 0 ORDER BY bucket_start, key_id",  # noqa: S608 - our own column list
            slot.slot_key,
        )
        return tuple(map(_key, rows))

    def bury(self, slot: Slot, facts: Sequence[Fact]) -> None:
        # A slot that goes before its end lies in the future, and what is remembered is counted from now.
        past = min(slot.end, self.high_water() or slot.end)
        with self._transaction() as db:
            db.execute("UPDATE keys SET destroyed = 1, public = ? WHERE slot_key = ?", (b"", slot.slot_key))
            db.execute("DELETE FROM slots WHERE slot_key = ?", (slot.slot_key,))
            db.execute("DELETE FROM keys WHERE destroyed = 1 AND expires_at < ?", (micros(past - REMEMBERED),))
            db.execute("DELETE FROM records WHERE until < ?", (micros(past),))
            raise_number(db, "destroyed", len(facts))
            post(db, facts)

    def outbox(self, limit: int) -> tuple[Fact, ...]:
        rows = self._all("SELECT kind, body, number FROM outbox ORDER BY number LIMIT ?", limit)
        return tuple(Fact(Kind(kind), json.loads(body), number) for kind, body, number in rows)

    def told(self, until: int) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM outbox WHERE number <= ?", (until,))

    def slot_keys(self) -> frozenset[str]:
        return frozenset(name for (name,) in self._all("SELECT slot_key FROM slots"))

    def count(self, now: datetime) -> Count:
        (alive,) = self._one("SELECT count(*) FROM keys WHERE destroyed = 0") or (0,)
        (oldest,) = self._one(
            "SELECT min(bucket_start) FROM keys WHERE destroyed = 0 AND alert = '' AND bucket_start <= ?", micros(now)
        ) or (None,)
        (waiting,) = self._one("SELECT count(*) FROM outbox") or (0,)
        return Count(
            alive=alive,
            destroyed=self._number("destroyed") or 0,
            oldest_readable=None if oldest is None else instant(oldest),
            outbox=waiting,
        )

    def high_water(self) -> datetime | None:
        noted = self._number("high_water")
        return None if noted is None else instant(noted)

    def note_time(self, now: datetime) -> None:
        with self._transaction() as db:
            _note_time(db, now)

    def _number(self, name: str) -> int | None:
        found = self._one("SELECT value FROM numbers WHERE name = ?", name)
        return None if found is None else int(found[0])


class SqliteKeyTable(SqlKeyTable):
    """The key table in one SQLite file, with one connection: a second reader would keep old pages in the WAL alive."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            self._db.close()
            raise Unavailable(f"the key table: {error}") from None
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise Misconfigured(
                f"{path} cannot be used: {error}. Put a backup of it back, or move it and its -wal away: "
                "then the keys in it are lost, and new ones are made"
            ) from None

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "secure_delete=ON", "synchronous=FULL", "temp_store=MEMORY"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        for table, columns in _ADDED.items():
            known = {name for _, name, *_ in self._db.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                if known and column.partition(" ")[0] not in known:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        self._db.executescript(TABLES)
        self._forget()

    def close(self) -> None:
        self._db.close()

    def _forget(self) -> None:
        # Without it the deleted keys stay in the WAL, secure_delete or not (measured: 100 of 100).
        (busy, *_), *_ = self._all("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise Unavailable("the key table's WAL is held by somebody else: nothing else may open it")

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            # Also a file that is damaged: whoever holds the time of destruction must not die of it.
            raise Unavailable(f"the key table: {error}") from None

    @contextmanager
    def _transaction(self) -> Iterator[Sql]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"the key table: {error}") from None
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def _key_row(key: BucketKey, slot_key: str) -> tuple[object, ...]:
    owner = (key.owner.store, key.owner.camera, key.owner.purpose.value)
    return (
        key.key_id,
        slot_key,
        *owner,
        *map(micros, key.span),
        micros(key.created_at),
        key.notice,
        key.public,
        key.alert or "",
        key.hold or "",
    )


def _key(row: Sequence[Any]) -> BucketKey:
    key_id, store, camera, purpose, start, end, expires, created, notice, public, alert, hold, sha256, size, *_ = row
    return BucketKey(
        key_id=KeyId(key_id),
        owner=Owner(StoreId(store), CameraId(camera), Purpose(purpose)),
        span=Span(instant(start), instant(end), instant(expires)),
        created_at=instant(created),
        notice=NoticeId(notice),
        public=public,
        alert=AlertId(alert) if alert else None,
        hold=hold or None,
        ciphertext=None if sha256 is None else Ciphertext(sha256, size),
    )


def _held(row: Sequence[Any]) -> Held:
    return Held(_key(row), None if row[-1] is None else Wrapped(row[-2], row[-1]))


def _slot(row: Sequence[Any]) -> Slot:
    ends, slot_key, erasure = row
    return Slot(instant(ends), slot_key, erasure)


def _move(db: Sql, move: Move) -> None:
    gone, into = move.gone.slot_key, move.into
    db.execute("UPDATE slots SET condemned = 1, erasure = ? WHERE slot_key = ?", (move.gone.erasure, gone))
    if into is None:
        return
    db.execute(_ADD_SLOT, (into.slot_key, micros(into.end)))
    kept = [(into.slot_key, key_id) for key_id, _ in move.survivors]
    db.executemany("UPDATE keys SET slot_key = ? WHERE key_id = ?", kept)
    wrapped = [(into.slot_key, private, key_id) for key_id, private in move.survivors if private is not None]
    db.executemany("UPDATE private_keys SET slot_key = ?, wrapped = ? WHERE key_id = ?", wrapped)


def _expiry(key: BucketKey) -> datetime:
    return key.span.expires_at


def _add_lost(db: Sql, end: datetime, keys: Iterable[BucketKey]) -> None:
    found = db.execute("SELECT slot_key FROM slots WHERE ends = ? AND condemned = 0", (micros(end),)).fetchone()
    # A name of its own: a table from a backup may have such a slot, half buried.
    slot_key = f"lost-{micros(end)}-{secrets.token_hex(8)}" if found is None else str(found[0])
    rows = [_key_row(key, slot_key) for key in keys]
    db.executemany(f"{_ADD_KEY} ON CONFLICT DO NOTHING", rows)
    if found is None:
        db.execute(_ADD_SLOT, (slot_key, micros(end)))


def _note_time(db: Sql, now: datetime) -> None:
    note_number(db, "high_water", micros(now))
