"""The few things that every table in SQL shares: a transaction, numbers that only rise, facts for the ledger."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pipeline.vault.ledger import Fact


class Sql(Protocol):
    """An open transaction. Both databases are spoken to in SQL that both understand, with ? for a value."""

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Any: ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Any: ...


class SqlTable(ABC):
    """A way to a database. A database adds transactions, reading, and how it forgets what was deleted."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Sql]:
        """Open a transaction that is durable, or Unavailable and undone, when it ends."""

    @abstractmethod
    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read rows. Raises Unavailable."""

    @abstractmethod
    def _forget(self) -> None:
        """Clear away what deleted rows leave behind. Raises Unavailable."""

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(query, *values)), None)


def post(db: Sql, facts: Sequence[Fact]) -> None:
    """Leave facts in the outbox."""
    if facts:
        # Counted here, within the transaction: a number is given once, whatever is deleted, undone or restored.
        last = raise_number(db, "outbox", len(facts))
        numbered = enumerate(facts, last - len(facts) + 1)
        rows = [(number, fact.kind.value, json.dumps(fact.body)) for number, fact in numbered]
        db.executemany("INSERT INTO outbox (number, kind, body) VALUES (?, ?, ?)", rows)


def raise_number(db: Sql, name: str, by: int) -> int:
    raised = db.execute(
        "INSERT INTO numbers VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = numbers.value + excluded.value RETURNING value",
        (name, by),
    )
    return int(raised.fetchone()[0])


def note_number(db: Sql, name: str, value: int) -> None:
    """Keep a number, unless a higher one is kept."""
    db.execute(
        "INSERT INTO numbers VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > numbers.value",
        (name, value),
    )
