"""Kafka records with a header name that is no text: read all the same, so that they are refused by contract.

aiokafka 0.14 gives up a fetch at such a record, and fetches it again: its partition would stand still until retention
takes it. No usual client can make one; whoever may write to a topic can.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT: Final = 8
_OVERHEAD: Final = 12
"""Of a batch: its first offset, and its length from here on."""


class Records:
    """What a fetch brought of one partition, batch by batch."""

    def __init__(self, fetched: bytes) -> None:
        self._fetched = fetched
        self._batches = MemoryRecords(fetched)
        self._at = 0

    def size_in_bytes(self) -> int:
        return self._batches.size_in_bytes()

    def has_next(self) -> bool:
        return self._batches.has_next()

    def next_batch(self) -> "Batch | None":
        batch = self._batches.next_batch()
        if batch is None:
            return None
        (length,) = struct.unpack_from(">i", self._fetched, self._at + _LENGTH_AT)
        begin, self._at = self._at, self._at + _OVERHEAD + length
        return Batch(batch, self._fetched, begin, self._at)


class Batch:
    """A batch of aiokafka's, which goes on where its own parser would stop."""

    def __init__(self, batch: Any, fetched: bytes, begin: int, end: int) -> None:
        self._batch = batch
        self._fetched, self._begin, self._end = fetched, begin, end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except (UnicodeDecodeError, CorruptRecordException):
            # What is corrupt in another way is so here too, and raised.
            yield from islice(_tolerant(self._fetched[self._begin : self._end]), read, None)


def _tolerant(raw: bytes) -> Iterator[Any]:
    batch = _DefaultRecordBatchPy(raw)
    iter(batch)  # Uncompresses.
    batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001 (what its parser takes header names from)
    return batch


class _Lenient(bytearray):
    """Bytes that become text whatever they are."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Lenient(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


def install() -> None:
    """Have every consumer of this process read so."""
    fetcher.MemoryRecords = Records  # type: ignore[attr-defined,assignment]  # where a fetch becomes batches; there is no other way in
