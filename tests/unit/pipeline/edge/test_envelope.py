"""What a device sends can be read, belongs to it, and opens only with the bucket's key."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import signing
from pipeline.edge import envelope
from pipeline.edge.device import Calm, Pixels
from pipeline.edge.envelope import Done
from pipeline.edge.outbox import Parcel
from pipeline.errors import Rejected
from pipeline.opening import open_frame, require_authentic
from pipeline.sealing import Opener
from schemas.detections import Still
from schemas.envelope import Message
from schemas.estate import Camera, Device, Estate, Store
from schemas.health import DeviceHealth
from schemas.wire import Sealed, decode
from tests.unit.pipeline.edge.building import NOON, OFFICE, PAIR, PRIVATE, TTL, WHO, after, bucket

PIXELS = Pixels(7, after(1), "16x9:AAAA", reference=True, jpeg=b"\xff\xd8 a picture")
CALM = Calm(8, since=after(1.2), time=after(2), frames=5, since_frame=7)
ESTATE = Estate(
    frame_ttl=TTL,
    stores=(
        Store(
            id="ginza",
            regulation="rules.toml",
            devices=(Device(id="gateway", public_key=base64.b64encode(signing.public_bytes(PRIVATE)).decode()),),
            cameras=(Camera(id="door", device="gateway"),),
        ),
    ),
)


def read(parcel: Parcel) -> Message | Sealed:
    key, value, headers = parcel.record
    return decode(parcel.topic, key, headers, value, NOON)


def authentic(parcel: Parcel) -> None:
    message = read(parcel)
    assert isinstance(message, Sealed | Still)
    require_authentic(ESTATE, message, parcel.record.headers, parcel.record.value)


def test_a_frame_arrives_as_it_was() -> None:
    sealed = read(envelope.sealed(PIXELS, bucket(), WHO, OFFICE))

    assert isinstance(sealed, Sealed)
    frame = sealed.frame
    assert (frame.sequence, frame.boot, frame.utc_time, frame.reference) == (7, 1, after(1), True)
    assert (frame.key_id, frame.expires_at) == ("k-1", bucket().expires_at)
    assert open_frame(sealed, Opener(PAIR.private)) == PIXELS.jpeg


def test_nothing_of_the_picture_lies_in_the_record() -> None:
    assert PIXELS.jpeg[:4] not in envelope.sealed(PIXELS, bucket(), WHO, OFFICE).record.value


def test_a_still_has_its_own_number_and_says_for_how_many_pictures_it_stands() -> None:
    still = read(envelope.still(CALM, WHO, OFFICE))

    assert isinstance(still, Still)
    assert (still.first_sequence, still.sequence, still.since_frame, still.frames) == (8, 8, 7, 5)
    assert (still.from_time, still.utc_time, still.expires_at) == (after(1.2), after(2), after(2) + TTL)


def test_r20_a_still_goes_with_the_frames_of_its_bucket() -> None:
    still, frame = envelope.still(CALM, WHO, OFFICE, bucket()), envelope.sealed(PIXELS, bucket(), WHO, OFFICE)

    assert still.expires_at == frame.expires_at == read(still).expires_at  # type: ignore[union-attr]  # a still is a message
    assert still.key_id == frame.key_id
    assert b"k-1" not in still.record.value


def test_a_still_that_no_key_lives_as_long_as_lives_as_frames_do() -> None:
    dead = bucket(CALM.time - TTL)

    assert envelope.still(CALM, WHO, OFFICE, dead).expires_at == CALM.time + TTL


def test_frames_and_stills_are_the_devices() -> None:
    authentic(envelope.sealed(PIXELS, bucket(), WHO, OFFICE))
    authentic(envelope.still(CALM, WHO, OFFICE))


def test_another_key_is_not_the_devices() -> None:
    stranger = replace(WHO, key=Ed25519PrivateKey.generate())

    with pytest.raises(Rejected, match="bad_signature"):
        authentic(envelope.still(CALM, stranger, OFFICE))


def test_the_same_frame_has_the_same_id() -> None:
    first, second = (dict(envelope.sealed(PIXELS, bucket(), WHO, OFFICE).record.headers)["ce_id"] for _ in range(2))

    assert first == second


def test_health_says_what_was_done() -> None:
    health = read(envelope.health(Done(100, 60, 8, 2), WHO, OFFICE, NOON))

    assert isinstance(health, DeviceHealth)
    assert (health.captured, health.frames, health.stills, health.dropped, health.boot) == (100, 60, 8, 2, 1)
