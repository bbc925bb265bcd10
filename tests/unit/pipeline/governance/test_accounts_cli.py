"""Accounts by command line: the first manager, and everything that the console does not do."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from pipeline.governance import accounts_cli, demo
from pipeline.governance.accounts import Accounts, open_accounts
from pipeline.governance.accounts_cli import app
from pipeline.governance.demo import demo_accounts
from pipeline.governance.passwords import Passwords, weakness_of
from pipeline.governance.people import rules_of, suspensions
from pipeline.governance.roles import ALL, PEOPLE, Role
from pipeline.local.estate import ESTATES
from pipeline.settings import settings
from schemas.estate import load_estate, load_regulations
from schemas.ids import StoreId
from tests.unit.pipeline.vault.building import NOON

WORDS = "four quiet words here"
CHEAP = Passwords(PasswordHasher(1, 8, 1))
DATES = ("--trained-until", "2099-03-31", "--pledged-on", "2026-01-05", "--pledge-until", "2099-01-04")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shutil.copytree(ESTATES, tmp_path / "estate")
    monkeypatch.setenv("MIMAMORI_HOME", str(tmp_path))
    monkeypatch.setenv("MIMAMORI_ESTATE", str(tmp_path / "estate" / "drawn.toml"))
    monkeypatch.setattr(accounts_cli, "Passwords", lambda: CHEAP)
    monkeypatch.setattr(demo, "Passwords", lambda: CHEAP)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    accounts = open_accounts(tmp_path / "vault")
    yield accounts
    accounts.close()


def _do(*arguments: str, typed: str = f"{WORDS}\n") -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def _add(name: str = "sato", role: str = "manager", *more: str) -> Result:
    return _do("add", name, "--role", role, "--store", "ginza", "--stdin", *(more or DATES))


def test_the_first_manager_is_made_here(accounts: Accounts) -> None:
    done = _add()

    assert done.exit_code == 0, done.output
    sato = accounts.account("sato")
    assert sato is not None
    assert [(grant.role, grant.stores) for grant in sato.grants] == [(Role.MANAGER, frozenset({StoreId("ginza")}))]
    # The last day is over at midnight where the shop is: Tokyo.
    assert f"{sato.training_until:%Y-%m-%dT%H:%M}" == "2099-03-31T15:00"
    assert CHEAP.fits(accounts.hashed("sato"), SecretStr(WORDS))
    (note,) = accounts.notes(10)
    assert note.body["by"].endswith("at the command line")
    assert WORDS not in done.output + str(note)


def test_r14_nobody_is_made_manager_without_training_and_pledge(accounts: Accounts) -> None:
    done = _add("sato", "manager", "--trained-until", "2099-03-31")

    assert done.exit_code == 1
    assert "pledge_missing" in str(done.exception)
    assert accounts.accounts() == ()


def test_a_weak_password_is_refused_and_not_repeated(accounts: Accounts) -> None:
    done = _do("add", "mori", "--role", "auditor", "--every-store", "--stdin", typed="password1234\n")

    assert "too_common" in str(done.exception)
    assert "1234" not in str(done.exception) + done.output
    assert accounts.accounts() == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--role", "auditor"), "in which store"),
        (("--role", "auditor", "--store", "gnza"), "no store gnza: it has ginza, shibuya"),
        (("--role", "detecting", "--every-store"), "part of the system"),
    ],
)
def test_what_is_missing_or_mistyped_is_said(arguments: tuple[str, ...], said: str) -> None:
    assert said in str(_do("add", "mori", *arguments, "--stdin").exception)


def test_a_password_is_asked_of_a_terminal_alone() -> None:
    assert "--stdin" in str(_do("add", "mori", "--role", "auditor", "--every-store").exception)


def test_no_command_takes_a_password_as_an_argument() -> None:
    for command in ("add", "password"):
        assert "--password" not in _do(command, "--help").output


def test_accounts_are_listed_with_what_suspends_them() -> None:
    assert "no account yet" in _do("list").output
    _add()
    _do("add", "mori", "--role", "auditor", "--every-store", "--stdin")

    lines = _do("list").output.splitlines()

    assert lines[0].startswith("mori  mori  auditor:*")
    assert lines[0].endswith("in order")
    assert "manager:ginza" in lines[1]
    assert lines[1].endswith("suspended: rules_not_acknowledged")


def test_everything_can_be_changed(accounts: Accounts) -> None:
    _add()
    for arguments in (
        ("grant", "sato", "--role", "staff", "--every-store"),
        ("revoke", "sato", "--role", "manager"),
        ("training", "sato", "--until", "2098-03-31"),
        ("pledge", "sato", "--until", "2098-01-01", "--signed-on", "2026-02-01"),
        ("password", "sato", "--stdin"),
        ("disable", "sato"),
    ):
        done = _do(*arguments, typed="another five of them words\n")
        assert done.exit_code == 0, f"{arguments}: {done.output} {done.exception}"

    sato = accounts.account("sato")
    assert sato is not None
    assert [(grant.role, grant.stores) for grant in sato.grants] == [(Role.STAFF, ALL)]
    assert f"{sato.training_until:%Y-%m-%d} {sato.pledged_on} {sato.disabled}" == "2098-03-31 2026-02-01 True"
    assert CHEAP.fits(accounts.hashed("sato"), SecretStr("another five of them words"))
    assert _do("enable", "sato").exit_code == 0
    assert _do("remove", "sato").exit_code == 0
    assert accounts.accounts() == ()
    changes = [note.body["change"] for note in accounts.notes(20)]
    assert changes == [
        "added",
        "granted",
        "revoked",
        "trained",
        "pledged",
        "password",
        "disabled",
        "enabled",
        "removed",
    ]


def test_r14_a_role_is_not_granted_where_the_pledge_is_missing(accounts: Accounts) -> None:
    _do("add", "mori", "--role", "auditor", "--every-store", "--stdin")

    assert "first needs" in str(_do("grant", "mori", "--role", "staff", "--store", "ginza").exception)
    mori = accounts.account("mori")
    assert mori is not None
    assert [grant.role for grant in mori.grants] == [Role.AUDITOR]


def test_nobody_is_changed_who_is_not_there() -> None:
    for arguments in (
        ("disable", "sato"),
        ("remove", "sato"),
        ("password", "sato", "--stdin"),
        ("revoke", "sato", "--role", "staff"),
    ):
        assert "no account sato" in str(_do(*arguments).exception)


def test_a_demo_has_somebody_in_every_role_with_a_password_of_their_own(tmp_path: Path) -> None:
    path = Path(os.environ["MIMAMORI_ESTATE"])
    regulations = load_regulations(path, load_estate(path))

    passwords = demo_accounts(tmp_path / "vault", regulations, NOON)

    accounts = open_accounts(tmp_path / "vault")
    found = accounts.accounts()
    assert {role for account in found for role, _ in account.grants} == PEOPLE
    assert {account.name for account in found} == set(passwords)
    assert len(set(passwords.values())) == len(PEOPLE)
    for account in found:
        assert suspensions(account, rules_of(regulations), NOON) == ()
        assert weakness_of(SecretStr(passwords[account.name]), account.name) is None
        assert CHEAP.fits(accounts.hashed(account.name), SecretStr(passwords[account.name]))
    accounts.close()
