"""Accounts as values: what suspends them, what they have to read, and who may be given what."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Refused
from pipeline.governance import people
from pipeline.governance.people import Account, Grant, Rules, Suspended, Suspension
from pipeline.governance.roles import ALL, IDENTIFYING, PEOPLE, SERVICES, Action, Role, Stores, may
from schemas.envelope import Purpose
from schemas.ids import StoreId

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND, YEAR = timedelta(seconds=1), timedelta(days=365)
GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")
OWN: Final[Stores] = frozenset({GINZA})
BOTH: Final = frozenset({Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW})
RULES: Final = {GINZA: Rules("2", BOTH), SHIBUYA: Rules("1", BOTH)}
SATO: Final = Account(
    "sato",
    "Sato",
    (Grant(Role.MANAGER, OWN),),
    training_until=NOON + YEAR,
    pledged_on=date(2026, 11, 20),
    pledge_until=NOON + YEAR,
    acknowledged={GINZA: "2"},
)


def _lacking(account: Account, now: datetime = NOON) -> tuple[Suspension, ...]:
    return people.suspensions(account, RULES, now)


def _required(account: Account, action: Action, store: StoreId | None = GINZA, now: datetime = NOON) -> None:
    purpose = Purpose.CRIME_PREVENTION if action is Action.LOOK else None
    people.require(account, action, store, purpose, rules=RULES, now=now)


def test_nothing_suspends_somebody_with_everything_in_order() -> None:
    assert _lacking(SATO) == ()
    for action in IDENTIFYING:
        _required(SATO, action)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(SATO, training_until=None), Suspension.TRAINING_EXPIRED),
        (replace(SATO, training_until=NOON), Suspension.TRAINING_EXPIRED),
        (replace(SATO, pledged_on=None), Suspension.PLEDGE_MISSING),
        (replace(SATO, pledged_on=date(2026, 11, 25)), Suspension.PLEDGE_MISSING),
        (replace(SATO, pledge_until=None), Suspension.PLEDGE_MISSING),
        (replace(SATO, pledge_until=NOON), Suspension.PLEDGE_MISSING),
        (replace(SATO, acknowledged={}), Suspension.RULES_NOT_ACKNOWLEDGED),
        (replace(SATO, acknowledged={GINZA: "1", SHIBUYA: "2"}), Suspension.RULES_NOT_ACKNOWLEDGED),
        (replace(SATO, disabled=True), Suspension.DISABLED),
    ],
)
def test_r14_r15_each_of_them_suspends_what_shows_people_by_itself(changed: Account, reason: Suspension) -> None:
    assert _lacking(changed) == (reason,)
    for action in IDENTIFYING:
        with pytest.raises(Suspended) as told:
            _required(changed, action)
        assert told.value.reasons == (reason,)


@pytest.mark.parametrize("action", [Action.ALERTS, Action.CAMERAS, Action.ERASE, Action.HOLDS, Action.ACCOUNTS])
def test_r23_what_shows_nobody_goes_on_without_training(action: Action) -> None:
    _required(replace(SATO, training_until=None, pledged_on=None, acknowledged={}), action)


@pytest.mark.parametrize("action", Action)
def test_a_closed_account_may_nothing_at_all(action: Action) -> None:
    with pytest.raises(Suspended) as told:
        _required(replace(SATO, disabled=True), action)
    assert told.value.reasons == (Suspension.DISABLED,)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ON_CALL])
def test_who_never_sees_people_needs_no_training(role: Role) -> None:
    account = Account("mori", "Mori", (Grant(role, ALL),))

    assert _lacking(account) == ()
    assert _lacking(replace(account, disabled=True)) == (Suspension.DISABLED,)
    _required(account, Action.HOLDS)


def test_r15_rules_of_a_store_that_one_has_not_read_do_not_suspend_in_another() -> None:
    both = replace(SATO, grants=(Grant(Role.MANAGER, ALL),))

    assert people.to_acknowledge(both, RULES) == ("1",)
    _required(both, Action.LOOK, GINZA)
    with pytest.raises(Suspended):
        _required(both, Action.LOOK, SHIBUYA)


def test_r15_reading_a_version_counts_for_every_store_of_theirs_that_has_it() -> None:
    rules = {GINZA: Rules("3", BOTH), SHIBUYA: Rules("3", BOTH)}
    both = replace(SATO, grants=(Grant(Role.MANAGER, ALL),))

    assert people.acknowledged(both, rules, "3") == {GINZA: "3", SHIBUYA: "3"}
    assert people.acknowledged(SATO, rules, "3") == {GINZA: "3"}
    with pytest.raises(Refused, match="version 2"):
        people.acknowledged(SATO, rules, "2")


@pytest.mark.parametrize("store", [SHIBUYA, None, StoreId("nowhere")])
def test_r17_another_store_is_refused_and_so_is_every_store_at_once(store: StoreId | None) -> None:
    with pytest.raises(Refused, match="may not look"):
        _required(SATO, Action.LOOK, store)


def test_r05_a_purpose_that_the_stores_rules_do_not_name_is_refused() -> None:
    rules = {GINZA: Rules("2", frozenset({Purpose.CRIME_PREVENTION}))}

    with pytest.raises(Refused, match="purpose_incompatible"):
        people.require(SATO, Action.FLOW, GINZA, Purpose.PEOPLE_FLOW, rules=rules, now=NOON)
    people.require(SATO, Action.LOOK, GINZA, Purpose.CRIME_PREVENTION, rules=rules, now=NOON)
    everywhere = replace(SATO, grants=(Grant(Role.MANAGER, ALL),))
    with pytest.raises(Refused, match="purpose_incompatible"):
        people.require(everywhere, Action.LOOK, StoreId("new"), Purpose.CRIME_PREVENTION, rules=rules, now=NOON)


@pytest.mark.parametrize("role", [Role.STAFF, Role.DEPUTY, Role.MANAGER])
@pytest.mark.parametrize("lacking", [{"training_until": None}, {"pledged_on": None}, {"pledge_until": NOON}])
def test_r14_a_role_that_sees_people_is_not_even_given_without_training_and_pledge(
    role: Role, lacking: dict[str, None]
) -> None:
    with pytest.raises(Refused, match="first needs"):
        people.require_grant(Account(**{**vars(SATO), **lacking}), role, NOON)
    people.require_grant(SATO, role, NOON)


@pytest.mark.parametrize("role", sorted(SERVICES))
def test_nobody_is_given_the_role_of_a_part_of_the_system(role: Role) -> None:
    with pytest.raises(Refused, match="no person's role"):
        people.require_grant(SATO, role, NOON)


@pytest.mark.parametrize("name", ["console", "cutting", "device-ginza", "Sato", "佐藤", "", "a" * 64, "a b", "../x"])
def test_nobody_is_called_like_a_part_of_the_system_or_like_no_name(name: str) -> None:
    assert not people.valid_name(name)
    assert people.valid_name("sato.h-2")


@pytest.mark.parametrize("role", sorted(PEOPLE))
@pytest.mark.parametrize("action", Action)
def test_r17_at_use_somebody_in_order_may_what_the_table_says_and_nothing_more(role: Role, action: Action) -> None:
    account = replace(SATO, grants=(Grant(role, OWN),))
    for store, purpose, released in product([GINZA, SHIBUYA, None], [None, *Purpose], [False, True]):
        said = may(role, action, stores=OWN, store=store, purpose=purpose, released=released)
        try:
            people.require(account, action, store, purpose, rules=RULES, now=NOON, released=released)
        except Refused:
            done = False
        else:
            done = True
        assert done is said


GRANTS = st.lists(
    st.builds(
        Grant,
        st.sampled_from(sorted(PEOPLE)),
        st.one_of(st.just(ALL), st.frozensets(st.sampled_from([GINZA, SHIBUYA]))),
    ),
    max_size=6,
)


@given(GRANTS, st.sampled_from(Action), st.sampled_from([GINZA, SHIBUYA, None]), st.booleans())
def test_r17_putting_grants_together_gives_nobody_more_or_less(
    grants: list[Grant], action: Action, store: StoreId | None, released: bool
) -> None:
    whole = people.replace_grants(SATO, grants)
    parts = [replace(SATO, grants=(grant,)) for grant in grants]

    for purpose in (None, *Purpose):
        assert people.may(whole, action, store, purpose, released=released) == any(
            people.may(part, action, store, purpose, released=released) for part in parts
        )
    assert len({grant.role for grant in whole.grants}) == len(whole.grants)


@given(st.timedeltas(-2 * YEAR, 2 * YEAR), st.timedeltas(-2 * YEAR, 2 * YEAR))
def test_r14_time_alone_suspends_and_nothing_but_a_record_lifts_it(training: timedelta, pledge: timedelta) -> None:
    account = replace(SATO, training_until=NOON + training, pledge_until=NOON + pledge)
    ends = min(NOON + training, NOON + pledge)
    from_the_pledge_on = datetime(2026, 11, 20, tzinfo=UTC)

    if ends > from_the_pledge_on:
        assert _lacking(account, ends - timedelta(microseconds=1)) == ()
    for after in (timedelta(0), SECOND, YEAR, 10 * YEAR):
        assert _lacking(account, ends + after) != ()
