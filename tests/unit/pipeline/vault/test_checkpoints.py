"""Checkpoints are made on time, chained and signed, tell the witness the same, and keep nothing from going on."""

import os
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault import merkle
from pipeline.vault.checkpoints import EACH, EVERY, CheckpointedLedger, Checkpoints, is_signed, read_checkpoints
from pipeline.vault.ledger import FIRST, Fact, FileLedger, Kind, MemoryLedger
from tests.unit.pipeline.vault.building import NOON

KEY = Ed25519PrivateKey.generate()
SECOND = timedelta(seconds=1)


def _facts(count: int) -> list[Fact]:
    return [Fact(Kind.LEASES, {"leases": []})] * count


class Files:
    """A ledger with its checkpoints, as a vault has them; can be started again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoints.jsonl"
        self.witness = folder / "outside" / "witness.jsonl"
        self.witness.parent.mkdir()
        self.plain = MemoryLedger(KEY)
        self.start()

    def start(self) -> None:
        self.ledger = CheckpointedLedger(self.plain, Checkpoints(self.path, self.plain, KEY, self.witness))

    def sizes(self) -> list[int]:
        return [each.size for each in read_checkpoints(self.path)] if self.path.exists() else []

    def same(self) -> bool:
        return self.witness.read_bytes() == self.path.read_bytes()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_r20_a_checkpoint_is_made_each_minute_in_which_something_was_added(files: Files) -> None:
    files.ledger.append(_facts(2), NOON)
    files.ledger.append(_facts(1), NOON + SECOND)
    files.ledger.append([], NOON + EVERY - SECOND)
    assert files.sizes() == [2]

    files.ledger.append([], NOON + EVERY)
    files.ledger.append([], NOON + 5 * EVERY)

    assert files.sizes() == [2, 3]


def test_r20_a_checkpoint_is_made_when_much_was_added(files: Files) -> None:
    files.ledger.append(_facts(1), NOON)
    files.ledger.append(_facts(EACH - 1), NOON)
    assert files.sizes() == [1]

    files.ledger.append(_facts(1), NOON)

    assert files.sizes() == [1, EACH + 1]


def test_nothing_is_signed_of_an_empty_ledger(files: Files) -> None:
    files.ledger.append([], NOON)

    assert files.sizes() == []


def test_r20_checkpoints_are_chained_signed_and_true(files: Files) -> None:
    for minute in range(3):
        files.ledger.append(_facts(2), NOON + minute * EVERY)
    first, second, third = read_checkpoints(files.path)
    leaves = [bytes.fromhex(entry.hash) for entry in files.plain.entries(0, 10)]

    assert [each.previous for each in (first, second, third)] == [FIRST, first.hash, second.hash]
    assert all(is_signed(each, KEY.public_key()) for each in (first, second, third))
    assert [bytes.fromhex(each.root) for each in (first, third)] == [
        merkle.tree_hash(leaves[:2]),
        merkle.tree_hash(leaves),
    ]
    assert not is_signed(first.model_copy(update={"size": 3}), KEY.public_key())
    assert not is_signed(first, Ed25519PrivateKey.generate().public_key())


def test_r20_it_goes_on_where_the_last_vault_stopped(files: Files) -> None:
    files.ledger.append(_facts(2), NOON)
    with files.path.open("ab") as file:
        file.write(b'{"size":3,"torn')
    files.start()
    files.ledger.append(_facts(1), NOON + EVERY)

    first, second = read_checkpoints(files.path)
    assert (second.previous, second.size) == (first.hash, 3)
    assert files.same()


def test_what_a_ledger_does_is_done(tmp_path: Path) -> None:
    with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as plain:
        ledger = CheckpointedLedger(plain, Checkpoints(tmp_path / "checkpoints.jsonl", plain, KEY))
        ledger.append([Fact(Kind.LEASES, {}, 7)], NOON)

        assert (len(ledger), ledger.last_outbox(), len(ledger.entries(0, 5))) == (1, 7, 1)


# --- The witness ---------------------------------------------------------------------------------------------------
def test_r20_the_witness_hears_the_same(files: Files) -> None:
    files.ledger.append(_facts(2), NOON)
    files.ledger.append(_facts(2), NOON + EVERY)

    assert files.same()
    assert len(files.sizes()) == 2


def test_r20_a_witness_that_was_away_hears_all_of_it_later(files: Files) -> None:
    files.witness.parent.rmdir()
    with capture_logs() as logs:
        files.ledger.append(_facts(2), NOON)
        files.ledger.append([], NOON + SECOND)
    files.ledger.append(_facts(2), NOON + EVERY)
    files.witness.parent.mkdir()
    files.ledger.append([], NOON + EVERY + SECOND)

    assert [each["event"] for each in logs] == ["checkpoint waits"]
    assert files.sizes() == [2, 4]
    assert files.same()


def test_r20_a_witness_that_was_stopped_in_a_line_hears_the_rest_of_it(files: Files) -> None:
    files.ledger.append(_facts(2), NOON)
    files.witness.write_bytes(files.witness.read_bytes()[:-50])
    files.start()
    files.ledger.append([], NOON + SECOND)

    assert files.same()


def test_r20_a_witness_of_other_checkpoints_is_not_written_over(files: Files) -> None:
    files.witness.write_bytes(b"another vault's\n" * 100)
    seen = files.witness.read_bytes()
    with capture_logs() as logs:
        files.ledger.append(_facts(2), NOON)

    assert (len(files.plain), files.sizes()) == (2, [2])
    assert [each["event"] for each in logs] == ["checkpoint waits"]
    assert files.witness.read_bytes() == seen


# --- What is wrong keeps nothing from going on ---------------------------------------------------------------------
def test_r20_a_full_disk_keeps_no_fact_from_the_ledger_and_the_checkpoint_is_made_up_for(files: Files) -> None:
    with patch.object(os, "write", side_effect=OSError(28, "No space left on device")), capture_logs() as logs:
        files.ledger.append(_facts(1), NOON)
        files.ledger.append(_facts(1), NOON + SECOND)
    files.ledger.append([], NOON + 2 * SECOND)

    assert [each["event"] for each in logs] == ["checkpoint waits"]
    assert (len(files.plain), files.sizes()) == (2, [2])


def test_r20_half_a_checkpoint_is_taken_back(files: Files) -> None:
    files.ledger.append(_facts(1), NOON)
    before = files.path.read_bytes()
    with patch.object(os, "fsync", side_effect=OSError(5, "Input/output error")):
        files.ledger.append(_facts(1), NOON + EVERY)
    assert files.path.read_bytes() == before

    files.ledger.append([], NOON + EVERY + SECOND)

    assert files.sizes() == [1, 2]


def _cut(files: Files) -> None:
    del files.plain._entries[-1]


def _change(files: Files) -> None:
    files.plain._entries[0] = files.plain._entries[0].model_copy(update={"hash": "a" * 64})


def _replace(files: Files) -> None:
    text = files.path.read_text()
    files.path.write_text(text.replace('"size":2', '"size":1'))


def _spoil(files: Files) -> None:
    files.path.write_text("{}\n")


@pytest.mark.parametrize("harm", [_cut, _change, _replace, _spoil])
def test_r20_no_checkpoint_is_made_of_a_ledger_that_was_meddled_with(files: Files, harm: object) -> None:
    files.ledger.append(_facts(2), NOON)
    assert callable(harm)
    harm(files)
    before, length = files.path.read_bytes(), len(files.plain)
    files.start()
    with capture_logs() as logs:
        files.ledger.append(_facts(1), NOON + EVERY)
        files.ledger.append(_facts(1), NOON + 2 * EVERY)

    assert len(files.plain) == length + 2
    assert files.path.read_bytes() == before
    assert [each["log_level"] for each in logs] == ["critical"]


def test_r20_a_line_that_is_no_entry_keeps_nothing_from_going_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with closing(FileLedger(path, KEY)) as plain:
        plain.append(_facts(3), NOON)
        path.write_bytes(path.read_bytes().replace(b'"index":1', b'"index":-'))
        ledger = CheckpointedLedger(plain, Checkpoints(tmp_path / "checkpoints.jsonl", plain, KEY))
        with capture_logs() as logs:
            ledger.append(_facts(1), NOON)

    assert [each["log_level"] for each in logs] == ["critical"]
    assert len(ledger) == 4


def test_what_cannot_be_read_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        read_checkpoints(tmp_path / "nowhere")
    with pytest.raises(Unavailable):
        Checkpoints(tmp_path / "nowhere" / "checkpoints", MemoryLedger(KEY), KEY).make_if_due(NOON)
    (tmp_path / "other").write_text("other\n")
    with pytest.raises(Misconfigured):
        read_checkpoints(tmp_path / "other")
