"""The vault as a process of its own: keys, leases, expiry, being killed."""

import asyncio
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipeline import sealing
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.vault.api import ObjectRequest, PublicKey
from pipeline.vault.client import DeviceKeys, Leases, VaultClient, connected
from pipeline.vault.keys import Owner
from pipeline.vault.ledger import Entry, Kind, faults
from pipeline.vault.receipts import receipts_of
from schemas.envelope import Purpose
from schemas.ids import AlertId, CameraId, KeyId
from tests.integration.vault_process import DOOR, Process, free_port, running

TTL = timedelta(seconds=8)
KILLS = 6


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Process]:
    with running(Process(tmp_path, free_port())) as process:
        yield process


def _now() -> datetime:
    return datetime.now(UTC)


async def _keys(client: VaultClient, length: timedelta) -> tuple[PublicKey, ...]:
    return await client.public_keys(DOOR, _now(), _now() + length)


async def _ledger(process: Process) -> list[Entry]:
    entries: list[Entry] = []
    async with connected(process.url, process.token("erasing")) as client:
        while (page := await client.ledger(len(entries), 100)).entries:
            entries.extend(page.entries)
    return entries


def _everything_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def test_a_frame_is_sealed_leased_opened_and_erased(vault: Process) -> None:
    async with (
        connected(vault.url, vault.token("device-ginza-pc")) as device,
        connected(vault.url, vault.token("detecting")) as detecting,
    ):
        keys = DeviceKeys(device, DOOR, timedelta(seconds=30))
        await keys.refresh(_now())
        key = keys.key_at(_now())
        assert key is not None
        sealed = sealing.seal(key.public, b"envelope", b"picture")
        leases = Leases(detecting)

        assert await leases.open_(key.key_id, DOOR.purpose, b"envelope", sealed) == b"picture"
        assert leases.held(key.key_id, DOOR.purpose)

        await asyncio.sleep((key.expires_at - _now()).total_seconds() + 0.5)
        assert leases.held(key.key_id, DOOR.purpose) is None
        with pytest.raises(Erased):
            await leases.open_(key.key_id, DOOR.purpose, b"envelope", sealed)
        assert key.key_id in {receipt.key_id for receipt in receipts_of(await _ledger(vault))}


async def test_r04_and_r17_what_the_table_does_not_name_is_refused(vault: Process) -> None:
    async with (
        connected(vault.url, vault.token("device-ginza-pc")) as device,
        connected(vault.url, vault.token("detecting")) as detecting,
        connected(vault.url, "guessed") as stranger,
    ):
        (key, *_) = await _keys(device, timedelta(seconds=4))
        public = sealing.generate().public
        with pytest.raises(Refused):
            await detecting.lease(key.key_id, Purpose.PEOPLE_FLOW, public)
        with pytest.raises(Refused):
            await device.lease(key.key_id, DOOR.purpose, public)
        with pytest.raises(Unavailable, match="MIMAMORI_VAULT__TOKEN"):
            await stranger.lease(key.key_id, DOOR.purpose, public)
        with pytest.raises(Refused):
            await detecting.public_keys(DOOR, _now(), _now() + TTL)
        with pytest.raises(Refused):
            await device.public_keys(Owner(DOOR.store, CameraId("no-notice"), DOOR.purpose), _now(), _now() + TTL)
        with pytest.raises(Refused):
            await detecting.status()
        with pytest.raises(Rejected):
            await detecting.lease(KeyId("never"), DOOR.purpose, public)

    refused = [entry.body["action"] for entry in await _ledger(vault) if entry.kind is Kind.REFUSED]
    assert Counter(refused) == {"lease": 2, "public_keys": 2}


async def test_a_vault_that_is_away_is_unavailable_and_comes_back_with_its_keys(vault: Process) -> None:
    async with (
        connected(vault.url, vault.token("device-ginza-pc")) as device,
        connected(vault.url, vault.token("detecting")) as detecting,
    ):
        *_, key = await _keys(device, timedelta(seconds=30))
        assert vault.stop(signal.SIGTERM) == 0
        with pytest.raises(Unavailable):
            await Leases(detecting).private_key(key.key_id, DOOR.purpose)

        vault.start()
        vault.wait()
        assert await Leases(detecting).private_key(key.key_id, DOOR.purpose)


