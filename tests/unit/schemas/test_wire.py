"""Messages to bytes and back, and what is refused on the way."""

import base64
import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.detections import Erased
from schemas.documents import documents
from schemas.envelope import DataClass, Invalid, Message, Purpose, Reason
from schemas.flow import FlowWindow
from schemas.frame import Frame
from schemas.topics import MESSAGES, Lives, Topic, topics
from schemas.wire import UNLIKE, Record, Sealed, decode, encode, envelope_of
from tests.examples import HOUR, NOON, examples

TOPICS = topics(Lives(HOUR))
SCHEMAS = Path(__file__).parents[3] / "schemas"
PIXELS = b"sealed picture, of which nothing may be told"


def topic_of(message: Message) -> Topic:
    return next(each for each in TOPICS.values() if type(message) in each.messages)


def written(message: Message) -> Record:
    sealed = PIXELS if isinstance(message, Frame) else None
    return encode(message, topic_of(message), sealed=sealed, signature="")


def read(message: Message, record: Record, **more: Any) -> Message | Sealed:
    return decode(topic_of(message), record.key, record.headers, record.value, **more)


def without(record: Record, name: str) -> list[tuple[str, bytes]]:
    return [each for each in record.headers if each[0] != name]


every = pytest.mark.parametrize("message", examples(), ids=lambda each: each.ce_type)


def test_every_message_has_an_example() -> None:
    assert {each.ce_type for each in examples()} == MESSAGES.keys()


@every
def test_what_is_written_is_read(message: Message) -> None:
    got = read(message, written(message))

    assert (got.frame if isinstance(got, Sealed) else got) == message


@every
def test_golden_files_of_every_version_are_read_for_ever(message: Message) -> None:
    golden = json.loads((SCHEMAS / "golden" / f"{message.ce_type}.json").read_text(encoding="utf-8"))
    headers = [(name, text.encode()) for name, text in golden["headers"]]
    value = base64.b64decode(golden["value_base64"]) if "value_base64" in golden else golden["value"].encode()

    got = decode(topic_of(message), golden["key"].encode(), headers, value)

    assert (got.frame if isinstance(got, Sealed) else got) == message


def test_no_golden_file_is_left_unread() -> None:
    assert {each.stem for each in (SCHEMAS / "golden").glob("*.json")} == MESSAGES.keys()


def test_the_generated_documents_are_up_to_date() -> None:
    kept = {each.name: each.read_text(encoding="utf-8") for each in (SCHEMAS / "generated").glob("*.json")}

    assert kept == documents(), "run `make schemas`"


@every
@pytest.mark.parametrize("name", ["ce_dataclass", "ce_purpose", "ce_expires"])
def test_r01_a_record_without_class_purpose_or_expiry_is_refused(message: Message, name: str) -> None:
    record = written(message)

    with pytest.raises(Invalid) as refused:
        decode(topic_of(message), record.key, without(record, name), record.value)
    assert refused.value.reason == "header_missing"


@every
@pytest.mark.parametrize("claimed", [each.value for each in DataClass] + ["public", ""])
def test_r01_no_record_can_be_relabelled(message: Message, claimed: str) -> None:
    if claimed == message.data_class:
        return
    record = written(message)
    headers = [*without(record, "ce_dataclass"), ("ce_dataclass", claimed.encode())]

    with pytest.raises(Invalid):
        decode(topic_of(message), record.key, headers, record.value)


@every
def test_r01_a_message_lies_in_its_own_topics_only(message: Message) -> None:
    for topic in TOPICS.values():
        if type(message) not in topic.messages:
            with pytest.raises(Invalid) as refused:
                encode(message, topic, sealed=PIXELS if isinstance(message, Frame) else None)
            assert refused.value.reason == "wrong_topic"


def test_r01_no_topic_takes_a_class_above_its_own() -> None:
    frame = examples()[0]
    lower = Topic("low", DataClass.DEIDENTIFIED, (Frame,), HOUR, "", "", "", "")

    with pytest.raises(Invalid) as refused:
        encode(frame, lower, sealed=PIXELS)
    assert refused.value.reason == "wrong_class"


def test_r51_a_flow_window_finer_than_fifteen_minutes_needs_the_demo_profile() -> None:
    window = next(each for each in examples() if isinstance(each, FlowWindow))
    finer = window.model_dump() | {"window_length": timedelta(minutes=1)}

    with pytest.raises(ValueError, match="R51"):
        FlowWindow(**finer)
    assert FlowWindow(**finer | {"profile": "demo"})


def test_r51_the_flow_schema_has_no_field_that_finds_a_person() -> None:
    envelope = set(Message.model_fields)
    own = set(FlowWindow.model_fields) - envelope

    assert own == {
        "profile", "window_start", "window_length", "version", "line_id", "zone_id", "metric", "values", "coverage",
        "suppressed", "suppressed_below", "withheld", "noise",
    }  # fmt: skip


@every
def test_a_repeated_header_is_refused(message: Message) -> None:
    record = written(message)

    with pytest.raises(Invalid) as refused:
        decode(topic_of(message), record.key, [*record.headers, record.headers[0]], record.value)
    assert refused.value.reason == "header_repeated"


def test_versions_and_types_that_we_do_not_know_are_told_apart() -> None:
    message = examples()[1]
    record = written(message)
    for name, reason in ((b"mimamori.frame-detections.v9", "unknown_version"), (b"nothing", "unknown_type")):
        with pytest.raises(Invalid) as refused:
            decode(topic_of(message), record.key, [*without(record, "ce_type"), ("ce_type", name)], record.value)
        assert refused.value.reason == reason


