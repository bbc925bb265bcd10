"""Every record becomes a value; none is thrown into the stream."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import wire
from agents.wire import AHEAD_MAX, Broken, Wire, read
from pipeline.received import Received
from schemas.wire import encode
from tests.unit.agents.twin import NOON, TOPICS, echo, tick

SOURCE = TOPICS["in.v1"]
Headers = list[tuple[str, bytes]]


def raw(key: bytes | None, value: bytes | None, headers: Headers | None, at: datetime = NOON) -> Any:
    return SimpleNamespace(
        topic="in.v1", partition=2, offset=7, key=key, value=value, headers=headers, timestamp=at.timestamp()
    )


def test_a_message_is_read_with_where_it_lay() -> None:
    record = encode(echo("a", 1), SOURCE)

    item = read(raw(record.key, record.value, record.headers), SOURCE)

    assert isinstance(item, Received)
    assert item.message == echo("a", 1)
    assert (item.ref.topic, item.ref.partition, item.ref.offset) == ("in.v1", 2, 7)
    assert item.value == record.value


def test_a_record_without_anything_is_broken() -> None:
    item = read(raw(None, None, None), SOURCE)

    assert isinstance(item, Broken)
    assert item.reason.reason == "header_missing"
    assert item.time == NOON


def test_r01_a_message_without_a_data_class_is_broken() -> None:
    record = encode(echo("a", 1), SOURCE)
    headers = [(name, value) for name, value in record.headers if name != "ce_dataclass"]

    item = read(raw(record.key, record.value, headers), SOURCE)

    assert isinstance(item, Broken)
    assert item.reason.reason == "header_missing"


def test_a_message_that_had_expired_when_the_broker_took_it_is_broken() -> None:
    record = encode(echo("a", 1), SOURCE)

    item = read(raw(record.key, record.value, record.headers, echo("a", 1).expires_at), SOURCE)

    assert isinstance(item, Broken)
    assert item.reason.reason == "expired"


def test_a_message_that_was_on_time_is_read_however_late_it_is_read() -> None:
    message = tick(0, time=NOON - timedelta(days=1000)).message
    record = encode(message, SOURCE)
    on_time = message.expires_at - timedelta(milliseconds=1)

    item = Wire(TOPICS).loads_value(None, raw(record.key, record.value, record.headers, on_time))

    assert isinstance(item, Received)
    assert item.message == message


def test_what_has_no_stamp_is_not_judged_by_one() -> None:
    record = encode(echo("a", 1), SOURCE)
    unstamped = raw(record.key, record.value, record.headers)
    unstamped.timestamp = None

    assert isinstance(read(unstamped, SOURCE), Received)


def test_a_message_from_well_after_the_brokers_clock_is_broken() -> None:
    record = encode(echo("a", 1), SOURCE)

    on_time = read(raw(record.key, record.value, record.headers, echo("a", 1).utc_time - AHEAD_MAX), SOURCE)
    ahead = read(raw(record.key, record.value, record.headers, NOON - 2 * AHEAD_MAX), SOURCE)

    assert isinstance(on_time, Received)
    assert isinstance(ahead, Broken)
    assert ahead.reason.reason == "bad_content"


@given(
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=50),
    headers=st.lists(st.tuples(st.text(max_size=10) | st.just("ce_type"), st.binary(max_size=20)), max_size=5),
)
def test_whatever_comes_it_is_a_value(key: bytes | None, value: bytes | None, headers: Headers) -> None:
    item = read(raw(key, value, headers), SOURCE)

    assert isinstance(item, Broken)
    assert item.ref.offset == 7


def test_data_never_kills_not_even_by_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> NoReturn:
        raise RecursionError

    monkeypatch.setattr(wire, "decode", fail)
    item = wire.read(raw(b"k", b"v", []), SOURCE)

    assert isinstance(item, Broken)
    assert (item.reason.reason, item.reason.detail) == ("bad_content", "RecursionError")
