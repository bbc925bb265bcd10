"""The key table in a real PostgreSQL: the laws of every key table, one vault at a time, and a server that dies."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import psycopg
import pytest

from pipeline.errors import Erased, Misconfigured, Unavailable
from pipeline.vault.ledger import Kind
from pipeline.vault.postgres import LockLost, PostgresKeyTable
from pipeline.vault.store import KeyTable
from schemas.ids import KeyId
from tests.integration.postgres_fixtures import PASSWORD, Postgres
from tests.unit.pipeline.vault.building import BUCKET, NOON, TTL, Parts, destroy, in_memory, keys_for, lent, of_kind
from tests.unit.pipeline.vault.key_table_laws import END, SLOT, KeyTableLaws, Opened, new_key


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database("keys")


class TestLaws(KeyTableLaws):
    @pytest.fixture
    def opened(self, url: str) -> Opened:
        def open_() -> AbstractContextManager[KeyTable]:
            return closing(PostgresKeyTable(url))

        return open_


@pytest.fixture
def table(url: str) -> Iterator[PostgresKeyTable]:
    with closing(PostgresKeyTable(url)) as found:
        yield found


def test_two_vaults_cannot_hold_one_key_table(table: PostgresKeyTable, url: str) -> None:
    with pytest.raises(Misconfigured, match="another vault"):
        PostgresKeyTable(url)

    table.close()
    PostgresKeyTable(url).close()


def test_a_server_that_died_and_came_back_has_what_was_committed(
    postgres: Postgres, table: PostgresKeyTable, url: str
) -> None:
    table.add([SLOT], [new_key("k1")])
    before = table.held(KeyId("k1"))

    postgres.stop(signal.SIGQUIT)
    with pytest.raises(Unavailable):
        table.held(KeyId("k1"))
    with pytest.raises(Unavailable):
        table.note_time(NOON)
    postgres.start()

    with closing(PostgresKeyTable(url)) as again:
        assert again.held(KeyId("k1")) == before
        again.note_time(NOON)
        assert again.high_water() == NOON


def test_r20_a_vault_that_lost_its_place_ends_though_the_place_is_free_again(
    postgres: Postgres, table: PostgresKeyTable
) -> None:
    postgres.stop(signal.SIGQUIT)
    with pytest.raises(Unavailable):
        table.count(NOON)
    postgres.start()

    asked: list[Callable[[], object]] = [
        lambda: table.count(NOON),
        lambda: table.note_time(NOON),
        lambda: table.delete_private(SLOT),
        lambda: table.held(KeyId("k1")),
    ]
    for ask in asked:
        with pytest.raises(LockLost):
            ask()


def test_a_vault_whose_place_was_taken_while_it_was_cut_off_gives_nothing(table: PostgresKeyTable, url: str) -> None:
    _cut_off(url)
    with closing(PostgresKeyTable(url)):
        with pytest.raises(Unavailable):
            table.count(NOON)
        with pytest.raises(Unavailable, match="another vault"):
            table.count(NOON)

    with pytest.raises(LockLost):
        table.count(NOON)


def test_r20_after_destruction_no_row_of_a_private_key_is_left(table: PostgresKeyTable, url: str) -> None:
    table.add([SLOT], [new_key("k1")])
    assert _rows(url) == (1, 0)

    table.delete_private(SLOT)

    assert _rows(url) == (0, 0)


def test_what_the_database_says_is_not_quoted(postgres: Postgres) -> None:
    url = postgres.url("nowhere")

    with pytest.raises(Unavailable) as away:
        PostgresKeyTable(url)
    with pytest.raises(Misconfigured) as unreadable:
        PostgresKeyTable(f"postgresql://vault:{PASSWORD}@[host/x")

    assert PASSWORD not in str(away.value) + str(unreadable.value)
    assert away.value.__cause__ is None


def test_a_database_that_would_lose_commits_is_refused(postgres: Postgres, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("ALTER SYSTEM SET fsync = off")
        db.execute("SELECT pg_reload_conf()")
    try:
        with pytest.raises(Misconfigured, match="fsync"):
            _opened_after_reload(url)
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("ALTER SYSTEM RESET fsync")
            db.execute("SELECT pg_reload_conf()")


def test_r20_a_vault_over_it_lends_destroys_and_recovers(table: PostgresKeyTable, tmp_path: Path) -> None:
    parts = _over(table, tmp_path)
    vault = parts.vault()
    vault.recover(NOON)
    (key, *_) = keys_for(vault, NOON, 2 * BUCKET)
    private = lent(vault, key, NOON)

    again = parts.vault()
    again.recover(NOON + BUCKET)
    assert lent(again, key, NOON + BUCKET) == private

    assert destroy(again, NOON + TTL) == 1
    with pytest.raises(Erased):
        lent(again, key, NOON + TTL)
    assert [entry.body["key_id"] for entry in of_kind(parts.ledger, Kind.KEY_DESTROYED)] == [key.key_id]


def test_r20_slot_keys_die_on_time_while_the_database_is_away(
    postgres: Postgres, table: PostgresKeyTable, url: str, tmp_path: Path
) -> None:
    parts = _over(table, tmp_path)
    vault = parts.vault()
    keys_for(vault, NOON)
    (name,) = parts.ring.names()
    postgres.stop()
    try:
        with pytest.raises(Unavailable):
            vault.shred(END)
        assert name not in parts.ring.names()
    finally:
        postgres.start()

    with closing(PostgresKeyTable(url)) as again:
        Parts(again, parts.ring, parts.ledger).vault().recover(END)
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 1


def _over(table: PostgresKeyTable, folder: Path) -> Parts:
    parts = in_memory(folder)
    return Parts(table, parts.ring, parts.ledger)


def _cut_off(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        while db.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'").fetchall():
            pass


def _rows(url: str) -> tuple[int, int]:
    """Rows that are alive and dead, from the pages themselves."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        found = db.execute("SELECT tuple_count, dead_tuple_count FROM pgstattuple('private_keys')").fetchone()
    assert found is not None
    return found[0], found[1]


def _opened_after_reload(url: str) -> None:
    # The signal to read settings again takes a moment to arrive.
    for _ in range(1000):
        PostgresKeyTable(url).close()
