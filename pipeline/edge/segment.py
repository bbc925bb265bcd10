"""Segments: sealed records one after the other in a file that only grows, each with its checksum and its expiry.

A file is one line of text that names the format and the topic, and then records:

=========== ======= ==================================================
length      u32     of the body
expires     i64     in microseconds since 1970
body's sum  u32     CRC-32
sum         u32     CRC-32 of these three
body        length  one line of JSON, key and headers; then the value
=========== ======= ==================================================

Everything in it was sealed and signed before: the sums find torn writes and rotten disks, not hands.
"""

import json
import os
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

from pipeline.edge.outbox import Parcel
from pipeline.vault.keys import instant, micros
from schemas.topics import Topic
from schemas.wire import Record

LARGEST: Final = 4 << 20
"""No body is longer: what says so is damaged."""

_HEAD: Final = struct.Struct(">IqI")
_SUM: Final = struct.Struct(">I")
_SIZE: Final = _HEAD.size + _SUM.size
_BEGIN: Final = b'{"key":'
"""How a body begins: behind a damaged head the next record is found by it."""
_CHUNK: Final = 1 << 20


class Head(NamedTuple):
    """Where a record lies, and until when it is of use."""

    start: int
    length: int
    expires: int
    body_sum: int

    @property
    def end(self) -> int:
        return self.start + _SIZE + self.length


def title(topic: Topic) -> bytes:
    """Return a segment's first line."""
    return f"mimamori-spool/1 {topic.name}\n".encode()


def dump(parcel: Parcel) -> bytes:
    """Write a record."""
    key, value, headers = parcel.record
    texts = {"key": key.decode(), "headers": [(name, content.decode()) for name, content in headers]}
    body = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" + value
    head = _HEAD.pack(len(body), micros(parcel.expires_at), crc32(body))
    return head + _SUM.pack(crc32(head)) + body


def first(file: int, topic: Topic) -> int | None:
    """Return where the first record of an open file begins; None when it is no segment of this topic."""
    wanted = title(topic)
    return len(wanted) if os.pread(file, len(wanted), 0) == wanted else None


def head_at(file: int, start: int, end: int) -> Head | None:
    """Read a record's head; None when there is no whole record before `end`."""
    raw = os.pread(file, _SIZE, start)
    if len(raw) < _SIZE or _SUM.unpack_from(raw, _HEAD.size)[0] != crc32(raw[: _HEAD.size]):
        return None
    length, expires, body_sum = _HEAD.unpack_from(raw)
    head = Head(start, length, expires, body_sum)
    return head if length <= LARGEST and head.end <= end else None


def heads(file: int, start: int, end: int) -> Iterator[Head]:
    """Give all heads from `start` on that can be read. Where one does not begin where the last ended, some cannot."""
    while (head := next_head(file, start, end)) is not None:
        yield head
        start = head.end


def next_head(file: int, start: int, end: int) -> Head | None:
    """Read the head at `start`, or, where that is damaged, the first behind it."""
    found = head_at(file, start, end)
    while found is None and (sought := _sought(file, start + 1, end)) is not None:
        start, found = sought, head_at(file, sought, end)
    return found


def is_torn(file: int, start: int, size: int) -> bool:
    """Say whether what lies from `start` to the file's end is a record that was being written, or nothing at all."""
    raw = os.pread(file, _SIZE, start)
    if len(raw) < _SIZE:
        return True
    length, _, _ = _HEAD.unpack_from(raw)
    is_head: bool = _SUM.unpack_from(raw, _HEAD.size)[0] == crc32(raw[: _HEAD.size])
    return is_head and length <= LARGEST and start + _SIZE + int(length) > size


def _sought(file: int, start: int, end: int) -> int | None:
    """Find where the next record may begin, from how its body does."""
    at = start + _SIZE
    while at < end:
        raw = os.pread(file, min(_CHUNK, end - at), at)
        if (found := raw.find(_BEGIN)) >= 0:
            return at + found - _SIZE
        if len(raw) < len(_BEGIN) or at + len(raw) >= end:
            return None
        at += len(raw) - len(_BEGIN) + 1
    return None


def parcel_at(file: int, head: Head, topic: Topic) -> Parcel | None:
    """Read a record; None when it is damaged."""
    body = os.pread(file, head.length, head.start + _SIZE)
    if len(body) < head.length or crc32(body) != head.body_sum:
        return None
    line, _, value = body.partition(b"\n")
    try:
        texts = json.loads(line)
        record = Record(texts["key"].encode(), value, [(name, text.encode()) for name, text in texts["headers"]])
        return Parcel(topic, record, instant(head.expires))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        # The sum is right: another version wrote it.
        return None
