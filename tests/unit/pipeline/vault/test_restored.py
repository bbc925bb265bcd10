"""A backup of some of the vault's files put beside the rest: nothing expired opens, and each key has one receipt."""

import shutil
from collections import Counter
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from pipeline import signing
from pipeline.errors import Erased
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import FileLedger, Kind, faults
from pipeline.vault.ring import FileRing
from pipeline.vault.store import SqliteKeyTable
from tests.unit.pipeline.vault.building import BUCKET, NOON, TTL, Parts, destroy, keys_for, lent, of_kind

LATER: Final = NOON + TTL + BUCKET


class Files:
    """A vault's files, opened one run at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()

    def open(self, now: datetime) -> Parts:
        self.stack.close()
        signer = signing.load_or_create(self.folder / "ledger.key")
        parts = Parts(
            self.stack.enter_context(closing(SqliteKeyTable(self.folder / "keys.db"))),
            self.stack.enter_context(closing(FileRing(self.folder / "ring"))),
            self.stack.enter_context(closing(FileLedger(self.folder / "ledger.jsonl", signer))),
        )
        parts.vault().recover(now)
        return parts

    def keep(self, backup: Path) -> None:
        self.stack.close()
        shutil.copytree(self.folder, backup)

    def restore(self, backup: Path, *names: str) -> None:
        self.stack.close()
        for name in names:
            shutil.copy(backup / name, self.folder / name)

    def receipts(self, parts: Parts) -> Counter[str]:
        public = signing.load(self.folder / "ledger.key").public_key()
        assert not list(faults(parts.ledger.entries(0, 10_000), public))
        return Counter(entry.body["key_id"] for entry in of_kind(parts.ledger, Kind.KEY_DESTROYED))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "now")


@pytest.fixture
def keys(files: Files, tmp_path: Path) -> tuple[BucketKey, ...]:
    """Keys made at noon and backed up; more made since, and the first two destroyed."""
    vault = files.open(NOON).vault()
    early = keys_for(vault, NOON, 4 * BUCKET)
    files.keep(tmp_path / "backup")
    vault = files.open(NOON).vault()
    late = keys_for(vault, NOON, 8 * BUCKET)
    destroy(vault, LATER)
    assert late[:4] == early
    return late


def test_r20_yesterdays_key_table_beside_todays_ring_opens_nothing_expired(
    files: Files, tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    files.restore(tmp_path / "backup", "keys.db")

    vault = files.open(LATER).vault()

    for key in keys[:2]:
        with pytest.raises(Erased):
            lent(vault, key, NOON)
    assert lent(vault, keys[2], LATER)


def test_r20_yesterdays_key_table_makes_no_second_receipt_and_forgets_none(
    files: Files, tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    files.restore(tmp_path / "backup", "keys.db")

    parts = files.open(LATER)
    destroy(parts.vault(), NOON + 10 * TTL)

    assert files.receipts(parts) == {key.key_id: 1 for key in keys}


def test_keys_made_since_the_backup_are_lost_and_made_anew(
    files: Files, tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    files.restore(tmp_path / "backup", "keys.db")
    vault = files.open(LATER).vault()

    with pytest.raises(Erased):
        lent(vault, keys[5], LATER)
    (again,) = keys_for(vault, keys[5].span.start, BUCKET)
    assert again.key_id != keys[5].key_id
    assert lent(vault, again, LATER)


def test_r20_yesterdays_backup_of_all_but_the_ring_opens_nothing_expired(
    files: Files, tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    files.restore(tmp_path / "backup", "keys.db", "ledger.jsonl")

    parts = files.open(LATER)

    for key in keys[:2]:
        with pytest.raises(Erased):
            lent(parts.vault(), key, NOON)
    destroy(parts.vault(), NOON + 10 * TTL)
    assert files.receipts(parts) == {key.key_id: 1 for key in keys[:4]}


def test_a_lost_ring_is_early_erasure_with_receipts(files: Files, keys: tuple[BucketKey, ...]) -> None:
    files.stack.close()
    (files.folder / "ring").unlink()

    parts = files.open(LATER)

    assert files.receipts(parts) == {key.key_id: 1 for key in keys}
    with pytest.raises(Erased):
        lent(parts.vault(), keys[-1], LATER)
    (again,) = keys_for(parts.vault(), LATER)
    assert lent(parts.vault(), again, LATER)
