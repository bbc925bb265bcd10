"""Checkpoints and receipts with their proofs, for whoever asks the running vault. Reads, and changes nothing.

It remembers the hash of every entry and where each receipt stands, from the first question on: some hundred bytes a
key. Its methods may take seconds over a ledger of millions, so call them in a thread; one works at a time.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from pydantic import ValidationError

from pipeline.errors import Rejected, Unavailable
from pipeline.vault.api import Consistency, Receipt
from pipeline.vault.checkpoints import Checkpoint
from pipeline.vault.ledger import Entry, Kind, Ledger
from pipeline.vault.merkle import consistency_proof, inclusion_proof

PAGE: Final = 1000


class Proofs:
    """What proves to others what the vault did."""

    def __init__(self, ledger: Ledger, checkpoints: Path | None) -> None:
        self._ledger = ledger
        self._path = checkpoints
        self._reading = Lock()
        self._leaves: list[bytes] = []
        self._receipts: dict[str, int] = {}

    def checkpoints(self, from_index: int, limit: int = PAGE) -> tuple[Checkpoint, ...]:
        """Return checkpoints from the so-manieth on.

        Raises:
            Unavailable: They cannot be read.
        """
        try:
            lines = self._lines()[from_index : from_index + limit]
            return tuple(map(Checkpoint.model_validate_json, lines))
        except ValidationError:
            raise Unavailable("there is a line among the checkpoints that is none") from None

    def receipt(self, key_id: str) -> Receipt:
        """Return the receipt of a key's destruction, with the proof that the last checkpoint holds it.

        Raises:
            Rejected: There is none: the key lives, or there never was one; or no checkpoint tells of it yet.
            Unavailable: The checkpoints cannot be read.
        """
        with self._reading:
            self._read(len(self._ledger))
            index = self._receipts.get(key_id)
            leaves = self._leaves[:]
        if index is None:
            raise Rejected("unknown_key", "the ledger has no receipt of this key: it is alive, or there never was one")
        made = self._last_checkpoint(len(leaves))
        if made is None or made.size <= index:
            raise Rejected("unknown_key", "no checkpoint tells of this receipt yet: ask again in a minute")
        (entry,) = self._ledger.entries(index, 1)
        return proved(entry, leaves[: made.size], made)

    def _read(self, length: int) -> None:
        while len(self._leaves) < length:
            for entry in self._ledger.entries(len(self._leaves), min(PAGE, length - len(self._leaves))):
                if entry.kind is Kind.KEY_DESTROYED:
                    self._receipts.setdefault(entry.body["key_id"], entry.index)
                self._leaves.append(bytes.fromhex(entry.hash))

    def _last_checkpoint(self, length: int) -> Checkpoint | None:
        for line in reversed(self._lines()):
            checkpoint = Checkpoint.model_validate_json(line)
            # One that was made meanwhile knows more than was read.
            if checkpoint.size <= length:
                return checkpoint
        return None

    def _lines(self) -> list[bytes]:
        if self._path is None:
            return []
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"the checkpoints cannot be read: {error.strerror}") from None
        return content[: content.rfind(b"\n") + 1].splitlines()


def proved(entry: Entry, leaves: Sequence[bytes], checkpoint: Checkpoint, since: Sequence[Checkpoint] = ()) -> Receipt:
    """Put a receipt together, as `verify.py --receipt` checks it.

    Args:
        entry: Of a destruction.
        leaves: The hashes of all entries that the checkpoint was made of.
        checkpoint: One that the entry lies within.
        since: Older checkpoints that somebody kept: the ledger is shown to have grown out of them.
    """
    return Receipt(
        entry=entry.model_dump(mode="json", exclude_none=True),
        inclusion=tuple(each.hex() for each in inclusion_proof(leaves, entry.index)),
        checkpoint=checkpoint,
        consistency=tuple(
            Consistency(size=old.size, proof=tuple(each.hex() for each in consistency_proof(leaves, old.size)))
            for old in since
            if old.size <= checkpoint.size
        ),
    )
