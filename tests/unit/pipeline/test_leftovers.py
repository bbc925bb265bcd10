"""Objects that no living key opens go; what lives stays."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Unavailable
from pipeline.leftovers import PATIENCE, Leftovers, expiry_of, key_of
from pipeline.objects import Folder, Objects
from schemas.envelope import Purpose
from schemas.evidence import EvidenceHeader
from schemas.ids import AlertId, CameraId, KeyId, StoreId
from tests.examples import NOON

NAMES = ("evidence/ginza/door/k-1", "evidence/ginza/door/k-2", "evidence/shibuya/hall/k-3")
SOON = timedelta(seconds=1)
DAY = timedelta(days=1)


def clip(name: str, expires_at: datetime) -> bytes:
    header = EvidenceHeader(
        alert_id=AlertId("a"), camera_id=CameraId("door"), expires_at=expires_at, key_id=KeyId(key_of(name)),
        purpose=Purpose.CRIME_PREVENTION, store_id=StoreId("ginza"),
    )  # fmt: skip
    return header.model_dump_json().encode() + b"\n" + b"sealed"


class Vault:
    """Knows which keys live, and which have a receipt."""

    def __init__(self, *living: str, receipts: tuple[str, ...] = ()) -> None:
        self.alive = set(living)
        self.receipts = dict.fromkeys(receipts, NOON)
        self.away = False

    async def living(self) -> set[str]:
        if self.away:
            raise Unavailable("away")
        return self.alive

    async def gone_since(self, key_id: str) -> datetime | None:
        return self.receipts.get(key_id)


@pytest.fixture
async def objects(tmp_path: Path) -> Objects:
    folder = Folder(tmp_path / "objects")
    for name in NAMES:
        await folder.put(name, clip(name, NOON + DAY))
    return folder


def test_the_key_of_an_object_is_in_its_name() -> None:
    assert key_of(NAMES[0]) == "k-1"


@pytest.mark.parametrize("raw", [None, b"", b"no header", b'{"key_id": "k"}\n', b"\xff\n"])
def test_what_does_not_say_when_it_expires_is_none_of_ours(raw: bytes | None) -> None:
    assert expiry_of(raw) is None
    assert expiry_of(clip(NAMES[0], NOON)) == NOON


async def test_r20_the_object_of_a_destroyed_key_is_taken_away_at_once(objects: Objects) -> None:
    leftovers = Leftovers(objects)
    leftovers.destroyed({"k-2": NOON})

    swept = await leftovers.sweep(Vault("k-1", "k-3"), NOON)

    assert (swept.removed, swept.seen, swept.unlisted) == (("k-2",), 3, 0)
    assert await objects.names("evidence/") == [NAMES[0], NAMES[2]]


async def test_r23_an_object_erased_early_goes_after_a_while_also_when_its_receipt_went_by_unseen(
    objects: Objects,
) -> None:
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3", receipts=("k-2",))
    turns = [await leftovers.sweep(vault, at) for at in (NOON, NOON + PATIENCE - SOON, NOON + PATIENCE)]

    assert [each.removed for each in turns] == [(), (), ("k-2",)]
    assert await objects.names("evidence/") == [NAMES[0], NAMES[2]]


async def test_r20_an_orphan_that_has_expired_by_its_own_first_line_goes(objects: Objects) -> None:
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3")
    turns = [await leftovers.sweep(vault, NOON + PATIENCE * n) for n in range(3)]
    last = await leftovers.sweep(vault, NOON + DAY)

    assert [each.removed for each in turns] == [(), (), ()]
    assert last.removed == ("k-2",)


async def test_the_clip_beside_its_held_one_stays_for_as_long_as_its_key_lives(objects: Objects) -> None:
    """The vault lists the hold's key in its place; should the hold end early, it is looked at again."""
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3")
    for n in range(5):
        await leftovers.sweep(vault, NOON + PATIENCE * n)
    vault.alive.add("k-2")
    await leftovers.sweep(vault, NOON + PATIENCE * 5)

    assert NAMES[1] in await objects.names("evidence/")


async def test_a_clip_that_is_being_sealed_anew_for_a_hold_is_not_taken_for_an_orphan(objects: Objects) -> None:
    await objects.put("evidence/ginza/door/k-held", b"no first line yet")
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-2", "k-3")
    await leftovers.sweep(vault, NOON)
    vault.alive.add("k-held")
    await leftovers.sweep(vault, NOON + PATIENCE)
    vault.alive.remove("k-held")

    # It begins to wait anew.
    assert (await leftovers.sweep(vault, NOON + PATIENCE + SOON)).removed == ()


async def test_what_lives_stays_whatever_the_ledger_is_said_to_say(objects: Objects) -> None:
    leftovers = Leftovers(objects)
    leftovers.destroyed({"k-1": NOON})

    assert (await leftovers.sweep(Vault("k-1", "k-2", "k-3"), NOON)).removed == ()


async def test_while_the_vault_is_away_nothing_is_taken_away_and_nothing_forgotten(objects: Objects) -> None:
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3")
    leftovers.destroyed({"k-2": NOON})
    vault.away = True
    with pytest.raises(Unavailable):
        await leftovers.sweep(vault, NOON)
    vault.away = False

    assert (await leftovers.sweep(vault, NOON + SOON)).removed == ("k-2",)


