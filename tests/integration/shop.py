"""A store with a vault and a device, as processes of their own, for tests that kill them."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.edge.outbox import Parcel
from pipeline.edge.segment import first, heads, parcel_at
from pipeline.opening import require_authentic
from pipeline.reading import records
from schemas.detections import Still
from schemas.estate import Estate, load_estate
from schemas.health import DeviceHealth
from schemas.topics import Topic, topics
from schemas.wire import Sealed, decode
from tests import estates
from tests.integration.vault_process import ROOT, Process

STORE: Final = "kanda"
CAMERA: Final = "drawn"
DEVICE: Final = "device-kanda-pc"
KEY: Final = f"{STORE}/{CAMERA}".encode()


def mimamori(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a command; its log is beside what it is about."""
    own = {"MIMAMORI_ESTATE": str(folder / "estate.toml"), "PATH": "", "OMP_NUM_THREADS": "1"}
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments], cwd=ROOT, env=own | environment, stdout=log, stderr=log
        )


@dataclass
class Shop:
    """A store with a vault, and a device that can be started."""

    folder: Path
    bootstrap: str
    vault: Process
    devices: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def estate(self) -> Estate:
        return load_estate(self.folder / "estate.toml")

    @property
    def topics(self) -> dict[str, Topic]:
        return topics(self.estate.lives)

    def publish(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start the device."""
        arguments = ("drawn:1", "--loop", "--store", STORE, "--camera", CAMERA)
        files = ("--key", str(self.folder / "device.key"), "--state", str(self.folder / "state"))
        own = {
            "MIMAMORI_KAFKA__BOOTSTRAP": self.bootstrap,
            "MIMAMORI_VAULT__URL": self.vault.url,
            "MIMAMORI_VAULT__TOKEN": self.vault.token(DEVICE),
            "MIMAMORI_VAULT__AHEAD": "2min",
        }
        self.devices.append(mimamori(self.folder, "publish", *arguments, *files, environment=own | environment))
        return self.devices[-1]

    async def messages(self) -> list[Sealed | Still]:
        """All that the device has sent, each checked to be its own."""
        return [message for message, _ in await self.stamped()]

    async def stamped(self) -> list[tuple[Sealed | Still, int]]:
        """All that the device has sent, each with when Kafka got it, in milliseconds."""
        found: list[tuple[Sealed | Still, int]] = []
        topic = self.topics["frames.v1"]
        async for record in records(self.bootstrap, topic):
            if record.key == KEY:
                message = decode(topic, record.key, record.headers, record.value)
                assert isinstance(message, Sealed | Still)
                require_authentic(self.estate, message, record.headers, record.value)
                found.append((message, record.timestamp))
        return found

    async def healths(self) -> list[DeviceHealth]:
        topic = self.topics["health.v1"]
        found = [
            decode(topic, record.key, record.headers, record.value)
            async for record in records(self.bootstrap, topic)
            if record.key == KEY
        ]
        return [each for each in found if isinstance(each, DeviceHealth)]

    def spooled(self) -> list[Parcel]:
        """Read what is on the device's disk, acknowledged or not, with the device's own eyes."""
        found: list[Parcel | None] = []
        topic = self.topics["frames.v1"]
        for path in sorted((self.folder / "state" / "spool").glob("*.segment")):
            file = os.open(path, os.O_RDONLY)
            begin = first(file, topic)
            assert begin is not None
            found += [parcel_at(file, head, topic) for head in heads(file, begin, path.stat().st_size)]
            os.close(file)
        return [each for each in found if each is not None]

    def end(self) -> None:
        """Leave nothing running."""
        for each in self.devices:
            each.kill()
            each.wait()
        self.vault.end()


def open_shop(folder: Path, bootstrap: str, *, ttl: str = "60s", more: str = "") -> Shop:
    """Write the store's estate, and start its vault."""
    estates.write(folder, STORE, CAMERA, ttl=ttl, more=more)
    vault = Process(folder)
    vault.start()
    vault.wait()
    return Shop(folder, bootstrap, vault)
