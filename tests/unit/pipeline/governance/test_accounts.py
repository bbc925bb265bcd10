"""Accounts in SQLite: the laws of every database of them, and a file that is its owner's alone."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import Misconfigured, Unavailable
from pipeline.governance.accounts import FILE, Accounts, open_accounts
from tests.unit.pipeline.governance.account_laws import NOTE, SATO, AccountLaws, Opened, add


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    accounts = open_accounts(tmp_path)
    yield accounts
    accounts.close()


class TestLaws(AccountLaws):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return lambda: open_accounts(tmp_path)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_accounts(tmp_path / "new").close()
    path = tmp_path / "new" / FILE
    assert path.stat().st_mode & 0o777 == 0o600

    path.chmod(0o640)

    with pytest.raises(Misconfigured, match="chmod 600"):
        open_accounts(tmp_path / "new")


def test_a_database_that_is_away_is_unavailable_and_quotes_nothing(accounts: Accounts, tmp_path: Path) -> None:
    add(accounts)
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DROP TABLE accounts")
    connection.close()

    with pytest.raises(Unavailable) as reading:
        accounts.hashed("a secret typed as a name")
    with pytest.raises(Unavailable) as writing:
        accounts.set_hash("sato", "$argon2id$secret", NOTE)

    for away in (reading.value, writing.value):
        assert "secret" not in str(away)
        assert away.__cause__ is None


def test_a_database_that_is_away_at_the_start_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir(mode=0o700)
    with pytest.raises(OSError, match="Is a directory"):
        open_accounts(tmp_path)

    away = open_accounts(tmp_path, f"sqlite:///{tmp_path}/later/{FILE}")
    with pytest.raises(Unavailable):
        away.accounts()
    (tmp_path / "later").mkdir()

    assert away.accounts() == ()
    away.close()


def test_a_disk_that_takes_nothing_can_be_read(accounts: Accounts, tmp_path: Path) -> None:
    add(accounts)
    lock = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")

    assert accounts.account("sato") == SATO

    lock.close()


@pytest.mark.parametrize("url", ["no url", "nosuchbase://user:secret@host/name", "postgresql://"])
def test_an_address_that_is_none_is_said_without_quoting_it(url: str, tmp_path: Path) -> None:
    with pytest.raises((Misconfigured, Unavailable)) as wrong:
        open_accounts(tmp_path, url).accounts()

    assert "secret" not in str(wrong.value)
    assert not (tmp_path / FILE).exists()
