"""The ledger: what happened to keys, append-only, hash-chained, signed. One writer, the vault.

A file of JSON lines. An entry's hash is SHA-256 of a zero byte and the RFC 8785 JSON of everything in it but `hash` and
`signature`: a leaf hash of RFC 6962, so that a Merkle tree grows over the same file. It covers the hash before it.
"""

import json
import os
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Protocol

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from pipeline.errors import Misconfigured, Unavailable
from schemas.frozen import Frozen, UtcTime, iso

FIRST: Final = "0" * 64
"""What the first entry names as the hash before it."""

_LEAF: Final = b"\x00"
_SURE: Final = 1 << 53
"""Whole numbers below it are the same in every reader of JSON."""

_TAG: Final = b"mimamori/ledger/1\x00"

Body = dict[str, Any]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Kind(StrEnum):
    """What an entry tells."""

    KEY_CREATED = "key_created"
    KEY_DESTROYED = "key_destroyed"
    LEASES = "leases"
    REFUSED = "refused"
    EVIDENCE_STORED = "evidence_stored"
    LOOK = "look"
    ERASURE_DECIDED = "erasure_decided"
    HOLD_PROPOSED = "hold_proposed"
    HOLD_CONFIRMED = "hold_confirmed"
    KEY_HELD = "key_held"
    HOLD_ENDED = "hold_ended"
    RELEASED = "released"
    SIGNED_IN = "signed_in"
    ACCOUNT_CHANGED = "account_changed"


class Entry(Frozen):
    """One line of the ledger. `outbox` numbers what came through the key table's outbox, so that none comes twice."""

    index: int = Field(ge=0)
    at: UtcTime
    kind: Kind
    body: Body
    outbox: int | None = None
    previous: Hash
    hash: Hash
    signature: str


class Fact(NamedTuple):
    """Something to write down."""

    kind: Kind
    body: Body
    outbox: int | None = None


class Ledger(Protocol):
    """Where facts are written down for good."""

    def append(self, facts: Sequence[Fact], at: datetime) -> None:
        """Write them durably, in order, all before returning. Raises Unavailable: then none of them is written."""
        ...

    def entries(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        """Return up to `limit` entries from that index on."""
        ...

    def last_outbox(self) -> int:
        """Return the highest outbox number written so far; 0 before the first."""
        ...

    def __len__(self) -> int: ...


def entry_hash(index: int, at: datetime, fact: Fact, previous: str) -> str:
    """Hash what an entry says, and through `previous` all before it."""
    said: Body = {"index": index, "at": iso(at), "kind": fact.kind.value, "body": fact.body, "previous": previous}
    if fact.outbox is not None:
        said["outbox"] = fact.outbox
    return sha256(_LEAF + _canonical(said)).hexdigest()


def _canonical(said: Body) -> bytes:
    """Write RFC 8785. The library does it in Python; the standard library's way is the same for what has no surprises,
    in a tenth of the time, and ten thousand keys that die together have ten thousand entries."""
    if not _is_plain(said):
        return rfc8785.dumps(said)
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and name.isascii() and _is_plain(each) for name, each in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) < _SURE)


def sealed_entry(key: Ed25519PrivateKey, index: int, at: datetime, fact: Fact, previous: str) -> Entry:
    """Chain and sign a fact."""
    digest = entry_hash(index, at, fact, previous)
    signature = b64encode(key.sign(_TAG + bytes.fromhex(digest))).decode()
    return Entry(
        index=index,
        at=at,
        kind=fact.kind,
        body=fact.body,
        outbox=fact.outbox,
        previous=previous,
        hash=digest,
        signature=signature,
    )


def faults(entries: Sequence[Entry], public: Ed25519PublicKey, index: int = 0, previous: str = FIRST) -> Iterator[str]:
    """Say all that is wrong with a run of entries that should begin at `index`, after `previous`."""
    for entry in entries:
        if entry.index != index or entry.previous != previous:
            yield f"entry {entry.index} does not follow entry {index - 1}"
        if entry_hash(entry.index, entry.at, Fact(entry.kind, entry.body, entry.outbox), entry.previous) != entry.hash:
            yield f"entry {entry.index} was changed"
        elif not _signed(entry, public):
            yield f"entry {entry.index} was not signed by the vault"
        index, previous = entry.index + 1, entry.hash


