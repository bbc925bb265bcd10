"""Malformed messages of every kind, and what has to become of each. Every payload carries a canary.

A frame is bad in all ways that somebody with a device's key could make it; what the stages write themselves is bad in
all ways in which bytes can be.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.vault.api import PublicKey
from schemas.alert import Alert, Category, ObservationCode
from schemas.detections import Detection, FrameDetections, FrameRef, ObjectType
from schemas.envelope import Message, Purpose, Reason
from schemas.erasure import ErasureReceipt
from schemas.flow import CoverageWindow
from schemas.geometry import Box
from schemas.health import CameraHealth, CameraState
from schemas.ids import AlertId, CameraId, DeviceId, KeyId, NoticeId, StoreId, event_id
from schemas.topics import Topic
from schemas.wire import Record, attributes, encode
from tests.integration.house import MODULE, Device

HUGE: Final = (2 << 20) - (16 << 10)
"""Nearly as much as the broker takes in one record."""

COUNTED: Final = "counted"
"""Not a dead letter: it is told apart, and counted, where it shows."""


class Sent(NamedTuple):
    """What goes to Kafka."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True)
class Scene:
    """Whom a test can play, and with which keys."""

    device: Device
    key: PublicKey
    """Of the device's camera."""
    other_key: PublicKey
    """Of the same device's other camera."""
    stranger: Device
    """Of another store."""

    def good(self) -> Record:
        """A frame that nothing is wrong with."""
        return self.device.sealed(self.device.frame(self.key), self.key, picture())


def picture(canary: str = "", width: int = 320, height: int = 180) -> bytes:
    """Return an empty room as JPEG, with a canary in its comment."""
    _done, coded = cv2.imencode(".jpg", np.full((height, width, 3), 128, np.uint8))
    jpeg = coded.tobytes()
    comment = canary.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def noise(canary: str, size: int = 600) -> bytes:
    return canary.encode() + os.urandom(size)


def spellings(canary: str) -> list[bytes]:
    """Return how a canary looks in the clear, in hex, and in base64 wherever it begins."""
    raw = canary.encode()
    return [raw, raw.hex().encode(), raw.hex().upper().encode()] + [
        base64.b64encode(bytes(ahead) + raw)[4 if ahead else 0 : -4] for ahead in range(3)
    ]


# --- Frames ------------------------------------------------------------------------------------------------------

MakeFrame = Callable[[Scene, str], Sent]


class Kind(NamedTuple):
    """One way to be bad: what comes of it, and how it is made."""

    outcome: Reason | str
    make: Callable[..., Sent]
    in_the_clear: bool = False
    """Whether its payload lies in Kafka unsealed: then that is no leak."""


def _frame(scene: Scene, jpeg: bytes, **changes: Any) -> Sent:
    """Send a picture that is sealed and signed as it should be."""
    frame = scene.device.frame(scene.key, **changes)
    return Sent(*scene.device.sealed(frame, scene.key, jpeg))


def _bomb(canary: str) -> bytes:
    """Return a small JPEG whose header claims 30,000 × 30,000 pixels."""
    jpeg = picture(canary)
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + (30_000).to_bytes(2, "big") * 2 + jpeg[at + 9 :]


def _signed(scene: Scene, edit: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]], value: bytes) -> Sent:
    """Edit a good frame's headers, and sign them as they are then."""
    frame = scene.device.frame(scene.key)
    plain = [(name, text.encode()) for name, text in attributes(frame).items()]
    return Sent(*scene.device.sign(frame, edit(plain), value))


def _set(name: str, value: bytes) -> Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]:
    return lambda headers: (
        [(each, value if each == name else was) for each, was in headers]
        + ([] if name in dict(headers) else [(name, value)])
    )


def _drop(name: str) -> Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]:
    return lambda headers: [each for each in headers if each[0] != name]


def _repeated_header(scene: Scene, canary: str) -> Sent:
    key, value, headers = _frame(scene, picture(canary))
    return Sent(key, value, [*headers, ("ce_keyid", b"another")])


