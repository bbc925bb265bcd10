"""What was decided about evidence: erasures, holds and releases, kept beside the keys for as long as they matter.

A record's body is what the ledger said of it last, so that a key table from a backup learns it again from there.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from pipeline.vault.keys import instant, micros
from pipeline.vault.ledger import Body, Entry, Fact, Kind
from pipeline.vault.sql import Sql, SqlTable, post


class RecordKind(StrEnum):
    """What is decided."""

    ERASURE = "erasure"
    HOLD = "hold"
    RELEASE = "release"


class Record(NamedTuple):
    """One decision. It is forgotten some time after `until`."""

    kind: RecordKind
    id: str
    until: datetime
    body: Body


class Records(Protocol):
    """Decisions by their ids. Every method is one transaction, durable when it returns, or raises Unavailable."""

    def put(self, records: Sequence[Record], facts: Sequence[Fact]) -> None:
        """Keep records, in place of those of the same id, with the facts that tell of them."""
        ...

    def record(self, kind: RecordKind, record_id: str) -> Record | None:
        """Return one record."""
        ...

    def records(self, kind: RecordKind) -> tuple[Record, ...]:
        """Return all records of a kind, by id."""
        ...


RECORDS: Final = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    until INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
"""

OF: Final[Mapping[Kind, tuple[RecordKind, str]]] = {
    Kind.ERASURE_DECIDED: (RecordKind.ERASURE, "erasure_id"),
    Kind.HOLD_PROPOSED: (RecordKind.HOLD, "hold_id"),
    Kind.HOLD_CONFIRMED: (RecordKind.HOLD, "hold_id"),
    Kind.KEY_HELD: (RecordKind.HOLD, "hold_id"),
    Kind.HOLD_ENDED: (RecordKind.HOLD, "hold_id"),
    Kind.RELEASED: (RecordKind.RELEASE, "release_id"),
}
"""Which facts tell of a record, and where they name it."""


def record_of(fact: Fact | Entry) -> Record | None:
    """Give the record that a fact tells of."""
    if fact.kind not in OF:
        return None
    kind, name = OF[fact.kind]
    return Record(kind, fact.body[name], datetime.fromisoformat(fact.body["remembered_until"]), fact.body)


class SqlRecords(SqlTable):
    """Records in SQL."""

    def put(self, records: Sequence[Record], facts: Sequence[Fact]) -> None:
        with self._transaction() as db:
            put(db, records)
            post(db, facts)

    def record(self, kind: RecordKind, record_id: str) -> Record | None:
        row = self._one("SELECT id, until, body FROM records WHERE kind = ? AND id = ?", kind.value, record_id)
        return None if row is None else Record(kind, row[0], instant(row[1]), json.loads(row[2]))

    def records(self, kind: RecordKind) -> tuple[Record, ...]:
        rows = self._all("SELECT id, until, body FROM records WHERE kind = ? ORDER BY id", kind.value)
        return tuple(Record(kind, name, instant(until), json.loads(body)) for name, until, body in rows)


def put(db: Sql, records: Sequence[Record]) -> None:
    """Keep records within a transaction."""
    db.executemany(
        "INSERT INTO records VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, id) DO UPDATE SET until = excluded.until, body = excluded.body",
        [(each.kind.value, each.id, micros(each.until), json.dumps(each.body)) for each in records],
    )
