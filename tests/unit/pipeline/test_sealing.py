"""What was sealed opens for one key under one envelope, and for nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Rejected
from pipeline.sealing import KeyPair, Opener, SealSuite, frame_info, generate, open_, seal
from schemas.envelope import Module, Purpose
from schemas.frame import Frame
from schemas.ids import CameraId, DeviceId, EventId, KeyId, NoticeId, StoreId

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
FRAME = Frame(
    event_id=EventId("e1"),
    store_id=StoreId("ginza"),
    camera_id=CameraId("door"),
    utc_time=NOW,
    purpose=Purpose.CRIME_PREVENTION,
    expires_at=NOW + timedelta(hours=1),
    notice_id=NoticeId("ginza-1"),
    module=Module(name="publish", version="1"),
    key_id=KeyId("k1"),
    device_id=DeviceId("ginza-pc"),
    boot=1,
    sequence=7,
)


@pytest.fixture(scope="module", params=list(SealSuite))
def pair(request: pytest.FixtureRequest) -> KeyPair:
    return generate(SealSuite(request.param))


@settings(max_examples=30, deadline=None)
@given(plaintext=st.binary(max_size=2000), info=st.binary(max_size=200))
def test_what_was_sealed_opens(plaintext: bytes, info: bytes) -> None:
    for suite in SealSuite:
        key = generate(suite)

        assert open_(key.private, info, seal(key.public, info, plaintext)) == plaintext


def test_r20_what_is_made_ready_opens_much_and_nothing_once_it_is_let_go(pair: KeyPair) -> None:
    opener = Opener(pair.private)
    sealed = [seal(pair.public, b"info", each) for each in (b"one", b"other")]

    assert [opener.open_(b"info", each) for each in sealed] == [b"one", b"other"]
    opener.close()
    with pytest.raises(ValueError, match="let go"):
        opener.open_(b"info", sealed[0])


@settings(max_examples=50, deadline=None)
@given(where=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_changed_bit_anywhere_does_not_open(where: int, bit: int) -> None:
    key = generate()
    sealed = bytearray(seal(key.public, b"info", b"picture"))
    sealed[where % len(sealed)] ^= 1 << bit

    with pytest.raises(Rejected):
        open_(key.private, b"info", sealed)


@settings(max_examples=20, deadline=None)
@given(noise=st.binary(max_size=1500))
def test_random_bytes_do_not_open(noise: bytes) -> None:
    with pytest.raises(Rejected):
        open_(generate().private, b"info", noise)


def test_another_key_does_not_open(pair: KeyPair) -> None:
    for suite in SealSuite:
        with pytest.raises(Rejected):
            open_(generate(suite).private, b"info", seal(pair.public, b"info", b"picture"))


@pytest.mark.parametrize(
    "moved",
    [
        {"store_id": "shibuya"},
        {"camera_id": "till"},
        {"key_id": "k2"},
        {"expires_at": NOW + timedelta(hours=2)},
        {"device_id": "shibuya-pc"},
        {"boot": 2},
        {"sequence": 8},
    ],
)
def test_a_frame_moved_to_another_envelope_does_not_open(pair: KeyPair, moved: dict[str, Any]) -> None:
    sealed = seal(pair.public, frame_info(FRAME), b"picture")

    with pytest.raises(Rejected):
        open_(pair.private, frame_info(FRAME.model_copy(update=moved)), sealed)


def test_r04_a_frame_for_crime_prevention_does_not_open_for_another_purpose(pair: KeyPair) -> None:
    sealed = seal(pair.public, frame_info(FRAME), b"picture")

    assert open_(pair.private, frame_info(FRAME), sealed) == b"picture"
    for purpose in set(Purpose) - {Purpose.CRIME_PREVENTION}:
        with pytest.raises(Rejected):
            open_(pair.private, frame_info(FRAME.model_copy(update={"purpose": purpose})), sealed)


def test_the_same_instant_in_another_time_zone_is_the_same_envelope() -> None:
    tokyo = FRAME.model_copy(update={"expires_at": FRAME.expires_at.astimezone(ZoneInfo("Asia/Tokyo"))})

    assert frame_info(tokyo) == frame_info(FRAME)


def test_sealing_costs_no_more_bytes_than_said() -> None:
    overhead = {suite: len(seal(generate(suite).public, b"", b"x" * 100)) - 100 for suite in SealSuite}

    assert overhead == {SealSuite.MLKEM768_X25519: 1136, SealSuite.X25519: 48}


def test_a_key_of_no_suite_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        seal(bytes(31), b"", b"picture")
    with pytest.raises(ValueError, match="31 bytes"):
        open_(bytes(31), b"", b"sealed")
