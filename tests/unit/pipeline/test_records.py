"""A record whose header name is no text stops nobody."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy, _DefaultRecordBatchPy

from pipeline import records
from pipeline.records import Records, install

UNCOMPRESSED, GZIP, LZ4 = 0, 1, 3
PLACE = TopicPartition("in.v1", 0)


class NoText(str):
    """A header name that becomes no UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"


def batch(first: int, count: int, bad: int, codec: int = UNCOMPRESSED) -> bytes:
    """Return records as they lie in a log, one of them with a header name that is no text."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 1 << 20)
    for number in range(count):
        name = NoText("xx") if first + number == bad else "ce_type"
        assert builder.append(number, 1_000, b"key", b"value", [("ce_id", b"1"), (name, b"2")])
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")
    return bytes(raw)


def fetched(content: bytes, begin: int = 0) -> list[Any]:
    """Return what aiokafka's own fetcher makes of it."""
    return list(fetcher.PartitionRecords(PLACE, Records(content), [], begin, None, None, True, "read_uncommitted"))


@pytest.mark.parametrize("codec", [UNCOMPRESSED, GZIP, LZ4])
def test_r19_a_header_name_that_is_no_text_is_read_as_one_that_nobody_knows(codec: int) -> None:
    found = fetched(batch(0, 3, -1) + batch(3, 4, 5, codec) + batch(7, 2, -1))

    assert [each.offset for each in found] == list(range(9))
    assert found[5].headers == (("ce_id", b"1"), ("\ufffd\ufffd", b"2"))
    assert {each.headers for each in found if each.offset != 5} == {(("ce_id", b"1"), ("ce_type", b"2"))}
    assert {(each.key, each.value, each.timestamp) for each in found} == {(b"key", b"value", 1_000)}


def test_reading_goes_on_in_the_middle_of_a_batch_behind_such_a_record() -> None:
    assert [each.offset for each in fetched(batch(0, 4, 1), begin=2)] == [2, 3]


def test_aiokafka_without_its_extensions_reads_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    content = batch(0, 3, 1)
    monkeypatch.setattr(records, "MemoryRecords", lambda _raw: Single(_DefaultRecordBatchPy(content)))

    assert [each.offset for each in fetched(content)] == [0, 1, 2]


class Single:
    """Batches, of which there is one."""

    def __init__(self, one: Any) -> None:
        self._left = [one]

    def has_next(self) -> bool:
        return bool(self._left)

    def next_batch(self) -> Any:
        return self._left.pop()


def test_what_is_corrupt_is_still_corrupt() -> None:
    content = bytearray(batch(0, 2, 1))
    content[-1] ^= 1

    with pytest.raises(CorruptRecordException):
        fetched(bytes(content))


def test_every_consumer_of_a_process_reads_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", None)

    install()

    assert vars(fetcher)["MemoryRecords"] is Records