async def test_r20_killed_at_random_every_key_gets_exactly_one_receipt(vault: Process) -> None:
    chance = random.Random(20)
    created: set[str] = set()
    for _ in range(KILLS):
        async with connected(vault.url, vault.token("device-ginza-pc")) as device:
            created |= {key.key_id for key in await _keys(device, timedelta(seconds=6))}
        await asyncio.sleep(chance.uniform(0, 0.7))
        vault.stop(signal.SIGKILL)
        vault.start()
        # Now and then it dies while it starts, too.
        if chance.random() < 0.3:
            await asyncio.sleep(chance.uniform(0.5, 2))
            vault.stop(signal.SIGKILL)
            vault.start()
        vault.wait()
    await asyncio.sleep(6 + TTL.total_seconds() + 2)

    entries = await _ledger(vault)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex((vault.folder / "ledger.pub").read_text().strip()))
    receipts = Counter(receipt.key_id for receipt in receipts_of(entries))
    assert not list(faults(entries, public))
    assert set(receipts) >= created
    assert set(receipts.values()) == {1}
    assert {entry.body["key_id"] for entry in entries if entry.kind is Kind.KEY_CREATED} == set(receipts)


async def test_r20_keys_die_on_time_and_are_nowhere_on_disk(vault: Process) -> None:
    async with (
        connected(vault.url, vault.token("device-ginza-pc")) as device,
        connected(vault.url, vault.token("detecting")) as detecting,
    ):
        keys = await _keys(device, timedelta(seconds=4))
        private = [bytes(await Leases(detecting).private_key(key.key_id, DOOR.purpose)) for key in keys]
        ring = (vault.folder / "ring" / "slot-keys").read_bytes()
        living = {ring[place + 64 : place + 96] for place in range(0, len(ring), 128)} - {bytes(32)}
        wrapped = _wrapped(vault.folder)
        before = _everything_under(vault.folder)
        assert len(living) >= len(keys)
        assert all(each in before for each in (*living, *wrapped)), "the scan does not see what is there"

        await asyncio.sleep((keys[-1].expires_at - _now()).total_seconds() + 1)

    after = _everything_under(vault.folder)
    late = [each.destroyed_at - each.key_expired_at for each in receipts_of(await _ledger(vault))]
    assert len(late) >= len(keys)
    assert timedelta(0) <= max(late) < timedelta(seconds=5)
    assert not [each for each in (*private, *living, *wrapped) if each in after]
    assert not [each for each in private if each in before]


def _wrapped(folder: Path) -> list[bytes]:
    # From a copy: the vault must be the only one that opens its own table.
    copied = folder.parent / "copy"
    copied.mkdir()
    for path in folder.glob("keys.db*"):
        (copied / path.name).write_bytes(path.read_bytes())
    with closing(sqlite3.connect(copied / "keys.db")) as table:
        return [wrapped for (wrapped,) in table.execute("SELECT wrapped FROM private_keys")]


async def test_an_alert_has_one_key_however_often_the_vault_is_killed(vault: Process) -> None:
    now = _now()
    asked = ObjectRequest(
        alert_id=AlertId("alert-1"),
        store_id=DOOR.store,
        camera_id=DOOR.camera,
        purpose=DOOR.purpose,
        start=now,
        end=now,
    )
    keys = set()
    for _ in range(3):
        async with connected(vault.url, vault.token("cutting")) as cutting:
            keys.add((await cutting.object_key(asked)).key_id)
        vault.stop(signal.SIGKILL)
        vault.start()
        vault.wait()

    assert len(keys) == 1
    created = [each.body for each in await _ledger(vault) if each.kind is Kind.KEY_CREATED]
    assert [body["key_id"] for body in created if "alert_id" in body] == list(keys)


def test_no_second_vault_starts_on_the_same_keys(vault: Process) -> None:
    second = Process(vault.home, free_port())
    second.start()

    assert second.running[0].wait(20) == 1
    assert "another vault holds" in (vault.home / "vault.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_r20_the_vault_dumps_no_core(vault: Process) -> None:
    limits = Path(f"/proc/{vault.running[0].pid}/limits").read_text()

    assert next(line for line in limits.splitlines() if "core file" in line).split()[4] == "0"
