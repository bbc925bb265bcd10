"""The laws of accounts in any database: what is changed is noted with it, and two who change one lose nothing."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Refused
from pipeline.governance.accounts import Accounts, Change, Note, added, changed
from pipeline.governance.people import Account, Grant, replace_grants
from pipeline.governance.roles import ALL, PEOPLE, Role
from schemas.ids import StoreId

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")
SATO: Final = Account(
    "sato",
    "佐藤 花子",
    (Grant(Role.STAFF, frozenset({GINZA, SHIBUYA})), Grant(Role.AUDITOR, ALL)),
    training_until=NOON,
    pledged_on=date(2026, 11, 20),
    pledge_until=NOON + timedelta(microseconds=1),
    acknowledged={GINZA: "2"},
)
NOTE: Final = changed("sato", by="test", what="trained")


def add(accounts: Accounts, account: Account = SATO) -> None:
    accounts.add(account, "hash", added(account, by="test"))


TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)) | st.none()  # noqa: DTZ001 - hypothesis wants them naive
STORES = st.just(ALL) | st.frozensets(st.sampled_from([GINZA, SHIBUYA]))
ACCOUNTS = st.builds(
    lambda grants, **fields: replace_grants(Account("sato", **fields), grants),
    grants=st.lists(
        st.builds(
            Grant, st.sampled_from(sorted(PEOPLE)), st.just(ALL) | st.frozensets(st.sampled_from([GINZA, SHIBUYA]))
        )
    ),
    display_name=st.text(max_size=80).filter(lambda text: "\x00" not in text and text.isprintable()),
    training_until=TIMES,
    pledged_on=st.dates(date(2020, 1, 1), date(2040, 1, 1)) | st.none(),
    pledge_until=TIMES,
    acknowledged=st.dictionaries(st.sampled_from([GINZA, SHIBUYA]), st.text("abc1.", min_size=1, max_size=64)),
    disabled=st.booleans(),
)


Opened = Callable[[], Accounts]
"""Opens the same accounts, again and again."""


class AccountLaws:
    """For a database of accounts, which the fixture `opened` opens."""

    @pytest.fixture
    def accounts(self, opened: Opened) -> Iterator[Accounts]:
        accounts = opened()
        yield accounts
        accounts.close()

    def test_an_account_comes_back_as_it_was(self, accounts: Accounts, opened: Opened) -> None:
        add(accounts)

        assert accounts.account("sato") == SATO
        assert accounts.account("nobody") is None
        assert accounts.hashed("sato") == "hash"
        assert accounts.hashed("nobody") is None
        again = opened()
        assert again.accounts() == (SATO,)
        again.close()

    def test_whatever_is_changed_comes_back(self, accounts: Accounts) -> None:
        add(accounts)

        @settings(max_examples=40, deadline=None)
        @given(after=ACCOUNTS)
        def comes_back(after: Account) -> None:
            assert accounts.change("sato", lambda _: after, NOTE) == after
            assert accounts.account("sato") == after

        comes_back()

    def test_a_name_is_one_persons(self, accounts: Accounts) -> None:
        add(accounts)

        with pytest.raises(Refused, match="already"):
            add(accounts, replace(SATO, display_name="another"))
        for change in (
            lambda: accounts.change("nobody", lambda account: account, NOTE),
            lambda: accounts.set_hash("nobody", "hash", NOTE),
        ):
            with pytest.raises(Refused, match="no account nobody"):
                change()
        assert accounts.accounts() == (SATO,)

    def test_every_change_leaves_a_note_and_what_is_refused_leaves_none(self, accounts: Accounts) -> None:
        add(accounts)
        accounts.change("sato", lambda account: replace(account, disabled=True), NOTE)
        accounts.set_hash("sato", "other", changed("sato", by="test", what="password"))

        def refuse(_: Account) -> Account:
            raise Refused("no")

        with pytest.raises(Refused):
            accounts.change("sato", refuse, NOTE)

        notes = accounts.notes(10)
        assert [note.body["change"] for note in notes] == ["added", "trained", "password"]
        assert notes[0].body["grants"] == ["staff:ginza,shibuya", "auditor:*"]
        assert "hash" not in str(notes)
        accounts.told(notes[1].number)
        assert accounts.notes(10) == notes[2:]

    def test_numbers_of_notes_are_not_used_again(self, accounts: Accounts) -> None:
        add(accounts)
        (first,) = accounts.notes(10)
        accounts.told(first.number)

        accounts.set_hash("sato", "other", NOTE)

        assert accounts.notes(10)[0].number > first.number

    def test_closing_an_account_or_another_password_ends_its_sessions_and_no_others(self, accounts: Accounts) -> None:
        add(accounts)
        add(accounts, replace(SATO, name="suzuki"))
        for digest, name in (("a", "sato"), ("b", "sato"), ("c", "suzuki")):
            accounts.open_session(digest, name, "hash", NOON, Note("signed_in", {"person": name}))

        accounts.set_hash("sato", "other", NOTE)
        assert [accounts.session(each) is None for each in "abc"] == [True, True, False]

        accounts.change("suzuki", lambda account: replace(account, disabled=True), NOTE)
        assert accounts.session("c") is None

    def test_who_is_removed_is_forgotten_and_a_namesake_has_nothing_of_theirs(self, accounts: Accounts) -> None:
        add(accounts)
        accounts.open_session("a", "sato", "hash", NOON, Note("signed_in", {}))

        accounts.remove("sato", NOTE)
        assert accounts.account("sato") is None
        with pytest.raises(Refused, match="no account sato"):
            accounts.remove("sato", NOTE)
        namesake = Account("sato", "another")
        add(accounts, namesake)

        assert accounts.account("sato") == namesake
        assert accounts.session("a") is None

    def test_no_session_begins_with_a_password_that_was_changed_meanwhile_or_in_a_closed_account(
        self, accounts: Accounts
    ) -> None:
        add(accounts)
        accounts.set_hash("sato", "other", NOTE)
        note = Note("signed_in", {})

        assert not accounts.open_session("a", "sato", "hash", NOON, note)
        assert accounts.open_session("b", "sato", "other", NOON, note)
        accounts.change("sato", lambda account: replace(account, disabled=True), NOTE)
        assert not accounts.open_session("c", "sato", "other", NOON, note)

        assert [accounts.session(each) for each in "abc"] == [None, None, None]
        assert [each.kind for each in accounts.notes(10)].count("signed_in") == 1

    def test_sessions_that_are_over_are_forgotten(self, accounts: Accounts) -> None:
        add(accounts)
        for digest, started, seen in (("old", 0, 100), ("idle", 50, 60), ("busy", 50, 100)):
            accounts.open_session(digest, "sato", "hash", NOON + timedelta(minutes=started), Note("signed_in", {}))
            accounts.touch(digest, NOON + timedelta(minutes=seen))

        accounts.forget_sessions(NOON, NOON + timedelta(minutes=60))

        assert accounts.session("old") is None
        assert accounts.session("idle") is None
        busy = accounts.session("busy")
        assert busy is not None
        assert busy.seen_at == NOON + timedelta(minutes=100)

    def test_a_new_hash_of_the_same_password_replaces_only_the_old_one(self, accounts: Accounts) -> None:
        add(accounts)
        accounts.open_session("a", "sato", "hash", NOON, Note("signed_in", {}))

        assert not accounts.rehash("sato", "not this", "new")
        assert accounts.hashed("sato") == "hash"
        assert accounts.rehash("sato", "hash", "new")

        assert accounts.hashed("sato") == "new"
        assert accounts.session("a") is not None

    def test_command_line_and_running_vault_change_one_account_and_lose_nothing(self, opened: Opened) -> None:
        one, other = opened(), opened()
        add(one, replace(SATO, acknowledged={}))

        def also(store: str) -> Change:
            return lambda account: replace(account, acknowledged={**account.acknowledged, StoreId(store): "1"})

        def read(accounts: Accounts, store: str) -> None:
            for number in range(10):
                accounts.change("sato", also(f"{store}{number}"), NOTE)

        threads = [
            threading.Thread(target=read, args=(accounts, name)) for accounts, name in ((one, "a"), (other, "b"))
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        after = one.account("sato")
        assert after is not None
        assert len(after.acknowledged) == 20
        assert len(one.notes(100)) == 21
        one.close()
        other.close()