@pytest.mark.parametrize("file", ["Thumbs.db", ".hidden", "ginza/door/Ä", "ginza/k-1", "a/b/c/d"])
async def test_what_somebody_else_put_there_is_counted_and_left(tmp_path: Path, file: str) -> None:
    path = tmp_path / "objects" / "evidence" / file
    storage = Folder(tmp_path / "objects")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"foreign")
    leftovers = Leftovers(storage)
    turns = [await leftovers.sweep(Vault(), NOON + PATIENCE * n) for n in range(3)]

    assert {each.foreign for each in turns} == {1}
    assert path.exists()


class Stuck(Folder):
    """A storage that does not let go."""

    stuck = True

    async def delete(self, name: str) -> None:
        if self.stuck:
            raise Unavailable("read-only")
        await super().delete(name)


async def test_r21_what_cannot_be_taken_away_is_tried_again_and_told_as_overdue(tmp_path: Path) -> None:
    storage = Stuck(tmp_path / "objects")
    await storage.put(NAMES[0], clip(NAMES[0], NOON + DAY))
    leftovers, vault = Leftovers(storage), Vault()
    leftovers.destroyed({"k-1": NOON})
    first = await leftovers.sweep(vault, NOON)
    later = await leftovers.sweep(vault, NOON + timedelta(hours=25))
    storage.stuck = False
    last = await leftovers.sweep(vault, NOON + timedelta(hours=26))

    assert [each.overdue for each in (first, later, last)] == [timedelta(0), timedelta(hours=25), timedelta(0)]
    assert (first.removed, later.removed, last.removed) == ((), (), ("k-1",))


async def test_r21_overdue_counts_from_the_receipt_or_the_expiry_however_often_the_process_begins(
    tmp_path: Path,
) -> None:
    storage = Stuck(tmp_path / "objects")
    for name in NAMES:
        await storage.put(name, clip(name, NOON - 3 * DAY) if name == NAMES[1] else b"no first line")
    vault = Vault("k-2", "k-3", receipts=("k-1",))
    vault.receipts["k-1"] = NOON - 2 * DAY

    async def overdue() -> timedelta:
        begun = Leftovers(storage)
        await begun.sweep(vault, NOON)
        return (await begun.sweep(vault, NOON + PATIENCE)).overdue

    by_receipt = await overdue()
    vault.alive = {"k-1", "k-3"}
    by_expiry = await overdue()
    vault.alive = {"k-1", "k-2"}
    by_nothing = await overdue()

    assert by_receipt == 2 * DAY + PATIENCE
    assert by_expiry == 3 * DAY + PATIENCE
    assert by_nothing == PATIENCE


class Unreadable(Folder):
    """A storage with an object that its disk does not give."""

    broken = True

    async def get(self, name: str) -> bytes | None:
        if self.broken and name == NAMES[0]:
            raise Unavailable("Input/output error")
        return await super().get(name)


async def test_r23_an_object_that_cannot_be_read_keeps_no_other_from_going_and_is_told(tmp_path: Path) -> None:
    storage = Unreadable(tmp_path / "objects")
    for name in NAMES:
        await storage.put(name, clip(name, NOON))
    leftovers, vault = Leftovers(storage), Vault("k-2")
    await leftovers.sweep(vault, NOON)
    vault.alive = set()
    leftovers.destroyed({"k-2": NOON})
    second = await leftovers.sweep(vault, NOON + PATIENCE)
    third = await leftovers.sweep(vault, NOON + DAY)
    storage.broken = False
    last = await leftovers.sweep(vault, NOON + DAY)

    assert [each.removed for each in (second, third, last)] == [("k-2", "k-3"), (), ("k-1",)]
    assert [each.unread for each in (second, third, last)] == [1, 1, 0]
    assert [each.overdue for each in (second, third, last)] == [PATIENCE, DAY, timedelta(0)]


async def test_what_is_known_goes_although_the_vault_gives_no_receipts(objects: Objects) -> None:
    class Silent(Vault):
        async def gone_since(self, _key_id: str) -> datetime | None:
            raise Unavailable("away")

    leftovers, vault = Leftovers(objects), Silent("k-3")
    await leftovers.sweep(vault, NOON)
    leftovers.destroyed({"k-2": NOON})

    swept = await leftovers.sweep(vault, NOON + PATIENCE)

    assert (swept.removed, swept.unread) == (("k-2",), 1)


class Memory:
    """A storage of names."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.held = objects

    async def put(self, name: str, data: bytes) -> bool:
        return self.held.setdefault(name, data) is data

    async def get(self, name: str) -> bytes | None:
        return self.held.get(name)

    async def delete(self, name: str) -> None:
        self.held.pop(name, None)

    async def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.held if name.startswith(prefix))


@given(
    lives=st.dictionaries(st.sampled_from("abcdef"), st.timedeltas(-DAY, DAY), min_size=1),
    listed=st.sets(st.sampled_from("abcdef")),
    receipts=st.sets(st.sampled_from("abcdef")),
    told=st.sets(st.sampled_from("abcdef")),
)
async def test_r20_in_the_end_all_that_is_gone_is_removed_and_nothing_else(
    lives: dict[str, timedelta], listed: set[str], receipts: set[str], told: set[str]
) -> None:
    storage = Memory({f"evidence/s/c/{key}": clip(key, NOON + life) for key, life in lives.items()})
    leftovers, vault = Leftovers(storage), Vault(*listed, receipts=tuple(receipts))
    leftovers.destroyed(dict.fromkeys(told, NOON))
    for at in (NOON - DAY, NOON):
        await leftovers.sweep(vault, at)

    left = {key_of(name) for name in await storage.names("evidence/")}
    assert left == {
        key
        for key, life in lives.items()
        if key in listed or (key not in told and key not in receipts and life > timedelta(0))
    }
