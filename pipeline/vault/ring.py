"""The key ring: the only place where slot keys live. Never in a backup, never beside the key table's copies.

A slot key wraps every private key that expires in its slot. When it goes, all that it ever wrapped is noise, in the key
table and in every copy of it.
"""

import fcntl
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.errors import Erased, Misconfigured, Unavailable
from pipeline.wiped import random_bytes, wipe

__all__ = ["FileRing", "MemoryRing", "Ring", "does_not_open", "wipe"]

_KEY: Final = 32
_NONCE: Final = 12
_TAG: Final = 16
_NAME: Final = 60
_CHECK: Final = 4
_MAGIC: Final = b"MSK1"
_USED: Final = len(_MAGIC) + _NAME + _KEY
_RECORD: Final = 128
"""Two, four or more fit a disk sector exactly, so that no record is ever half old and half new."""


class Ring(Protocol):
    """Slot keys by name. A name is used once: what was destroyed never comes back."""

    def create(self, names: Iterable[str]) -> None:
        """Make a random key for each name, durably: what it wraps afterwards can be unwrapped after a crash.

        Raises Unavailable when the ring cannot be written.
        """
        ...

    def wrap(self, name: str, plaintext: bytes | bytearray, bound_to: bytes) -> bytes:
        """Encrypt under the named key. Raises Erased when there is none."""
        ...

    def unwrap(self, name: str, wrapped: bytes, bound_to: bytes) -> bytearray:
        """Decrypt what was wrapped under the named key; the caller wipes it.

        Raises Erased when there is no key, or when it does not open this: what is damaged is gone like what is erased.
        """
        ...

    def wrap_all(self, name: str, plaintexts: Sequence[tuple[bytearray, bytes]]) -> list[bytes]:
        """Wrap each with what it is bound to. Raises Erased when there is no key."""
        return [self.wrap(name, plaintext, bound_to) for plaintext, bound_to in plaintexts]

    def unwrap_all(self, name: str, wrapped: Sequence[tuple[bytes, bytes]]) -> list[bytearray | None]:
        """Unwrap each with what it is bound to, None where it does not open; the caller wipes them."""
        return [_opened(self, name, each, bound_to) for each, bound_to in wrapped]

    def destroy(self, names: Iterable[str]) -> None:
        """Make the named keys unrecoverable, durably, before returning. A name that is not there is no error.

        Raises Unavailable when the ring cannot be written: call again.
        """
        ...

    def names(self) -> frozenset[str]:
        """Name every key that lives."""
        ...


def _opened(ring: Ring, name: str, wrapped: bytes, bound_to: bytes) -> bytearray | None:
    try:
        return ring.unwrap(name, wrapped, bound_to)
    except Erased:
        return None


def does_not_open(name: str) -> Erased:
    """Say that something is not what was wrapped under a slot key."""
    return Erased(f"what is kept does not open under slot key {name}")


class MemoryRing(Ring):
    """Slot keys in memory alone: they die with the process."""

    def __init__(self) -> None:
        self._keys: dict[str, bytearray] = {}

    def create(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._keys:
                self._keys[name] = random_bytes(_KEY)

    def wrap(self, name: str, plaintext: bytes | bytearray, bound_to: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher(name).encrypt(nonce, plaintext, bound_to)

    def unwrap(self, name: str, wrapped: bytes, bound_to: bytes) -> bytearray:
        cipher = self._cipher(name)
        if len(wrapped) < _NONCE + _TAG:
            raise does_not_open(name)
        secret = bytearray(len(wrapped) - _NONCE - _TAG)
        try:
            cipher.decrypt_into(wrapped[:_NONCE], wrapped[_NONCE:], bound_to, secret)
        except InvalidTag:
            raise does_not_open(name) from None
        return secret

    def destroy(self, names: Iterable[str]) -> None:
        for name in names:
            if (key := self._keys.pop(name, None)) is not None:
                wipe(key)

    def names(self) -> frozenset[str]:
        return frozenset(self._keys)

    def _cipher(self, name: str) -> AESGCM:
        try:
            return AESGCM(self._keys[name])
        except KeyError:
            raise Erased(f"slot key {name} is gone") from None


class FileRing(MemoryRing):
    """Slot keys in a file of mode 0600, one fixed record each, overwritten in place when its key is destroyed.

    In place, because a rewritten copy would leave the old file's blocks, keys and all, behind on the disk. A record
    never crosses a sector: a crash leaves it whole, zeroed or with a wrong check sum, which counts as none.
    One process at a time holds the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._places: dict[str, int] = {}
        self._free: list[int] = []
        self._file = _open_alone(path)
        self._end = self._load()

    def create(self, names: Iterable[str]) -> None:
        with _sure():
            self._create(names)

    def destroy(self, names: Iterable[str]) -> None:
        known = [name for name in names if name in self._places]
        with _sure():
            for name in known:
                _write(self._file, bytes(_RECORD), self._places[name])
            if known:
                os.fsync(self._file)
        super().destroy(known)
        self._free.extend(self._places.pop(name) for name in known)

    def close(self) -> None:
        """Let the file go, and forget every key in memory."""
        os.close(self._file)
        super().destroy(self.names())

    def _create(self, names: Iterable[str]) -> None:
        new = [name for name in names if name not in self._keys]
        for name in new:
            key, place = random_bytes(_KEY), self._place()
            record = _record(name, key)
            _write(self._file, record, place)
            wipe(record)
            self._keys[name], self._places[name] = key, place
        if new:
            os.fsync(self._file)

    def _place(self) -> int:
        if self._free:
            return self._free.pop()
        place, self._end = self._end, self._end + _RECORD
        return place

    def _load(self) -> int:
        content = bytearray(os.fstat(self._file).st_size)
        os.preadv(self._file, [content], 0)
        for place in range(0, len(content), _RECORD):
            found = _read(memoryview(content)[place : place + _RECORD])
            if found is None:
                self._free.append(place)
            else:
                name, self._keys[name] = found[0], found[1]
                self._places[name] = place
        end = -(-len(content) // _RECORD) * _RECORD
        wipe(content)
        return end


@contextmanager
def _sure() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the key ring cannot be written: {error}") from None


def _open_alone(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.fstat(file).st_mode & 0o077:
        os.close(file)
        raise Misconfigured(f"{path} is open to other users: chmod 600 {path}")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Misconfigured(f"another vault holds {path}: stop it first") from None
    return file


def _write(file: int, record: bytes | bytearray, place: int) -> None:
    if os.pwrite(file, record, place) != _RECORD:
        raise OSError(f"the key ring took only part of a record at {place}")


def _record(name: str, key: bytearray) -> bytearray:
    text = name.encode()
    if not 0 < len(text) <= _NAME:
        raise ValueError(f"a slot key's name has 1 to {_NAME} bytes")
    record = bytearray(_RECORD)
    record[: len(_MAGIC)] = _MAGIC
    record[len(_MAGIC) : len(_MAGIC) + len(text)] = text
    record[_USED - _KEY : _USED] = key
    record[_USED : _USED + _CHECK] = zlib.crc32(memoryview(record)[:_USED]).to_bytes(_CHECK, "big")
    return record


def _read(record: memoryview) -> tuple[str, bytearray] | None:
    body, check = record[:_USED], record[_USED : _USED + _CHECK]
    if bytes(body[: len(_MAGIC)]) != _MAGIC or zlib.crc32(body).to_bytes(_CHECK, "big") != check:
        return None
    name = bytes(body[len(_MAGIC) : len(_MAGIC) + _NAME]).rstrip(b"\0").decode()
    return name, bytearray(body[-_KEY:])
