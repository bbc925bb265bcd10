"""Signing in and accounts over HTTP, without a socket: through the console, and with a session."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from pipeline.clock import ManualClock
from pipeline.errors import Refused
from pipeline.governance.people import Suspended, Suspension
from pipeline.governance.throttle import FREE, Wait
from pipeline.vault.access import Principal, Role, WrongRole
from pipeline.vault.api import SESSION, SignedOut
from pipeline.vault.client import VaultClient
from pipeline.vault.guard import Guard
from pipeline.vault.ledger import Entry, Kind
from pipeline.vault.people import IDLE, LONGEST
from pipeline.vault.people_api import (
    AccountChange,
    Disabled,
    NewAccount,
    NewPassword,
    OwnPassword,
    Pledged,
    Recorded,
    StaffStores,
)
from pipeline.vault.receipts import messages_of
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tokens import issue
from schemas.audit import AccessRecord
from tests.unit.pipeline.vault.building import DEVICE, NOON, Parts, in_memory
from tests.unit.pipeline.vault.staffing import EVERYBODY, GINZA, PASSWORD, SHIBUYA, YEAR, Town

WORDS = PASSWORD.get_secret_value()
NEW = SecretStr("another five of them words")
STAGES = ("detecting", "recording", "cutting", "erasing", "console")
PLEDGED = Pledged(signed_on=NOON.date(), until=NOON + YEAR)


@dataclass
class House:
    """A vault with accounts, and clients of everybody who has a token."""

    town: Town
    parts: Parts
    keeper: Keeper
    clock: ManualClock
    clients: dict[str, VaultClient]
    transport: httpx.ASGITransport

    @property
    def console(self) -> VaultClient:
        return self.clients["console"]

    async def session(self, name: str) -> str:
        return (await self.console.sign_in(name, WORDS)).token

    def told(self, kind: Kind) -> list[Entry]:
        self.keeper.tick()
        return [entry for entry in self.parts.ledger.entries(0, 1000) if entry.kind is kind]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    town, parts, clock = Town(tmp_path), in_memory(tmp_path), ManualClock(NOON)
    town.settle(*EVERYBODY)
    keeper = Keeper(parts.vault(), parts.ledger, Guard(clock, None), b"public", people=town.people)
    principals = [DEVICE, *(Principal(name=name, role=Role(name)) for name in STAGES)]
    transport = httpx.ASGITransport(app_of(keeper, issue(tmp_path, principals), town.staff))
    clients = {
        each.name: VaultClient("http://vault", (tmp_path / "tokens" / each.name).read_text(), transport)
        for each in principals
    }
    yield House(town, parts, keeper, clock, clients, transport)
    for client in clients.values():
        await client.close()
    town.close()


async def test_somebody_signs_in_is_known_and_signs_out(house: House) -> None:
    signed = await house.console.sign_in("sato", WORDS)

    assert signed.ends_at == NOON + LONGEST
    assert await house.console.me(session=signed.token) == signed.person
    await house.console.sign_out(session=signed.token)
    with pytest.raises(SignedOut):
        await house.console.me(session=signed.token)
    await house.console.sign_out(session=signed.token)


async def test_r18_the_ledger_holds_who_signed_in_and_counts_who_could_not(house: House) -> None:
    await house.session("sato")
    for name in ("sato", "sato", WORDS):
        with pytest.raises(SignedOut):
            await house.console.sign_in(name, "wrong words of mine")

    (signed,) = house.told(Kind.SIGNED_IN)
    refused = house.told(Kind.REFUSED)
    assert signed.body == {"person": "sato"}
    assert [(each.body["principal"], each.body.get("times", 1)) for each in refused] == [("sato", 2), ("nobody", 1)]
    assert "words" not in str(house.parts.ledger.entries(0, 1000))
    assert len(messages_of(refused)) == 2


async def test_r18_who_signed_in_and_whose_account_was_changed_is_published(house: House) -> None:
    session = await house.session("sato")
    await house.console.change_account("tanaka", Disabled(disabled=True), session=session)
    house.keeper.tick()

    records = [each for each in messages_of(house.parts.ledger.entries(0, 1000)) if isinstance(each, AccessRecord)]

    said = [(each.principal, each.action, each.granted, each.reason) for each in records[-2:]]
    assert said == [("sato", "sign_in", True, ""), ("sato", "accounts", True, "disabled: tanaka")]


@pytest.mark.parametrize("name", ["device-ginza-pc", "detecting", "recording", "cutting", "erasing"])
async def test_r17_only_the_console_acts_for_people_whatever_session_others_hold(house: House, name: str) -> None:
    session, client = await house.session("sato"), house.clients[name]

    with pytest.raises(WrongRole):
        await client.sign_in("sato", WORDS)
    with pytest.raises(WrongRole):
        await client.me(session=session)
    with pytest.raises(WrongRole):
        await client.matrix(session=session)
    with pytest.raises(WrongRole):
        await client.accounts(session=session)
    with pytest.raises(WrongRole):
        await client.change_account("tanaka", Disabled(disabled=True), session=session)
    with pytest.raises(WrongRole):
        await client.sign_out(session=session)
    assert (await house.console.me(session=session)).name == "sato"


async def test_a_session_without_the_consoles_token_is_worth_nothing(house: House) -> None:
    session = await house.session("sato")

    async with httpx.AsyncClient(transport=house.transport, base_url="http://vault") as stranger:
        for headers in ({SESSION: session}, {SESSION: session, "Authorization": f"Bearer {session}"}):
            answer = await stranger.get("/v1/me", headers=headers)
            assert (answer.status_code, answer.json()["fault"]) == (401, "stranger")


async def test_the_consoles_token_without_a_session_acts_for_nobody(house: House) -> None:
    for session in ("", "guessed"):
        with pytest.raises(SignedOut):
            await house.console.me(session=session)
        with pytest.raises(SignedOut):
            await house.console.accounts(session=session)
        with pytest.raises(SignedOut):
            await house.console.acknowledge_rules("ginza-2", session=session)


async def test_guessing_is_told_to_wait_and_for_how_long(house: House) -> None:
    for _ in range(FREE):
        with pytest.raises(SignedOut):
            await house.console.sign_in("sato", "wrong words of mine")

    with pytest.raises(Wait) as told:
        await house.console.sign_in("sato", WORDS)
    assert told.value.seconds == 2
    house.clock.advance(timedelta(seconds=2))
    assert (await house.console.sign_in("sato", WORDS)).person.name == "sato"


async def test_an_answer_to_a_password_that_cannot_be_read_quotes_nothing(house: House) -> None:
    token = (house.town.folder / "tokens" / "console").read_text()
    async with httpx.AsyncClient(transport=house.transport, base_url="http://vault") as console:
        for password in ("hunter2" * 500, ["hunter2"], {"hunter2": 1}):
            asked = {"name": "sato", "password": password}
            answer = await console.post("/v1/sign-in", json=asked, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["fault"]) == (422, "unreadable")
            assert "hunter2" not in answer.text


async def test_r15_rules_are_acknowledged_through_the_console(house: House) -> None:
    session = await house.session("sato")

    person = await house.console.acknowledge_rules("ginza-2", session=session)

    assert person.acknowledged == {GINZA: "ginza-2", SHIBUYA: "shibuya-1"}
    with pytest.raises(Refused, match="version nine"):
        await house.console.acknowledge_rules("version nine", session=session)


async def test_r17_the_matrix_is_there_to_show(house: House) -> None:
    rows = (await house.console.matrix()).rows

    assert ("manager", "look") in {(row.role.value, row.action.value) for row in rows}


async def test_r17_a_session_lives_by_what_its_person_does_and_not_by_what_the_page_asks(house: House) -> None:
    polled, used = await house.session("sato"), await house.session("sato")
    for _ in range(70):
        house.clock.advance(timedelta(minutes=1))
        await house.console.here(session=used)
        if house.clock.now() < NOON + IDLE:
            await house.console.me(session=polled)
            await house.console.holds(session=polled)

    with pytest.raises(SignedOut):
        await house.console.me(session=polled)
    assert (await house.console.me(session=used)).name == "sato"


async def test_a_manager_makes_somebody_staff_and_takes_it_back(house: House) -> None:
    session = await house.session("sato")
    asked = NewAccount(
        name="kato",
        display_name="加藤",
        stores=(GINZA,),
        password=NEW,
        training_until=NOON + YEAR,
        pledged_on=NOON.date(),
        pledge_until=NOON + YEAR,
    )
    made = await house.console.add_account(asked, session=session)
    assert made in await house.console.accounts(session=session)
    changes: tuple[AccountChange, ...] = (
        Recorded(training_until=NOON + 2 * YEAR, pledged=PLEDGED),
        Disabled(disabled=True),
    )
    for change in changes:
        made = await house.console.change_account("kato", change, session=session)
    assert made.training_until == NOON + 2 * YEAR
    with pytest.raises(Suspended) as told:
        await house.console.sign_in("kato", NEW.get_secret_value())
    assert told.value.reasons == (Suspension.DISABLED,)

    await house.console.change_account("kato", Disabled(disabled=False), session=session)
    await house.console.reset_password("kato", NewPassword(password=PASSWORD), session=session)
    own = await house.session("kato")
    await house.console.change_password(OwnPassword(old=PASSWORD, password=NEW), session=own)
    with pytest.raises(SignedOut):
        await house.console.me(session=own)
    taken = await house.console.change_account("kato", StaffStores(stores=()), session=session)

    assert taken.grants == ()
    told_changes = [entry.body for entry in house.told(Kind.ACCOUNT_CHANGED) if entry.body["person"] == "kato"]
    assert [(body["change"], body["by"]) for body in told_changes] == [
        ("added", "sato"),
        ("trained", "sato"),
        ("pledged", "sato"),
        ("disabled", "sato"),
        ("enabled", "sato"),
        ("password", "sato"),
        ("password", "kato"),
        ("granted", "sato"),
    ]
    assert "words" not in str(told_changes)


async def test_r17_a_refused_change_of_accounts_is_in_the_ledger(house: House) -> None:
    session = await house.session("suzuki")
    for ask in (
        lambda: house.console.accounts(session=session),
        lambda: house.console.change_account("tanaka", Disabled(disabled=True), session=session),
    ):
        with pytest.raises(Refused, match="may not accounts"):
            await ask()

    bodies = [entry.body for entry in house.told(Kind.REFUSED)]
    assert {(body["principal"], body["action"]) for body in bodies} == {("suzuki", "accounts")}
    assert not house.town.accounts.account("tanaka").disabled  # type: ignore[union-attr] # it is there


async def test_a_session_ends_by_itself_over_http_too(house: House) -> None:
    session = await house.session("sato")
    house.clock.advance(timedelta(minutes=31))

    with pytest.raises(SignedOut):
        await house.console.me(session=session)


async def test_r08_no_route_finds_a_person_in_pictures_or_makes_a_role(house: House) -> None:
    async with httpx.AsyncClient(transport=house.transport, base_url="http://vault") as anybody:
        paths = set((await anybody.get("/openapi.json")).json()["paths"])

    people = {path for path in paths if "account" in path or path in {"/v1/me", "/v1/sign-in", "/v1/sign-out"}}
    assert people == {
        "/v1/me",
        "/v1/sign-in",
        "/v1/sign-out",
        "/v1/accounts",
        "/v1/accounts/{name}/stores",
        "/v1/accounts/{name}/dates",
        "/v1/accounts/{name}/disabled",
        "/v1/accounts/{name}/password",
    }
    assert not [path for path in paths if "search" in path or "face" in path or "role" in path or "purpose" in path]
