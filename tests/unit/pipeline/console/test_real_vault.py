"""The console before a real vault, over its HTTP: what the twin in memory promises, the vault does."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import AsyncClient, Response

from pipeline import signing
from pipeline.clock import ManualClock
from pipeline.console.adapters import HttpVault
from pipeline.console.app import create
from pipeline.console.memory import MemoryBroker, MemoryObjects, MemoryWarehouse
from pipeline.console.sources import Sources
from pipeline.evidence import clip
from pipeline.flow.rows import alert_row
from pipeline.governance.accounts import changed
from pipeline.vault import verify
from pipeline.vault.access import Principal, Role
from pipeline.vault.api import HoldState, ObjectRequest, Stored
from pipeline.vault.checkpoints import CheckpointedLedger, Checkpoints
from pipeline.vault.client import VaultClient
from pipeline.vault.guard import Guard
from pipeline.vault.ledger import FileLedger, Kind
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tokens import issue
from schemas.evidence import EvidenceHeader
from schemas.ids import AlertId
from tests.unit.pipeline.console.house import (
    BASE,
    OURS,
    PASSWORD,
    alert,
    clip_frames,
    estate,
    jpeg,
    rules,
    sign_in,
)
from tests.unit.pipeline.vault.building import DOOR, NOON, Parts, in_memory, of_kind
from tests.unit.pipeline.vault.staffing import EVERYBODY, Town

KEY = Ed25519PrivateKey.generate()
ALERT = AlertId("alert-1")
WHY = {"purpose": 0, "reason": "Checking whether the shelf needs help"}
ERASE = {"reason": "Asked for by the person concerned", "sure": True}
SERVICES = (Role.CUTTING, Role.CONSOLE)


class Street:
    """A vault with its people, what cutting puts away, and a console before it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOON)
        self.objects = MemoryObjects()
        self.town = Town(folder)
        self.town.settle(*EVERYBODY)
        stood, made = in_memory(folder), folder / "checkpoints.jsonl"
        file = FileLedger(folder / "ledger.jsonl", KEY)
        parts = Parts(stood.table, stood.ring, CheckpointedLedger(file, Checkpoints(made, file, KEY)))
        self.ledger = parts.ledger
        self.keeper = Keeper(
            parts.vault(),
            parts.ledger,
            Guard(self.clock, None),
            signing.public_bytes(KEY),
            people=self.town.people,
            checkpoints=made,
        )
        tokens = issue(folder, [Principal(name=role, role=role) for role in SERVICES])
        self._transport = httpx.ASGITransport(app_of(self.keeper, tokens, self.town.staff))
        self._folder = folder
        people = self.client("console")
        warehouse = MemoryWarehouse([alert_row(alert(1, at=NOON, camera_id="door", zone_id=None))])
        sources = Sources(warehouse, MemoryBroker(), HttpVault(people), people, self.objects, rules())
        self.app = create(estate(), sources, self.clock)

    def client(self, name: str) -> VaultClient:
        return VaultClient("http://vault", (self._folder / "tokens" / name).read_text(), self._transport)

    async def cut(self) -> None:
        """Seal the clip of the alert, as cutting does."""
        cutting = self.client("cutting")
        asked = ObjectRequest(
            alert_id=ALERT, store_id=DOOR.store, camera_id=DOOR.camera, purpose=DOOR.purpose,
            start=NOON - timedelta(seconds=250), end=NOON,
        )  # fmt: skip
        key = await cutting.object_key(asked)
        header = EvidenceHeader(
            alert_id=ALERT, camera_id=key.camera_id, expires_at=key.expires_at, key_id=key.key_id,
            purpose=key.purpose, store_id=key.store_id,
        )  # fmt: skip
        frames = clip_frames(at=NOON)
        plaintext = clip.pack(ALERT, frames, [jpeg(number) for number in range(len(frames))])
        sealed = clip.seal(header, key.public, plaintext)
        self.objects.held[clip.name_of(key.store_id, key.camera_id, key.key_id)] = sealed
        await cutting.object_stored(key.key_id, Stored(sha256="0" * 64, size=len(sealed)))


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    street = Street(tmp_path)
    await street.cut()
    yield street
    street.town.close()