def _by_stranger(scene: Scene, canary: str) -> Sent:
    """A device of another store claims a camera of this one; its own signature is good."""
    frame = scene.device.frame(scene.key, device_id=scene.stranger.id)
    return Sent(*scene.stranger.sealed(frame, scene.key, picture(canary)))


def _other_signature(scene: Scene, canary: str) -> Sent:
    frame = scene.device.frame(scene.key)
    key, value, headers = scene.device.sealed(frame, scene.key, picture(canary))
    plain = _drop("ce_signature")(headers)
    stolen = base64.b64encode(Ed25519PrivateKey.generate().sign(b"anything"))
    return Sent(key, value, [*plain, ("ce_signature", stolen)])


def _changed_value(scene: Scene, canary: str) -> Sent:
    key, value, headers = _frame(scene, picture(canary))
    assert value is not None
    return Sent(key, value[:-1] + bytes([value[-1] ^ 1]), headers)


def _unsigned(scene: Scene, canary: str) -> Sent:
    key, value, headers = _frame(scene, picture(canary))
    return Sent(key, value, _drop("ce_signature")(headers))


def _of_other_key(scene: Scene, canary: str) -> Sent:
    """The envelope names another camera's key than the one it was sealed to."""
    frame = scene.device.frame(scene.other_key)
    return Sent(*scene.device.sealed(frame, scene.key, picture(canary)))


def _sealed_as(scene: Scene, canary: str, **changes: Any) -> Sent:
    """It was sealed under another envelope than the one it comes with."""
    frame = scene.device.frame(scene.key)
    other = frame.model_copy(update=changes)
    return Sent(*scene.device.sealed(frame, scene.key, picture(canary), sealed_as=other))


def _keyed(scene: Scene, canary: str, key: bytes | None) -> Sent:
    return _frame(scene, picture(canary))._replace(key=key)


def _expired_still(scene: Scene, _canary: str) -> Sent:
    past = datetime.now(UTC) - timedelta(minutes=5)
    still = scene.device.still(utc_time=past, from_time=past, expires_at=past + timedelta(minutes=1))
    return Sent(*scene.device.signed(still))


def _repeated(scene: Scene, canary: str) -> Sent:
    """The device sends a number once more that it has sent before, with another picture."""
    return _frame(scene, picture(canary), sequence=0)


def _alert_among_frames(_scene: Scene, _canary: str) -> Sent:
    told = alert(1)
    return Sent(told.key.encode(), _json(told, {}), _headers(told))


