"""Yesterday's backup of everything but the key ring, put back beside today's ring: nothing that expired opens.

It is put back on a machine that believes it is still yesterday. By its clock all keys live; the ring alone says no, and
beside yesterday's ring, which no backup holds, all of it opens.
"""

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

from pipeline import sealing
from pipeline.errors import Erased, Rejected
from pipeline.evidence.clip import name_of, open_clip, pack
from pipeline.evidence.keep import Keeper
from pipeline.local import java, kafka
from pipeline.objects import open_objects
from pipeline.opening import open_frame
from pipeline.reading import records
from pipeline.sealing import Opener
from pipeline.vault.api import LookRequest, ObjectKey, ObjectRequest, lease_info
from pipeline.vault.client import Leases, VaultClient, connected
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import Kind
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.vault import _bound
from schemas.envelope import Purpose
from schemas.evidence import EvidenceFrame
from schemas.frame import Frame
from schemas.geometry import Box
from schemas.ids import AlertId, CameraId, KeyId, StoreId, event_id
from schemas.topics import Lives, topics
from schemas.wire import Sealed, decode
from tests.integration.house import ROOT, House
from tests.integration.looking import REASON
from tests.integration.short import Short, short_house

FRAMES: Final = 60
KEYS_LIVE: Final = timedelta(seconds=12)
EVIDENCE_LIVES: Final = timedelta(seconds=20)
SHORT: Final = Short(ttl=timedelta(minutes=10), keys_live=KEYS_LIVE, evidence=f"{EVIDENCE_LIVES.total_seconds():g}s")
ALERT: Final = AlertId(event_id("alert", "of a test"))
PICTURE: Final = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1])
_NONCE: Final = 12
_RECORD, _KEY = 128, slice(64, 96)


@dataclass(frozen=True)
class Wrapped:
    """A private key as a backup holds it."""

    key: BucketKey
    private: bytes


@dataclass(frozen=True)
class Yesterday:
    """What there was when the backup was made."""

    sent: list[Sealed]
    alive: list[Sealed]
    """What of it opened then."""
    evidence: ObjectKey
    password: str
    at: datetime


