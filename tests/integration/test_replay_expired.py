"""After expiry every topic is replayed from its beginning: nothing opens, and every stage comes to the end."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest

from pipeline.broker import admin, create_topics
from pipeline.vault.ledger import Kind
from schemas.detections import Erased, FrameDetections
from schemas.topics import STAGES
from schemas.wire import Record, Sealed
from tests.integration.house import Device, House
from tests.integration.short import Short, short_house

FRAMES: Final = 1_100
STILLS: Final = 40
KEYS_LIVE: Final = timedelta(seconds=8)
"""In Kafka the sealed frames stay much longer."""

SHORT: Final = Short(ttl=timedelta(minutes=10), keys_live=KEYS_LIVE)
PICTURE: Final = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))[1])


async def publish(here: House, device: Device) -> datetime:
    """Send frames and stills as a device does, and return when the last of their keys is due."""
    records: list[Record] = []
    expiry = datetime.now(UTC)
    for number in range(FRAMES):
        if number % 50 == 0:
            key = await device.key()
            expiry = max(expiry, key.expires_at)
        records.append(device.sealed(device.frame(key), key, PICTURE))
        if number * STILLS // FRAMES != (number + 1) * STILLS // FRAMES:
            records.append(device.signed(device.still()))
    await here.send("frames.v1", *records)
    return expiry


async def all_destroyed(here: House, expiry: datetime) -> bool:
    """Say whether the ledger tells the end of every key that expires by then."""
    ends: dict[Kind, set[str]] = {Kind.KEY_CREATED: set(), Kind.KEY_DESTROYED: set()}
    for each in await here.ledger():
        if each.kind in ends and datetime.fromisoformat(each.body["expires_at"]) <= expiry:
            ends[each.kind].add(each.body["key_id"])
    return bool(ends[Kind.KEY_CREATED]) and ends[Kind.KEY_CREATED] == ends[Kind.KEY_DESTROYED]


async def forget_positions(here: House) -> None:
    """Make every stage one that has never read anything: what it has read lies in its state topic alone."""
    states = {name: topic for name, topic in here.topics.items() if name.endswith("-state.v1")}

    async def gone() -> bool:
        async with admin(here.demo.bootstrap) as client:
            return not set(states) & set(await client.list_topics())

    async with admin(here.demo.bootstrap) as client:
        await client.delete_topics(list(states))
    await here.until(gone, "the state topics are gone")
    await create_topics(here.demo.bootstrap, states.values())


async def opened(here: House) -> Counter[str]:
    """Count what became of frames, by kind."""
    return Counter(type(each).__name__ for each in await here.messages("detections.v1"))


@pytest.mark.timeout(280)
async def test_r20_a_replay_of_every_topic_after_expiry_opens_nothing_and_comes_to_the_end(tmp_path: Path) -> None:
    async with short_house(tmp_path / "home", SHORT) as here:
        device = here.device("ginza", "aisle")
        expiry = await publish(here, device)
        await here.until(here.all_handled, "every stage is at the end for the first time", 120)
        first = await opened(here)
        assert first[FrameDetections.__name__] > 0, "nothing was ever opened: there is nothing to forget"

        names = [child.name for child in here.supervisor.children if child.name in STAGES]
        children = [child for child in here.supervisor.children if child.name in names]
        await here.until(
            lambda: all_destroyed(here, expiry), "every key is destroyed", 2 * KEYS_LIVE.total_seconds() + 30
        )
        await here.supervisor.end(*names)
        await forget_positions(here)
        sealed = [each for each in await here.messages("frames.v1") if isinstance(each, Sealed)]
        assert sum(each.frame.expires_at < datetime.now(UTC) for each in sealed) >= 1_000
        await here.supervisor.start(*children)
        await here.until(here.all_handled, "every stage is at the end again", 120)

        again = await opened(here) - first
        assert again[FrameDetections.__name__] == 0
        assert again[Erased.__name__] == FRAMES
        assert [await here.lag(stage) for stage in STAGES] == [0] * len(STAGES)
        letters = [each for name in here.topics if name.endswith(".dead") for each in await here.messages(name)]
        # Detections that were ready only when their frame's time was over go unread, and no letter tells of them.
        assert letters == []
