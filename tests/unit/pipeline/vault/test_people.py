"""Who is signed in, for how long, and what they may at that moment."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from pipeline.errors import Refused, Unavailable
from pipeline.governance.accounts import changed
from pipeline.governance.passwords import AT_ONCE, Hashing, Passwords, WeakPassword
from pipeline.governance.people import Suspended, Suspension
from pipeline.governance.roles import ALL, Action
from pipeline.governance.throttle import FREE, Wait
from pipeline.vault.api import Person, SignedOut
from pipeline.vault.ledger import Kind, MemoryLedger
from pipeline.vault.people import IDLE, LONGEST, People
from tests.unit.pipeline.vault.building import NOON
from tests.unit.pipeline.vault.staffing import (
    CHEAP,
    EVERYBODY,
    GINZA,
    OWN,
    PASSWORD,
    PICTURES,
    RULES,
    SHIBUYA,
    Town,
    hashing,
)

SECOND = timedelta(seconds=1)
WRONG = SecretStr("four loud words there")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    town.settle(*EVERYBODY)
    yield town
    town.close()


async def _in(town: Town, name: str) -> tuple[str, Person]:
    signed = await town.people.sign_in(name, PASSWORD, NOON)
    return signed.token, signed.person


async def test_somebody_signs_in_and_is_known_by_the_token(town: Town) -> None:
    signed = await town.people.sign_in("sato", PASSWORD, NOON)

    assert signed.ends_at == NOON + LONGEST
    assert town.people.person(signed.token, NOON) == signed.person
    assert signed.person.name == "sato"
    assert signed.person.grants[0].stores == (GINZA,)
    assert signed.person.suspended == ()


@pytest.mark.parametrize("typed", ["SATO", " sato ", "ｓａｔｏ"])
async def test_a_name_is_read_as_people_type_it(town: Town, typed: str) -> None:
    assert (await town.people.sign_in(typed, PASSWORD, NOON)).person.name == "sato"


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer_for_the_same_work(town: Town) -> None:
    worked: list[str] = []
    verify = CHEAP.verify

    def counted(hashed: str, password: str) -> bool:
        worked.append(hashed.rpartition("$")[0].rpartition("$")[0])
        return verify(hashed, password)

    answers = []
    with patch.object(type(CHEAP), "verify", lambda _, hashed, password: counted(hashed, password)):
        for name, password in (("sato", WRONG), ("nobody", WRONG), ("nobody", PASSWORD)):
            with pytest.raises(SignedOut) as refused:
                await town.people.sign_in(name, password, NOON)
            answers.append(str(refused.value))

    assert len(set(answers)) == 1
    assert len(worked) == 3
    assert len(set(worked)) == 1


async def test_guessing_waits_longer_and_longer_for_known_and_unknown_names_alike(town: Town) -> None:
    for name in ("sato", "nobody"):
        for _ in range(FREE):
            with pytest.raises(SignedOut):
                await town.people.sign_in(name, WRONG, NOON)
        with pytest.raises(Wait) as told:
            await town.people.sign_in(name, PASSWORD, NOON)
        assert told.value.seconds == 2


async def test_attempts_at_once_do_not_slip_through_together(town: Town) -> None:
    tries = [town.people.sign_in("sato", WRONG, NOON) for _ in range(AT_ONCE)]

    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(isinstance(each, SignedOut) for each in answers) == FREE
    assert sum(isinstance(each, Wait) for each in answers) == AT_ONCE - FREE


async def test_too_many_people_at_once_are_sent_away(town: Town) -> None:
    tries = [town.people.sign_in(f"name{number}", WRONG, NOON) for number in range(AT_ONCE + 4)]

    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(isinstance(each, Unavailable) for each in answers) == 4


async def test_the_right_password_forgets_mistakes(town: Town) -> None:
    for _ in range(3 * FREE):
        with pytest.raises(SignedOut):
            await town.people.sign_in("sato", WRONG, NOON)
        await town.people.sign_in("sato", PASSWORD, NOON)


async def test_a_password_that_is_taken_away_while_it_is_checked_opens_nothing(town: Town) -> None:
    fits = town.hashing.fits

    async def meanwhile(hashed: str | None, password: SecretStr) -> bool:
        found = await fits(hashed, password)
        town.accounts.set_hash("sato", "another hash", changed("sato", by="x", what="password"))
        return found

    with patch.object(town.hashing, "fits", meanwhile), pytest.raises(SignedOut):
        await town.people.sign_in("sato", PASSWORD, NOON)


async def test_a_hash_of_yesterdays_work_is_made_anew_at_the_next_sign_in(town: Town) -> None:
    before = town.accounts.hashed("sato")
    people = People(town.accounts, RULES, Hashing(Passwords(PasswordHasher(2, 8, 1))))

    signed = await people.sign_in("sato", PASSWORD, NOON)

    assert town.accounts.hashed("sato") != before
    assert people.person(signed.token, NOON).name == "sato"
    assert (await people.sign_in("sato", PASSWORD, NOON)).person.name == "sato"


async def test_a_session_ends_when_it_is_idle(town: Town) -> None:
    token, _ = await _in(town, "sato")

    town.people.person(token, NOON + IDLE - SECOND)
    town.people.person(token, NOON + 2 * IDLE - 2 * SECOND)
    with pytest.raises(SignedOut):
        town.people.person(token, NOON + 3 * IDLE)


async def test_r17_what_a_page_asks_by_itself_keeps_no_session(town: Town) -> None:
    token, _ = await _in(town, "sato")

    for minute in range(30):
        town.people.person(token, NOON + timedelta(minutes=minute), acting=False)
    with pytest.raises(SignedOut):
        town.people.person(token, NOON + IDLE, acting=False)


async def test_a_session_ends_after_a_working_day_however_busy(town: Town) -> None:
    token, _ = await _in(town, "sato")

    for minutes in range(0, 8 * 60, 20):
        town.people.person(token, NOON + timedelta(minutes=minutes))
    with pytest.raises(SignedOut):
        town.people.person(token, NOON + LONGEST)


async def test_a_session_outlives_the_vaults_process(town: Town, tmp_path: Path) -> None:
    token, person = await _in(town, "sato")

    other = Town(tmp_path)

    assert other.people.person(token, NOON + SECOND) == person
    other.close()


async def test_signing_out_ends_the_session(town: Town) -> None:
    token, _ = await _in(town, "sato")

    town.people.sign_out(token)

    with pytest.raises(SignedOut):
        town.people.person(token, NOON)
    with pytest.raises(SignedOut):
        town.people.person(None, NOON)


async def test_only_a_tokens_hash_is_kept(town: Town) -> None:
    token, _ = await _in(town, "sato")

    content = b"".join(each.read_bytes() for each in town.folder.iterdir() if each.is_file())

    assert token.encode() not in content
    assert PASSWORD.get_secret_value().encode() not in content
    assert (town.folder / "accounts.db").stat().st_mode & 0o777 == 0o600


async def test_a_closed_account_is_out_at_once_and_says_so_to_its_owner_alone(town: Town) -> None:
    token, person = await _in(town, "sato")

    town.accounts.change(
        "sato", lambda account: replace(account, disabled=True), changed("sato", by="x", what="disabled")
    )

    with pytest.raises(SignedOut):
        town.people.person(token, NOON)
    with pytest.raises(Suspended) as told:
        await town.people.sign_in("sato", PASSWORD, NOON)
    assert told.value.reasons == (Suspension.DISABLED,)
    with pytest.raises(SignedOut):
        await town.people.sign_in("sato", WRONG, NOON)
    with pytest.raises(Suspended):
        town.people.require_person(person, Action.ALERTS, GINZA, None, NOON)


async def test_r14_training_and_pledge_that_run_out_suspend_by_themselves_at_use(town: Town) -> None:
    _, person = await _in(town, "sato")
    town.people.require_person(person, Action.LOOK, GINZA, PICTURES, NOON)

    later = NOON + timedelta(days=365)

    town.people.require_person(person, Action.LOOK, GINZA, PICTURES, later - SECOND)
    with pytest.raises(Suspended) as told:
        town.people.require_person(person, Action.LOOK, GINZA, PICTURES, later)
    assert told.value.reasons == (Suspension.TRAINING_EXPIRED, Suspension.PLEDGE_MISSING)
    town.people.require_person(person, Action.ALERTS, GINZA, None, later)


async def test_r15_new_rules_suspend_until_they_are_read(town: Town) -> None:
    rules = {**RULES, GINZA: RULES[GINZA]._replace(version="ginza-3")}
    people = People(town.accounts, rules, hashing())
    signed = await people.sign_in("sato", PASSWORD, NOON)
    assert signed.person.suspended == ("rules_not_acknowledged",)
    assert signed.person.to_acknowledge == ("ginza-3",)
    with pytest.raises(Suspended) as told:
        people.require_person(signed.person, Action.HOLD_PROPOSE, GINZA, None, NOON)
    assert told.value.reasons == (Suspension.RULES_NOT_ACKNOWLEDGED,)

    with pytest.raises(Refused, match="none of sato's stores"):
        people.acknowledge(signed.token, "shibuya-1", NOON)
    person = people.acknowledge(signed.token, "ginza-3", NOON)

    assert person.suspended == ()
    assert person.acknowledged[GINZA] == "ginza-3"
    people.require_person(person, Action.HOLD_PROPOSE, GINZA, None, NOON)


async def test_r16_staff_look_at_what_was_released_and_at_nothing_else(town: Town) -> None:
    _, tanaka = await _in(town, "tanaka")

    town.people.require_person(tanaka, Action.LOOK, GINZA, PICTURES, NOON, released=True)
    with pytest.raises(Refused, match="only what a manager has released"):
        town.people.require_person(tanaka, Action.LOOK, GINZA, PICTURES, NOON)
    with pytest.raises(Refused, match="may not look in shibuya"):
        town.people.require_person(tanaka, Action.LOOK, SHIBUYA, PICTURES, NOON, released=True)


async def test_r16_a_release_goes_to_staff_of_that_store_alone(town: Town) -> None:
    town.people.require_staff("tanaka", GINZA)

    for name in ("ito", "mori", "nobody"):
        with pytest.raises(Refused, match="not staff of ginza"):
            town.people.require_staff(name, GINZA)


async def test_r05_what_a_stores_rules_do_not_name_is_refused_whatever_the_role(town: Town) -> None:
    rules = {GINZA: RULES[GINZA]._replace(purposes=frozenset())}
    people = People(town.accounts, rules, hashing())
    _, person = await _in(town, "sato")

    with pytest.raises(Refused, match="purpose_incompatible"):
        people.require_person(person, Action.LOOK, GINZA, PICTURES, NOON)


async def test_where_somebody_may_do_something_filters_lists(town: Town) -> None:
    _, sato = await _in(town, "sato")
    _, mori = await _in(town, "mori")
    _, tanaka = await _in(town, "tanaka")

    assert town.people.stores(sato, Action.HOLDS) == OWN
    assert town.people.stores(mori, Action.HOLDS) is ALL
    assert town.people.stores(tanaka, Action.LOOK) == frozenset()
    assert town.people.stores(tanaka, Action.ALERTS) == OWN


async def test_a_changed_password_ends_all_sessions(town: Town) -> None:
    token, _ = await _in(town, "sato")
    new = SecretStr("another five of them words")
    with pytest.raises(SignedOut):
        await town.people.change_own_password(token, WRONG, new, NOON)
    with pytest.raises(WeakPassword):
        await town.people.change_own_password(token, PASSWORD, SecretStr("short"), NOON)

    await town.people.change_own_password(token, PASSWORD, new, NOON)

    with pytest.raises(SignedOut):
        town.people.person(token, NOON)
    assert (await town.people.sign_in("sato", new, NOON)).person.name == "sato"


async def test_the_ledger_hears_who_signed_in_once(town: Town) -> None:
    ledger = MemoryLedger(Ed25519PrivateKey.generate())
    town.people.tell(ledger, NOON)
    before = len(ledger)
    await _in(town, "sato")

    town.people.tell(ledger, NOON)
    town.people.tell(ledger, NOON)

    (entry,) = ledger.entries(before, 10)
    assert (entry.kind, entry.body) == (Kind.SIGNED_IN, {"person": "sato"})


async def test_what_the_ledger_could_not_hear_it_hears_later(town: Town) -> None:
    class Away(MemoryLedger):
        def append(self, *_: object) -> None:
            raise Unavailable("away")

    await _in(town, "sato")
    with pytest.raises(Unavailable):
        town.people.tell(Away(Ed25519PrivateKey.generate()), NOON)
    ledger = MemoryLedger(Ed25519PrivateKey.generate())

    town.people.tell(ledger, NOON)

    assert ledger.entries(len(ledger) - 1, 1)[0].kind is Kind.SIGNED_IN


async def test_a_password_is_in_no_log_exception_or_repr(
    town: Town, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for name, password in (("sato", WRONG), ("nobody", WRONG)):
        try:
            await town.people.sign_in(name, password, NOON)
        except SignedOut as error:
            told.append("".join(traceback.format_exception(error)) + repr(error))
    signed = await town.people.sign_in("sato", PASSWORD, NOON)
    said = [*told, caplog.text, *capsys.readouterr(), repr(signed.person), repr(town.people), repr(town.accounts)]

    assert not [each for each in said if "loud words" in each or "quiet words" in each or "argon2id" in each]


async def test_the_ledger_counts_who_could_not_sign_in_and_never_holds_what_was_typed_for_a_name(town: Town) -> None:
    ledger = MemoryLedger(Ed25519PrivateKey.generate())
    for name in ("sato", "sato", "my password, typed into the wrong field", "another one"):
        with pytest.raises(SignedOut):
            await town.people.sign_in(name, WRONG, NOON)

    town.people.tell(ledger, NOON)

    said = [entry.body for entry in ledger.entries(0, 100) if entry.kind is Kind.REFUSED]
    assert sorted((body["principal"], body["action"], body["times"]) for body in said) == [
        ("nobody", "sign_in", 2),
        ("sato", "sign_in", 2),
    ]
    assert "typed" not in str(said)


async def test_guesses_are_one_line_however_long_the_wait(town: Town) -> None:
    ledger = MemoryLedger(Ed25519PrivateKey.generate())
    for _ in range(FREE):
        with pytest.raises(SignedOut):
            await town.people.sign_in("sato", WRONG, NOON)
    for seconds in range(3):
        with pytest.raises(Wait):
            await town.people.sign_in("sato", WRONG, NOON + seconds * SECOND / 2)

    town.people.tell(ledger, NOON)

    waits = [each.body for each in ledger.entries(0, 100) if each.body.get("reason") == "too many attempts"]
    assert [body["times"] for body in waits] == [3]


async def test_a_disk_that_takes_nothing_keeps_nobody_from_being_known(town: Town) -> None:
    token, person = await _in(town, "sato")

    with patch.object(town.accounts, "touch", side_effect=Unavailable("full")):
        assert town.people.person(token, NOON + timedelta(minutes=5)) == person


async def test_r17_the_matrix_is_told_as_it_is(town: Town) -> None:
    rows = town.people.matrix().rows

    assert len(rows) == len({(row.role, row.action) for row in rows})
    (look,) = [row for row in rows if (row.role, row.action) == ("staff", Action.LOOK)]
    assert look.only_released
    assert look.purposes == (PICTURES,)