def last_time(ledger: Ledger) -> datetime | None:
    """Say when the last entry was written: it was at least that late."""
    last = ledger.entries(len(ledger) - 1, 1) if len(ledger) else ()
    return last[0].at if last else None


def _signed(entry: Entry, public: Ed25519PublicKey) -> bool:
    try:
        public.verify(b64decode(entry.signature, validate=True), _TAG + bytes.fromhex(entry.hash))
    except (InvalidSignature, ValueError):
        return False
    return True


class MemoryLedger:
    """A ledger that ends with its process."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._entries: list[Entry] = []

    def append(self, facts: Sequence[Fact], at: datetime) -> None:
        for fact in facts:
            previous = self._entries[-1].hash if self._entries else FIRST
            self._entries.append(sealed_entry(self._key, len(self._entries), at, fact, previous))

    def entries(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        return tuple(self._entries[from_index : from_index + limit])

    def last_outbox(self) -> int:
        return max((entry.outbox for entry in self._entries if entry.outbox is not None), default=0)

    def __len__(self) -> int:
        return len(self._entries)


class FileLedger:
    """The ledger as a file. A torn last line, from a crash in the middle of an append, was never promised: it goes."""

    def __init__(self, path: Path, key: Ed25519PrivateKey) -> None:
        self._path = path
        self._key = key
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._starts, self._size = _lines_of(path)
        os.ftruncate(self._file, self._size)
        self._previous = self._last_hash()
        self._outbox = self._find_last_outbox()

    def append(self, facts: Sequence[Fact], at: datetime) -> None:
        if not facts:
            return
        lines, previous = [], self._previous
        for index, fact in enumerate(facts, start=len(self._starts)):
            entry = sealed_entry(self._key, index, at, fact, previous)
            lines.append(entry.model_dump_json(exclude_none=True).encode() + b"\n")
            previous = entry.hash
        self._write(b"".join(lines))
        for line in lines:
            self._starts.append(self._size)
            self._size += len(line)
        self._previous = previous
        self._outbox = max((self._outbox, *(fact.outbox for fact in facts if fact.outbox is not None)))

    def entries(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        if not 0 <= from_index < len(self._starts) or limit < 1:
            return ()
        until = from_index + limit
        end = self._starts[until] if until < len(self._starts) else self._size
        content = os.pread(self._file, end - self._starts[from_index], self._starts[from_index])
        return tuple(Entry.model_validate_json(line) for line in content.splitlines())

    def last_outbox(self) -> int:
        return self._outbox

    def __len__(self) -> int:
        return len(self._starts)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, content: bytes) -> None:
        try:
            _write_all(self._file, content, self._size)
            os.fsync(self._file)
        except OSError as error:
            self._undo()
            raise Unavailable(f"the ledger cannot be written: {error}") from None

    def _undo(self) -> None:
        # What does not go now is written over by the next append, or cut off as a torn line at the next start.
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            return

    def _last_hash(self) -> str:
        if not self._starts:
            return FIRST
        (last,) = self.entries(len(self._starts) - 1, 1)
        if wrong := list(faults([last], self._key.public_key(), len(self._starts) - 1, last.previous)):
            raise Misconfigured(f"{self._path}: {wrong[0]}: put the vault's own ledger and key back")
        return last.hash

    def _find_last_outbox(self) -> int:
        for index in range(len(self._starts) - 1, -1, -1):
            line = os.pread(self._file, self._length(index), self._starts[index])
            if (number := json.loads(line).get("outbox")) is not None:
                return int(number)
        return 0

    def _length(self, index: int) -> int:
        return (self._starts[index + 1] if index + 1 < len(self._starts) else self._size) - self._starts[index]


def _write_all(file: int, content: bytes, place: int) -> None:
    # A disk that fills takes a part first, and says why at the next attempt.
    done = 0
    while done < len(content):
        done += os.pwrite(file, content[done:], place + done)


def _lines_of(path: Path) -> tuple["array[int]", int]:
    starts, size = array("Q"), 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                starts.append(size)
                size += len(line)
    return starts, size
