"""Sealed frames in, detections out: opened in memory, erased, shed or refused."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import SecretStr

from agents.detecting import Detecting, create
from agents.handling import Result
from agents.stage import Stage
from models.detector import Detector, Look, Seen
from models.session import Processor
from pipeline import sealing, signing
from pipeline.clock import ManualClock
from pipeline.errors import Erased, MimamoriError, Misconfigured, Refused, Rejected, Unavailable
from pipeline.received import Received
from pipeline.sealing import Opener
from pipeline.settings import Settings
from pipeline.settings import Vault as VaultSettings
from schemas import detections
from schemas.detections import Detection, FrameDetections, ObjectType, Skipped, Still
from schemas.envelope import Message, Module
from schemas.estate import Estate, Profile
from schemas.frame import Frame
from schemas.topics import FRAME_TTL_MAX
from schemas.wire import Sealed, decode, encode
from tests.examples import BOX, FRAME, NOON, common
from tests.unit.pipeline.test_opening import BUCKET, ESTATE, FRAMES, GATEWAY

SEEN = Detection(type=ObjectType.HUMAN, likelihood=0.75, bounding_box=BOX)
JPEG = cv2.imencode(".jpg", np.full((90, 160, 3), 128, np.uint8))[1].tobytes()


class Eyes:
    """A detector that sees one person in every picture."""

    processor = Processor.CPU

    def __init__(self) -> None:
        self.looked: list[list[Look]] = []

    def module_of(self, _profile: Profile) -> Module:
        return Module(name="eyes", version="1")

    def longest(self, profile: Profile, *, reference: bool) -> int | None:
        return None if reference else profile.longest

    def detect_all(self, looks: Sequence[Look]) -> list[Seen]:
        self.looked.append(list(looks))
        return [Seen((SEEN,), (BOX,) if look.profile.regions else ()) for look in looks]


class Vault:
    """Lends the bucket's key, or answers as it is told."""

    def __init__(self, answer: MimamoriError | None = None) -> None:
        self._answer = answer

    async def opener(self, _key_id: object, _purpose: object) -> Opener:
        if self._answer is not None:
            raise self._answer
        return Opener(BUCKET.private)


def stage(
    clock: ManualClock,
    vault: Vault | None = None,
    *,
    shed: bool = True,
    estate: Estate = ESTATE,
    eyes: Eyes | None = None,
) -> Detecting:
    seeing: Any = eyes or Eyes()
    lent: Any = vault or Vault()
    return Detecting(estate, lent, seeing, clock, shed=shed)


def looked_at_by(profile: Profile) -> Estate:
    stores = [
        store.model_copy(
            update={"cameras": tuple(each.model_copy(update={"profile": profile}) for each in store.cameras)}
        )
        for store in ESTATE.stores
    ]
    return ESTATE.model_copy(update={"stores": tuple(stores)})


def received(message: Frame | Still, jpeg: bytes = JPEG, taken: datetime = NOON) -> Received[Sealed | Still]:
    sealed = sealing.seal(BUCKET.public, sealing.frame_info(message), jpeg) if isinstance(message, Frame) else None
    unsigned = encode(message, FRAMES, sealed=sealed)
    signature = signing.sign(GATEWAY, unsigned.headers, unsigned.value)
    record = encode(message, FRAMES, sealed=sealed, signature=signature)
    read = decode(FRAMES, record.key, record.headers, record.value)
    assert isinstance(read, Sealed | Still)
    return Received(read, FRAME, record.headers, record.value, taken)


def frame(**changes: Any) -> Frame:
    return Frame(**common("frame", key_id="k-1", device_id="gateway-1", boot=1, sequence=2) | changes)


async def only(stage: Detecting, item: Received[Sealed | Still]) -> Result:
    (result,) = await stage.work([item])
    return result


def said(result: Result) -> Message:
    assert not isinstance(result, Exception)
    (message,) = result
    return message


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


async def test_a_frame_is_opened_and_what_is_in_it_is_said(clock: ManualClock) -> None:
    message = said(await only(stage(clock), received(frame())))

    assert isinstance(message, FrameDetections)
    assert message.detections == (SEEN,)
    assert (message.frame_width, message.frame_height, message.frame) == (160, 90, FRAME)


async def test_the_same_frame_gives_the_same_detections(clock: ManualClock) -> None:
    first, again = [await only(stage(clock), received(frame())) for _ in range(2)]

    assert first == again


async def test_of_moving_frames_the_profile_has_every_so_manyth_looked_at_by_sequence_alone(clock: ManualClock) -> None:
    vault, estate = Vault(), looked_at_by(Profile(every=3))
    frames = [received(frame(sequence=each)) for each in (3, 4, 5, 6)]
    first = [said(each) for each in await stage(clock, vault, estate=estate).work(frames)]
    again = [said(each) for each in await stage(clock, vault, estate=estate).work(frames[2:])]

    assert [type(each) for each in first] == [FrameDetections, Skipped, Skipped, FrameDetections]
    assert {each.reason for each in first if isinstance(each, Skipped)} == {"profile"}
    assert again == first[2:]


async def test_a_frame_that_is_passed_over_is_never_opened(clock: ManualClock) -> None:
    away = stage(clock, Vault(Unavailable("away")), estate=looked_at_by(Profile(every=3)))

    assert isinstance(said(await only(away, received(frame(sequence=4)))), Skipped)


