"""A device that was started again without the vault goes on sealing, with public keys and nothing more."""

import stat
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge.disk import Disk
from pipeline.edge.kept import KeptKeys, load, save
from pipeline.errors import Refused, Unavailable
from pipeline.vault.api import PublicKey
from pipeline.vault.keys import Owner
from schemas.envelope import Purpose
from schemas.ids import CameraId, KeyId
from tests.unit.pipeline.edge.building import NOON, PAIR, TTL, WHO, after, bucket

OWNER = Owner(WHO.store_id, WHO.camera_id, Purpose.CRIME_PREVENTION)
KEYS = (bucket(), bucket(NOON + TTL))


class Vault:
    """A vault's keys, when it is there."""

    def __init__(self, *keys: PublicKey, error: Exception | None = None) -> None:
        self.keys: tuple[PublicKey, ...] = ()
        self._given = keys
        self._error = error

    async def refresh(self, _now: datetime, /) -> None:
        self.keys = self._given
        if self._error is not None:
            raise self._error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "public-keys"


async def test_what_was_fetched_is_there_after_a_restart_without_the_vault(path: Path, disk: Disk) -> None:
    await KeptKeys(Vault(*KEYS), OWNER, path, disk).refresh(NOON)
    again = KeptKeys(Vault(error=Unavailable("away")), OWNER, path, disk)
    with pytest.raises(Unavailable):
        await again.refresh(NOON)

    assert again.key_at(NOON) == KEYS[0]
    assert again.key_at(after(60)) == KEYS[1]
    assert again.key_at(after(120)) is None, "they run out"


async def test_what_the_vault_says_goes_before_what_is_kept(path: Path, disk: Disk) -> None:
    """A vault that lost its keys has others now: what is sealed to the old ones opens no more."""
    save(path, KEYS)
    new = KEYS[0].model_copy(update={"key_id": KeyId("k-new")})
    keys = KeptKeys(Vault(new), OWNER, path, disk)
    await keys.refresh(NOON)

    assert keys.key_at(NOON) == new
    assert load(path, OWNER) == (new,)


async def test_of_a_vault_that_went_away_half_way_both_halves_are_kept(path: Path, disk: Disk) -> None:
    save(path, KEYS)
    new = KEYS[0].model_copy(update={"key_id": KeyId("k-new")})
    with pytest.raises(Unavailable):
        await KeptKeys(Vault(new, error=Unavailable("away")), OWNER, path, disk).refresh(NOON)

    assert load(path, OWNER) == (new, KEYS[1])


async def test_a_device_that_is_refused_keeps_nothing(path: Path, disk: Disk) -> None:
    save(path, KEYS)
    keys = KeptKeys(Vault(error=Refused("no longer")), OWNER, path, disk)
    with pytest.raises(Refused):
        await keys.refresh(NOON)

    assert keys.key_at(NOON) is None
    assert KeptKeys(Vault(), OWNER, path, disk).key_at(NOON) is None


async def test_a_vault_that_has_none_just_now_takes_none_away(path: Path, disk: Disk) -> None:
    save(path, KEYS)
    keys = KeptKeys(Vault(), OWNER, path, disk)
    await keys.refresh(NOON)

    assert keys.key_at(NOON) == KEYS[0]


def test_r20_no_private_key_is_kept_and_nobody_else_reads_it(path: Path) -> None:
    save(path, KEYS)

    assert bytes(PAIR.private) not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_another_cameras_keys_are_not_taken(path: Path) -> None:
    save(path, (*KEYS, KEYS[0].model_copy(update={"camera_id": CameraId("till")})))

    assert load(path, OWNER) == KEYS


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_damaged_keys_are_none(tmp_path_factory: pytest.TempPathFactory, place: int, flip: int) -> None:
    path = tmp_path_factory.mktemp("k") / "public-keys"
    save(path, KEYS)
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= flip
    path.write_bytes(raw)

    assert load(path, OWNER) == ()


def test_torn_keys_are_none(path: Path) -> None:
    save(path, KEYS)
    for size in range(0, path.stat().st_size, 50):
        path.write_bytes(path.read_bytes()[:size])
        assert load(path, OWNER) == ()
        save(path, KEYS)


async def test_where_nothing_can_be_kept_it_goes_on(tmp_path: Path, disk: Disk) -> None:
    keys = KeptKeys(Vault(*KEYS), OWNER, tmp_path / "missing" / "public-keys", disk)
    await keys.refresh(NOON)

    assert keys.key_at(NOON) == KEYS[0]