FRAMES: Final[Mapping[str, Kind]] = {
    "truncated JPEG": Kind("bad_image", lambda scene, canary: _frame(scene, picture(canary)[:-40])),
    "JPEG without an end": Kind("bad_image", lambda scene, canary: _frame(scene, picture(canary)[:-2])),
    "1 pixel": Kind("bad_image", lambda scene, canary: _frame(scene, picture(canary, 1, 1))),
    "30000 pixels": Kind("bad_image", lambda scene, canary: _frame(scene, picture(canary, 30_000, 20))),
    "claims 30000 x 30000": Kind("bad_image", lambda scene, canary: _frame(scene, _bomb(canary))),
    "sealed, but no JPEG": Kind("bad_image", lambda scene, canary: _frame(scene, noise(canary))),
    "sealed nothing": Kind("bad_image", lambda scene, _canary: _frame(scene, b"")),
    "random bytes, no headers": Kind("header_missing", lambda _s, canary: Sent(b"x", noise(canary), []), True),
    "random bytes, signed": Kind(
        "not_sealed_for_this", lambda scene, canary: _signed(scene, lambda headers: headers, noise(canary)), True
    ),
    "few bytes, signed": Kind("not_sealed_for_this", lambda scene, _c: _signed(scene, lambda headers: headers, b"xyz")),
    "huge": Kind(
        "not_sealed_for_this", lambda scene, canary: _signed(scene, lambda headers: headers, noise(canary, HUGE)), True
    ),
    "empty": Kind("bad_content", lambda scene, _canary: _signed(scene, lambda headers: headers, b"")),
    "no value": Kind("bad_content", lambda scene, canary: _frame(scene, picture(canary))._replace(value=None)),
    "no type": Kind("header_missing", lambda scene, canary: _signed(scene, _drop("ce_type"), noise(canary)), True),
    "no key id": Kind("header_missing", lambda scene, canary: _signed(scene, _drop("ce_keyid"), noise(canary)), True),
    "repeated header": Kind("header_repeated", _repeated_header),
    "unknown header": Kind(
        "header_unreadable", lambda scene, canary: _signed(scene, _set("ce_more", b"1"), noise(canary)), True
    ),
    "header no text": Kind(
        "header_unreadable",
        lambda scene, canary: Sent(b"x", noise(canary), [*_frame(scene, b"").headers[:-1], ("ce_signature", b"\xff")]),
        True,
    ),
    "header too long": Kind(
        "header_unreadable", lambda scene, canary: _signed(scene, _set("ce_module", b"x" * 2000), noise(canary)), True
    ),
    "number no number": Kind(
        "header_unreadable", lambda scene, canary: _signed(scene, _set("ce_sequence", b"many"), noise(canary)), True
    ),
    "number other spelling": Kind(
        "header_contradicts_body", lambda scene, canary: _signed(scene, _set("ce_boot", b"01"), noise(canary)), True
    ),
    "other class": Kind(
        "header_unreadable",
        lambda scene, canary: _signed(scene, _set("ce_dataclass", b"operational"), noise(canary)),
        True,
    ),
    "unknown version": Kind(
        "unknown_version",
        lambda scene, canary: _signed(scene, _set("ce_type", b"mimamori.frame.v99"), noise(canary)),
        True,
    ),
    "unknown type": Kind(
        "unknown_type", lambda scene, canary: _signed(scene, _set("ce_type", b"someone.else.v1"), noise(canary)), True
    ),
    "type of another topic": Kind("wrong_topic", _alert_among_frames, True),
    "expired still": Kind(COUNTED, _expired_still),
    "repeated sequence": Kind(COUNTED, _repeated),
    "unknown store": Kind(
        "unknown_store", lambda scene, canary: _elsewhere(scene, canary, store_id=StoreId("nowhere"))
    ),
    "unknown camera": Kind(
        "unknown_camera", lambda scene, canary: _elsewhere(scene, canary, camera_id=CameraId("nowhere"))
    ),
    "wrong store": Kind("wrong_store", _by_stranger),
    "unknown device": Kind(
        "unknown_device", lambda scene, canary: _frame(scene, picture(canary), device_id=DeviceId("nobody"))
    ),
    "signature of another": Kind("bad_signature", _other_signature),
    "changed after signing": Kind("bad_signature", _changed_value),
    "unsigned": Kind("bad_signature", _unsigned),
    "unknown key id": Kind("unknown_key", lambda scene, canary: _frame(scene, picture(canary), key_id=KeyId("0" * 32))),
    "key id of another camera": Kind("not_sealed_for_this", _of_other_key),
    "for another purpose": Kind(
        "no_key_for_this", lambda scene, canary: _frame(scene, picture(canary), purpose=Purpose.PEOPLE_FLOW)
    ),
    "sealed for another purpose": Kind(
        "not_sealed_for_this", lambda scene, canary: _sealed_as(scene, canary, purpose=Purpose.PEOPLE_FLOW)
    ),
    "sealed for another camera": Kind(
        "not_sealed_for_this", lambda scene, canary: _sealed_as(scene, canary, camera_id=CameraId("aisle"))
    ),
    "sealed for longer": Kind(
        "not_sealed_for_this",
        lambda scene, canary: _sealed_as(scene, canary, expires_at=datetime.now(UTC) + timedelta(days=1)),
    ),
    "wrong Kafka key": Kind("wrong_key", lambda scene, canary: _keyed(scene, canary, b"ginza/aisle")),
    "no Kafka key": Kind("wrong_key", lambda scene, canary: _keyed(scene, canary, None)),
    "from tomorrow": Kind("bad_content", lambda scene, canary: _at(scene, canary, timedelta(days=1))),
    "from the year 9998": Kind(
        "header_unreadable", lambda scene, canary: _at(scene, canary, timedelta(days=2_911_000))
    ),
}  # fmt: skip


def _elsewhere(scene: Scene, canary: str, **changes: Any) -> Sent:
    return _frame(scene, picture(canary), **changes)


