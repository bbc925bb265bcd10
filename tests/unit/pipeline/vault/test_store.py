"""The key table forgets for good, keeps facts until they are told, and counts."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.keys import BucketKey, Owner, span_at
from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.store import REMEMBERED, NewKey, Slot, SqliteKeyTable, Wrapped
from schemas.ids import CameraId, KeyId, NoticeId
from tests.unit.pipeline.vault.building import BUCKET, DOOR, NOON, TILL, TTL

END = NOON + TTL
SLOT = Slot(END, "slot-1")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[SqliteKeyTable]:
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as found:
        yield found


def _new(key_id: str, owner: Owner = DOOR, slot: Slot = SLOT, later: timedelta = timedelta(0)) -> NewKey:
    key = BucketKey(KeyId(key_id), owner, span_at(NOON + later, TTL), NOON, NoticeId("n"), b"public " + key_id.encode())
    return NewKey(
        key, Wrapped(slot.slot_key, b"wrapped " + key_id.encode()), Fact(Kind.KEY_CREATED, {"key_id": key_id})
    )


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_what_was_added_is_held(table: SqliteKeyTable) -> None:
    new = _new("k1")
    table.add([SLOT], [new])

    held = table.held(KeyId("k1"))

    assert held is not None
    assert (held.key, held.wrapped) == (new.key, new.wrapped)
    assert table.held(KeyId("k2")) is None
    assert table.slot(END) == SLOT
    assert table.slot(END + BUCKET) is None


def test_an_owners_keys_come_in_order_and_are_nobody_elses(table: SqliteKeyTable) -> None:
    second = Slot(END + BUCKET, "slot-2")
    mine = [_new("k1"), _new("k2", slot=second, later=BUCKET)]
    table.add([SLOT, second], [mine[1], mine[0], _new("k3", owner=TILL)])

    assert table.living(DOOR, NOON, NOON + TTL) == tuple(new.key for new in mine)
    assert table.living(DOOR, NOON, NOON + BUCKET) == (mine[0].key,)


def test_r20_a_condemned_slots_keys_are_not_lent(table: SqliteKeyTable) -> None:
    table.add([SLOT], [_new("k1")])

    table.condemn(END)

    held = table.held(KeyId("k1"))
    assert held is not None
    assert held.wrapped is None
    assert table.slot(END) is None
    assert table.condemned() == (SLOT,)


def test_a_slot_is_not_condemned_before_its_end(table: SqliteKeyTable) -> None:
    table.add([SLOT], [_new("k1")])

    table.condemn(END - timedelta(microseconds=1))

    assert not table.condemned()
    assert table.next_slot_end() == END


def test_r20_deleted_private_keys_are_in_no_file_of_the_table(table: SqliteKeyTable, tmp_path: Path) -> None:
    other = Slot(END + BUCKET, "slot-2")
    for number in range(100):
        owner = Owner(DOOR.store, CameraId(f"camera-{number}"), DOOR.purpose)
        table.add([SLOT] if number == 0 else [], [_new(f"k{number:03}", owner)])
    table.add([other], [_new("survivor", slot=other, later=BUCKET)])
    before = _files(tmp_path)

    table.delete_private(SLOT)

    after = _files(tmp_path)
    assert all(f"wrapped k{number:03}".encode() in before for number in range(100))
    assert not [number for number in range(100) if f"wrapped k{number:03}".encode() in after]
    assert b"wrapped survivor" in after


def test_a_buried_slot_leaves_keys_without_private_halves(table: SqliteKeyTable) -> None:
    table.add([SLOT], [_new("k1")])
    table.condemn(END)
    table.delete_private(SLOT)

    table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {"key_id": "k1"})])

    held = table.held(KeyId("k1"))
    assert held is not None
    assert held.wrapped is None
    assert not table.condemned()
    assert not table.keys_of(SLOT)
    assert not table.slot_keys()
    assert table.next_slot_end() is None


def test_facts_wait_in_order_until_they_are_told(table: SqliteKeyTable) -> None:
    table.add([SLOT], [_new("k1"), _new("k2", owner=TILL)])

    first, second = table.outbox(10)
    assert [each.body["key_id"] for each in (first, second)] == ["k1", "k2"]
    assert first.outbox == table.outbox(1)[0].outbox == 1

    table.told(1)
    assert table.outbox(10) == (second,)
    assert table.last_number() == 2


def test_numbers_of_the_outbox_are_never_given_twice(tmp_path: Path) -> None:
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        table.add([SLOT], [_new("k1")])
        table.told(1)
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {"key_id": "k1"})])

        assert [fact.outbox for fact in table.outbox(10)] == [2]


def test_it_counts(table: SqliteKeyTable) -> None:
    second = Slot(END + BUCKET, "slot-2")
    table.add([SLOT, second], [_new("k1"), _new("k2", slot=second, later=BUCKET)])

    count = table.count(NOON)
    assert (count.alive, count.destroyed, count.oldest_readable, count.outbox) == (2, 0, NOON, 2)

    table.condemn(END)
    table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {"key_id": "k1"})])
    count = table.count(END)
    assert (count.alive, count.destroyed, count.oldest_readable, count.outbox) == (1, 1, NOON + BUCKET, 3)


def test_the_latest_time_is_kept(table: SqliteKeyTable) -> None:
    assert table.high_water() is None

    table.note_time(END)
    table.note_time(NOON)

    assert table.high_water() == END


def test_the_table_is_its_owners_alone(table: SqliteKeyTable, tmp_path: Path) -> None:
    table.add([SLOT], [_new("k1")])

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_what_was_destroyed_is_remembered_for_a_month(table: SqliteKeyTable) -> None:
    for name, later in (("old", timedelta(0)), ("new", REMEMBERED), ("last", REMEMBERED + BUCKET)):
        slot = Slot(END + later, name)
        table.add([slot], [_new(name, slot=slot, later=later)])
        table.bury(slot, [])

    assert table.held(KeyId("old")) is None
    assert table.held(KeyId("new")) is not None


def test_a_file_that_is_no_key_table_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"not a database" * 100)

    with pytest.raises(Misconfigured, match=r"keys\.db cannot be used.*move it"):
        SqliteKeyTable(tmp_path / "keys.db")


def test_a_damaged_table_is_unavailable(tmp_path: Path) -> None:
    cameras = [Owner(DOOR.store, CameraId(f"camera-{number}"), DOOR.purpose) for number in range(200)]
    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        table.add([SLOT], [_new(f"k{number:03}", owner) for number, owner in enumerate(cameras)])
    content = (tmp_path / "keys.db").read_bytes()

    with closing(SqliteKeyTable(tmp_path / "keys.db")) as table:
        with (tmp_path / "keys.db").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (len(content) - 4096))
        with pytest.raises(Unavailable, match="malformed"):
            table.keys_of(SLOT)
