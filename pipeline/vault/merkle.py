"""Merkle trees of RFC 6962 over leaf hashes: roots, and proofs that a leaf is in a tree and that a tree only grew.

Who checks a proof needs none of this: the checking lies in `verify.py`, which runs alone.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

EMPTY: Final = sha256(b"").digest()
"""The root of a tree without leaves."""


class Peak(NamedTuple):
    """A complete subtree: how many leaves it has, a power of two, and its hash."""

    leaves: int
    digest: bytes


Peaks = tuple[Peak, ...]
"""All that a tree need remember to grow: its complete subtrees, from the largest."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def grown(peaks: Peaks, leaf: bytes) -> Peaks:
    """Add a leaf, given as its hash."""
    added = Peak(1, leaf)
    while peaks and peaks[-1].leaves == added.leaves:
        added = Peak(2 * added.leaves, node_hash(peaks[-1].digest, added.digest))
        peaks = peaks[:-1]
    return (*peaks, added)


def root_of(peaks: Peaks) -> bytes:
    if not peaks:
        return EMPTY
    digest = peaks[-1].digest
    for peak in reversed(peaks[:-1]):
        digest = node_hash(peak.digest, digest)
    return digest


def tree_hash(leaves: Iterable[bytes]) -> bytes:
    """Hash a tree of these leaf hashes (RFC 6962 §2.1)."""
    peaks: Peaks = ()
    for leaf in leaves:
        peaks = grown(peaks, leaf)
    return root_of(peaks)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Give the hashes which lead from a leaf to the root, from the leaf up (RFC 6962 §2.1.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return (*inclusion_proof(left, index), tree_hash(right))
    return (*inclusion_proof(right, index - split), tree_hash(left))


def consistency_proof(leaves: Sequence[bytes], size: int) -> tuple[bytes, ...]:
    """Give the hashes which show that the tree of the first `size` leaves grew into this one (RFC 6962 §2.1.2)."""
    if not 0 < size <= len(leaves):
        raise IndexError(size)
    return _subproof(leaves, size, known=True)


def _subproof(leaves: Sequence[bytes], size: int, *, known: bool) -> tuple[bytes, ...]:
    # Whoever checks knows the old root; a subtree of the old tree which is not all of it must be told.
    if size == len(leaves):
        return () if known else (tree_hash(leaves),)
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if size <= split:
        return (*_subproof(left, size, known=known), tree_hash(right))
    return (*_subproof(right, size - split, known=False), tree_hash(left))


def _split(size: int) -> int:
    """Give the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
