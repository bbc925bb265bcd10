"""Killed after any step and started again, the vault ends with every key destroyed and one receipt each."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from pipeline import signing
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import FileLedger, Kind, faults
from pipeline.vault.ring import FileRing
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.vault import Vault
from tests.unit.pipeline.vault.building import BUCKET, NOON, TILL, Parts, destroy, keys_for, of_kind

STEPS: Final[tuple[tuple[type[Any], str], ...]] = (
    (SqliteKeyTable, "add"),
    (SqliteKeyTable, "condemn"),
    (SqliteKeyTable, "delete_private"),
    (SqliteKeyTable, "_forget"),
    (SqliteKeyTable, "bury"),
    (SqliteKeyTable, "told"),
    (FileRing, "create"),
    (FileRing, "destroy"),
    (FileLedger, "append"),
)
EXPIRY: Final = NOON + 6 * BUCKET
FAR: Final = datetime.max.replace(tzinfo=UTC)


class Killed(BaseException):
    """The process is gone."""


class Death:
    """Comes before or after the n-th step, whichever step that is."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0

    def step(self) -> None:
        if self.seen == self.at:
            raise Killed
        self.seen += 1

    def around(self, does: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(does)
        def mortal(*args: Any, **more: Any) -> Any:
            self.step()
            result = does(*args, **more)
            self.step()
            return result

        return mortal


@contextmanager
def opened(folder: Path) -> Iterator[Parts]:
    """Open the vault's files as they lie there."""
    with (
        closing(FileRing(folder / "ring")) as ring,
        closing(SqliteKeyTable(folder / "keys.db")) as table,
        closing(FileLedger(folder / "ledger.jsonl", signing.load_or_create(folder / "ledger.key"))) as ledger,
    ):
        yield Parts(table, ring, ledger)


def run(folder: Path, left: Path, death: Death, life: Callable[[Vault], None]) -> bool:
    """Live until death; say whether it came. `left` is what was on disk just then, before anything was closed."""
    with opened(folder) as parts:
        for owner, name in STEPS:
            patch.object(owner, name, death.around(getattr(owner, name))).start()
        try:
            life(parts.vault())
        except Killed:
            return True
        finally:
            patch.stopall()
            shutil.copytree(folder, left)
    return False


def lives(life: Callable[[Vault], None], folder: Path) -> Iterator[Path]:
    """Run a life again and again, each killed one step later; give what each left behind."""
    for at in range(1000):
        fresh, left = folder / f"{at}-run", folder / f"{at}-left"
        if (folder / "before").exists():
            shutil.copytree(folder / "before", fresh)
        else:
            fresh.mkdir()
        died = run(fresh, left, Death(at), life)
        yield left
        if not died:
            return
    pytest.fail("a life of a thousand steps")


def receipts_after(left: Path, now: datetime) -> tuple[Counter[str], set[str]]:
    """Start again on what was left, let everything expire, and count receipts by key, beside the keys created."""
    with opened(left) as parts:
        vault = parts.vault()
        vault.recover(now)
        destroy(vault, now)
        destroy(vault, now)

        assert parts.ring.names() == parts.table.slot_keys()
        assert (parts.table.next_slot_end() or FAR) > now
        assert not parts.table.condemned()
        assert not list(faults(parts.ledger.entries(0, 1000), signing.load(left / "ledger.key").public_key()))
        receipts = Counter(entry.body["key_id"] for entry in of_kind(parts.ledger, Kind.KEY_DESTROYED))
        return receipts, {entry.body["key_id"] for entry in of_kind(parts.ledger, Kind.KEY_CREATED)}


@pytest.fixture
def keys(tmp_path: Path) -> tuple[BucketKey, ...]:
    """Two keys of one slot and one of the next, in `before`."""
    with opened(tmp_path / "before") as parts:
        vault = parts.vault()
        return (*keys_for(vault, NOON, owner=TILL), *keys_for(vault, NOON, 2 * BUCKET))


def test_r20_killed_at_any_step_of_destruction_each_key_has_one_receipt(
    tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    def life(vault: Vault) -> None:
        destroy(vault, EXPIRY)

    for steps, left in enumerate(lives(life, tmp_path)):
        receipts, _ = receipts_after(left, EXPIRY)
        assert receipts == {keys[0].key_id: 1, keys[1].key_id: 1}, f"killed at step {steps}"
    assert steps > 10


def test_r20_killed_while_starting_after_being_killed_each_key_has_one_receipt(
    tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    later = keys[-1].span.expires_at

    def life(vault: Vault) -> None:
        vault.recover(later)

    for left in lives(life, tmp_path):
        receipts, _ = receipts_after(left, later)
        assert receipts == {key.key_id: 1 for key in keys}


def test_r20_killed_while_making_keys_what_the_ledger_knows_is_what_dies(tmp_path: Path) -> None:
    def life(vault: Vault) -> None:
        keys_for(vault, NOON, 2 * BUCKET)

    for left in lives(life, tmp_path):
        receipts, created = receipts_after(left, NOON + 10 * BUCKET)
        assert receipts == dict.fromkeys(created, 1)


def test_r20_once_the_slot_key_is_gone_a_copy_of_the_key_table_opens_nothing(
    tmp_path: Path, keys: tuple[BucketKey, ...]
) -> None:
    before = tmp_path / "before"
    shutil.copytree(before, tmp_path / "backup")
    with opened(before) as parts:
        destroy(parts.vault(), EXPIRY)

    for name in ("keys.db", "keys.db-wal"):
        if (tmp_path / "backup" / name).exists():
            shutil.copy(tmp_path / "backup" / name, before / name)
    with opened(before) as parts:
        held = parts.table.held(keys[0].key_id)
        assert held is not None
        assert held.wrapped is not None
        assert held.wrapped.slot_key not in parts.ring.names()