@pytest.fixture
async def client(street: Street) -> AsyncIterator[AsyncClient]:
    transport = httpx.ASGITransport(street.app)
    async with street.app.router.lifespan_context(street.app), AsyncClient(transport=transport, base_url=BASE) as found:
        await sign_in(found, "sato")
        yield found


async def post(client: AsyncClient, path: str, body: object = None) -> Response:
    return await client.post(path, params={"lang": "en"}, json={} if body is None else body, headers=OURS)


async def test_a_manager_signs_in_looks_and_signs_out(client: AsyncClient, street: Street) -> None:
    known = (await client.get(f"/api/alerts/{ALERT}/evidence")).json()
    found = (await post(client, f"/api/alerts/{ALERT}/look", WHY)).json()
    pictures = [(await client.get(frame["address"])).content for frame in found["frames"]]
    (said,) = of_kind(street.ledger, Kind.LOOK)
    token = client.cookies["mimamori"]
    await post(client, "/api/sign-out")
    client.cookies.set("mimamori", token)

    assert known["state"] == "ready"
    assert pictures == [jpeg(number) for number in range(3)]
    assert (said.body["person"], said.body["reason"]) == ("sato", WHY["reason"])
    assert (await client.get("/api/me")).status_code == 401


async def test_r14_training_that_has_run_out_is_said_in_words(client: AsyncClient, street: Street) -> None:
    note = changed("sato", by="test", what="trained")
    street.town.accounts.change("sato", lambda account: replace(account, training_until=NOON), note)
    answer = await post(client, f"/api/alerts/{ALERT}/look", WHY)

    assert (answer.status_code, answer.json()["why"]) == (403, "Your training is not in force.")
    assert of_kind(street.ledger, Kind.LOOK) == []


async def test_r16_staff_looks_only_at_what_was_released(client: AsyncClient) -> None:
    await sign_in(client, "tanaka")
    before = await post(client, f"/api/alerts/{ALERT}/look", WHY)
    known = (await client.get(f"/api/alerts/{ALERT}/evidence")).json()
    await sign_in(client, "sato")
    body = {"to": "tanaka", "hours": 24, "reason": "Please check the display"}
    released = await post(client, f"/api/alerts/{ALERT}/release", body)
    await sign_in(client, "tanaka")
    after = await post(client, f"/api/alerts/{ALERT}/look", WHY)

    assert (before.status_code, known["state"]) == (403, "not_for_you")
    assert before.json()["why"] == "A manager has to release this very item to you first."
    assert released.status_code == 200
    assert after.status_code == 200