def _at(scene: Scene, canary: str, ahead: timedelta) -> Sent:
    """A device whose clock is wrong."""
    time = datetime.now(UTC) + ahead
    frame = scene.device.frame(scene.key).model_copy(
        update={"utc_time": time, "expires_at": time + timedelta(minutes=1)}
    )
    return Sent(*scene.device.sealed(frame, scene.key, picture(canary)))


# --- What the stages write ---------------------------------------------------------------------------------------

DETECTIONS: Final = "detections.v1"
BORN: Final = datetime(2026, 1, 5, tzinfo=UTC)
BOX: Final = Box(left=0.4, top=0.5, right=0.5, bottom=0.9)


def _common(name: str, number: int, camera: str, time: datetime, lives: timedelta) -> dict[str, Any]:
    return {
        "event_id": event_id("malformed", name, number),
        "store_id": StoreId("ginza"),
        "camera_id": CameraId(camera),
        "utc_time": time,
        "purpose": Purpose.CRIME_PREVENTION,
        "expires_at": time + lives,
        "notice_id": NoticeId("demo-notice"),
        "module": MODULE,
    }


def seen(number: int, ahead: timedelta = timedelta(0)) -> FrameDetections:
    """The number-th thing that is seen at the aisle."""
    now = datetime.now(UTC) + ahead
    return FrameDetections(
        **_common("seen", number, "aisle", now, timedelta(minutes=1)),
        device_id=DeviceId("ginza-gateway"),
        boot=7,
        sequence=number,
        frame=FrameRef(topic="frames.v1", partition=0, offset=number),
        frame_width=960,
        frame_height=540,
        detections=(Detection(type=ObjectType.HUMAN, likelihood=0.9, bounding_box=BOX),),
    )


def alert(number: int) -> Alert:
    now = datetime.now(UTC)
    name = event_id("malformed alert", number)
    return Alert(
        **_common("alert", number, "entrance", now, timedelta(days=1)),
        alert_id=AlertId(name),
        category=Category.LOITERING,
        observation=ObservationCode.PERSON_STAYED_LONG,
        start=now - timedelta(seconds=9),
        end=now,
        numbers={"seconds": 9.0},
        score=9.0,
        threshold=8.0,
    )


def coverage(number: int) -> CoverageWindow:
    """A window of a January day, when nothing else happened."""
    start = BORN + number * timedelta(seconds=15)
    common = _common("coverage", number, "entrance", start, timedelta(days=700))
    return CoverageWindow(
        **common | {"purpose": Purpose.PEOPLE_FLOW},
        profile="demo",
        window_start=start,
        window_length=timedelta(seconds=15),
        version=1,
        frames_expected=75,
        frames_analysed=75,
        stills=0,
        skipped=0,
        erased=0,
        late=0,
        people_tracked=number,
    )


def receipt(number: int) -> ErasureReceipt:
    now = datetime.now(UTC)
    return ErasureReceipt(
        **_common("receipt", number, "entrance", now, timedelta(days=700)) | {"purpose": Purpose.OPERATION},
        key_id=KeyId(f"malformed-{number}"),
        key_purpose=Purpose.CRIME_PREVENTION,
        bucket_start=now - timedelta(minutes=1),
        key_created_at=now - timedelta(minutes=1),
        key_expired_at=now,
        destroyed_at=now,
        ledger_index=number,
        ledger_hash="0" * 64,
        signature="c2ln",
    )


MESSAGES: Final[Mapping[str, Callable[[int], Message]]] = {
    DETECTIONS: seen, "alerts.v1": alert, "flow.v1": coverage, "erasures.v1": receipt,
}  # fmt: skip
"""A good message of each topic that a stage reads, by number."""


class Base(NamedTuple):
    """A good message, about to be spoiled."""

    message: Message
    record: Record
    topic: Topic
    canary: str


def base(number: int, topic: Topic, canary: str) -> Base:
    message = MESSAGES[topic.name](number)
    return Base(message, encode(message, topic), topic, canary)


def _headers(message: Message) -> list[tuple[str, bytes]]:
    return [(name, text.encode()) for name, text in attributes(message).items()]


