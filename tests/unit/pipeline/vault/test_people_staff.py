"""A manager's own staff: what managers do about accounts, and what is not theirs to do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.errors import Refused
from pipeline.governance.accounts import changed
from pipeline.governance.passwords import WeakPassword
from pipeline.governance.people import Account, Grant, Suspended
from pipeline.governance.roles import ALL, Role
from pipeline.vault.api import Person, SignedOut
from pipeline.vault.keeping import Unreadable
from pipeline.vault.people_api import NewAccount, Pledged, Recorded
from tests.unit.pipeline.vault.building import NOON
from tests.unit.pipeline.vault.staffing import EVERYBODY, GINZA, OWN, PASSWORD, SHIBUYA, YEAR, Town, somebody

NEW = SecretStr("another five of them words")
PLEDGED = Pledged(signed_on=date(2026, 11, 23), until=NOON + 2 * YEAR)
UNTIL = NOON + 2 * YEAR


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    town.settle(
        *EVERYBODY,
        somebody("both", Grant(Role.STAFF, frozenset({GINZA, SHIBUYA}))),
        somebody("chief", Grant(Role.MANAGER, ALL)),
        somebody("other", Grant(Role.MANAGER, OWN)),
    )
    yield town
    town.close()


def _asked(**more: Any) -> NewAccount:
    said = {
        "name": "kato",
        "display_name": "Kato",
        "stores": (GINZA,),
        "password": NEW,
        "training_until": NOON + YEAR,
        "pledged_on": date(2026, 11, 20),
        "pledge_until": NOON + YEAR,
    }
    return NewAccount.model_validate(said | more)


def _who(town: Town, name: str) -> Person:
    account = town.accounts.account(name)
    assert account is not None
    return town.people.shown(account, NOON)


def _account(town: Town, name: str) -> Account:
    account = town.accounts.account(name)
    assert account is not None
    return account


async def test_a_manager_makes_an_account_and_its_owner_signs_in(town: Town) -> None:
    made = await town.staff.add(_who(town, "sato"), _asked(), NOON)

    assert made.grants == ((await town.people.sign_in("kato", NEW, NOON)).person.grants)
    assert [(grant.role, grant.stores) for grant in made.grants] == [(Role.STAFF, (GINZA,))]
    assert made.suspended == ("rules_not_acknowledged",)
    assert town.accounts.notes(100)[-2].body["by"] == "sato"


@pytest.mark.parametrize("name", ["suzuki", "tanaka", "mori", "abe"])
async def test_r17_nobody_but_a_manager_touches_accounts(town: Town, name: str) -> None:
    by, before = _who(town, name), town.accounts.accounts()

    with pytest.raises(Refused, match="may not accounts"):
        town.staff.of(by, NOON)
    with pytest.raises(Refused, match="may not accounts"):
        await town.staff.add(by, _asked(), NOON)
    for change in _changes(town, by, "both"):
        with pytest.raises(Refused, match="may not accounts"):
            change()
    with pytest.raises(Refused, match="may not accounts"):
        await town.staff.set_password(by, "both", NEW, NOON)
    assert town.accounts.accounts() == before


def _changes(town: Town, by: Person, name: str) -> list[Any]:
    return [
        lambda: town.staff.set_stores(by, name, frozenset({GINZA}), NOON),
        lambda: town.staff.record(by, name, Recorded(training_until=UNTIL), NOON),
        lambda: town.staff.record(by, name, Recorded(pledged=PLEDGED), NOON),
        lambda: town.staff.set_disabled(by, name, NOON, disabled=True),
    ]


async def test_r14_nobody_records_their_own_training_or_pledge(town: Town) -> None:
    for name in ("sato", "chief"):
        by = _who(town, name)
        for change in _changes(town, by, name):
            with pytest.raises(Refused, match="nobody changes their own account"):
                change()
    town.staff.record(_who(town, "other"), "sato", Recorded(training_until=UNTIL), NOON)
    town.staff.record(_who(town, "other"), "sato", Recorded(pledged=PLEDGED), NOON)

    sato = _account(town, "sato")
    assert (sato.training_until, sato.pledged_on, sato.pledge_until) == (UNTIL, PLEDGED.signed_on, PLEDGED.until)


async def test_r14_training_and_pledge_are_taken_down_both_or_neither(town: Town) -> None:
    by, before = _who(town, "sato"), _account(town, "tanaka")
    far = PLEDGED.model_copy(update={"signed_on": date(1, 1, 1)})

    with pytest.raises(Unreadable):
        town.staff.record(by, "tanaka", Recorded(training_until=UNTIL, pledged=far), NOON)
    assert _account(town, "tanaka") == before

    town.staff.record(by, "tanaka", Recorded(training_until=UNTIL, pledged=PLEDGED), NOON)
    after = _account(town, "tanaka")
    assert (after.training_until, after.pledge_until) == (UNTIL, PLEDGED.until)
    told = [note.body["change"] for note in town.accounts.notes(100)]
    assert (told.count("trained"), told.count("pledged")) == (1, 1)


@pytest.mark.parametrize("field", ["training_until", "pledge_until"])
async def test_r14_no_training_or_pledge_ends_beyond_ten_years(town: Town, field: str) -> None:
    with pytest.raises(Unreadable):
        await town.staff.add(_who(town, "sato"), _asked(**{field: NOON + 11 * YEAR}), NOON)


async def test_another_stores_people_are_nobody_of_theirs(town: Town) -> None:
    by = _who(town, "sato")

    assert "ito" not in {person.name for person in town.staff.of(by, NOON)}
    for change in _changes(town, by, "ito"):
        with pytest.raises(Refused, match="nobody of sato's stores"):
            change()
    with pytest.raises(Refused, match="in shibuya"):
        await town.staff.add(by, _asked(stores=(GINZA, SHIBUYA)), NOON)
    with pytest.raises(Refused, match="in shibuya"):
        town.staff.set_stores(by, "tanaka", frozenset({SHIBUYA}), NOON)


async def test_those_who_are_more_than_ones_own_staff_are_not_closed_nor_given_a_password(town: Town) -> None:
    by = _who(town, "sato")

    for name in ("suzuki", "other", "chief", "mori", "both"):
        with pytest.raises(Refused, match="more than staff"):
            town.staff.set_disabled(by, name, NOON, disabled=True)
        with pytest.raises(Refused, match="more than staff"):
            await town.staff.set_password(by, name, NEW, NOON)


async def test_a_manager_closes_and_opens_an_account_and_gives_another_password(town: Town) -> None:
    by = _who(town, "sato")
    token = (await town.people.sign_in("tanaka", PASSWORD, NOON)).token

    town.staff.set_disabled(by, "tanaka", NOON, disabled=True)
    with pytest.raises(SignedOut):
        town.people.person(token, NOON)
    with pytest.raises(Suspended):
        await town.people.sign_in("tanaka", PASSWORD, NOON)
    town.staff.set_disabled(by, "tanaka", NOON, disabled=False)
    with pytest.raises(WeakPassword):
        await town.staff.set_password(by, "tanaka", SecretStr("tanaka-tanaka"), NOON)
    await town.staff.set_password(by, "tanaka", NEW, NOON)

    assert (await town.people.sign_in("tanaka", NEW, NOON)).person.name == "tanaka"
    with pytest.raises(SignedOut):
        await town.people.sign_in("tanaka", PASSWORD, NOON)


def test_a_manager_says_where_somebody_is_staff_in_their_own_stores_alone(town: Town) -> None:
    by = _who(town, "sato")

    town.staff.set_stores(by, "both", frozenset(), NOON)
    assert _account(town, "both").grants == (Grant(Role.STAFF, frozenset({SHIBUYA})),)
    with pytest.raises(Refused, match="nobody of sato's"):
        town.staff.set_stores(by, "both", frozenset({GINZA}), NOON)
    town.staff.set_stores(_who(town, "chief"), "both", frozenset({GINZA, SHIBUYA}), NOON)
    assert _account(town, "both").grants == (Grant(Role.STAFF, frozenset({GINZA, SHIBUYA})),)
    town.staff.set_stores(by, "suzuki", frozenset({GINZA}), NOON)
    assert {grant.role for grant in _account(town, "suzuki").grants} == {Role.DEPUTY, Role.STAFF}


def test_staff_of_every_store_are_not_cut_down_by_one_manager(town: Town) -> None:
    town.settle(somebody("everywhere", Grant(Role.STAFF, ALL)))

    with pytest.raises(Refused, match="more than staff"):
        town.staff.set_stores(_who(town, "sato"), "everywhere", frozenset({GINZA}), NOON)
    town.staff.set_stores(_who(town, "chief"), "everywhere", frozenset({GINZA}), NOON)

    assert _account(town, "everywhere").grants == (Grant(Role.STAFF, OWN),)


@pytest.mark.parametrize(
    "lacking", [{"training_until": NOON}, {"pledge_until": NOON}, {"pledged_on": date(2026, 11, 26)}]
)
async def test_r14_nobody_becomes_staff_without_training_and_pledge(town: Town, lacking: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="first needs"):
        await town.staff.add(_who(town, "sato"), _asked(**lacking), NOON)

    town.accounts.change("tanaka", lambda each: replace(each, **lacking), changed("tanaka", by="x", what="trained"))
    with pytest.raises(Refused, match="first needs"):
        town.staff.set_stores(_who(town, "sato"), "tanaka", frozenset({GINZA}), NOON)
    town.staff.set_stores(_who(town, "sato"), "tanaka", frozenset(), NOON)


@pytest.mark.parametrize(("name", "said"), [("sato", "already"), ("console", "no name"), ("device-x", "no name")])
async def test_a_name_is_one_persons_and_nothing_elses(town: Town, name: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        await town.staff.add(_who(town, "sato"), _asked(name=name), NOON)


async def test_who_was_a_manager_a_moment_ago_is_none_any_more(town: Town) -> None:
    by = _who(town, "sato")
    town.accounts.change(
        "sato",
        lambda each: replace(each, grants=(Grant(Role.STAFF, OWN),)),
        changed("sato", by="x", what="revoked"),
    )

    with pytest.raises(Refused, match="may not accounts"):
        await town.staff.add(by, _asked(), NOON)
    for change in _changes(town, by, "tanaka"):
        with pytest.raises(Refused, match="may not accounts"):
            change()


def test_a_manager_sees_who_has_anything_to_do_with_their_stores(town: Town) -> None:
    seen = {person.name for person in town.staff.of(_who(town, "sato"), NOON + timedelta(seconds=1))}

    assert seen == {"sato", "suzuki", "tanaka", "mori", "abe", "both", "chief", "other"}
