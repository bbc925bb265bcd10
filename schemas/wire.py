"""The one place where messages become bytes and bytes become messages.

CloudEvents 1.0, Kafka binding, binary mode: attributes are headers, the value is the bytes themselves.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from schemas.detections import Erased
from schemas.envelope import DataClass, Invalid, Message, Module, may_lie_in
from schemas.frame import Frame
from schemas.frozen import iso
from schemas.topics import MESSAGES, Topic

Headers = Sequence[tuple[str, bytes]]

JPEG: Final = "image/jpeg"
JSON: Final = "application/json"
SIGNATURE: Final = "ce_signature"
_LIMIT: Final = 1024
"""No header is longer (a signature has 88 characters, motion in cells at most 512)."""

_COMMON: Final = {
    "ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time", "content-type",
    "ce_purpose", "ce_dataclass", "ce_expires", "ce_noticeid",
}  # fmt: skip
_ORDERED: Final = {"ce_deviceid", "ce_boot", "ce_sequence"}
_FRAME: Final = _COMMON | _ORDERED | {"ce_keyid", "ce_motionincells", "ce_reference", "ce_module"}
_KNOWN: Final = _FRAME | {SIGNATURE}
_TOLD: Final = _FRAME - {"ce_motionincells"}
"""What a dead letter may say. Where somebody moved can be collated with pictures, and a dead letter outlives them."""

UNLIKE: Final = "?"
"""Stands for a header that does not look as it should: it could hold anything."""

_LETTER: Final = 300
_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,62}"
_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
_SHAPES: Final = {
    name: re.compile(shape, re.ASCII)
    for name, shape in {
        "ce_specversion": r"\d{1,2}\.\d{1,2}",
        "ce_type": r"mimamori(\.[a-z-]{1,32}){1,3}\.v\d{1,3}",
        "ce_source": rf"/stores/{_NAME}(/[a-z]{{1,16}}/{_NAME})?",
        "ce_id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "ce_time": _TIME,
        "ce_expires": _TIME,
        "content-type": r"[a-z]{1,16}/[a-z0-9.+-]{1,32}",
        "ce_purpose": r"[a-z_]{1,32}",
        "ce_dataclass": r"[a-z_-]{1,32}",
        "ce_noticeid": _NAME,
        "ce_deviceid": _NAME,
        "ce_keyid": _NAME,
        "ce_boot": r"\d{1,20}",
        "ce_sequence": r"\d{1,20}",
        "ce_reference": r"true|false",
        "ce_module": r'\{("[a-z_]{1,16}":"[A-Za-z0-9 ._+:/-]{0,64}",?){1,4}\}',
    }.items()
}


class Record(NamedTuple):
    """What a producer sends."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True)
class Sealed:
    """A frame and its sealed picture."""

    frame: Frame
    value: bytes


def attributes(message: Message) -> dict[str, str]:
    """Return a message's CloudEvents attributes as header texts, without a signature."""
    common = {
        "ce_specversion": "1.0",
        "ce_type": message.ce_type,
        "ce_source": message.source,
        "ce_id": str(message.event_id),
        "ce_time": iso(message.utc_time),
        "content-type": JPEG if isinstance(message, Frame) else JSON,
        "ce_purpose": message.purpose.value,
        "ce_dataclass": message.data_class.value,
        "ce_expires": iso(message.expires_at),
        "ce_noticeid": str(message.notice_id),
    }
    order = {
        f"ce_{name.replace('_', '')}": str(value)
        for name in ("device_id", "boot", "sequence")
        if (value := getattr(message, name, None)) is not None
    }
    if not isinstance(message, Frame):
        return common | order
    return (
        common
        | order
        | {
            "ce_keyid": str(message.key_id),
            "ce_motionincells": message.motion_in_cells,
            "ce_reference": str(message.reference).lower(),
            "ce_module": message.module.model_dump_json(),
        }
    )


def encode(message: Message, topic: Topic, *, sealed: bytes | None = None, signature: str = "") -> Record:
    """Write a message for a topic.

    Args:
        message: What to send.
        topic: Where it is to lie.
        sealed: A frame's sealed picture; only a frame has one.
        signature: The device's, over `attributes(message)` and the value.

    Raises:
        Invalid: It may not lie there: wrong topic, or a class above the topic's.
    """
    refuse_misplaced(type(message), message.data_class, topic)
    if isinstance(message, Frame) != (sealed is not None):
        raise Invalid("bad_content", "a frame, and only a frame, has a sealed picture")
    value = message.model_dump_json().encode() if sealed is None else sealed
    texts = attributes(message) | ({SIGNATURE: signature} if signature else {})
    return Record(key_of(message), value, [(name, text.encode()) for name, text in texts.items()])


def key_of(message: Message) -> bytes:
    """Return the Kafka key."""
    return str(getattr(message, "key", message.store_id)).encode()


def refuse_misplaced(message: type[Message], data_class: DataClass, topic: Topic) -> None:
    """Refuse a message where it may not lie (R01).

    Raises:
        Invalid: As it says.
    """
    if message not in topic.messages:
        raise Invalid("wrong_topic", f"{message.ce_type} does not lie in {topic.name}")
    if not may_lie_in(data_class, topic.data_class):
        raise Invalid("wrong_class", f"{data_class} may not lie in {topic.name}, which is {topic.data_class}")


