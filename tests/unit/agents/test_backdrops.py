"""Backdrops: what was asked for is made of the camera's newest pictures, sealed, and nobody is in it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from agents.backdrops import Backdrops
from pipeline.errors import Erased, Unavailable
from pipeline.evidence.clip import header_of, open_clip
from pipeline.vault.api import EvidenceObject
from schemas.geometry import Box
from schemas.ids import AlertId, CameraId
from tests.examples import NOON
from tests.unit.agents.test_cutting import (
    CONCERNED,
    KEY,
    OTHER,
    Finder,
    House,
    Leases,
    Record,
    Vault,
    alert,
    is_hidden,
)
from tests.unit.pipeline.test_opening import ESTATE

ASKED = AlertId("backdrop-1")
ELSEWHERE = Box(left=0.35, top=0.1, right=0.5, bottom=0.9)


class Asked(Vault):
    """A vault that a manager asked for a backdrop."""

    async def backdrops(self) -> tuple[EvidenceObject, ...]:
        if self.told:
            return ()
        (mine, *_) = await self.objects()
        return (mine.model_copy(update={"alert_id": ASKED, "start": NOON, "end": NOON, "stored": False}),)


class Newest(Record):
    """What the log holds, in order."""

    async def newest(self, key: str, since: datetime) -> Sequence[Any]:
        return [each for _, each in sorted(self.found.detections.items(), key=lambda item: item[0].offset)]


class Shop(House):
    """A cutting stage whose log tells what is newest."""

    def __init__(self, vault: Any, leases: Any) -> None:
        super().__init__(vault, leases)
        self.record = self.newest = Newest()


def backdrops(house: Shop) -> Backdrops:
    return Backdrops(
        ESTATE,
        house.another(),
        vault=house.vault,
        keeper=house.keeper,
        record=house.newest,
        finder=Finder(),
        clock=house.clock,
    )


@pytest.fixture
def house() -> Shop:
    house = Shop(Asked(), Leases())
    for number in range(3, 6):
        house.record.add(number, people=(ELSEWHERE,))
    house.clock.advance(timedelta(seconds=2))
    return house


async def test_what_was_asked_for_is_made_and_sealed_and_told(house: Shop) -> None:
    await backdrops(house).make()
    data = await house.data()
    clip = open_clip(data, KEY.private)

    assert (header_of(data).alert_id, clip.manifest.alert_id) == (ASKED, ASKED)
    assert len(clip.pictures) == 1
    assert house.vault.asked_for[0].alert_id == ASKED
    assert len(house.vault.told) == 1


async def test_nobody_who_was_found_is_in_it(house: Shop) -> None:
    await backdrops(house).make()
    (picture,) = open_clip(await house.data(), KEY.private).pictures

    # Those stood there in three of six pictures.
    assert is_hidden(picture, CONCERNED)
    assert is_hidden(picture, OTHER)


async def test_r16_who_sits_still_where_nobody_looked_is_not_in_it(house: Shop) -> None:
    around = (Box(left=0.3, top=0, right=0.55, bottom=1),)
    for number in range(2, 6):
        when = NOON + timedelta(seconds=0.4 * number)
        house.record.tell(number, people=(ELSEWHERE,), utc_time=when, regions=around)
    await backdrops(house).make()

    # Only two pictures were looked at everywhere.
    assert await house.objects.names("evidence/") == []


async def test_it_is_made_once(house: Shop) -> None:
    await backdrops(house).make()
    before = await house.data()
    house.vault.told.clear()
    await backdrops(house).make()

    assert await house.data() == before


async def test_of_too_few_pictures_it_is_tried_again_later(house: Shop) -> None:
    maker = backdrops(house)
    found, house.record.found = house.record.found, house.record.found._replace(frames={})
    await maker.make()
    await maker.make()
    first = house.vault.asked
    house.record.found = found
    house.clock.advance(timedelta(seconds=6))
    await maker.make()

    assert first == 1
    assert len(house.vault.told) == 1


async def test_frames_whose_keys_are_gone_are_in_none(house: Shop) -> None:
    house.leases.answer = Erased("gone")
    await backdrops(house).make()

    assert await house.objects.names("evidence/") == []


async def test_frames_of_another_camera_are_in_none(house: Shop) -> None:
    for number in range(6):
        house.record.add(number, camera_id=CameraId("other"))
    await backdrops(house).make()

    assert await house.objects.names("evidence/") == []


async def test_what_is_away_is_said(house: Shop) -> None:
    house.vault.answer = Unavailable("away")

    with pytest.raises(Unavailable):
        await backdrops(house).make()


async def test_r17_an_alert_cannot_be_shown_in_place_of_a_backdrop(house: Shop) -> None:
    result = await house.cut(alert().model_copy(update={"alert_id": ASKED}))

    assert "backdrop" in str(result)
    assert house.vault.asked == 0
