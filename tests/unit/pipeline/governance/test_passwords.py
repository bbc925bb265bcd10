"""Passwords: which are refused, and what is kept of the others."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pipeline.errors import Unavailable
from pipeline.governance.passwords import (
    AT_ONCE,
    LONGEST,
    SHORTEST,
    Hashing,
    Passwords,
    Weakness,
    WeakPassword,
    require_strong,
    weakness_of,
)

CHEAP = PasswordHasher(1, 8, 1)
GOOD = SecretStr("four quiet words here")


@pytest.mark.parametrize(
    ("password", "weakness"),
    [
        ("", Weakness.TOO_SHORT),
        ("short", Weakness.TOO_SHORT),
        ("x" * SHORTEST, Weakness.TOO_SIMPLE),
        ("abababababab", Weakness.TOO_SIMPLE),
        ("abcdefghijkl", Weakness.TOO_SIMPLE),
        ("lkjihgfedcba", Weakness.TOO_SIMPLE),
        ("123456789012", Weakness.TOO_SIMPLE),
        ("987654321098", Weakness.TOO_SIMPLE),
        ("qwertyuiopas", Weakness.TOO_COMMON),
        ("password1234", Weakness.TOO_COMMON),
        ("PassWord!!!!2026", Weakness.TOO_COMMON),
        ("ｐａｓｓｗｏｒｄ１２３４", Weakness.TOO_COMMON),
        ("passwordpassword", Weakness.TOO_COMMON),
        ("mimamori2026", Weakness.TOO_COMMON),
        ("CorrectHorseBatteryStaple", Weakness.TOO_COMMON),
        ("sato-sato-sato", Weakness.LIKE_THE_NAME),
        ("hanakohanako1", Weakness.LIKE_THE_NAME),
        ("a b" * LONGEST, Weakness.TOO_LONG),
        ("four quiet words here", None),
        ("見守りの店で働く人たちは", None),
        ("h7kp-x2mq-9vnt", None),
        ("sato likes long walks", None),
    ],
)
def test_a_password_is_refused_for_what_would_let_somebody_in(password: str, weakness: Weakness | None) -> None:
    assert weakness_of(SecretStr(password), "sato", "Hanako") is weakness


@pytest.mark.parametrize("password", ["☃zq", "☃zq" * 200, "password☃zq", "sato☃zqsatosato"])
def test_no_refusal_says_anything_of_the_password(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        require_strong(SecretStr(password), "sato")

    assert "☃" not in f"{refused.value!r} {refused.value}"


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_hash_fits_its_password_and_no_other(one: str, other: str) -> None:
    passwords = Passwords(CHEAP)
    hashed = passwords.hash(SecretStr(one))

    assert passwords.fits(hashed, SecretStr(one))
    assert passwords.fits(hashed, SecretStr(other)) is (_same(one, other))


def _same(one: str, other: str) -> bool:
    import unicodedata  # noqa: PLC0415 (only here)

    return unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", other)


def test_a_password_fits_however_the_keyboard_composed_it() -> None:
    passwords = Passwords(CHEAP)

    assert passwords.fits(passwords.hash(SecretStr("パスワードではない言葉")), SecretStr("ﾊﾟｽﾜｰﾄﾞではない言葉"))


def test_nobodys_password_never_fits_and_a_broken_hash_neither() -> None:
    passwords = Passwords(CHEAP)

    assert not passwords.fits(None, SecretStr("a password that nobody has: an unknown name costs the same work"))
    assert not passwords.fits("no hash", GOOD)


def test_it_is_argon2id_with_the_work_of_rfc_9106() -> None:
    made = extract_parameters(Passwords().hash(GOOD))

    assert (made.type, made.time_cost, made.memory_cost) == (Type.ID, 3, 65536)


def test_a_hash_with_less_work_than_today_is_told() -> None:
    assert Passwords(PasswordHasher(2, 8, 1)).outdated(Passwords(CHEAP).hash(GOOD))
    assert not Passwords(CHEAP).outdated(Passwords(CHEAP).hash(GOOD))


async def test_hashing_leaves_the_loop_free_and_takes_one_thread() -> None:
    seen: list[threading.Thread] = []
    gate = threading.Event()

    class Slow(Passwords):
        def hash(self, password: SecretStr) -> str:
            seen.append(threading.current_thread())
            gate.wait(10)
            return super().hash(password)

    hashing = Hashing(Slow(CHEAP))
    waiting = [asyncio.create_task(hashing.hash(GOOD)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="too many"):
        await hashing.hash(GOOD)
    gate.set()
    await asyncio.gather(*waiting)

    assert set(seen) != {threading.main_thread()}
    assert len(set(seen)) == 1
    hashing.close()
