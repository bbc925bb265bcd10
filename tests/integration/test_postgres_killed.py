"""Killed after any statement of its key table in PostgreSQL, the vault ends with one receipt for each key."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest

from pipeline import signing
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import FileLedger, Kind
from pipeline.vault.postgres import PostgresKeyTable
from pipeline.vault.ring import FileRing
from pipeline.vault.vault import Vault
from tests.integration.postgres_fixtures import Postgres
from tests.unit.pipeline.vault.building import BUCKET, NOON, TILL, Parts, destroy, keys_for, lent, of_kind
from tests.unit.pipeline.vault.evidence_building import OTHER, Desk
from tests.unit.pipeline.vault.test_killed import EXPIRY, SOON, Death, Killed, transactions

STEPS = (
    *((PostgresKeyTable, name) for name in ("add", "condemn", "delete_private", "_forget", "bury", "told")),
    *((FileRing, name) for name in ("create", "destroy")),
    (FileLedger, "append"),
)


@dataclass
class Lives:
    """Lives that begin alike, in copies of one database and one folder, each killed one step later."""

    postgres: Postgres
    folder: Path

    @contextmanager
    def opened(self, name: str) -> Iterator[Parts]:
        folder = self.folder / name
        with (
            closing(FileRing(folder / "ring")) as ring,
            closing(PostgresKeyTable(self.postgres.url(name))) as table,
            closing(FileLedger(folder / "ledger.jsonl", signing.load_or_create(folder / "ledger.key"))) as ledger,
        ):
            yield Parts(table, ring, ledger)

    def of(self, life: Callable[[Vault], None]) -> Iterator[str]:
        for at in range(1000):
            name = f"life_{at}"
            self._copy("before", name)
            died = self._run(name, Death(at), life)
            yield name
            self.postgres.drop(name)
            if not died:
                return
        pytest.fail("a life of a thousand steps")

    def _run(self, name: str, death: Death, life: Callable[[Vault], None]) -> bool:
        with self.opened(name) as parts:
            for owner, method in STEPS:
                patch.object(owner, method, death.around(getattr(owner, method))).start()
            patch.object(PostgresKeyTable, "_transaction", transactions(death, PostgresKeyTable)).start()
            try:
                life(parts.vault())
            except Killed:
                return True
            finally:
                patch.stopall()
        return False

    def _copy(self, source: str, name: str) -> None:
        shutil.copytree(self.folder / source, self.folder / name)
        self.postgres.drop(name)
        with psycopg.connect(self.postgres.url(), autocommit=True) as db:
            db.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY file_copy'.encode())


@pytest.fixture
def lives(postgres: Postgres, tmp_path: Path) -> Lives:
    postgres.database("before")
    (tmp_path / "before").mkdir()
    return Lives(postgres, tmp_path)


@pytest.fixture
def keys(lives: Lives) -> tuple[BucketKey, ...]:
    """Two keys of one slot and one of the next; evidence of two alerts."""
    with lives.opened("before") as parts:
        vault = parts.vault()
        found = (*keys_for(vault, NOON, owner=TILL), *keys_for(vault, NOON, 2 * BUCKET))
        desk = Desk(vault)
        desk.sealed(NOON, OTHER)
        desk.sealed(NOON)
        return found


def _destroyed(vault: Vault) -> None:
    destroy(vault, EXPIRY)


def _erased(vault: Vault) -> None:
    Desk(vault).erase("sato", SOON)


def _receipts(parts: Parts) -> Counter[str]:
    return Counter(entry.body["key_id"] for entry in of_kind(parts.ledger, Kind.KEY_DESTROYED))


def test_r20_killed_at_any_step_of_destruction_each_key_has_one_receipt(
    lives: Lives, keys: tuple[BucketKey, ...]
) -> None:
    steps = 0
    for name in lives.of(_destroyed):
        with lives.opened(name) as parts:
            vault = parts.vault()
            vault.recover(EXPIRY)
            destroy(vault, EXPIRY)
            assert _receipts(parts) == {keys[0].key_id: 1, keys[1].key_id: 1}, name
            assert parts.ring.names() == parts.table.slot_keys()
            assert lent(vault, keys[2], EXPIRY)
        steps += 1
    assert steps > 20


def test_r23_killed_at_any_step_of_an_early_erasure_it_happened_or_did_not(
    lives: Lives, keys: tuple[BucketKey, ...]
) -> None:
    happened = []
    for name in lives.of(_erased):
        with lives.opened(name) as parts:
            desk = Desk(parts.vault())
            desk.vault.recover(SOON)
            decided = of_kind(parts.ledger, Kind.ERASURE_DECIDED)
            assert set(_receipts(parts).values()) == ({1} if decided else set())
            assert (str(keys[1].key_id) in _receipts(parts)) == bool(decided)
            assert parts.ring.names() == parts.table.slot_keys()
            assert lent(desk.vault, keys[0], SOON)
            assert desk.look("sato", SOON, OTHER)
            happened.append(bool(decided))
    assert happened[0] is False
    assert happened == sorted(happened)
    assert happened.count(True) > 5
