"""A device as a process of its own, against a real Kafka and a real vault."""

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from pipeline.broker import create_topics
from pipeline.local import kafka
from pipeline.opening import open_frame
from pipeline.vault.client import Leases, connected
from schemas.wire import Sealed
from tests.integration.shop import Shop, open_shop

MASK = """
masks = [{ polygon = [{ x = 0, y = 0 }, { x = 0.2, y = 0 }, { x = 0.2, y = 1 }, { x = 0, y = 1 }] }]
"""


@pytest.fixture
def shop(tmp_path: Path, bootstrap: str) -> Iterator[Shop]:
    found = open_shop(tmp_path, bootstrap, more=MASK)
    yield found
    found.end()


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
    async with connected(shop.vault.url, shop.vault.token("detecting")) as vault:
        leases = Leases(vault)
        try:
            jpeg = open_frame(newest, await leases.opener(newest.frame.key_id, newest.frame.purpose))
        finally:
            leases.close()
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


async def test_a_device_publishes_survives_kafkas_death_and_stops_at_once(
    shop: Shop, kafka_process: kafka.Process
) -> None:
    await create_topics(shop.bootstrap, shop.topics.values())
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
    assert await shop.healths()
