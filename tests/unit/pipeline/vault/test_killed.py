"""Killed after any step and started again, the vault ends with every key destroyed and one receipt each."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import pytest

from pipeline import signing
from pipeline.errors import Erased
from pipeline.vault.api import HoldState, ObjectKey
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import FileLedger, Kind, faults
from pipeline.vault.ring import FileRing
from pipeline.vault.sql import Sql
from pipeline.vault.store import SqliteKeyTable, SqlKeyTable
from pipeline.vault.vault import Vault
from tests.unit.pipeline.vault.building import BUCKET, NOON, TILL, Parts, destroy, keys_for, lent, of_kind
from tests.unit.pipeline.vault.evidence_building import CUTTING, OTHER, Desk

STEPS: Final[tuple[tuple[type[Any], str], ...]] = (
    (SqliteKeyTable, "add"),
    (SqliteKeyTable, "condemn"),
    (SqliteKeyTable, "delete_private"),
    (SqliteKeyTable, "_forget"),
    (SqliteKeyTable, "bury"),
    (SqliteKeyTable, "move"),
    (SqliteKeyTable, "put"),
    (SqliteKeyTable, "stored"),
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


class MortalSql:
    """An open transaction in which any statement may be the last."""

    def __init__(self, db: Sql, death: Death) -> None:
        self.execute = death.around(db.execute)
        self.executemany = death.around(db.executemany)


def transactions(
    death: Death, kind: type[SqlKeyTable] = SqliteKeyTable
) -> Callable[[SqlKeyTable], AbstractContextManager[Sql]]:
    begin = kind._transaction

    @contextmanager
    def transaction(table: SqlKeyTable) -> Iterator[Sql]:
        with begin(table) as db:
            yield MortalSql(db, death)

    return transaction


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
        patch.object(SqliteKeyTable, "_transaction", transactions(death)).start()
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


SOON: Final = NOON + BUCKET
"""When evidence is erased or held: the first bucket is over, and nothing has expired."""


@pytest.fixture
def evidence(tmp_path: Path, keys: tuple[BucketKey, ...]) -> ObjectKey:
    """Evidence of an alert, and of another one that shares its slot, beside the bucket keys in `before`."""
    with opened(tmp_path / "before") as parts:
        desk = Desk(parts.vault())
        desk.sealed(NOON, OTHER)
        return desk.sealed(NOON)


def test_r23_killed_at_any_step_of_an_early_erasure_it_happened_or_did_not(
    tmp_path: Path, keys: tuple[BucketKey, ...], evidence: ObjectKey
) -> None:
    gone = {str(keys[1].key_id), str(evidence.key_id)}

    def life(vault: Vault) -> None:
        Desk(vault).erase("sato", SOON)

    happened = []
    for left in lives(life, tmp_path):
        with opened(left) as parts:
            desk = Desk(parts.vault())
            desk.vault.recover(SOON)
            receipts = Counter(entry.body["key_id"] for entry in of_kind(parts.ledger, Kind.KEY_DESTROYED))
            decided = of_kind(parts.ledger, Kind.ERASURE_DECIDED)
            assert receipts == (dict.fromkeys(gone, 1) if decided else {})
            assert parts.ring.names() == parts.table.slot_keys()
            # Whoever survives can be opened, in either case; what was erased, in none.
            assert lent(desk.vault, keys[0], SOON)
            assert desk.look("sato", SOON, OTHER)
            assert openable(desk, keys[1], evidence) == (not decided)
            happened.append(bool(decided))
        receipts, created = receipts_after(left, evidence.expires_at)
        assert receipts == dict.fromkeys(created, 1)
    assert happened[0] is False
    assert happened == sorted(happened)
    assert happened.count(True) > 5


def openable(desk: Desk, bucket: BucketKey, evidence: ObjectKey) -> bool:
    """Say whether both can be opened; it must never be only one of them."""
    results = []
    looks: tuple[Callable[[], bytes], ...] = (
        lambda: lent(desk.vault, bucket, SOON),
        lambda: desk.look("sato", SOON),
    )
    for look in looks:
        try:
            results.append(bool(look()))
        except Erased:
            results.append(False)
    assert len(set(results)) == 1
    return results[0]


def test_r20_killed_at_any_step_of_a_hold_no_key_outlives_its_end(
    tmp_path: Path, keys: tuple[BucketKey, ...], evidence: ObjectKey
) -> None:
    until = evidence.expires_at + BUCKET

    def life(vault: Vault) -> None:
        desk = Desk(vault)
        desk.held(SOON, until)
        destroy(vault, evidence.expires_at)
        desk.holds.lapse(evidence.expires_at)

    seen = set()
    for left in lives(life, tmp_path):
        with opened(left) as parts:
            desk = Desk(parts.vault())
            desk.vault.recover(evidence.expires_at)
            desk.holds.lapse(evidence.expires_at)
            seen |= {hold.state for hold in desk.holds.all(CUTTING, evidence.expires_at)}
            held = any(hold.state is HoldState.SEALED for hold in desk.holds.all(CUTTING, evidence.expires_at))
            assert len(desk.evidence.objects(CUTTING, None, evidence.expires_at)) == held
        receipts, created = receipts_after(left, until)
        assert receipts == dict.fromkeys(created, 1)
    assert seen == {HoldState.LAPSED, HoldState.SEALED}


def test_killed_while_evidence_gets_its_key_there_is_one_key(tmp_path: Path) -> None:
    def life(vault: Vault) -> None:
        Desk(vault).sealed(NOON)

    for left in lives(life, tmp_path):
        with opened(left) as parts:
            vault = parts.vault()
            vault.recover(NOON)
            Desk(vault).sealed(NOON)
            assert len(of_kind(parts.ledger, Kind.KEY_CREATED)) == 1
