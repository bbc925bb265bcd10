"""What lies in ClickHouse's files, with its compressed blocks decoded: a scan of the bytes alone would lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import cramjam

_CHECKSUM, _HEADER = 16, 9
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90


def found(folder: Path, canary: bytes) -> list[Path]:
    """Return the files that hold these bytes, as they are or within compressed blocks."""
    return [file for file in files(folder) if any(canary in each for each in contents(file))]


def files(folder: Path) -> Iterator[Path]:
    for top, _folders, names in os.walk(folder):
        yield from (Path(top) / name for name in names)


def contents(file: Path) -> Iterator[bytes]:
    """Give a file's bytes, and what its blocks hold: as one text, since a value may lie across two of them."""
    try:
        raw = file.read_bytes()
    except OSError:
        return
    yield raw
    yield b"".join(blocks(raw))


def blocks(raw: bytes) -> Iterator[bytes]:
    """Decode compressed blocks: a checksum, the method, both sizes, the data."""
    at = 0
    while at + _CHECKSUM + _HEADER <= len(raw):
        method = raw[at + _CHECKSUM]
        head = raw[at + _CHECKSUM + 1 : at + _CHECKSUM + _HEADER]
        size, whole = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
        body = raw[at + _CHECKSUM + _HEADER : at + _CHECKSUM + size]
        if method not in (_NONE, _LZ4, _ZSTD) or size < _HEADER or len(body) != size - _HEADER:
            return
        if method == _NONE:
            yield body
        elif method == _LZ4:
            yield bytes(cramjam.lz4.decompress_block(body, output_len=whole))
        else:
            yield bytes(cramjam.zstd.decompress(body))
        at += _CHECKSUM + size