def decode(
    topic: Topic, key: bytes | None, headers: Headers, value: bytes, now: datetime | None = None
) -> Message | Sealed:
    """Read a record.

    Args:
        topic: Where it lay.
        key: Its Kafka key.
        headers: Its headers, in order.
        value: Its value.
        now: When given, an expired message is refused. A frame never is: its key says whether it is erased; nor is
            the word that it is.

    Returns:
        The message; a frame with its sealed picture as `Sealed`.

    Raises:
        Invalid: With the reason for the dead letter. Its detail never holds anything of the value.
    """
    texts = read_headers(headers)
    message_type = _type_of(texts)
    message = _frame(texts) if message_type is Frame else _body(message_type, texts, value)
    refuse_misplaced(type(message), message.data_class, topic)
    if key != key_of(message):
        raise Invalid("wrong_key", "the Kafka key is not the message's")
    if isinstance(message, Frame):
        if not value:
            raise Invalid("bad_content", "a frame without a sealed picture")
        return Sealed(message, value)
    if now is not None and message.expires_at <= now and not isinstance(message, Erased):
        raise Invalid("expired", iso(message.expires_at))
    return message


def read_headers(headers: Headers) -> dict[str, str]:
    """Read headers as texts; each may stand once.

    Raises:
        Invalid: A header is repeated, too long or no UTF-8.
    """
    texts: dict[str, str] = {}
    for name, raw in headers:
        if name in texts:
            raise Invalid("header_repeated", header(name))
        if len(raw or b"") > _LIMIT or len(name) > 64:
            raise Invalid("header_unreadable", header(name))
        try:
            texts[name] = (raw or b"").decode()
        except UnicodeDecodeError:
            raise Invalid("header_unreadable", header(name)) from None
    return texts


def header(name: str) -> str:
    """Name a header where that may be kept; one that we do not know is somebody's own text."""
    return name if name in _KNOWN else "unknown"


def envelope_of(headers: Headers) -> dict[str, str]:
    """Return what a dead letter may keep of headers: known names, and of each what looks as such a header does."""
    return {name: _shaped(name, raw or b"") for name, raw in headers if name in _TOLD}


def _shaped(name: str, raw: bytes) -> str:
    text = raw.decode(errors="replace")
    return text if len(text) <= _LETTER and _SHAPES[name].fullmatch(text) else UNLIKE


def _type_of(texts: Mapping[str, str]) -> type[Message]:
    if texts.get("ce_specversion", "") != "1.0":
        raise Invalid("header_missing" if "ce_specversion" not in texts else "header_unreadable", "ce_specversion")
    name = texts.get("ce_type")
    if name is None:
        raise Invalid("header_missing", "ce_type")
    if name in MESSAGES:
        return MESSAGES[name]
    stem = name.rpartition(".v")[0]
    known = any(each.rpartition(".v")[0] == stem for each in MESSAGES)
    raise Invalid("unknown_version" if known else "unknown_type", _shaped("ce_type", name.encode()))


def _demand(texts: Mapping[str, str], names: set[str]) -> None:
    if missing := sorted(names - texts.keys()):
        raise Invalid("header_missing", ", ".join(missing))
    if unknown := sorted(texts.keys() - _KNOWN):
        raise Invalid("header_unreadable", f"unknown: {len(unknown)}")


def _frame(texts: Mapping[str, str]) -> Frame:
    _demand(texts, _FRAME)
    if texts["content-type"] != JPEG:
        raise Invalid("bad_content", "content-type")
    _, _, store, _, camera, *_ = [*texts["ce_source"].split("/"), "", "", "", "", ""]
    try:
        frame = Frame.model_validate(
            {
                "event_id": texts["ce_id"], "store_id": store, "camera_id": camera,
                "utc_time": texts["ce_time"], "purpose": texts["ce_purpose"], "data_class": texts["ce_dataclass"],
                "expires_at": texts["ce_expires"], "notice_id": texts["ce_noticeid"],
                "module": Module.model_validate(json.loads(texts["ce_module"])),
                "key_id": texts["ce_keyid"], "device_id": texts["ce_deviceid"], "boot": texts["ce_boot"],
                "sequence": texts["ce_sequence"], "motion_in_cells": texts["ce_motionincells"],
                "reference": texts["ce_reference"],
            }
        )  # fmt: skip
    except ValidationError as error:
        raise Invalid("header_unreadable", where(error)) from None
    except (ValueError, RecursionError):
        raise Invalid("header_unreadable", "ce_module") from None
    _match(frame, texts)
    return frame


def _body(message_type: type[Message], texts: Mapping[str, str], value: bytes) -> Message:
    _demand(texts, _COMMON)
    if texts["content-type"] != JSON:
        raise Invalid("bad_content", "content-type")
    try:
        message = message_type.model_validate_json(value)
    except ValidationError as error:
        raise Invalid("bad_content", where(error)) from None
    _match(message, texts)
    return message


def _match(message: Message, texts: Mapping[str, str]) -> None:
    """Headers and body must say the same, to the letter: what is signed is what is read."""
    for name, text in attributes(message).items():
        if name != "ce_module" and texts.get(name) != text:
            raise Invalid("header_contradicts_body", name)


@cache
def _names() -> frozenset[str]:
    """Every field of every message. Any other name in a place came with the value."""
    schemas = [each for message in MESSAGES.values() for each in _schemas(message.model_json_schema())]
    return frozenset(name for schema in schemas for name in schema.get("properties", ()))


def _schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("$defs", {}).values()]


def where(error: ValidationError) -> str:
    """Say where a message is wrong and in what way, and nothing of what it holds."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    place = ".".join(str(step) if isinstance(step, int) or step in _names() else "?" for step in first["loc"][:6])
    return f"{place or 'value'}: {first['type']}"[:200]
