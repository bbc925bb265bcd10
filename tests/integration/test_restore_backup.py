"""Yesterday's backup of everything but the key ring, put back beside today's ring: nothing that expired opens."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
import httpx
import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.errors import Erased, Rejected
from pipeline.local import java, kafka
from pipeline.opening import open_frame
from pipeline.reading import records
from pipeline.vault.client import Leases, VaultClient, connected
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import Kind
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.vault import _bound
from schemas.ids import KeyId
from schemas.topics import Lives, topics
from schemas.wire import Sealed, decode
from tests.integration.house import ROOT, House
from tests.integration.short import Short, short_house

FRAMES: Final = 60
KEYS_LIVE: Final = timedelta(seconds=12)
SHORT: Final = Short(ttl=timedelta(minutes=10), keys_live=KEYS_LIVE)
PICTURE: Final = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1])
_NONCE: Final = 12
_RECORD, _KEY = 128, slice(64, 96)


@dataclass(frozen=True)
class Wrapped:
    """A private key as a backup holds it."""

    key: BucketKey
    private: bytes


async def publish(here: House) -> list[Sealed]:
    device, sent = here.device("ginza", "aisle"), []
    for _portion in range(3):
        key = await device.key()
        frames = [device.frame(key) for _each in range(FRAMES // 3)]
        bodies = [device.sealed(frame, key, PICTURE) for frame in frames]
        await here.send("frames.v1", *bodies)
        sent += [Sealed(frame, record.value) for frame, record in zip(frames, bodies, strict=True)]
        await asyncio.sleep(1)
    return sent


async def opened(client: VaultClient, frames: list[Sealed]) -> list[Sealed]:
    """Try to open frames as a worker does, and return those that did."""
    leases, found = Leases(client), []
    for each in frames:
        try:
            key = await leases.private_key(each.frame.key_id, each.frame.purpose)
        except (Erased, Rejected):
            continue
        if open_frame(each, key) == PICTURE:
            found.append(each)
    leases.close()
    return found


def slot_keys(ring: Path) -> list[bytes]:
    content = ring.read_bytes()
    return [found for at in range(0, len(content), _RECORD) if any(found := content[at:][_KEY])]


def wrapped(table: Path, names: set[KeyId]) -> list[Wrapped]:
    """Return the private keys of these names that lie in a copy of a key table."""
    with closing(SqliteKeyTable(table)) as keys:
        held = [keys.held(name) for name in names]
    return [Wrapped(each.key, each.wrapped.private) for each in held if each is not None and each.wrapped is not None]


def unwraps(each: Wrapped, secrets: list[bytes]) -> bool:
    """Try every slot key there is."""
    for secret in secrets:
        with contextlib.suppress(InvalidTag):
            AESGCM(secret).decrypt(each.private[:_NONCE], each.private[_NONCE:], _bound(each.key))
            return True
    return False


@contextlib.contextmanager
def vault(folder: Path, estate: Path, log: Path) -> Iterator[str]:
    """Start a vault on what was put back."""
    (port,) = kafka.free_ports(1)
    command = [
        *(sys.executable, "-m", "pipeline", "vault", "serve", "--port", str(port), "--dir", str(folder)),
        *("--estate", str(estate), "--frame-ttl", f"{KEYS_LIVE.total_seconds():g}s"),
    ]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _until_it_answers(url, process, log)
            yield url
        finally:
            process.kill()


def _until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz").is_success:
                return
        time.sleep(0.1)
    pytest.fail("the vault did not become ready")


@contextlib.contextmanager
def broker(home: Path) -> Iterator[str]:
    """Start Kafka on what was put back."""
    port, controller = kafka.free_ports(2)
    provisioned = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    runs = kafka.Process(kafka.Kafka(home, kafka.provision(provisioned), java.provision(provisioned), port, controller))
    runs.start()
    try:
        yield runs.kafka.bootstrap
    finally:
        runs.stop()


def back_up(run: Path, backup: Path) -> None:
    """Copy all that a backup holds, as it lies on the disk: the ring is in none."""
    shutil.copytree(run, backup, ignore=shutil.ignore_patterns("ring"))


async def live(folder: Path, backup: Path, kept: Path) -> tuple[list[Sealed], list[Sealed]]:
    """Publish, back up, and let everything expire; return what was sent, and of it what opened while it lived."""
    async with short_house(folder, SHORT) as here:
        sent = await publish(here)
        async with here.vault("detecting") as client:
            alive = await opened(client, sent)
        back_up(here.demo.run, backup)
        # No backup holds it; it is kept here to show that with it everything would open.
        shutil.copy(here.demo.run / "vault" / "ring" / "slot-keys", kept)
        names = {each.frame.key_id for each in sent}

        async def destroyed() -> bool:
            return names <= {each.body["key_id"] for each in await here.ledger() if each.kind is Kind.KEY_DESTROYED}

        await asyncio.sleep(max((max(each.frame.expires_at for each in sent) - datetime.now(UTC)).total_seconds(), 0))
        await here.until(destroyed, "every key is destroyed", 30)
    return sent, alive


async def frames_in(bootstrap: str) -> list[Sealed]:
    topic = topics(Lives(SHORT.ttl))["frames.v1"]
    found = [decode(topic, each.key, each.headers, each.value) async for each in records(bootstrap, topic)]
    return [each for each in found if isinstance(each, Sealed)]


async def opened_by(url: str, token: str, frames: list[Sealed]) -> list[Sealed]:
    async with connected(url, token) as client:
        return await opened(client, frames)


@pytest.mark.timeout(280)
def test_r20_a_backup_of_all_but_the_ring_beside_todays_ring_opens_nothing_expired(tmp_path: Path) -> None:
    run, backup, kept = tmp_path / "home" / "run" / "demo", tmp_path / "backup", tmp_path / "yesterdays-ring"
    sent, alive = asyncio.run(live(tmp_path / "home", backup, kept))
    names = {each.frame.key_id for each in alive}
    assert names, "nothing could be opened while it lived: there is nothing to forget"

    # By hand, on what lies there: every private key of the backup, with every slot key of today.
    shutil.copytree(backup, tmp_path / "looked-into")
    found = wrapped(tmp_path / "looked-into" / "vault" / "keys.db", names)
    assert len(found) == len(names), "the backup holds fewer private keys than were alive"
    assert all(unwraps(each, slot_keys(kept)) for each in found), "the attempt itself does not work"
    assert not [each for each in found if unwraps(each, slot_keys(run / "vault" / "ring" / "slot-keys"))]

    # And by the system itself, started on what was put back.
    (backup / "vault" / "ring").mkdir(mode=0o700)
    shutil.copy2(run / "vault" / "ring" / "slot-keys", backup / "vault" / "ring" / "slot-keys")
    with broker(backup / "kafka") as bootstrap:
        restored = asyncio.run(frames_in(bootstrap))
    assert {each.frame.event_id for each in restored} == {each.frame.event_id for each in sent}
    token = (backup / "vault" / "tokens" / "detecting").read_text()
    with vault(backup / "vault", backup / "estate" / "estate.toml", tmp_path / "vault.log") as url:
        assert asyncio.run(opened_by(url, token, restored)) == []
