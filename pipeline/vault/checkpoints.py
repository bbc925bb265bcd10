"""Checkpoints: how long the ledger was at a time and what its Merkle root was, signed and chained.

A file of JSON lines beside the ledger. Whoever keeps one of them elsewhere can tell later whether the ledger before it
was changed, even by the vault itself: so the same lines can go to a witness, a file outside the vault's reach.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from pipeline.errors import Misconfigured, Unavailable
from pipeline.logs import log
from pipeline.vault import merkle
from pipeline.vault.ledger import FIRST, Entry, Fact, Hash, Ledger
from schemas.frozen import Frozen, UtcTime, iso

EVERY: Final = timedelta(minutes=1)
EACH: Final = 1000
"""How long after the last one, or how many entries, a checkpoint is made."""

_PAGE: Final = 1000
_TAG: Final = b"mimamori/checkpoint/1\x00"
_COMPARED: Final = 4096


class Checkpoint(Frozen):
    """The first `size` entries of the ledger have this Merkle root. `previous` is the hash of the checkpoint before."""

    size: int = Field(ge=1)
    root: Hash
    at: UtcTime
    previous: Hash
    hash: Hash
    signature: str


def signed_checkpoint(key: Ed25519PrivateKey, size: int, root: bytes, at: datetime, previous: str) -> Checkpoint:
    digest = checkpoint_hash(size, root.hex(), at, previous)
    signature = b64encode(key.sign(_TAG + bytes.fromhex(digest))).decode()
    return Checkpoint(size=size, root=root.hex(), at=at, previous=previous, hash=digest, signature=signature)


def checkpoint_hash(size: int, root: str, at: datetime, previous: str) -> str:
    return sha256(rfc8785.dumps({"size": size, "root": root, "at": iso(at), "previous": previous})).hexdigest()


def is_signed(checkpoint: Checkpoint, public: Ed25519PublicKey) -> bool:
    """Say whether the vault made this checkpoint, as it stands."""
    said = checkpoint_hash(checkpoint.size, checkpoint.root, checkpoint.at, checkpoint.previous)
    try:
        public.verify(b64decode(checkpoint.signature, validate=True), _TAG + bytes.fromhex(said))
    except (InvalidSignature, ValueError):
        return False
    return said == checkpoint.hash


def read_checkpoints(path: Path) -> tuple[Checkpoint, ...]:
    """Read all of a file's checkpoints, but not a torn last line.

    Raises:
        Misconfigured: There is something else in it.
        Unavailable: It cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
    try:
        return tuple(map(Checkpoint.model_validate_json, content[: content.rfind(b"\n") + 1].splitlines()))
    except ValidationError:
        raise Misconfigured(f"{path}: there is a line in it that is no checkpoint") from None


class CheckpointedLedger:
    """A ledger that makes its own checkpoints as time is told to it, by `append` with or without facts.

    What is wrong with the checkpoints is logged, and keeps nothing from going on: keys die on time.
    """

    def __init__(self, ledger: Ledger, checkpoints: "Checkpoints") -> None:
        self._ledger = ledger
        self._checkpoints: Checkpoints | None = checkpoints
        self._away = False

    def append(self, facts: Sequence[Fact], at: datetime) -> None:
        self._ledger.append(facts, at)
        if self._checkpoints is not None:
            self._make_up(self._checkpoints, at)

    def entries(self, from_index: int, limit: int) -> tuple[Entry, ...]:
        return self._ledger.entries(from_index, limit)

    def last_outbox(self) -> int:
        return self._ledger.last_outbox()

    def __len__(self) -> int:
        return len(self._ledger)

    def _make_up(self, checkpoints: "Checkpoints", at: datetime) -> None:
        try:
            checkpoints.make_if_due(at)
        except Unavailable as error:
            if not self._away:
                log().error("checkpoint waits", error=str(error))
            self._away = True
        except Misconfigured as error:
            log().critical("no checkpoints until the vault is started again", error=str(error))
            self._checkpoints = None
        else:
            self._away = False