def _json(message: Message, changes: Mapping[str, Any]) -> bytes:
    return json.dumps(message.model_dump(mode="json") | dict(changes)).encode()


def _body(good: Base, **changes: Any) -> Sent:
    """The body says more than it may, or other things, and carries the canary in what it says too much."""
    return Sent(good.record.key, _json(good.message, {"note": good.canary} | changes), good.record.headers)


def _only(good: Base, **changes: Any) -> Sent:
    """The body says other things, and is well-formed otherwise."""
    return Sent(good.record.key, _json(good.message, changes), good.record.headers)


def _whole(good: Base, **changes: Any) -> Sent:
    """Headers and body both say other things, and agree."""
    message = good.message.model_copy(update=changes)
    value = _json(message, {})
    return Sent(good.record.key, value, _headers(message))


def _edited(good: Base, edit: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> Sent:
    return Sent(*_body(good)._replace(headers=edit(good.record.headers)))


def _of_another_topic(good: Base) -> Sent:
    health = CameraHealth(
        **_common("health", 1, "entrance", datetime.now(UTC), timedelta(days=1)) | {"purpose": Purpose.OPERATION},
        state=CameraState.WELL,
    )
    return Sent(health.key.encode(), health.model_dump_json().encode(), _headers(health))


def _past(good: Base) -> Sent:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    more = {"window_start": past} if isinstance(good.message, CoverageWindow) else {}
    return _whole(good, utc_time=past, expires_at=past + timedelta(seconds=1), **more)


def _far(good: Base, time: datetime) -> Sent:
    more = {"window_start": time} if isinstance(good.message, CoverageWindow) else {}
    return _whole(good, utc_time=time, expires_at=time + timedelta(days=1), **more)


def _nested(canary: str) -> bytes:
    return b'{"a":' * 5000 + json.dumps(canary).encode() + b"}" * 5000


EVERYWHERE: Final[Mapping[str, Kind]] = {
    "random bytes, no headers": Kind("header_missing", lambda good: Sent(b"x", noise(good.canary), [])),
    "random bytes": Kind("bad_content", lambda good: _body(good)._replace(value=noise(good.canary))),
    "cut off": Kind("bad_content", lambda good: _body(good)._replace(value=(_body(good).value or b"")[:-20])),
    "empty": Kind("bad_content", lambda good: _body(good)._replace(value=b"")),
    "no value": Kind("bad_content", lambda good: _body(good)._replace(value=None)),
    "no object": Kind("bad_content", lambda good: _body(good)._replace(value=json.dumps([good.canary]).encode())),
    "nested deep": Kind("bad_content", lambda good: _body(good)._replace(value=_nested(good.canary))),
    "huge": Kind("bad_content", lambda good: _body(good, note=good.canary * (HUGE // len(good.canary)))),
    "unknown field": Kind("bad_content", lambda good: _body(good, **{good.canary: 1})),
    "no type": Kind("header_missing", lambda good: _edited(good, _drop("ce_type"))),
    "no purpose": Kind("header_missing", lambda good: _edited(good, _drop("ce_purpose"))),
    "repeated header": Kind("header_repeated", lambda good: _edited(good, lambda all_: [*all_, all_[0]])),
    "unknown header": Kind("header_unreadable", lambda good: _edited(good, _set("ce_more", b"1"))),
    "header no text": Kind("header_unreadable", lambda good: _edited(good, _set("ce_id", b"\xff\xfe"))),
    "header too long": Kind("header_unreadable", lambda good: _edited(good, _set("ce_id", b"x" * 2000))),
    "unknown version": Kind(
        "unknown_version", lambda good: _edited(good, _set("ce_type", good.message.ce_type[:-1].encode() + b"99"))
    ),
    "unknown type": Kind("unknown_type", lambda good: _edited(good, _set("ce_type", b"someone.else.v1"))),
    "type of another topic": Kind("wrong_topic", _of_another_topic),
    "expired": Kind(COUNTED, _past),
    "other store in header": Kind(
        "header_contradicts_body",
        lambda good: Sent(*good.record)._replace(
            headers=_set("ce_source", b"/stores/shibuya/cameras/entrance")(good.record.headers)
        ),
    ),
    "higher class": Kind("bad_content", lambda good: _only(good, data_class="identifying")),
    "wrong Kafka key": Kind("wrong_key", lambda good: Sent(b"shibuya/entrance", *good.record[1:])),
    "no Kafka key": Kind("wrong_key", lambda good: Sent(None, *good.record[1:])),
    "from tomorrow": Kind("bad_content", lambda good: _far(good, datetime.now(UTC) + timedelta(days=1))),
    "from the year 9998": Kind("bad_content", lambda good: _far(good, datetime(9998, 6, 1, tzinfo=UTC))),
    "from the year 1905": Kind("bad_content", lambda good: _far(good, datetime(1905, 6, 1, tzinfo=UTC))),
}  # fmt: skip

SOMEWHERE: Final[Mapping[str, Mapping[str, Kind]]] = {
    DETECTIONS: {
        "unknown store": Kind("unknown_camera", lambda good: _moved(good, store_id=StoreId("nowhere"))),
        "unknown camera": Kind("unknown_camera", lambda good: _moved(good, camera_id=CameraId("nowhere"))),
        "device of another store": Kind(
            "unknown_device", lambda good: _whole(good, device_id=DeviceId("shibuya-gateway"))
        ),
        "unknown device": Kind("unknown_device", lambda good: _whole(good, device_id=DeviceId("nobody"))),
        "repeated sequence": Kind(COUNTED, lambda good: _whole(good, sequence=0)),
        "no number": Kind("bad_content", lambda good: _only(good, frame_width=float("nan"))),
        "box inside out": Kind(
            "bad_content", lambda good: _whole_json(good, '"left":0.4', '"left":0.6')
        ),
        "half a character": Kind(
            "bad_content", lambda good: _body(good)._replace(value=b'{"store_id":"\xed\xa0\x80"}')
        ),
    },
    "alerts.v1": {
        "unknown store": Kind("unknown_camera", lambda good: _moved(good, store_id=StoreId("nowhere"))),
        "unknown camera": Kind("unknown_camera", lambda good: _moved(good, camera_id=CameraId("nowhere"))),
        "no number": Kind("bad_content", lambda good: _only(good, score=float("nan"))),
        "a number's name": Kind("bad_content", lambda good: _only(good, numbers={good.canary: "many"})),
        "too long a number's name": Kind(
            "bad_content", lambda good: _only(good, numbers={good.canary * 100: 1.0})
        ),
    },
    "flow.v1": {
        "unknown store": Kind("unknown_camera", lambda good: _moved(good, store_id=StoreId("nowhere"))),
        "unknown camera": Kind("unknown_camera", lambda good: _moved(good, camera_id=CameraId("nowhere"))),
        "more than fits": Kind("bad_content", lambda good: _whole(good, frames_expected=2**40)),
        "version that never ends": Kind("bad_content", lambda good: _whole(good, version=2**70)),
        "window of a year": Kind("bad_content", lambda good: _whole(good, window_length=timedelta(days=20_000_000))),
        "window of a blink": Kind("bad_content", lambda good: _whole(good, window_length=timedelta(microseconds=1))),
    },
    "erasures.v1": {},
}  # fmt: skip


def _moved(good: Base, **changes: Any) -> Sent:
    sent = _whole(good, **changes)
    message = good.message.model_copy(update=changes)
    return sent._replace(key=f"{message.store_id}/{message.camera_id}".encode())


def _whole_json(good: Base, was: str, becomes: str) -> Sent:
    return Sent(good.record.key, good.record.value.replace(was.encode(), becomes.encode()), good.record.headers)


def leap(number: int, ahead: timedelta) -> FrameDetections:
    """A device at another camera whose numbers leap: all between 0 and far away are missing."""
    there = {
        "store_id": StoreId("shibuya"),
        "camera_id": CameraId("entrance"),
        "device_id": DeviceId("shibuya-gateway"),
    }
    return seen(number, ahead).model_copy(update=there)


def bodies(topic: str) -> dict[str, Kind]:
    """Return all kinds for a topic that stages write."""
    return {**EVERYWHERE, **SOMEWHERE[topic]}