async def test_reference_frames_are_always_looked_at(clock: ManualClock) -> None:
    reference = received(frame(sequence=4, reference=True))

    assert isinstance(said(await only(stage(clock, estate=looked_at_by(Profile(every=3))), reference)), FrameDetections)


async def test_what_was_looked_at_in_place_of_the_whole_is_told(clock: ManualClock) -> None:
    message = said(await only(stage(clock, estate=looked_at_by(Profile(regions=True))), received(frame())))

    assert isinstance(message, FrameDetections)
    assert message.regions == (BOX,)


async def test_a_large_picture_is_halved_and_its_own_size_is_told(clock: ManualClock) -> None:
    eyes = Eyes()
    large = cv2.imencode(".jpg", np.full((722, 1281, 3), 128, np.uint8))[1].tobytes()
    message = said(await only(stage(clock, eyes=eyes), received(frame(), large)))

    assert isinstance(message, FrameDetections)
    assert (message.frame_width, message.frame_height) == (1281, 722)
    assert eyes.looked[0][0].picture.shape == (361, 641, 3)


async def test_frames_that_arrive_on_several_partitions_are_looked_at_together(clock: ManualClock) -> None:
    eyes = Eyes()
    detecting = stage(clock, eyes=eyes)
    await asyncio.gather(*(only(detecting, received(frame(sequence=each))) for each in (2, 3, 4)))

    assert len(eyes.looked) == 1


async def test_what_looking_raises_is_raised_where_it_was_asked_for(clock: ManualClock) -> None:
    eyes: Any = Eyes()
    eyes.detect_all = lambda _looks: 1 / 0
    detecting = stage(clock, eyes=eyes)

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await only(detecting, received(frame()))


async def test_a_still_passes_through(clock: ManualClock) -> None:
    still = Still(
        **common("still", device_id="gateway-1", boot=1, sequence=3),
        first_sequence=3,
        from_time=NOON,
        frames=5,
        since_frame=2,
    )

    assert said(await only(stage(clock), received(still))) == still


async def test_r20_a_frame_whose_key_is_gone_is_counted_and_never_opened(clock: ManualClock) -> None:
    message = said(await only(stage(clock, Vault(Erased("gone"))), received(frame())))

    assert isinstance(message, detections.Erased)
    assert (message.sequence, message.key_id) == (2, "k-1")


async def test_a_frame_that_is_a_quarter_of_its_lifetime_late_is_shed_and_that_is_recorded(clock: ManualClock) -> None:
    clock.advance(ESTATE.frame_ttl / 4 + timedelta(seconds=1))

    shed = said(await only(stage(clock), received(frame())))

    assert isinstance(shed, Skipped)
    assert shed.reason == "shed"
    assert isinstance(said(await only(stage(clock, shed=False), received(frame()))), FrameDetections)


async def test_what_a_device_had_spooled_is_not_shed_for_its_age(clock: ManualClock) -> None:
    clock.advance(ESTATE.frame_ttl / 2)
    spooled = received(frame(), taken=clock.now())

    assert isinstance(said(await only(stage(clock), spooled)), FrameDetections)


@pytest.mark.parametrize(
    ("late", "kind"), [(timedelta(hours=23, minutes=39), FrameDetections), (timedelta(hours=23, minutes=40), Skipped)]
)
async def test_r21_nothing_is_said_of_a_frame_that_would_lie_on_kafka_a_day_after_its_expiry(
    clock: ManualClock, late: timedelta, kind: type[Message]
) -> None:
    estate = ESTATE.model_copy(update={"frame_ttl": FRAME_TTL_MAX})
    clock.advance(late)
    old = received(frame(expires_at=NOON + FRAME_TTL_MAX), taken=clock.now())

    assert isinstance(said(await only(stage(clock, estate=estate, shed=False), old)), kind)


async def test_r04_a_key_that_is_refused_is_a_dead_letter(clock: ManualClock) -> None:
    result = await only(stage(clock, Vault(Refused("purpose_incompatible"))), received(frame()))

    assert isinstance(result, Rejected)
    assert result.reason == "no_key_for_this"


async def test_an_absent_vault_is_waited_for(clock: ManualClock) -> None:
    with pytest.raises(Unavailable):
        await stage(clock, Vault(Unavailable("away"))).work([received(frame())])


@pytest.mark.parametrize("jpeg", [b"", b"\xff\xd8\xff", JPEG[:-40], b"\x00" * 100])
async def test_r19_a_bad_picture_is_a_dead_letter_and_nothing_behind_it_is_lost(
    clock: ManualClock, jpeg: bytes
) -> None:
    bad, good = await stage(clock).work([received(frame(), jpeg), received(frame(sequence=3))])

    assert isinstance(bad, Rejected)
    assert bad.reason == "bad_image"
    assert isinstance(said(good), FrameDetections)


def test_without_a_token_for_the_vault_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMAMORI_VAULT__TOKEN", raising=False)

    with pytest.raises(Misconfigured, match="MIMAMORI_VAULT__TOKEN"):
        create(Settings(), ESTATE)


async def test_from_a_backlog_few_frames_are_handled_together(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    async def run_batches(_stage: Stage, _stream: None, *, work: object, take: int = 50) -> None:
        taken.append(take)

    monkeypatch.setattr(Stage, "run_batches", run_batches)
    monkeypatch.setattr(Detector, "load", lambda *_: Eyes())
    app = create(Settings(vault=VaultSettings(token=SecretStr("one"))), ESTATE)
    (agent,) = app.agents.values()

    await agent.fun(None)

    assert taken == [8]