class Checkpoints:
    """The file of a ledger's checkpoints, and its witness. Nothing is read or written before the first is due."""

    def __init__(self, path: Path, ledger: Ledger, key: Ed25519PrivateKey, witness: Path | None = None) -> None:
        self._path = path
        self._ledger = ledger
        self._key = key
        self._witness = witness
        self._open = False
        self._behind = witness is not None
        self._last: Checkpoint | None = None
        self._peaks: merkle.Peaks = ()
        self._size = 0

    def make_if_due(self, now: datetime) -> None:
        """Make a checkpoint when enough was added, or something and enough time went by.

        Raises:
            Misconfigured: The ledger is not the one of the last checkpoint.
            Unavailable: A disk does not take it, or the witness has seen other checkpoints: call again.
        """
        if not self._open:
            self._go_on()
        if self._due(now):
            self._make(now)
        if self._behind and self._witness is not None:
            _tell(self._witness, self._path)
            self._behind = False

    def _go_on(self) -> None:
        _cut_torn_line(self._path)
        self._last = _last_of(self._path, self._key.public_key())
        if self._last is not None:
            self._require_same(self._last)
        self._open = True

    def _require_same(self, last: Checkpoint) -> None:
        if len(self._ledger) < last.size:
            raise Misconfigured(
                f"the ledger has {len(self._ledger)} entries, and {self._path} knows {last.size}: put it back"
            )
        self._grow(last.size)
        if merkle.root_of(self._peaks).hex() != last.root:
            raise Misconfigured(f"the ledger is not the one that {self._path} was made of: put it back")

    def _due(self, now: datetime) -> bool:
        if self._last is None:
            return len(self._ledger) > 0
        added = len(self._ledger) - self._last.size
        return added >= EACH or (added > 0 and now - self._last.at >= EVERY)

    def _make(self, now: datetime) -> None:
        self._grow(len(self._ledger))
        previous = FIRST if self._last is None else self._last.hash
        made = signed_checkpoint(self._key, self._size, merkle.root_of(self._peaks), now, previous)
        _append(self._path, made.model_dump_json().encode() + b"\n")
        self._last = made
        self._behind = self._witness is not None

    def _grow(self, size: int) -> None:
        while self._size < size:
            for entry in self._read(min(_PAGE, size - self._size)):
                self._peaks = merkle.grown(self._peaks, bytes.fromhex(entry.hash))
                self._size += 1

    def _read(self, limit: int) -> tuple[Entry, ...]:
        try:
            return self._ledger.entries(self._size, limit)
        except ValidationError:
            raise Misconfigured("there is a line in the ledger that is no entry: put it back") from None


def _last_of(path: Path, public: Ed25519PublicKey) -> Checkpoint | None:
    found = read_checkpoints(path)
    if found and not is_signed(found[-1], public):
        raise Misconfigured(f"{path}: its last checkpoint was not signed by this vault: put its own back")
    return found[-1] if found else None


def _cut_torn_line(path: Path) -> None:
    """Make the file ready: what a crash left of a line was never a checkpoint."""
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from None


def _append(path: Path, content: bytes) -> None:
    """Add to a file, all or nothing, on disk before returning."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from None
    try:
        size = os.fstat(file).st_size
        _write(file, path, content, size)
    finally:
        os.close(file)


def _write(file: int, path: Path, content: bytes, size: int) -> None:
    try:
        done = 0
        while done < len(content):
            done += os.write(file, content[done:])
        os.fsync(file)
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from None


def _tell(witness: Path, path: Path) -> None:
    """Give the witness what it has not seen. It is only ever added to."""
    if not _is_beginning(witness, path):
        raise Unavailable(f"{witness} has seen other checkpoints than {path}")
    with path.open("rb") as file:
        file.seek(_size(witness))
        _append(witness, file.read())


def _is_beginning(witness: Path, path: Path) -> bool:
    """Say whether the witness has seen what the file begins with, by its last lines: each names the one before."""
    size = _size(witness)
    start = max(0, size - _COMPARED)
    try:
        with path.open("rb") as ours:
            ours.seek(start)
            expected = ours.read(size - start)
        if size == 0:
            return True
        with witness.open("rb") as theirs:
            theirs.seek(start)
            return theirs.read(size - start) == expected
    except OSError as error:
        raise Unavailable(f"{witness} cannot be read: {error.strerror}") from None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
