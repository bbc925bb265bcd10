"""The ledger's disk is full, or can only be read: nothing new is lent, keys die on time, and all goes on by itself."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest

from pipeline import sealing
from pipeline.errors import Unavailable
from pipeline.vault.api import LookRequest, ObjectRequest, PublicKey, Stored
from pipeline.vault.client import DeviceKeys, Leases
from pipeline.vault.keys import Owner
from pipeline.vault.ledger import Entry, Kind
from pipeline.vault.service import LONGEST_NAP
from schemas.detections import FrameDetections, FrameRef
from schemas.envelope import Purpose
from schemas.ids import AlertId, CameraId, StoreId, event_id
from tests.integration.house import Device, House
from tests.integration.short import Short, short_house

if os.geteuid() != 0:
    pytest.skip("needs root, to mount a small disk", allow_module_level=True)

KEYS_LIVE: Final = timedelta(seconds=10)
BUCKET: Final = KEYS_LIVE / 4
LATE: Final = timedelta(seconds=5)
PICTURE: Final = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1])
LEDGER: Final = ("ledger.jsonl", "checkpoints.jsonl")
_ROOM: Final = 20
"""Looks: a file has a part of its last 4 kB left."""

_ROUNDS: Final = 3 * LONGEST_NAP

_RECORD, _NAME = 128, slice(4, 64)


@dataclass
class Disk:
    """A small disk of its own, which holds the vault's folder or the ledger alone."""

    folder: Path
    vault: Path
    fill: Callable[[], None]
    """Or make it read-only."""
    mend: Callable[[], None]
    needs_restart: bool = False
    """Whether what holds files open on it has to let them go before it can be mended."""


