"""The key table in SQLite: the laws of every key table, and that no file of it keeps what was deleted."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.keys import Owner
from pipeline.vault.store import Slot, SqliteKeyTable
from schemas.ids import CameraId, KeyId
from tests.unit.pipeline.vault.building import BUCKET, DOOR
from tests.unit.pipeline.vault.key_table_laws import END, SLOT, KeyTableLaws, Opened, new_key


class TestLaws(KeyTableLaws):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return lambda: closing(SqliteKeyTable(tmp_path / "keys.db"))


@pytest.fixture
def table(tmp_path: Path) -> Iterator[SqliteKeyTable]:
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as found:
        yield found


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_r20_deleted_private_keys_are_in_no_file_of_the_table(table: SqliteKeyTable, tmp_path: Path) -> None:
    other = Slot(END + BUCKET, "slot-2")
    for number in range(100):
        owner = Owner(DOOR.store, CameraId(f"camera-{number}"), DOOR.purpose)
        table.add([SLOT] if number == 0 else [], [new_key(f"k{number:03}", owner)])
    table.add([other], [new_key("survivor", slot=other, later=BUCKET)])
    before = _files(tmp_path)

    table.delete_private(SLOT)

    after = _files(tmp_path)
    assert all(f"wrapped k{number:03}".encode() in before for number in range(100))
    assert not [number for number in range(100) if f"wrapped k{number:03}".encode() in after]
    assert b"wrapped survivor" in after


def test_the_table_is_its_owners_alone(table: SqliteKeyTable, tmp_path: Path) -> None:
    table.add([SLOT], [new_key("k1")])

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_file_that_is_no_key_table_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"not a database" * 100)

    with pytest.raises(Misconfigured, match=r"keys\.db cannot be used.*move it"):
        SqliteKeyTable(tmp_path / "keys.db")


def test_a_damaged_table_is_unavailable(tmp_path: Path) -> None:
    cameras = [Owner(DOOR.store, CameraId(f"camera-{number}"), DOOR.purpose) for number in range(200)]
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        table.add([SLOT], [new_key(f"k{number:03}", owner) for number, owner in enumerate(cameras)])
    content = (tmp_path / "keys.db").read_bytes()

    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        with (tmp_path / "keys.db").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (len(content) - 4096))
        with pytest.raises(Unavailable, match="malformed"):
            table.keys_of(SLOT)


def test_a_table_from_before_there_was_evidence_goes_on(tmp_path: Path) -> None:
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        table.add([SLOT], [new_key("k1")])
    with closing(sqlite3.connect(tmp_path / "keys.db")) as old:
        old.executescript("DROP INDEX keys_living; DROP INDEX keys_by_alert; DROP TABLE records")
        for column in ("alert", "hold", "sha256", "size"):
            old.execute(f"ALTER TABLE keys DROP COLUMN {column}")
        old.execute("ALTER TABLE slots DROP COLUMN erasure")

    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        held = table.held(KeyId("k1"))
        assert held is not None
        assert held.key == new_key("k1").key
        assert table.slot(END) == SLOT
        assert not table.evidence(None)