async def publish(here: House) -> list[Sealed]:
    """Send frames under keys of two buckets."""
    device, sent, now = here.device("ginza", "aisle"), [], datetime.now(UTC)
    for portion in range(2):
        key = await device.key(now + portion * KEYS_LIVE / 4)
        frames = [device.frame(key) for _each in range(FRAMES // 2)]
        bodies = [device.sealed(frame, key, PICTURE) for frame in frames]
        await here.send("frames.v1", *bodies)
        sent += [Sealed(frame, record.value) for frame, record in zip(frames, bodies, strict=True)]
    return sent


async def store_evidence(here: House) -> ObjectKey:
    """Put a clip as the cutting stage does."""
    now = datetime.now(UTC)
    asked = ObjectRequest(
        alert_id=ALERT,
        store_id=StoreId("ginza"),
        camera_id=CameraId("aisle"),
        purpose=Purpose.CRIME_PREVENTION,
        start=now - timedelta(seconds=1),
        end=now,
    )
    frame = EvidenceFrame(utc_time=now, size=len(PICTURE), box=Box(left=0, top=0, right=1, bottom=1))
    async with here.vault("cutting") as client:
        key = await client.object_key(asked)
        keeper = Keeper(client, Leases(client), open_objects(here.demo.objects_url))
        await keeper.put(key, pack(ALERT, [frame], [PICTURE]))
    return key


async def opened(client: VaultClient, frames: list[Sealed]) -> list[Sealed]:
    """Try to open frames as a worker does, and return those that did."""
    keys = {
        each.frame.key_id: await lent(client, each.frame)
        for each in {each.frame.key_id: each for each in frames}.values()
    }
    return [
        each
        for each in frames
        if (key := keys[each.frame.key_id]) is not None and open_frame(each, Opener(key)) == PICTURE
    ]


async def lent(client: VaultClient, frame: Frame) -> bytes | None:
    """Return a frame's private key, if the vault lends it. What a clock on our side says makes no difference."""
    pair = sealing.generate()
    try:
        lease = await client.lease(frame.key_id, frame.purpose, pair.public)
    except (Erased, Rejected):
        return None
    return sealing.open_(pair.private, lease_info(lease), lease.sealed)


async def looked_at(client: VaultClient, password: str, sealed: bytes) -> tuple[bytes, ...]:
    """Look at the clip as the manager does; nothing comes of it where it is gone."""
    pair = sealing.generate()
    asked = LookRequest(alert_id=ALERT, purpose=Purpose.CRIME_PREVENTION, reason=REASON, lease_public=pair.public)
    session = (await client.sign_in("manager", password)).token
    try:
        lease = (await client.look(asked, session=session)).lease
    except Erased:
        return ()
    return open_clip(sealed, sealing.open_(pair.private, lease_info(lease), lease.sealed)).pictures


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
def vault(folder: Path, estate: Path, log: Path, stands: datetime) -> Iterator[str]:
    """Start a vault on what was put back, that believes it is still that time."""
    (port,) = kafka.free_ports(1)
    command = [
        *(sys.executable, "-m", "tests.integration.standing_vault", stands.isoformat()),
        *("serve", "--port", str(port), "--dir", str(folder)),
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


async def live(folder: Path, backup: Path, kept: Path) -> Yesterday:
    """Publish, back up, and let everything expire."""
    async with short_house(folder, SHORT) as here:
        evidence, sent = await store_evidence(here), await publish(here)
        async with here.vault("detecting") as client:
            alive = await opened(client, sent)
        # No backup holds it; it is kept here to show that with it everything would open.
        shutil.copy(here.demo.run / "vault" / "ring" / "slot-keys", kept)
        back_up(here.demo.run, backup)
        at = datetime.now(UTC)
        names = {each.frame.key_id for each in sent} | {evidence.key_id}

        async def destroyed() -> bool:
            return names <= {each.body["key_id"] for each in await here.ledger() if each.kind is Kind.KEY_DESTROYED}

        await here.until(destroyed, "every key is destroyed", (EVIDENCE_LIVES + timedelta(seconds=30)).total_seconds())
        return Yesterday(sent, alive, evidence, here.demo.accounts["manager"], at)


async def frames_in(bootstrap: str) -> list[Sealed]:
    topic = topics(Lives(SHORT.ttl))["frames.v1"]
    found = [decode(topic, each.key, each.headers, each.value) async for each in records(bootstrap, topic)]
    return [each for each in found if isinstance(each, Sealed)]


@dataclass(frozen=True)
class Restored:
    """What opens once a backup was put back."""

    frames: list[Sealed]
    pictures: tuple[bytes, ...]


def restore(backup: Path, ring: Path, place: Path, known: Yesterday) -> Restored:
    """Put a backup back beside this ring, start a vault on it, and try all that it holds."""
    shutil.copytree(backup, place)
    (place / "vault" / "ring").mkdir(mode=0o700)
    shutil.copy(ring, place / "vault" / "ring" / "slot-keys")
    sealed = (place / "objects" / name_of(StoreId("ginza"), CameraId("aisle"), known.evidence.key_id)).read_bytes()
    estate = place / "estate" / "estate.toml"
    with vault(place / "vault", estate, place.with_suffix(".log"), known.at) as url:
        return asyncio.run(tried(url, place / "vault" / "tokens", known, sealed))


async def tried(url: str, tokens: Path, known: Yesterday, sealed: bytes) -> Restored:
    async with connected(url, (tokens / "detecting").read_text()) as client:
        frames = await opened(client, known.alive)
    async with connected(url, (tokens / "console").read_text()) as client:
        return Restored(frames, await looked_at(client, known.password, sealed))


@pytest.mark.timeout(280)
def test_r20_a_backup_of_all_but_the_ring_beside_todays_ring_opens_nothing_expired(tmp_path: Path) -> None:
    run, backup, kept = tmp_path / "home" / "run" / "demo", tmp_path / "backup", tmp_path / "yesterdays-ring"
    known = asyncio.run(live(tmp_path / "home", backup, kept))
    names = {each.frame.key_id for each in known.alive} | {known.evidence.key_id}
    assert len(names) == 3, "not all could be opened while it lived: there is too little to forget"

    # By hand, on what lies there: every private key of the backup, with every slot key of today.
    shutil.copytree(backup, tmp_path / "looked-into")
    found = wrapped(tmp_path / "looked-into" / "vault" / "keys.db", names)
    assert len(found) == len(names), "the backup holds fewer private keys than were alive"
    assert all(unwraps(each, slot_keys(kept)) for each in found), "the attempt itself does not work"
    today = run / "vault" / "ring" / "slot-keys"
    assert not [each for each in found if unwraps(each, slot_keys(today))]

    # And by the system itself, started on what was put back: all frames are there, and by the clock all keys live.
    with broker(backup / "kafka") as bootstrap:
        restored = asyncio.run(frames_in(bootstrap))
    assert {each.frame.event_id for each in restored} == {each.frame.event_id for each in known.sent}
    beside_yesterdays = restore(backup, kept, tmp_path / "beside-yesterdays", known)
    assert beside_yesterdays == Restored(known.alive, (PICTURE,)), "the attempt itself does not work"
    assert restore(backup, today, tmp_path / "beside-todays", known) == Restored([], ())
