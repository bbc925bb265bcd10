"""What lies on disk, decoded: Kafka's record batches, ClickHouse's compressed blocks, gzip."""

import contextlib
import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import cramjam
from aiokafka.record.default_records import DefaultRecordBatchBuilder

CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")

# --- Kafka ---------------------------------------------------------------------------------------------------------
_HEAD: Final = struct.Struct(">qiibIhiqqqhii")
"""Offset, length, epoch, magic, crc, attributes, last delta, two times, producer id and epoch, sequence, count."""
_OVERHEAD: Final = 12
_XERIAL: Final = b"\x82SNAPPY\x00"


class Batches(NamedTuple):
    """The records of a log, uncompressed, and what of it is none."""

    records: list[bytes]
    unread: int


def batches(log: bytes) -> Batches:
    """Decode a segment. Zeros after its last batch are room that was set aside."""
    at, unread = 0, 0
    found: list[bytes] = []
    while at + _HEAD.size <= len(log):
        _offset, length, _epoch, magic, _crc, attributes, *_ = _HEAD.unpack_from(log, at)
        end = at + _OVERHEAD + length
        if magic != 2 or length < _HEAD.size - _OVERHEAD or end > len(log):
            rest = log[at:]
            return Batches(found, unread + (len(rest) if any(rest) else 0))
        body = log[at + _HEAD.size : end]
        try:
            found.append(_UNCOMPRESS[attributes & 7](body))
        except (ValueError, OSError, EOFError, zlib.error, cramjam.DecompressionError, IndexError):
            unread += len(body)
        at = end
    return Batches(found, unread)


def _snappy(body: bytes) -> bytes:
    if not body.startswith(_XERIAL):
        return bytes(cramjam.snappy.decompress_raw(body))
    at, blocks = 16, []
    while at < len(body):
        (size,) = struct.unpack_from(">i", body, at)
        blocks.append(bytes(cramjam.snappy.decompress_raw(body[at + 4 : at + 4 + size])))
        at += 4 + size
    return b"".join(blocks)


_UNCOMPRESS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    bytes,
    gzip.decompress,
    _snappy,
    lambda body: bytes(cramjam.lz4.decompress(body)),
    lambda body: bytes(cramjam.zstd.decompress(body)),
)


def batch(value: bytes, codec: str) -> bytes:
    """Make a batch of one record, as a producer would: for a scan's control."""
    builder: Any = DefaultRecordBatchBuilder(
        magic=2, compression_type=CODECS.index(codec), is_transactional=0,
        producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 22,
    )  # fmt: skip
    builder.append(0, timestamp=0, key=b"control", value=value, headers=[])
    return bytes(builder.build())


# --- ClickHouse ----------------------------------------------------------------------------------------------------
_COLUMN: Final = ".bin"
_CHECKSUM: Final = 16
_BLOCK: Final = struct.Struct("<BII")
_NONE, _LZ4, _ZSTD, _MULTIPLE = 0x02, 0x82, 0x90, 0x91


class Blocks(NamedTuple):
    """A file's compressed blocks, uncompressed, and how many bytes lie in blocks of another kind or in none."""

    content: list[bytes]
    unread: int


def blocks(file: bytes) -> Blocks | None:
    """Decode a file of compressed blocks; None where it does not begin with one, but is a plain file.

    What comes behind its last whole block is not read.
    """
    at, unread = 0, 0
    found: list[bytes] = []
    while at < len(file):
        end = _end_of_block(file, at)
        if end is None:
            return Blocks(found, unread + len(file) - at) if at else None
        method, size, plain = _BLOCK.unpack_from(file, at + _CHECKSUM)
        body = _block(method, file[at + _CHECKSUM + _BLOCK.size : end], plain)
        if body is None:
            unread += size
        else:
            found.append(body)
        at = end
    return Blocks(found, unread)


def _end_of_block(file: bytes, at: int) -> int | None:
    if at + _CHECKSUM + _BLOCK.size > len(file):
        return None
    method, size, plain = _BLOCK.unpack_from(file, at + _CHECKSUM)
    end: int = at + _CHECKSUM + size
    if method not in {_NONE, _LZ4, _ZSTD, _MULTIPLE} or size < _BLOCK.size or end > len(file):
        return None
    if method == _NONE and size != _BLOCK.size + plain:
        return None
    return end


def _block(method: int, body: bytes, plain: int) -> bytes | None:
    try:
        if method == _LZ4:
            return bytes(cramjam.lz4.decompress_block(body, output_len=plain))
        if method == _ZSTD:
            return bytes(cramjam.zstd.decompress(body))
        if method == _MULTIPLE:
            return _outermost(body, plain)
    except (ValueError, OSError, cramjam.DecompressionError):
        return None
    return body


def _outermost(body: bytes, plain: int) -> bytes | None:
    """Undo the compression around a codec for numbers, such as Delta: what is left is what it made of numbers."""
    method, _size, inner = _BLOCK.unpack_from(body, 1 + body[0])
    return _block(method, body[1 + body[0] + _BLOCK.size :], inner or plain)


# --- Files in general ----------------------------------------------------------------------------------------------
_GZIP: Final = b"\x1f\x8b\x08"
_LARGEST: Final = 64 << 20


def unpacked(data: bytes) -> Iterator[bytes]:
    """Give what lies gzipped within these bytes, as a browser's cache or a rotated log does."""
    at = data.find(_GZIP)
    while at >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(31).decompress(data[at:], _LARGEST)
        at = data.find(_GZIP, at + 1)


def kafka_file(path: Path, data: bytes) -> tuple[list[bytes], int]:
    """Decode a file of Kafka's: a segment, deleted or not, or anything beside it."""
    if path.name.removesuffix(".deleted").endswith(".log"):
        found = batches(data)
        return found.records, found.unread
    return [], 0


def clickhouse_file(path: Path, data: bytes) -> tuple[list[bytes], int]:
    """Decode a file of ClickHouse's; a column's has to be one of blocks."""
    found = blocks(data) if data else None
    if found is None:
        return [], len(data) if path.suffix == _COLUMN else 0
    return found.content, found.unread


def plain_file(_path: Path, data: bytes) -> tuple[list[bytes], int]:
    """Decode any other file."""
    return list(unpacked(data)), 0
