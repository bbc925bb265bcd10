"""Geometric noise that is drawn from a secret: whoever has the secret draws the same again, nobody else can guess it.

Canonne, Kamath, Steinke, The Discrete Gaussian for Differential Privacy (NeurIPS 2020), algorithms 1 and 2: whole
numbers only, so that no rounding gives anything away (Mironov, CCS 2012), and every machine draws alike.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.ids import StoreId

SECRET_BYTES: Final = 32
_BLOCK: Final = 32


def day_key(secret: bytes, store: StoreId, day: date) -> bytes:
    """Return the key of all noise of a store and a local day (HKDF, RFC 5869)."""
    return HKDF(SHA256(), _BLOCK, salt=None, info=_joined(("mimamori.flow-noise.v1", store, day))).derive(secret)


def sealed(key: bytes, parts: Iterable[object]) -> str:
    """Return what tells one release from another, and nothing to whoever has not the key."""
    return hmac.new(key, b"release" + _joined(parts), hashlib.sha256).hexdigest()[:32]


def _joined(parts: Iterable[object]) -> bytes:
    """Each part's text with its length before it, so that ("a", "bc") and ("ab", "c") differ."""
    texts = [str(part).encode() for part in parts]
    return b"".join(len(text).to_bytes(4, "big") + text for text in texts)


class Dice:
    """Random numbers that a key and a name decide: HMAC-SHA256 in counter mode."""

    def __init__(self, key: bytes, name: Iterable[object]) -> None:
        self._hmac = hmac.new(key, b"noise" + _joined(name), hashlib.sha256)
        self._blocks = 0
        self._bits, self._left = 0, 0

    def below(self, end: int) -> int:
        """Return one of 0 … end - 1, each as likely as the others."""
        wide = (end - 1).bit_length()
        while True:
            number = self._take(wide)
            if number < end:
                return number

    def _take(self, wide: int) -> int:
        while self._left < wide:
            block = self._hmac.copy()
            block.update(self._blocks.to_bytes(8, "big"))
            self._blocks += 1
            self._bits = self._bits << 8 * _BLOCK | int.from_bytes(block.digest(), "big")
            self._left += 8 * _BLOCK
        self._left -= wide
        number = self._bits >> self._left
        self._bits &= (1 << self._left) - 1
        return number


def geometric(epsilon: Fraction, dice: Dice) -> int:
    """Draw n with a probability in proportion to exp(-epsilon |n|)."""
    while True:
        far = _steps(epsilon, dice)
        negative = dice.below(2) == 1
        if far or not negative:  # else 0 would be drawn twice as often
            return -far if negative else far


def _steps(epsilon: Fraction, dice: Dice) -> int:
    """Draw n >= 0 with a probability in proportion to exp(-epsilon n)."""
    below, above = epsilon.denominator, epsilon.numerator
    while True:
        part = dice.below(below)
        if _lives(Fraction(part, below), dice):
            break
    whole = 0
    while _lives(Fraction(1), dice):
        whole += 1
    return (part + below * whole) // above


def _lives(gamma: Fraction, dice: Dice) -> bool:
    """Say yes with the probability exp(-gamma), for gamma from 0 to 1."""
    times = 1
    while dice.below(gamma.denominator * times) < gamma.numerator:
        times += 1
    return times % 2 == 1
