"""People at a vault that is a process of its own: the command line beside it, being killed, and leases meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import sealing
from pipeline.errors import Erased, Unavailable
from pipeline.governance.accounts import FILE
from pipeline.governance.people import Suspended, Suspension
from pipeline.vault.api import SignedOut
from pipeline.vault.client import VaultClient, connected
from pipeline.vault.ledger import Kind
from tests.integration.vault_process import DOOR, ROOT, Process, free_port, running

WORDS = "four quiet words here"
DATES = ("--trained-until", "2099-03-31", "--pledged-on", "2026-01-05", "--pledge-until", "2099-01-04")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Process]:
    with running(Process(tmp_path, free_port())) as process:
        _accounts(process, "add", "sato", "--role", "manager", "--store", "ginza", *DATES, "--stdin")
        yield process


def _accounts(process: Process, *arguments: str, typed: str = WORDS, url: str = "") -> str:
    """Run `mimamori accounts` beside the vault, and return what it said."""
    own = {"MIMAMORI_HOME": str(process.home), "MIMAMORI_ESTATE": str(process.home / "estate.toml")}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "accounts", *arguments],
        cwd=ROOT,
        env=os.environ | own | {"MIMAMORI_ACCOUNTS__URL": url},
        input=f"{typed}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _now() -> datetime:
    return datetime.now(UTC)


async def _told(process: Process, kind: Kind) -> list[dict[str, object]]:
    """Wait until the timer has told the ledger, and read it."""
    async with connected(process.url, process.token("erasing")) as erasing:
        for _ in range(50):
            found = [entry.body for entry in (await erasing.ledger(0)).entries if entry.kind is kind]
            if found:
                return found
            await asyncio.sleep(0.1)
    pytest.fail(f"the ledger has no {kind}")


async def test_what_the_command_line_does_holds_at_once_under_a_running_vault(vault: Process) -> None:
    async with connected(vault.url, vault.token("console")) as console:
        signed = await console.sign_in("sato", WORDS)
        assert signed.person.suspended == ("rules_not_acknowledged",)
        assert (await console.acknowledge_rules("1", session=signed.token)).suspended == ()

        assert "in order" in _accounts(vault, "list")
        _accounts(vault, "disable", "sato")
        with pytest.raises(SignedOut):
            await console.me(session=signed.token)
        with pytest.raises(Suspended) as told:
            await console.sign_in("sato", WORDS)
        assert told.value.reasons == (Suspension.DISABLED,)
        _accounts(vault, "enable", "sato")
        _accounts(vault, "password", "sato", "--stdin", typed="another five of them words")
        assert (await console.sign_in("sato", "another five of them words")).person.name == "sato"

    changes = [body["change"] for body in await _told(vault, Kind.ACCOUNT_CHANGED)]
    assert changes[:2] == ["added", "rules_acknowledged"]
    assert "words" not in (vault.folder / "ledger.jsonl").read_text() + (vault.home / "vault.log").read_text()


async def test_a_session_outlives_a_killed_vault_and_the_ledger_hears_of_it_once(vault: Process) -> None:
    async with connected(vault.url, vault.token("console")) as console:
        signed = await console.sign_in("sato", WORDS)
        vault.stop(signal.SIGKILL)
        vault.start()
        vault.wait()

        assert (await console.me(session=signed.token)).name == "sato"
    assert await _told(vault, Kind.SIGNED_IN) == [{"person": "sato"}]


async def test_leases_go_on_while_people_sign_in(vault: Process) -> None:
    public = sealing.generate().public
    async with (
        connected(vault.url, vault.token("console")) as console,
        connected(vault.url, vault.token("detecting")) as detecting,
        connected(vault.url, vault.token("device-ginza-pc")) as device,
    ):
        signing_in = asyncio.create_task(_sign_in_again_and_again(console, 6))
        waits = []
        while not signing_in.done():
            key = (await device.public_keys(DOOR, _now(), _now() + timedelta(seconds=2)))[-1]
            begun = time.perf_counter()
            await detecting.lease(key.key_id, DOOR.purpose, public)
            waits.append(time.perf_counter() - begun)
        took = await signing_in

    # One hash takes longer than any lease waited: leases do not queue behind hashes.
    assert len(waits) >= 20
    assert sorted(waits)[len(waits) // 2] < took / 6


async def _sign_in_again_and_again(console: VaultClient, times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        await console.sign_in("sato", WORDS)
    return time.perf_counter() - begun


async def test_r20_keys_die_on_time_while_the_accounts_are_away(vault: Process) -> None:
    async with (
        connected(vault.url, vault.token("console")) as console,
        connected(vault.url, vault.token("detecting")) as detecting,
        connected(vault.url, vault.token("device-ginza-pc")) as device,
    ):
        vault.stop(signal.SIGTERM)
        (vault.folder / FILE).rename(vault.home / "elsewhere")
        (vault.folder / FILE).touch(0o600)
        (vault.folder / FILE).write_bytes(b"this is no database " * 100)
        vault.start()
        vault.wait()
        (key, *_) = await device.public_keys(DOOR, _now(), _now() + timedelta(seconds=1))

        with pytest.raises(Unavailable):
            await console.sign_in("sato", WORDS)
        await asyncio.sleep((key.expires_at - _now()).total_seconds() + 1)
        with pytest.raises(Erased):
            await detecting.lease(key.key_id, DOOR.purpose, sealing.generate().public)
        assert key.key_id in {body["key_id"] for body in await _told(vault, Kind.KEY_DESTROYED)}

        (vault.home / "elsewhere").replace(vault.folder / FILE)
        assert (await console.sign_in("sato", WORDS)).person.name == "sato"
