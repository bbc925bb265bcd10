"""Sealing: bytes that only the holder of one private key can read, bound to the envelope they travel in.

HPKE (RFC 9180) in base mode, HKDF-SHA256 and AES-256-GCM. Keys travel as raw bytes, and their length says the suite:

======================= =============================== ================================
suite                   private                         public
======================= =============================== ================================
``MLKEM768_X25519``     96: ML-KEM seed 64, X25519 32   1,216: ML-KEM 1,184, X25519 32
``X25519``              32                              32
======================= =============================== ================================

Base mode does not say who sealed: that is the device's signature (pipeline.signing).

A private key is random bytes made here, in a bytearray that its holder wipes; the library is handed them, as they are a
seed, and is never asked for them back. Measured by scanning the memory of a process (tests/integration/
test_key_memory.py): so no copy of any key is left, while after ML-KEM's `private_bytes_raw()` that of the last one is.
What cannot be kept out: what the library expands a key into while it is used, which it clears when that is dropped; and
what `open_` returns, where that is a key: the bytes of a lease live until their memory is used again.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from pipeline.canonical import canonical
from pipeline.errors import Rejected
from pipeline.wiped import random_bytes
from schemas.frame import Frame
from schemas.frozen import iso

Bytes: TypeAlias = bytes | bytearray | memoryview

_SEED = 64
_MLKEM_PUBLIC = 1184
_CURVE = 32
_HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_CURVE_ONLY = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_FRAME_TAG = b"mimamori/frame/1\x00"


class SealSuite(StrEnum):
    """Which key encapsulation: the post-quantum hybrid, or the plain curve (half the time, 1 kB less a frame)."""

    MLKEM768_X25519 = "MLKEM768_X25519"
    X25519 = "X25519"


class KeyPair(NamedTuple):
    """One recipient's key; `private` is a bytearray so that its holder can wipe it."""

    private: bytearray
    public: bytes


def generate(suite: SealSuite = SealSuite.MLKEM768_X25519) -> KeyPair:
    return _GENERATE[suite]()


def seal(public: Bytes, info: Bytes, plaintext: Bytes) -> bytes:
    """Encrypt to `public`, bound to `info`. Raises ValueError when `public` is no key of a known suite."""
    if len(public) == _CURVE:
        return _CURVE_ONLY.encrypt(plaintext, X25519PublicKey.from_public_bytes(bytes(public)), info)
    if len(public) == _MLKEM_PUBLIC + _CURVE:
        return _HYBRID.encrypt(plaintext, _hybrid_public(bytes(public)), info)
    raise ValueError(f"a public key of {len(public)} bytes belongs to no known suite")


def open_(private: Bytes, info: Bytes, sealed: Bytes) -> bytes:
    """Decrypt what was sealed to this key under the same `info`.

    Raises Rejected when it does not open: another key, another envelope, or changed bytes; which one cannot be told.
    Raises ValueError when `private` is no key of a known suite.
    """
    return Opener(private).open_(info, sealed)


class Opener:
    """A private key made ready once, for all that is opened with it: making ready takes as long as opening does.

    What the library expands the key into lives as long as this, and is cleared when it is closed; whoever holds the key
    itself wipes that.
    """

    def __init__(self, private: Bytes) -> None:
        """Raises ValueError when `private` is no key of a known suite."""
        self._key: X25519PrivateKey | MLKEM768X25519PrivateKey | None
        if len(private) == _CURVE:
            self._suite, self._key = _CURVE_ONLY, X25519PrivateKey.from_private_bytes(private)
        elif len(private) == _SEED + _CURVE:
            self._suite, self._key = _HYBRID, _hybrid_private(private)
        else:
            raise ValueError(f"a private key of {len(private)} bytes belongs to no known suite")

    def open_(self, info: Bytes, sealed: Bytes) -> bytes:
        """Decrypt what was sealed to this key under the same `info`.

        Raises Rejected when it does not open, as `sealing.open_` does; ValueError after it was closed.
        """
        if self._key is None:
            raise ValueError("this key was let go")
        try:
            return self._suite.decrypt(sealed, self._key, info)
        except InvalidTag:
            raise Rejected("not_sealed_for_this") from None

    def close(self) -> None:
        """Let the key go."""
        self._key = None


def frame_info(frame: Frame) -> bytes:
    """Say canonically which envelope a frame's bytes belong to: sealed under it, they open under no other."""
    return _FRAME_TAG + canonical(
        {
            "boot": str(frame.boot),
            "camera_id": frame.camera_id,
            "data_class": frame.data_class,
            "device_id": frame.device_id,
            "expires_at": iso(frame.expires_at),
            "key_id": frame.key_id,
            "purpose": frame.purpose,
            "sequence": str(frame.sequence),
            "store_id": frame.store_id,
        }
    )


def _generate_hybrid() -> KeyPair:
    private = random_bytes(_SEED + _CURVE)
    view = memoryview(private)
    lattice = MLKEM768PrivateKey.from_seed_bytes(view[:_SEED]).public_key().public_bytes_raw()
    return KeyPair(private, lattice + _curve_public(view[_SEED:]))


def _generate_curve() -> KeyPair:
    private = random_bytes(_CURVE)
    return KeyPair(private, _curve_public(private))


def _curve_public(private: Bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


_GENERATE: dict[SealSuite, Callable[[], KeyPair]] = {
    SealSuite.MLKEM768_X25519: _generate_hybrid,
    SealSuite.X25519: _generate_curve,
}


@lru_cache(maxsize=256)
def _hybrid_public(public: bytes) -> MLKEM768X25519PublicKey:
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
    )


def _hybrid_private(private: Bytes) -> MLKEM768X25519PrivateKey:
    # Views, not slices: a slice of a bytearray is one more copy of the key in memory.
    view = memoryview(private)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(view[:_SEED]),
        X25519PrivateKey.from_private_bytes(view[_SEED:]),
    )