def mounted(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A place to mount at; whatever is mounted there goes at the end."""
    place = tmp_path / "disk"
    place.mkdir()
    yield place
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


@pytest.fixture(params=["the vault's disk is full", "the ledger's disk is full", "the ledger's disk is read-only"])
def disk(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Disk:
    alone, vault = tmp_path / "vault", folder / "vault"
    if request.param == "the vault's disk is full":
        mounted("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder))
        return Disk(folder, vault, lambda: _fill(folder), (folder / "more").unlink)
    if request.param == "the ledger's disk is full":
        mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
        return Disk(folder, alone, lambda: _fill(folder), (folder / "more").unlink)
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("no mkfs.ext4")
    image = tmp_path / "image"
    image.write_bytes(bytes(8 << 20))
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mounted("-o", "loop", str(image), str(folder))
    return Disk(folder, alone, lambda: _abort(folder), lambda: _remount(image, folder), needs_restart=True)


def _fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "more").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def _abort(folder: Path) -> None:
    """What ext4 does with a disk that fails: from now on it can only be read."""
    mounted("-o", "remount,abort", str(folder))


def _remount(image: Path, folder: Path) -> None:
    # Who was killed lets go a moment later, and is started again a moment after that.
    while subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode:
        time.sleep(0.01)
    subprocess.run(["fsck.ext4", "-y", str(image)], capture_output=True, check=False)
    mounted("-o", "loop", str(image), str(folder))


@contextlib.asynccontextmanager
async def house_on(disk: Disk, tmp_path: Path) -> AsyncIterator[House]:
    disk.vault.mkdir(mode=0o700)
    if disk.vault.parent != disk.folder:
        for name in LEDGER:
            (disk.vault / name).symlink_to(disk.folder / name)
    short = Short(ttl=timedelta(minutes=10), keys_live=KEYS_LIVE, vault_folder=disk.vault)
    async with short_house(tmp_path / "home", short) as here:
        yield here


class Shop:
    """A device that fetched its keys ahead, and what comes of its frames."""

    def __init__(self, here: House, keys: DeviceKeys) -> None:
        self.here, self._keys = here, keys
        self.device: Device = here.device("ginza", "aisle")

    @classmethod
    async def open(cls, here: House) -> "Shop":
        owner = Owner(
            here.device("ginza", "aisle").store, here.device("ginza", "aisle").camera, Purpose.CRIME_PREVENTION
        )
        async with here.vault("device-ginza-gateway") as client:
            keys = DeviceKeys(client, owner, timedelta(minutes=3))
            await keys.refresh(datetime.now(UTC))
        return cls(here, keys)

    def key(self, ahead: timedelta = timedelta(0)) -> PublicKey:
        found = self._keys.key_at(datetime.now(UTC) + ahead)
        assert found is not None
        return found

    async def send(self, key: PublicKey) -> FrameRef:
        return await self.device.send(self.device.sealed(self.device.frame(key), key, PICTURE))

    async def detected(self, ref: FrameRef) -> bool:
        messages = await self.here.messages("detections.v1")
        return any(isinstance(each, FrameDetections) and each.frame == ref for each in messages)

    async def said_of(self, ref: FrameRef) -> list[Any]:
        """Return what detecting said of a frame, which is nothing while it waits."""
        return [each for each in await self.here.messages("detections.v1") if getattr(each, "frame", None) == ref]

    async def handled(self, ref: FrameRef) -> bool:
        return bool(await self.said_of(ref))

    def slots(self) -> set[str]:
        """Name the slot keys that lie on the disk."""
        content = (self.here.demo.run / "vault" / "ring" / "slot-keys").read_bytes()
        records = (content[at : at + _RECORD] for at in range(0, len(content), _RECORD))
        return {each[_NAME].rstrip(b"\0").decode() for each in records if any(each)}

    def overdue(self) -> list[str]:
        """Name the slot keys that should have gone by now."""
        due = f"{datetime.now(UTC) - LATE:%Y%m%dT%H%M%S}"
        return [name for name in self.slots() if name < due]


class Manager:
    """Somebody who may look at evidence, and one alert's evidence to look at."""

    def __init__(self, here: House, session: str) -> None:
        self._here, self._session = here, session
        self._alert = AlertId(event_id("alert", "of a test"))
        self.looks = 0

    @classmethod
    async def sign_in(cls, here: House) -> "Manager":
        async with here.vault("console") as client:
            signed_in = await client.sign_in("manager", here.demo.accounts["manager"])
        manager = cls(here, signed_in.token)
        await manager._store()
        return manager

    async def _store(self) -> None:
        now = datetime.now(UTC)
        asked = ObjectRequest(
            alert_id=self._alert,
            store_id=StoreId("ginza"),
            camera_id=CameraId("aisle"),
            purpose=Purpose.CRIME_PREVENTION,
            start=now - timedelta(seconds=5),
            end=now,
        )
        async with self._here.vault("cutting") as client:
            key = await client.object_key(asked)
            await client.object_stored(key.key_id, Stored(sha256="0" * 64, size=1))

    async def look(self) -> None:
        """Look once more. Raises Unavailable when nobody may for now."""
        asked = LookRequest(
            alert_id=self._alert,
            purpose=Purpose.CRIME_PREVENTION,
            reason="a test of the ledger's disk",
            lease_public=sealing.generate().public,
        )
        async with self._here.vault("console") as client:
            await client.look(asked, session=self._session)
        self.looks += 1

    async def look_until_refused(self) -> None:
        """Look as often as there is room for in what the ledger's file has of the disk already."""
        for _time in range(_ROOM):
            try:
                await self.look()
            except Unavailable:
                return
        pytest.fail("people look at evidence, and nobody writes it down")


async def _refuses(here: House, key: PublicKey) -> bool:
    async with here.vault("detecting") as client:
        try:
            await Leases(client).private_key(key.key_id, key.purpose)
        except Unavailable:
            return True
    return False


async def _takes_nothing(here: House, key: PublicKey) -> bool:
    """Say whether the ledger takes nothing for some of the vault's rounds: where a look does not fit, less may."""
    length, since = len(await here.ledger()), time.monotonic()
    while time.monotonic() < since + _ROUNDS.total_seconds():
        if not await _refuses(here, key):
            return False
        await asyncio.sleep(0.1)
    return len(await here.ledger()) == length


def _expired(ledger: list[Entry], since: datetime, until: datetime) -> set[str]:
    """Name the keys that expired between two times."""
    bodies = [each.body for each in ledger if each.kind is Kind.KEY_CREATED]
    return {each["key_id"] for each in bodies if since <= datetime.fromisoformat(each["expires_at"]) < until}


def _destroyed(ledger: list[Entry]) -> dict[str, timedelta]:
    """Return how late each key was destroyed, by its name."""
    bodies = [each.body for each in ledger if each.kind is Kind.KEY_DESTROYED]
    return {
        each["key_id"]: datetime.fromisoformat(each["destroyed_at"]) - datetime.fromisoformat(each["expires_at"])
        for each in bodies
    }


@pytest.mark.timeout(280)
async def test_r17_without_a_ledger_nothing_new_is_lent_keys_die_on_time_and_all_goes_on_by_itself(
    disk: Disk, tmp_path: Path
) -> None:
    async with house_on(disk, tmp_path) as here:
        shop = await Shop.open(here)
        held = shop.key(6 * BUCKET)
        first = await shop.send(held)
        await here.until(lambda: shop.detected(first), "frames are detected")
        manager = await Manager.sign_in(here)
        await manager.look()

        disk.fill()
        await manager.look_until_refused()
        await here.until(lambda: _takes_nothing(here, shop.key(3 * BUCKET)), "nothing new is lent", 15)
        length = len(await here.ledger())
        # What a stage holds it uses to its end; for what it does not hold it waits where it is.
        still = await shop.send(held)
        await here.until(lambda: shop.detected(still), "a key that is held is used on", BUCKET.total_seconds() * 2)
        # Its key outlives the outage, however slow the machine is: an expired one is handled, as erased.
        waits = await shop.send(shop.key(8 * BUCKET))
        down_since = datetime.now(UTC)
        while datetime.now(UTC) < down_since + KEYS_LIVE + 2 * BUCKET:
            assert shop.overdue() == []
            await asyncio.sleep(0.5)
        assert await shop.said_of(waits) == []
        before = await here.ledger()
        assert len(before) == length
        assert sum(each.kind is Kind.LOOK for each in before) == manager.looks
        with pytest.raises(Unavailable):
            await manager.look()
        assert await here.messages("frames.v1.dead") == []

        if disk.needs_restart:
            os.kill(here.supervisor.pid("vault"), signal.SIGKILL)
        disk.mend()
        expired = _expired(before, down_since, datetime.now(UTC))
        assert expired

        async def caught_up() -> bool:
            with contextlib.suppress(Unavailable):
                return expired <= _destroyed(await here.ledger()).keys()
            return False

        await here.until(caught_up, "every destruction has its receipt", 30)
        await here.until(lambda: shop.handled(waits), "what waited is handled", 30)
        await manager.look()
        again = await shop.send(shop.key())
        await here.until(lambda: shop.detected(again), "frames are detected again", 30)
        assert await here.messages("frames.v1.dead") == []
        assert here.supervisor.restarts()["detecting"] == 0


@pytest.mark.timeout(280)
async def test_r20_a_vault_that_is_started_again_meanwhile_destroys_on_time_and_catches_up(
    disk: Disk, tmp_path: Path
) -> None:
    async with house_on(disk, tmp_path) as here:
        shop = await Shop.open(here)
        disk.fill()
        known = shop.slots()
        os.kill(here.supervisor.pid("vault"), signal.SIGKILL)
        down_since = datetime.now(UTC)

        async def destroys() -> bool:
            return any(name > f"{down_since:%Y%m%dT%H%M%S.%fZ}" for name in known - shop.slots())

        # How long a process takes to start is the machine's; what is late by then goes at once.
        await here.until(destroys, "the vault destroys again, though it cannot open its ledger", 30)
        while datetime.now(UTC) < down_since + KEYS_LIVE + 2 * BUCKET:
            assert shop.overdue() == []
            await asyncio.sleep(0.5)

        if disk.needs_restart:
            os.kill(here.supervisor.pid("vault"), signal.SIGKILL)
        disk.mend()

        async def caught_up() -> bool:
            with contextlib.suppress(Unavailable):
                ledger = await here.ledger()
                expired = _expired(ledger, down_since, datetime.now(UTC) - LATE)
                return bool(expired) and expired <= _destroyed(ledger).keys()
            return False

        await here.until(caught_up, "every destruction has its receipt", 60)
        ref = await shop.send(shop.key())
        await here.until(lambda: shop.detected(ref), "frames are detected again", 30)