def test_an_expired_message_is_refused_but_a_frame_is_left_to_its_key() -> None:
    late = NOON + timedelta(days=2000)
    frame, seen = examples()[:2]

    assert isinstance(read(frame, written(frame), now=late), Sealed)
    with pytest.raises(Invalid) as refused:
        read(seen, written(seen), now=late)
    assert refused.value.reason == "expired"


def test_r20_the_word_that_a_frame_is_erased_is_read_although_the_frame_has_expired() -> None:
    erased = next(each for each in examples() if isinstance(each, Erased))

    assert read(erased, written(erased), now=erased.expires_at) == erased


def test_r01_what_is_said_of_a_bad_value_names_our_fields_and_nothing_of_the_value() -> None:
    seen = examples()[1]
    record = written(seen)
    unlikely = record.value.replace(b'"likelihood":0.75', b'"likelihood":7')
    too_much = record.value[:-1] + b',"a face":1}'
    for value, detail in (
        (too_much, "?: extra_forbidden"),
        (unlikely, "detections.0.likelihood: less_than_equal"),
    ):
        with pytest.raises(Invalid) as refused:
            decode(topic_of(seen), record.key, record.headers, value)
        assert refused.value.detail == detail


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
def test_a_time_beyond_this_century_is_a_mistake_and_not_a_crash(time: str) -> None:
    seen = examples()[1]
    record = written(seen)
    body = json.loads(record.value) | {"expires_at": time}

    with pytest.raises(Invalid) as refused:
        decode(topic_of(seen), record.key, record.headers, json.dumps(body).encode())
    assert refused.value.reason == "bad_content"


def test_headers_that_contradict_the_body_are_refused() -> None:
    message = examples()[1]
    record = written(message)
    other = [*without(record, "ce_purpose"), ("ce_purpose", Purpose.PEOPLE_FLOW.encode())]

    with pytest.raises(Invalid) as refused:
        decode(topic_of(message), record.key, other, record.value)
    assert refused.value.reason == "header_contradicts_body"


def test_a_refusal_tells_nothing_of_the_value() -> None:
    message = examples()[1]
    record = written(message)

    with pytest.raises(Invalid) as refused:
        decode(topic_of(message), record.key, record.headers, b'{"event_id": "SECRET-PIXELS", "SECRET-FIELD": 1}')
    assert "SECRET-PIXELS" not in str(refused.value)


@given(
    headers=st.lists(st.tuples(st.sampled_from(["ce_type", "ce_specversion", "ce_time", "x"]), st.binary(max_size=40))),
    value=st.binary(max_size=200),
    key=st.none() | st.binary(max_size=20),
)
def test_random_bytes_are_refused_and_nothing_else_happens(
    headers: list[tuple[str, bytes]], value: bytes, key: bytes | None
) -> None:
    for topic in TOPICS.values():
        with pytest.raises(Invalid):
            decode(topic, key, headers, value)


@every
@given(value=st.binary(max_size=300), at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_damaged_value_is_refused_or_means_the_same(message: Message, value: bytes, at: int, flip: int) -> None:
    record = written(message)
    if isinstance(message, Frame):
        return
    damaged = bytearray(record.value)
    damaged[at % len(damaged)] ^= flip
    for bad in (bytes(damaged), value):
        with contextlib.suppress(Invalid):  # anything else fails the test
            decode(topic_of(message), record.key, record.headers, bad)


def test_the_envelope_that_is_kept_of_a_broken_record_is_short_and_known() -> None:
    kept = envelope_of([("ce_type", b"x" * 999), ("secret", b"pixels"), ("ce_signature", b"sig"), ("ce_id", b"\xff")])

    assert kept == {"ce_type": UNLIKE, "ce_id": UNLIKE}


@every
def test_of_a_message_that_was_read_the_envelope_is_kept_as_it_is(message: Message) -> None:
    headers = written(message).headers

    assert UNLIKE not in envelope_of(headers).values()


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_module", "content-type", "ce_noticeid"])
def test_r01_a_header_that_holds_somebodys_own_text_is_not_quoted(name: str) -> None:
    assert envelope_of([(name, b"Hanako at the till")]) == {name: UNLIKE}


def test_r01_the_name_of_a_header_that_nobody_knows_is_not_quoted() -> None:
    record = written(examples()[0])
    for bad in ([*record.headers, ("hanako", b"")], [*record.headers, ("hanako", b""), ("hanako", b"")]):
        with pytest.raises(Invalid) as refused:
            decode(topic_of(examples()[0]), record.key, bad, record.value)
        assert "hanako" not in f"{refused.value} {refused.value.detail}"


def test_r01_what_outlives_a_frame_does_not_say_where_somebody_moved() -> None:
    frame = next(each for each in examples() if isinstance(each, Frame))
    kept = envelope_of(written(frame).headers)

    assert frame.motion_in_cells
    assert "ce_motionincells" not in kept
    assert kept["ce_sequence"] == str(frame.sequence)


def test_every_reason_is_given_somewhere() -> None:
    root = SCHEMAS.parent
    code = [path for folder in ("agents", "pipeline", "schemas") for path in (root / folder).rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in code if path != SCHEMAS / "envelope.py")

    assert [reason for reason in get_args(Reason) if f'"{reason}"' not in text] == []
