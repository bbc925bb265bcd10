"""From a drawn shop to a sealed clip and to nothing: an alert's evidence through the whole system."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.errors import Erased
from pipeline.evidence.clip import Clip, header_of
from pipeline.evidence.hide import GREY, Picture, Region, head_of, moment_of, region
from pipeline.vault.api import EvidenceObject
from schemas.alert import Alert
from schemas.detections import FrameDetections
from schemas.ids import AlertId, CameraId, StoreId
from tests.integration.house import House
from tests.integration.looking import asked_backdrop, backdrop_of, file_of, looked_at, stored
from tests.integration.short import Short, short_house

EVIDENCE = timedelta(seconds=75)
JFIF = bytes.fromhex("ffd8ffe000104a464946")
"""How every JPEG begins that OpenCV writes, the devices' and the clips'."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    short = Short(ttl=timedelta(seconds=60), evidence=f"{EVIDENCE.total_seconds():g}s", played=())
    async with short_house(tmp_path / "house", short) as house:
        yield house


def greyness(picture: Picture, where: Region) -> float:
    """Return the share of pixels that were hidden, as near as a JPEG tells."""
    height, width = picture.shape[:2]
    left, right = (int(min(max(side, 0), width)) for side in (where.left, where.right))
    top, bottom = (int(min(max(side, 0), height)) for side in (where.top, where.bottom))
    # Of brightness: a JPEG has one colour for sixteen pixels each way, so that a small fill takes on its neighbours'.
    part = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[top:bottom, left:right].astype(int)
    return float((abs(part - GREY) <= 6).mean()) if part.size else 1.0


async def is_seen(house: House, clip: Clip) -> tuple[int, int]:
    """Check that of each picture the concerned head is seen and the others are not; return how many of both."""
    alert = await alert_of(house, clip.manifest.alert_id)
    told = {
        each.utc_time: each
        for each in await house.messages("detections.v1")
        if isinstance(each, FrameDetections) and each.key == alert.key
    }
    seen = hidden = 0
    for frame, jpeg in zip(clip.manifest.frames, clip.pictures, strict=True):
        picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        height, width = picture.shape[:2]
        concerned = head_of(region(frame.box, width, height))
        others = [head_of(each) for each in moment_of(told[frame.utc_time]).people]
        apart = [each for each in others if each.right < concerned.left or concerned.right < each.left]
        assert not frame.whole
        assert all(greyness(picture, each) > 0.95 for each in apart)
        hidden += len(apart)
        seen += greyness(picture, concerned) < 0.2
    return seen, hidden


async def alert_of(house: House, alert_id: AlertId) -> Alert:
    alerts = [each for each in await house.messages("alerts.v1") if isinstance(each, Alert)]
    return next(each for each in alerts if each.alert_id == alert_id)


async def shown_backdrop(house: House) -> EvidenceObject:
    """Ask for a backdrop, and check that the shop is in it and whoever was found is not."""
    asked = await asked_backdrop(house, StoreId("ginza"), CameraId("aisle"))

    async def made() -> bool:
        return (await backdrop_of(house, asked)).stored

    await house.until(made, "a backdrop is stored", within=40)
    found = await backdrop_of(house, asked)
    (jpeg,) = (await looked_at(house, asked, file_of(house, found).read_bytes())).pictures
    picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    height, width = picture.shape[:2]
    assert 0.01 < greyness(picture, Region(0, 0, width, height)) < 0.6
    return found


@pytest.mark.timeout(420)
async def test_r20_an_alert_becomes_a_sealed_clip_that_shows_one_person_and_is_gone_when_its_key_is(
    house: House,
) -> None:
    async def some() -> bool:
        return len(await stored(house)) >= 2

    await house.until(some, "two clips are stored", within=150)
    backdrop = await shown_backdrop(house)
    seen = hidden = 0
    clips = {backdrop.key_id: (backdrop, file_of(house, backdrop).read_bytes())}
    for evidence in await stored(house):
        data = file_of(house, evidence).read_bytes()
        clips[evidence.key_id] = (evidence, data)
        header = header_of(data)
        assert (header.alert_id, header.key_id) == (evidence.alert_id, evidence.key_id)
        assert (sha256(data).hexdigest(), len(data)) == (evidence.sha256, evidence.size)
        assert header.expires_at <= evidence.start + EVIDENCE
        shown = await is_seen(house, await looked_at(house, evidence.alert_id, data))
        seen, hidden = seen + shown[0], hidden + shown[1]
    pictures = len(clips) - 1
    assert seen >= pictures
    assert hidden > 0

    for file, content in house.contents():
        assert JFIF not in content, f"a picture lies in the clear in {file}"

    async def over() -> bool:
        return all(not file_of(house, evidence).exists() for evidence, _ in clips.values())

    await house.until(over, "the clips are gone", within=EVIDENCE.total_seconds() + 60)
    for evidence, data in clips.values():
        assert datetime.now(UTC) >= evidence.expires_at
        with pytest.raises(Erased):
            await looked_at(house, evidence.alert_id, data)


@pytest.mark.timeout(420)
async def test_a_cutting_stage_that_is_killed_again_and_again_leaves_one_clip_an_alert(house: House) -> None:
    async def all_cut() -> bool:
        return len(await stored(house)) >= 3 and not await house.lag("cutting")

    for _kill in range(4):
        await asyncio.sleep(8)
        os.kill(house.supervisor.pid("cutting"), signal.SIGKILL)
    await house.until(all_cut, "clips are stored", within=200)

    found = await stored(house)
    assert len({each.alert_id for each in found}) == len(found)
    files = [each for each in (house.demo.run / "objects").rglob("*") if each.is_file()]
    assert {file_of(house, each) for each in found} <= set(files)
    for each in found:
        assert sha256(file_of(house, each).read_bytes()).hexdigest() == each.sha256