async def test_r23_early_erasure_destroys_at_once_and_its_receipt_checks_offline(
    client: AsyncClient, street: Street, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = (await post(client, f"/api/alerts/{ALERT}/erase", ERASE)).json()
    gone = (await client.get(f"/api/alerts/{ALERT}/evidence")).json()
    street.clock.advance(timedelta(minutes=2))
    street.keeper.tick()
    (key,) = answer["keys"]
    receipt = await client.get(key["receipt"])
    files = {
        name: await client.get(f"/api/proofs/{name}") for name in ("ledger.jsonl", "checkpoints.jsonl", "ledger.pub")
    }
    for name, file in (*files.items(), ("receipt.json", receipt)):
        (tmp_path / f"taken-{name}").write_bytes(file.content)
    public = ["--public-key", str(tmp_path / "taken-ledger.pub")]
    checks = [
        "--checkpoints",
        str(tmp_path / "taken-checkpoints.jsonl"),
        "--now",
        (NOON + timedelta(minutes=2)).isoformat(),
    ]

    assert gone["state"] == "erased"
    assert verify.main([str(tmp_path / "taken-receipt.json"), "--receipt", *public]) == 0, capsys.readouterr().out
    assert verify.main([str(tmp_path / "taken-ledger.jsonl"), *public, *checks]) == 0, capsys.readouterr().out


async def test_a_hold_is_proposed_and_agreed_by_two(client: AsyncClient) -> None:
    body = {"until": "2026-12-23", "incident": "2026-114", "reason": "Needed for the insurance report"}
    proposed = (await post(client, f"/api/alerts/{ALERT}/hold", body)).json()
    alone = await post(client, f"/api/holds/{proposed['hold_id']}/confirm")
    await sign_in(client, "suzuki")
    agreed = (await post(client, f"/api/holds/{proposed['hold_id']}/confirm")).json()
    ended = (await post(client, f"/api/holds/{proposed['hold_id']}/end")).json()

    assert alone.status_code == 403
    assert agreed["state"] == "agreed"
    assert ended["state"] == HoldState.ENDED.value


async def test_r17_a_wrong_password_and_too_many_of_them_are_told(client: AsyncClient) -> None:
    client.cookies.clear()
    wrong = {"name": "sato", "password": PASSWORD + "?"}
    answers = [await post(client, "/api/sign-in", wrong) for _ in range(8)]

    assert (answers[0].status_code, answers[-1].status_code) == (401, 429)
    assert "Please wait 2 s" in answers[-1].json()["detail"]


NEW = {
    "name": "yamada",
    "display_name": "Yamada",
    "password": "nine calm rivers flow",
    "stores": ["ginza"],
    "training_until": "2027-11-23",
    "pledged_on": "2026-11-23",
    "pledge_until": "2027-11-23",
}


async def test_a_manager_adds_staff_who_then_signs_in(client: AsyncClient, street: Street) -> None:
    added = await post(client, "/api/accounts", NEW)
    listed = (await client.get("/api/accounts", params={"lang": "en"})).json()["accounts"]
    come = await post(client, "/api/sign-in", {"name": "yamada", "password": NEW["password"]})
    street.keeper.tick()

    assert added.json()["roles"] == ["Staff (銀座店 Ginza)"]
    assert (added.json()["training"], added.json()["pledge"]) == ("2027-11-23", "2027-11-23")
    assert "yamada" in [each["name"] for each in listed]
    assert come.status_code == 200
    assert {entry.body["by"] for entry in of_kind(street.ledger, Kind.ACCOUNT_CHANGED)} >= {"sato"}


async def test_r14_dates_of_somebody_else_are_recorded_and_never_ones_own(client: AsyncClient) -> None:
    body = {"training_until": "2027-01-31"}
    other = await post(client, "/api/accounts/tanaka/dates", body)
    own = await post(client, "/api/accounts/sato/dates", body)

    assert (other.status_code, other.json()["training"]) == (200, "2027-01-31")
    assert own.status_code == 403


async def test_r14_dates_are_recorded_all_or_not_at_all(client: AsyncClient) -> None:
    half = {"training_until": "2027-01-31", "pledged_on": "2026-11-01"}
    far = {"training_until": "2027-01-31", "pledged_on": "2026-11-01", "pledge_until": "9999-12-31"}
    refused = [await post(client, "/api/accounts/tanaka/dates", body) for body in (half, far, {})]
    listed = (await client.get("/api/accounts")).json()["accounts"]
    before = next(each for each in listed if each["name"] == "tanaka")
    body = {"training_until": "2027-01-31", "pledged_on": "2026-11-01", "pledge_until": "2027-02-28"}
    done = (await post(client, "/api/accounts/tanaka/dates", body)).json()

    assert [answer.status_code for answer in refused] == [422, 422, 422]
    assert before["training"] != "2027-01-31"
    assert (done["training"], done["pledge"]) == ("2027-01-31", "2027-02-28")


async def test_r17_a_session_that_only_its_page_uses_ends_and_one_that_somebody_uses_does_not(
    client: AsyncClient, street: Street
) -> None:
    for _ in range(40):
        street.clock.advance(timedelta(minutes=1))
        used = await client.post("/api/here", headers=OURS)
    for _ in range(31):
        street.clock.advance(timedelta(minutes=1))
        polled = [await client.get(path) for path in ("/api/me", "/api/alerts", "/api/holds", "/")]

    assert used.status_code == 204
    assert [answer.status_code for answer in polled] == [401, 401, 401, 303]


async def test_r18_what_the_console_is_asked_for_by_who_may_not_is_in_the_ledger(
    client: AsyncClient, street: Street
) -> None:
    await sign_in(client, "tanaka")
    street.objects.away = True
    answer = await post(client, f"/api/alerts/{ALERT}/look", WHY)
    street.keeper.tick()

    assert answer.status_code == 403
    assert [(each.body["principal"], each.body["action"]) for each in of_kind(street.ledger, Kind.REFUSED)] == [
        ("tanaka", "look")
    ]


async def test_r33_dates_are_the_stores_own_days(client: AsyncClient) -> None:
    body = {"training_until": "2027-01-31"}
    await post(client, "/api/accounts/tanaka/dates", body)
    await sign_in(client, "tanaka")

    assert (await client.get("/api/me")).json()["training"] == "2027-01-31"


async def test_an_account_that_is_closed_is_signed_out_at_once(client: AsyncClient) -> None:
    await sign_in(client, "tanaka")
    tanaka = client.cookies["mimamori"]
    await client.post("/api/sign-in", json={"name": "sato", "password": PASSWORD}, headers=OURS)
    closed = await post(client, "/api/accounts/tanaka/closed", {"closed": True})
    client.cookies.set("mimamori", tanaka)

    assert closed.json()["closed"]
    assert (await client.get("/api/me")).status_code == 401


@pytest.mark.parametrize("name", ["suzuki", "tanaka", "mori", "abe"])
async def test_r17_nobody_but_a_manager_sees_or_changes_accounts(client: AsyncClient, name: str) -> None:
    await sign_in(client, name)
    answers = [
        await client.get("/api/accounts"),
        await post(client, "/api/accounts", NEW),
        await post(client, "/api/accounts/tanaka/dates", {"training_until": "2027-01-31"}),
        await post(client, "/api/accounts/tanaka/closed", {"closed": True}),
        await post(client, "/api/accounts/tanaka/password", {"password": NEW["password"]}),
    ]

    assert {answer.status_code for answer in answers} == {403}


async def test_ones_own_password_is_changed_with_the_old_one_and_ends_the_session(client: AsyncClient) -> None:
    wrong = await post(client, "/api/password", {"old": "not this one", "password": NEW["password"]})
    right = await post(client, "/api/password", {"old": PASSWORD, "password": NEW["password"]})
    gone = await client.get("/api/me")
    come = await post(client, "/api/sign-in", {"name": "sato", "password": NEW["password"]})

    assert (wrong.status_code, right.status_code) == (422, 200)
    assert wrong.json()["detail"] == "The present password is not right."
    assert (gone.status_code, come.status_code) == (401, 200)


async def test_who_guesses_at_their_own_old_password_is_told_to_wait(client: AsyncClient) -> None:
    body = {"old": "not this one", "password": NEW["password"]}
    answers = [await post(client, "/api/password", body) for _ in range(8)]

    assert (answers[0].status_code, answers[-1].status_code) == (422, 429)
    assert answers[-1].json()["detail"].startswith("That was tried many times")


async def test_what_a_manager_typed_wrongly_is_never_said_back(client: AsyncClient) -> None:
    wrongs: list[dict[str, object]] = [
        {"name": "Not A Name"}, {"training_until": "never"}, {"password": "qwertz9"}, {"stores": []},
    ]  # fmt: skip
    answers = [await post(client, "/api/accounts", {**NEW, **wrong}) for wrong in wrongs]

    assert {answer.status_code for answer in answers} <= {403, 422}
    assert not any(str(NEW["password"]) in answer.text or "qwertz9" in answer.text for answer in answers)
