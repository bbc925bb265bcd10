"""Objects that no living key opens go; what lives stays."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Unavailable
from pipeline.leftovers import PATIENCE, Leftovers, choose, key_of
from pipeline.objects import Folder, Objects
from tests.examples import NOON

NAMES = ("evidence/ginza/door/k-1", "evidence/ginza/door/k-2", "evidence/shibuya/hall/k-3")
SOON = timedelta(seconds=1)


class Vault:
    """Knows which keys live."""

    def __init__(self, *living: str) -> None:
        self.living = set(living)
        self.away = False

    async def __call__(self) -> set[str]:
        if self.away:
            raise Unavailable("away")
        return self.living


@pytest.fixture
async def objects(tmp_path: Path) -> Objects:
    folder = Folder(tmp_path / "objects")
    for name in NAMES:
        await folder.put(name, b"sealed")
    return folder


def test_the_key_of_an_object_is_in_its_name() -> None:
    assert key_of(NAMES[0]) == "k-1"


async def test_r20_the_object_of_a_destroyed_key_is_taken_away_at_once(objects: Objects) -> None:
    leftovers = Leftovers(objects)
    leftovers.destroyed(["k-2"])

    swept = await leftovers.sweep(Vault("k-1", "k-3"), NOON)

    assert swept.removed == ("k-2",)
    assert (swept.seen, swept.waiting) == (3, 0)
    assert await objects.names("evidence/") == [NAMES[0], NAMES[2]]


async def test_r20_an_orphan_goes_after_a_while_also_when_its_receipt_was_never_seen(objects: Objects) -> None:
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3")
    first = await leftovers.sweep(vault, NOON)
    almost = await leftovers.sweep(vault, NOON + PATIENCE - SOON)
    last = await leftovers.sweep(vault, NOON + PATIENCE)

    assert (first.removed, almost.removed, last.removed) == ((), (), ("k-2",))
    assert almost.overdue == PATIENCE - SOON
    assert await objects.names("evidence/") == [NAMES[0], NAMES[2]]


async def test_a_clip_that_is_being_sealed_anew_for_a_hold_is_not_taken_for_an_orphan(objects: Objects) -> None:
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3")
    await leftovers.sweep(vault, NOON)
    vault.living.add("k-2")
    await leftovers.sweep(vault, NOON + PATIENCE)
    vault.living.remove("k-2")

    # It begins to wait anew.
    assert (await leftovers.sweep(vault, NOON + PATIENCE + SOON)).removed == ()


async def test_what_lives_stays_whatever_the_ledger_is_said_to_say(objects: Objects) -> None:
    leftovers = Leftovers(objects)
    leftovers.destroyed(["k-1"])

    assert (await leftovers.sweep(Vault("k-1", "k-2", "k-3"), NOON)).removed == ()


async def test_while_the_vault_is_away_nothing_is_taken_away_and_nothing_forgotten(objects: Objects) -> None:
    leftovers, vault = Leftovers(objects), Vault("k-1", "k-3")
    leftovers.destroyed(["k-2"])
    vault.away = True
    with pytest.raises(Unavailable):
        await leftovers.sweep(vault, NOON)
    vault.away = False

    assert (await leftovers.sweep(vault, NOON + SOON)).removed == ("k-2",)


class Stuck:
    """A storage that does not let go."""

    async def names(self, _prefix: str) -> list[str]:
        return [NAMES[0]]

    async def delete(self, _name: str) -> None:
        raise Unavailable("full")

    async def put(self, _name: str, _data: bytes) -> bool:
        return False

    async def get(self, _name: str) -> bytes | None:
        return None


async def test_r21_what_cannot_be_taken_away_is_tried_again_and_told_as_overdue() -> None:
    leftovers = Leftovers(Stuck())
    leftovers.destroyed(["k-1"])
    for minutes in (0, 60):
        with pytest.raises(Unavailable):
            await leftovers.sweep(Vault(), NOON + timedelta(minutes=minutes))

    assert choose([NAMES[0]], (), ("k-1",), leftovers._strays, NOON).remove == (NAMES[0],)
    assert leftovers._strays == {NAMES[0]: NOON}


@given(
    names=st.lists(st.sampled_from([f"evidence/s/c/{n}" for n in "abcdef"]), unique=True),
    living=st.sets(st.sampled_from("abcdef")),
    gone=st.sets(st.sampled_from("abcdef")),
    waited=st.timedeltas(timedelta(0), timedelta(hours=1)),
)
def test_r20_whatever_is_not_alive_is_removed_or_waited_for_and_what_lives_is_neither(
    names: list[str], living: set[str], gone: set[str], waited: timedelta
) -> None:
    chosen = choose(names, living, gone, dict.fromkeys(names, NOON - waited), NOON)

    assert {*chosen.remove, *chosen.strays} == {name for name in names if key_of(name) not in living}
    assert not {*chosen.remove} & {*chosen.strays}
    assert all(key_of(name) not in gone for name in chosen.strays)
