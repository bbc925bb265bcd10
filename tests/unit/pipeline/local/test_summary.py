"""A frame counts as refused after expiry only where its key is destroyed: nothing else proves that."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from pipeline.errors import Erased, MimamoriError, Refused, Rejected, Unavailable
from pipeline.local.summary import Placed, count_frames
from schemas.detections import FrameRef, Still
from schemas.envelope import Purpose
from schemas.frame import Frame
from schemas.ids import KeyId
from schemas.wire import Sealed
from tests.examples import common

DEVICE = {"device_id": "gateway-1", "boot": 1, "sequence": 2}
FRAME = Frame(**common("frame"), **DEVICE, key_id="k-1")
STILL = Still(
    **common("still"), **DEVICE, first_sequence=2, from_time=common("still")["utc_time"], frames=1, since_frame=1
)
AFTER = FRAME.expires_at
OTHER = FRAME.model_copy(update={"key_id": KeyId("another")})


class Vault:
    """Gives every key, or says what it is told to say."""

    def __init__(self, answer: MimamoriError | None = None) -> None:
        self.answer = answer
        self.asked: list[KeyId] = []

    async def private_key(self, key_id: KeyId, _purpose: Purpose) -> bytearray:
        self.asked.append(key_id)
        if self.answer is not None:
            raise self.answer
        return bytearray(32)


def place(offset: int) -> FrameRef:
    return FrameRef(topic="frames.v1", partition=0, offset=offset)


async def log(*frames: Frame) -> AsyncIterator[Placed]:
    for offset, frame in enumerate(frames):
        yield place(offset), Sealed(frame, b"sealed")
    yield place(len(frames)), STILL


async def test_r20_expired_frames_whose_key_is_destroyed_are_counted_and_each_key_asked_for_once() -> None:
    vault = Vault(Erased("gone"))

    counts = await count_frames(log(FRAME, FRAME, OTHER), (), vault, AFTER)

    assert counts == {"frames": 3, "stills": 1, "refused": 3}
    assert vault.asked == [FRAME.key_id, OTHER.key_id]


async def test_r20_a_frame_that_opens_after_its_expiry_is_counted_as_such() -> None:
    assert (await count_frames(log(FRAME), (), Vault(), AFTER))["opened"] == 1


async def test_frames_that_live_are_not_tried() -> None:
    vault = Vault()

    counts = await count_frames(log(FRAME), (), vault, AFTER - timedelta(seconds=1))

    assert (counts["refused"], counts["opened"], vault.asked) == (0, 0, [])


@pytest.mark.parametrize("error", [Refused("not for you"), Rejected("unknown_key"), Unavailable("no such token")])
async def test_r20_a_key_that_is_withheld_for_another_reason_is_no_erasure(error: MimamoriError) -> None:
    with pytest.raises(type(error)):
        await count_frames(log(FRAME), (), Vault(error), AFTER)


async def test_a_dead_letter_is_not_tried() -> None:
    vault = Vault(Refused("never was one of ours"))

    counts = await count_frames(log(FRAME), {place(0)}, vault, AFTER)

    assert (counts["frames"], counts["refused"], vault.asked) == (1, 0, [])
