"""Whose a device's message is, and that a frame opens only as what it was sealed as."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing, signing
from pipeline.errors import Rejected
from pipeline.opening import open_frame, require_authentic
from pipeline.sealing import Opener
from schemas.detections import Still
from schemas.envelope import Purpose
from schemas.estate import Camera, Device, Estate, Store
from schemas.frame import Frame
from schemas.topics import Lives, topics
from schemas.wire import Record, Sealed, decode, encode
from tests.examples import HOUR, NOON, common

GATEWAY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
FRAMES = topics(Lives(HOUR))["frames.v1"]
BUCKET = sealing.generate()
PICTURE = b"\xff\xd8 a picture"


def device(name: str, key: Ed25519PrivateKey) -> Device:
    return Device(id=name, public_key=base64.b64encode(signing.public_bytes(key)).decode())


ESTATE = Estate(
    frame_ttl=HOUR,
    stores=(
        Store(
            id="ginza",
            regulation="r.toml",
            devices=(device("gateway-1", GATEWAY), device("gateway-2", STRANGER)),
            cameras=(Camera(id="entrance", device="gateway-1"),),
        ),
        Store(id="shibuya", regulation="r.toml", devices=(device("gateway-9", STRANGER),)),
    ),
)


def sent(key: Ed25519PrivateKey = GATEWAY, **changes: Any) -> tuple[Sealed, Record]:
    frame = Frame(**common("frame", key_id="k-1", device_id="gateway-1", boot=1, sequence=2) | changes)
    value = sealing.seal(BUCKET.public, sealing.frame_info(frame), PICTURE)
    unsigned = encode(frame, FRAMES, sealed=value)
    record = encode(frame, FRAMES, sealed=value, signature=signing.sign(key, unsigned.headers, value))
    sealed = decode(FRAMES, record.key, record.headers, record.value)
    assert isinstance(sealed, Sealed)
    return sealed, record


def refusal(sealed: Sealed, record: Record) -> str:
    with pytest.raises(Rejected) as refused:
        require_authentic(ESTATE, sealed, record.headers, record.value)
    return refused.value.reason


def test_what_the_cameras_device_sent_is_authentic_and_opens() -> None:
    sealed, record = sent()
    require_authentic(ESTATE, sealed, record.headers, record.value)

    assert open_frame(sealed, Opener(BUCKET.private)) == PICTURE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"store_id": "umeda"}, "unknown_store"),
        ({"camera_id": "roof"}, "unknown_camera"),
        ({"device_id": "nobody"}, "unknown_device"),
        ({"device_id": "gateway-9"}, "wrong_store"),
        ({"device_id": "gateway-2"}, "unknown_device"),
    ],
)
def test_strangers_are_refused(changes: dict[str, Any], reason: str) -> None:
    assert refusal(*sent(**changes)) == reason


def test_r20_a_device_cannot_have_its_frames_live_longer_than_the_estate_says() -> None:
    longest, _ = sent(expires_at=NOON + HOUR)
    longer = sent(expires_at=NOON + HOUR + timedelta(microseconds=1))

    assert longest.frame.expires_at - longest.frame.utc_time == ESTATE.frame_ttl
    assert refusal(*longer) == "bad_content"


def test_r20_nor_its_stills() -> None:
    still = Still(
        **common("still", device_id="gateway-1", boot=1, sequence=2, expires_at=NOON + 2 * HOUR),
        first_sequence=2,
        from_time=NOON,
        frames=1,
        since_frame=0,
    )
    unsigned = encode(still, FRAMES)
    signature = signing.sign(GATEWAY, unsigned.headers, unsigned.value)
    record = encode(still, FRAMES, signature=signature)

    with pytest.raises(Rejected, match="lifetime"):
        require_authentic(ESTATE, still, record.headers, record.value)


def test_another_devices_signature_is_refused() -> None:
    assert refusal(*sent(key=STRANGER)) == "bad_signature"


def test_a_changed_value_is_refused() -> None:
    sealed, record = sent()

    assert refusal(sealed, record._replace(value=record.value[:-1] + b"x")) == "bad_signature"


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": Purpose.PEOPLE_FLOW},
        {"store_id": "shibuya"},
        {"camera_id": "exit"},
        {"sequence": 3},
        {"key_id": "k-2"},
    ],
)
def test_r04_a_frame_moved_to_another_purpose_or_place_does_not_open(changes: dict[str, Any]) -> None:
    sealed, _ = sent()
    moved = Sealed(sealed.frame.model_copy(update=changes), sealed.value)

    with pytest.raises(Rejected) as refused:
        open_frame(moved, Opener(BUCKET.private))
    assert refused.value.reason == "not_sealed_for_this"
