"""Passwords: long ones, hashed with argon2id, and the same work for a name that nobody has."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type
from pydantic import SecretStr

from pipeline.errors import Refused, Unavailable

SHORTEST: Final = 12
LONGEST: Final = 256
AT_ONCE: Final = 16
"""So many wait for their turn to be hashed; more are sent away."""

Result = TypeVar("Result")

_COMMON: Final = frozenset(
    {
        "password", "passw0rd", "p@ssw0rd", "p@ssword", "passwort", "pasuwado", "パスワード", "mimamori", "見守り",
        "qwertyuiop", "qwerty", "asdfghjkl", "letmein", "welcome", "youkoso", "iloveyou", "aishiteru", "admin",
        "administrator", "changeme", "changethis", "trustno1", "monkey", "dragon", "sunshine", "princess", "football",
        "baseball", "sakura", "secret", "himitsu", "master", "manager", "tencho", "store", "camera", "correcthorse",
        "correcthorsebatterystaple",
    }
)  # fmt: skip
_RUNS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv")
_PADDING: Final = "0123456789!?.,_-#*@$%&+= "


class WeakPassword(Refused):
    """A password that would not keep anybody out; the reason never quotes it."""


class Weakness(StrEnum):
    """What is wrong with a password."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    LIKE_THE_NAME = "like_the_name"
    TOO_SIMPLE = "too_simple"
    TOO_COMMON = "too_common"


_MEND: Final = {
    Weakness.TOO_SHORT: f"a password has at least {SHORTEST} characters; three or four words do well",
    Weakness.TOO_LONG: f"a password has at most {LONGEST} characters",
    Weakness.LIKE_THE_NAME: "a password is not made of the name of whose it is",
    Weakness.TOO_SIMPLE: "a password is more than a few characters again and again, or in a row",
    Weakness.TOO_COMMON: "a password is not one of those that are tried first",
}


class Passwords:
    """Makes and checks hashes. Slow on purpose: call it in a thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        # One lane: the vault has other work for its other cores. 64 MiB and three passes, as RFC 9106 has it.
        self._hasher = hasher or PasswordHasher(3, 65536, 1, type=Type.ID)
        self._nobodys = self._hasher.hash("a password that nobody has: an unknown name costs the same work")

    def hash(self, password: SecretStr) -> str:
        return self._hasher.hash(_plain(password))

    def fits(self, hashed: str | None, password: SecretStr) -> bool:
        """Say whether this is the password of that hash. None: nobody's, which takes as long."""
        try:
            fits = self._hasher.verify(hashed or self._nobodys, _plain(password))
        except (VerificationError, InvalidHashError):
            return False
        return fits and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Say whether a hash was made with less work than is asked for today."""
        return self._hasher.check_needs_rehash(hashed)


class Hashing:
    """Passwords in a thread of their own, one after the other: leases go on, and one core at most is taken."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords
        self._thread = ThreadPoolExecutor(1, "argon2")
        self._waiting = 0

    async def hash(self, password: SecretStr) -> str:
        """Hash a password. Raises Unavailable when too many wait."""
        return await self._in_turn(lambda: self._passwords.hash(password))

    async def fits(self, hashed: str | None, password: SecretStr) -> bool:
        """Say whether it fits the hash; None: nobody's, which takes as long. Raises Unavailable when too many wait."""
        return await self._in_turn(lambda: self._passwords.fits(hashed, password))

    def outdated(self, hashed: str) -> bool:
        return self._passwords.outdated(hashed)

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def _in_turn(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= AT_ONCE:
            raise Unavailable("too many people sign in at once: try again")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1


def require_strong(password: SecretStr, *names: str) -> None:
    """Refuse a weak password.

    Args:
        password: The password.
        names: What its owner is called.

    Raises:
        WeakPassword: Saying what is wrong with it, and nothing of it.
    """
    if (weakness := weakness_of(password, *names)) is not None:
        raise WeakPassword(f"{weakness}: {_MEND[weakness]}")


def weakness_of(password: SecretStr, *names: str) -> Weakness | None:
    """Say what is wrong with a password; None: nothing."""
    plain = _plain(password)
    if len(plain) < SHORTEST:
        return Weakness.TOO_SHORT
    if len(plain) > LONGEST:
        return Weakness.TOO_LONG
    core = plain.casefold().strip(_PADDING)
    if any(name and _mostly(core, name.casefold()) for name in names):
        return Weakness.LIKE_THE_NAME
    if any(_mostly(core, common) for common in _COMMON):
        return Weakness.TOO_COMMON
    if len(set(plain.casefold())) < 5 or _in_a_row(plain.casefold()):
        return Weakness.TOO_SIMPLE
    return None


def _plain(password: SecretStr) -> str:
    # Composed the same on every keyboard and system.
    return unicodedata.normalize("NFKC", password.get_secret_value())


def _mostly(core: str, word: str) -> bool:
    """Say whether a password is a word, perhaps repeated, and little else."""
    return word in core and len(core.replace(word, "").strip(_PADDING)) < 4


def _in_a_row(plain: str) -> bool:
    core = plain.strip(" ")
    return any(core in run * 4 or core in run[::-1] * 4 for run in _RUNS)
