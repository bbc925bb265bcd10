"""Where canaries are planted: in pictures before a camera, in frames a device seals, in whatever can be malformed."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
from aiokafka.errors import KafkaError
from canaries import Bgr, Canary, Mark, example

from pipeline.edge.drawn.render import Renderer
from pipeline.edge.drawn.scene import scene
from pipeline.errors import MimamoriError
from pipeline.local.kafka import listens
from schemas.wire import Record
from tests.integration.house import Device, House

_AT_ONCE: Final = 10
_FILMED: Final = 20_000
_MALFORMED: Final = 10_000
"""Numbers of canaries begin there, so that what is found says where it came from."""

Sent = Record | tuple[bytes | None, bytes | None, Any]


class Planter:
    """Plays one camera's device: frames whose pictures are canaries in every form, sealed and signed as ever."""

    def __init__(self, here: House, mark: Mark, store: str, camera: str) -> None:
        self._here, self._mark = here, mark
        self.device: Device = here.device(store, camera)
        self.count = 0
        self.done = False
        self.last_expiry = datetime.now(UTC)

    async def run(self, canaries: int, a_second: float) -> None:
        """Send them in small portions; while something is away, try again."""
        for begin in range(0, canaries, _AT_ONCE):
            numbers = range(begin, min(begin + _AT_ONCE, canaries))
            canary = [self._mark.canary(number) for number in numbers]
            await self._here.until(partial(self._sent, canary), "canaries are planted", 120)
            self.count += len(numbers)
            await asyncio.sleep(len(numbers) / a_second)
        self.done = True

    async def _sent(self, canaries: list[Canary]) -> bool:
        try:
            key = await asyncio.wait_for(self.device.key(), 5)
            pictures = [each.jpeg(example(480, 270, each.number)) for each in canaries]
            records = [self.device.sealed(self.device.frame(key), key, each) for each in pictures]
            if not listens("127.0.0.1", self._here.demo.ports["kafka"]):
                return False
            await self._here.send("frames.v1", *records)
        except (KafkaError, MimamoriError, OSError, TimeoutError):
            return False
        self.last_expiry = max(self.last_expiry, key.expires_at)
        return True


async def malformed(here: House, device: Device, mark: Mark) -> int:
    """Send what no stage can use, each with a canary where somebody might quote it; return how many."""
    frames = await _bad_frames(device, mark)
    await here.send("frames.v1", *frames)
    detections = [_bad_detections(mark.canary(_MALFORMED + 100 + number)) for number in range(3)]
    await here.send("detections.v1", *detections)
    return len(frames) + len(detections)


async def _bad_frames(device: Device, mark: Mark) -> list[Sent]:
    key = await device.key()
    c = [mark.canary(_MALFORMED + number) for number in range(12)]
    picture = c[1].jpeg(example(320, 240, 1))
    good = device.sealed(device.frame(key), key, picture)
    return [
        (b"ginza/aisle", c[0].blob, []),
        # A picture that nobody sealed, well signed.
        device.signed(device.frame(key), picture),
        device.sealed(device.frame(key), key, c[2].blob),
        device.sealed(device.frame(key), key, c[3].jpeg(example(320, 240, 3))[:4000]),
        (good.key, good.value, [*good.headers, ("x-more", c[4].blob)]),
        (good.key, good.value, [*good.headers, (f"x-{c[5].token.hex()}"[:60], b"")]),
        (good.key, good.value, _with(good, "ce_id", c[6].text.encode())),
        (good.key, good.value, _with(good, "ce_source", c[7].text.encode())),
        (good.key, good.value, _with(good, "ce_module", json.dumps({"name": c[8].text}).encode())),
        (good.key, good.value, _with(good, "content-type", c[9].text.encode())),
        (c[10].text.encode(), good.value, good.headers),
        (good.key, c[11].jpeg(example(320, 240, 11)), good.headers),
    ]  # fmt: skip


def _with(record: Record, name: str, value: bytes) -> list[tuple[str, bytes]]:
    return [(each, value if each == name else before) for each, before in record.headers]


def _bad_detections(canary: Canary) -> Sent:
    return (b"ginza/aisle", json.dumps({"event_id": canary.text, canary.text: canary.text}).encode(), [
        ("ce_specversion", b"1.0"), ("ce_type", b"mimamori.detections.v1"), ("content-type", b"application/json"),
        ("ce_id", canary.text.encode()),
    ])  # fmt: skip


def source_of_pictures(folder: Path, mark: Mark, count: int) -> Path:
    """Write a short film of a drawn shop whose every picture is a canary: for a real device to look at."""
    folder.mkdir(parents=True)
    renderer = Renderer(scene(1))
    for number in range(count):
        drawn: Bgr = renderer.picture(number / 5)
        picture = mark.canary(_FILMED + number).draw(drawn, left=8, top=8)
        cv2.imwrite(str(folder / f"{number:06d}.png"), picture)
    return folder
