"""The vault's process over TLS, with its key table in PostgreSQL and its slot keys in a transit engine."""

import asyncio
import signal
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.errors import Erased, Unavailable
from pipeline.vault.client import Leases, VaultClient, connected
from pipeline.vault.receipts import receipts_of
from tests.integration.postgres_fixtures import PASSWORD, Postgres
from tests.integration.vault_process import DOOR, Process, free_port, running
from tests.unit.pipeline.vault.fake_transit import TOKEN, FakeTransit, served
from tests.unit.pipeline.vault.test_tls import Authority


async def _lives_and_dies(vault: Process, ca: Path | None = None) -> None:
    """Make keys, lend one, stop and start, wait for their end, and find their receipts."""
    device = VaultClient(vault.url, vault.token("device-ginza-pc"), ca=ca)
    detecting = VaultClient(vault.url, vault.token("detecting"), ca=ca)
    erasing = VaultClient(vault.url, vault.token("erasing"), ca=ca)
    try:
        now = SystemClock().now()
        *_, key = await device.public_keys(DOOR, now, now + timedelta(seconds=4))
        private = bytes(await Leases(detecting).private_key(key.key_id, DOOR.purpose))
        vault.stop(signal.SIGKILL)
        vault.start()
        vault.wait()
        assert bytes(await Leases(detecting).private_key(key.key_id, DOOR.purpose)) == private

        await asyncio.sleep((key.expires_at - SystemClock().now()).total_seconds() + 1)
        with pytest.raises(Erased):
            await Leases(detecting).private_key(key.key_id, DOOR.purpose)
        entries = (await erasing.ledger(0)).entries
        assert [receipt.key_id for receipt in receipts_of(entries)].count(key.key_id) == 1
    finally:
        for client in (device, detecting, erasing):
            await client.close()


async def test_r20_over_tls_keys_are_lent_and_die(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = authority.issue("localhost")
    vault = Process(
        tmp_path,
        free_port(),
        options=("--tls-cert", str(shown.chain), "--tls-key", str(shown.key)),
        verify=ssl.create_default_context(cafile=authority.file),
    )
    with running(vault):
        await _lives_and_dies(vault, authority.file)
        async with connected(vault.url, vault.token("erasing")) as unknowing:
            with pytest.raises(Unavailable):
                await unknowing.status()


async def test_r20_with_its_keys_in_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.database("vault")
    vault = Process(tmp_path, free_port(), environment={"MIMAMORI_KEYS__TABLE": url})
    with running(vault):
        await _lives_and_dies(vault)
        second = Process(tmp_path / "second", free_port(), environment={"MIMAMORI_KEYS__TABLE": url})
        second.home.mkdir()
        for name in ("estate.toml", "rules.toml"):
            (second.home / name).write_bytes((vault.home / name).read_bytes())
        second.start()
        assert second.running[0].wait(30) == 1

    assert not (vault.folder / "keys.db").exists()
    logs = (tmp_path / "vault.log").read_text() + (second.home / "vault.log").read_text()
    assert "another vault holds" in logs
    assert PASSWORD not in logs


def test_r20_it_ends_when_its_database_comes_back_and_the_next_one_recovers(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.database("comes_back")
    vault = Process(tmp_path, free_port(), environment={"MIMAMORI_KEYS__TABLE": url})
    with running(vault):
        postgres.stop(signal.SIGQUIT)
        postgres.start()

        assert vault.running[0].wait(30) == 70

        vault.start()
        vault.wait()


async def test_r20_with_its_slot_keys_in_a_transit_engine(tmp_path: Path) -> None:
    fake = FakeTransit()
    (tmp_path / "ring-token").write_text(f"{TOKEN}\n")
    with served(fake) as url:
        file = {"MIMAMORI_KEYS__RING_TOKEN_FILE": str(tmp_path / "ring-token")}
        vault = Process(tmp_path, free_port(), options=("--ring", url), environment=file)
        with running(vault):
            await _lives_and_dies(vault)
            second = Process(tmp_path, free_port(), options=("--ring", url), environment=file)
            second.start()
            assert second.running[0].wait(30) == 1

    assert not (vault.folder / "ring").exists()
    assert "another vault holds" in (tmp_path / "vault.log").read_text()
    assert TOKEN not in (tmp_path / "vault.log").read_text()
