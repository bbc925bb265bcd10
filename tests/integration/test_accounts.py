"""Accounts in a real PostgreSQL: the laws of every database of them, and a server that is away."""

import signal
from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.governance.accounts import open_accounts
from tests.integration.postgres_fixtures import PASSWORD, Postgres
from tests.unit.pipeline.governance.account_laws import NOTE, SATO, AccountLaws, Opened, add


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database("accounts")


class TestLaws(AccountLaws):
    @pytest.fixture
    def opened(self, url: str, tmp_path: Path) -> Opened:
        return lambda: open_accounts(tmp_path, url)


def test_a_server_that_was_away_is_asked_again_and_no_word_of_it_quotes_the_password(
    postgres: Postgres, url: str, tmp_path: Path
) -> None:
    accounts = open_accounts(tmp_path, url)
    add(accounts)

    postgres.stop(signal.SIGQUIT)
    with pytest.raises(Unavailable) as reading:
        accounts.account("sato")
    with pytest.raises(Unavailable) as writing:
        accounts.set_hash("sato", "other", NOTE)
    later = open_accounts(tmp_path, url)
    postgres.start()

    assert accounts.account("sato") == SATO
    assert later.accounts() == (SATO,)
    assert PASSWORD not in f"{reading.value!r} {writing.value!r} {accounts!r}"
    accounts.close()
    later.close()
