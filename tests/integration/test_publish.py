"""A device as a process of its own, against a real Kafka and a real vault."""

import asyncio
import base64
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import numpy.typing as npt
import pytest

from pipeline import signing
from pipeline.broker import create_topics
from pipeline.local import kafka
from pipeline.opening import open_frame, require_authentic
from pipeline.reading import records
from pipeline.vault.client import Leases, VaultClient
from schemas.detections import Still
from schemas.envelope import Message
from schemas.estate import Estate, load_estate
from schemas.health import DeviceHealth
from schemas.topics import topics
from schemas.wire import Sealed, decode

ROOT = Path(__file__).resolve().parents[2]
KEY = b"kanda/drawn"

ESTATE = """
frame_ttl = "60s"
[[stores]]
id = "kanda"
regulation = "rules.toml"
[[stores.devices]]
id = "kanda-pc"
public_key = "{key}"
[[stores.cameras]]
id = "drawn"
device = "kanda-pc"
notice = "kanda-1"
masks = [{{ polygon = [{{ x = 0, y = 0 }}, {{ x = 0.2, y = 0 }}, {{ x = 0.2, y = 1 }}, {{ x = 0, y = 1 }}] }}]
"""
RULES = """
version = "1"
purposes = ["crime_prevention"]
manager = { name = "Sato" }
deputy = { name = "Suzuki" }
retention = { frames = "60s" }
[[notices]]
id = "kanda-1"
text_version = "1"
place = "door"
languages = ["ja"]
checked_by = "Sato"
checked_on = 2026-01-01
purposes = ["crime_prevention"]
"""


@dataclass
class Shop:
    """A store with a vault, and a device that can be started."""

    folder: Path
    bootstrap: str
    vault_url: str

    @property
    def estate(self) -> Estate:
        return load_estate(self.folder / "estate.toml")

    def token(self, principal: str) -> str:
        return (self.folder / "vault" / "tokens" / principal).read_text()

    def publish(self) -> subprocess.Popen[bytes]:
        arguments = ("drawn:1", "--loop", "--store", "kanda", "--camera", "drawn")
        files = ("--key", str(self.folder / "device.key"), "--state", str(self.folder / "state"))
        environment = {
            "MIMAMORI_KAFKA__BOOTSTRAP": self.bootstrap,
            "MIMAMORI_VAULT__URL": self.vault_url,
            "MIMAMORI_VAULT__TOKEN": self.token("device-kanda-pc"),
            "MIMAMORI_VAULT__AHEAD": "2min",
        }
        return mimamori(self.folder, "publish", *arguments, *files, environment=environment)

    async def messages(self) -> list[Message | Sealed]:
        """All that the device has sent, each checked to be its own."""
        found: list[Message | Sealed] = []
        topic = topics(self.estate.frame_ttl)["frames.v1"]
        async for record in records(self.bootstrap, topic):
            if record.key == KEY:
                message = decode(topic, record.key, record.headers, record.value)
                assert isinstance(message, Sealed | Still)
                require_authentic(self.estate, message, record.headers, record.value)
                found.append(message)
        return found


def mimamori(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    estate = {"MIMAMORI_ESTATE": str(folder / "estate.toml"), "PATH": "", "OMP_NUM_THREADS": "1"}
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments], cwd=ROOT, env=estate | environment, stdout=log, stderr=log
        )


@pytest.fixture
def shop(tmp_path: Path, bootstrap: str) -> Iterator[Shop]:
    public = signing.public_bytes(signing.create(tmp_path / "device.key"))
    (tmp_path / "estate.toml").write_text(ESTATE.format(key=base64.b64encode(public).decode()))
    (tmp_path / "rules.toml").write_text(RULES)
    (port,) = kafka.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    vault = mimamori(tmp_path, "vault", "serve", "--port", str(port), "--dir", str(tmp_path / "vault"), environment={})
    wait_for(f"{url}/healthz")
    yield Shop(tmp_path, bootstrap, url)
    vault.terminate()
    vault.wait(10)


def wait_for(url: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{url} does not answer")


async def sequences(shop: Shop, at_least: int) -> list[int]:
    """Wait for so many messages; return all numbers in the order in which they lie."""
    async with asyncio.timeout(60):
        while True:
            found = [(each.frame if isinstance(each, Sealed) else each) for each in await shop.messages()]
            numbers = [each.sequence for each in found if hasattr(each, "sequence")]
            if len(numbers) >= at_least:
                return numbers
            await asyncio.sleep(0.5)


async def opened(shop: Shop) -> npt.NDArray[np.uint8]:
    """Lease the newest frame's key, and open the frame."""
    newest = [each for each in await shop.messages() if isinstance(each, Sealed)][-1]
    vault = VaultClient(shop.vault_url, shop.token("detecting"))
    leases = Leases(vault)
    try:
        jpeg = open_frame(newest, await leases.private_key(newest.frame.key_id, newest.frame.purpose))
    finally:
        leases.close()
        await vault.close()
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


async def test_a_device_publishes_survives_kafkas_death_and_stops_at_once(
    shop: Shop, kafka_process: kafka.Process
) -> None:
    await create_topics(shop.bootstrap, topics(shop.estate.frame_ttl).values())
    device = shop.publish()
    before = await sequences(shop, at_least=5)
    picture = await opened(shop)

    kafka_process.kill()
    await asyncio.sleep(4)
    await asyncio.to_thread(kafka_process.start)
    after = await sequences(shop, at_least=len(before) + 20)
    asked = time.monotonic()
    device.send_signal(signal.SIGTERM)
    code = device.wait(10)
    took = time.monotonic() - asked

    assert picture.shape == (540, 960, 3)
    assert picture[:, :176].max() <= 4, "the mask is black in what was opened"
    assert picture[:, 208:].mean() > 40
    assert after == list(range(len(after))), "nothing is lost, doubled or out of order"
    assert (code, took < 2.5) == (0, True)
    assert await healths(shop)


async def healths(shop: Shop) -> list[DeviceHealth]:
    topic = topics(shop.estate.frame_ttl)["health.v1"]
    found = [
        decode(topic, record.key, record.headers, record.value)
        async for record in records(shop.bootstrap, topic)
        if record.key == KEY
    ]
    return [each for each in found if isinstance(each, DeviceHealth)]
