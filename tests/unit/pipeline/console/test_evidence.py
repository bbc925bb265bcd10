"""Looking at evidence: who may, what is written down before, and that nothing is left of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from pipeline import sealing
from pipeline.console.viewing import LONGEST
from pipeline.evidence import clip
from pipeline.flow.rows import alert_row
from pipeline.sealing import KeyPair
from pipeline.vault.ledger import Kind
from tests.unit.pipeline.console.house import (
    CANARY,
    OURS,
    PASSWORD,
    House,
    alert,
    furnished,
    jpeg,
    open_house,
    receipt,
    restricted,
    sign_in,
)

WHY = {"purpose": 0, "reason": "Checking whether the shelf needs help"}


@pytest.fixture
def house() -> House:
    house = furnished()
    house.warehouse.alert_rows.extend(
        (
            alert_row(alert(1)),
            alert_row(restricted(2)),
            alert_row(alert(3, store_id="shibuya", camera_id="hall", zone_id=None)),
        )
    )
    house.keep(1)
    house.keep(3, "shibuya", "hall")
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[AsyncClient]:
    async with open_house(house, "sato") as client:
        yield client


async def look(client: AsyncClient, which: str = "alert-1", **changes: object) -> Response:
    return await client.post(f"/api/alerts/{which}/look", params={"lang": "en"}, json=WHY | changes, headers=OURS)


async def looking(client: AsyncClient) -> dict[str, Any]:
    answer = await look(client)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def evidence(client: AsyncClient, which: str = "alert-1") -> dict[str, Any]:
    answer = await client.get(f"/api/alerts/{which}/evidence", params={"lang": "en"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_a_manager_looks_and_sees_every_picture_in_order(client: AsyncClient) -> None:
    found = await looking(client)
    pictures = [(await client.get(frame["address"])).content for frame in found["frames"]]

    assert pictures == [jpeg(number) for number in range(3)]
    assert [frame["time"] for frame in found["frames"]] == ["14:40:00", "14:40:01", "14:40:02"]
    assert found["frames"][0]["box"] == [0.3, 0.2, 0.5, 0.9]
    assert found["line"] == "An observation for review: not evidence; not always correct."
    assert found["who"] == "Sato · 14:40:00 · 化粧品 Cosmetics"


async def test_r18_the_ledger_holds_who_looked_and_why(client: AsyncClient, house: House) -> None:
    await look(client)

    last = house.people.told.entries(0, 100)[-1]
    assert last.kind is Kind.LOOK
    assert last.body == {"person": "sato", "alert_id": "alert-1", "reason": WHY["reason"]}


async def test_r18_no_ledger_no_look(client: AsyncClient, house: House) -> None:
    house.people.ledger_full = True
    answer = await look(client)

    assert answer.status_code == 503
    assert "Nothing was done" in answer.json()["detail"]
    assert "/api/looks/" not in answer.text


async def test_r13_staff_cannot_look_and_it_is_written_down(house: House) -> None:
    async with open_house(house, "tanaka") as client:
        answer = await look(client)
        known = await evidence(client)

    assert answer.status_code == 403
    assert house.people.kinds()[-1] is Kind.REFUSED
    assert known["state"] == "not_for_you"


@pytest.mark.parametrize("name", ["mori", "abe"])
async def test_r17_an_auditor_and_the_on_call_engineer_never_see_pictures(house: House, name: str) -> None:
    async with open_house(house, name) as client:
        assert (await look(client)).status_code == 403
        assert (await client.get("/api/alerts/alert-1/evidence")).status_code == 403


async def test_r17_nobody_looks_into_another_store(client: AsyncClient, house: House) -> None:
    answer = await look(client, "alert-3")
    known = await client.get("/api/alerts/alert-3/evidence")

    assert {answer.status_code, known.status_code} <= {403, 404}
    assert Kind.LOOK not in house.people.kinds()


async def test_r16_staff_sees_the_one_item_that_a_manager_released_while_it_lasts(house: House) -> None:
    async with open_house(house, "sato") as client:
        body = {"to": "tanaka", "hours": 1, "reason": "Please check the shelf display"}
        answer = await client.post("/api/alerts/alert-1/release", params={"lang": "en"}, json=body, headers=OURS)
        await sign_in(client, "tanaka")
        before = (await evidence(client), await look(client))
        house.clock.advance(timedelta(hours=1))
        await sign_in(client, "tanaka")
        after = (await evidence(client), await look(client))

    assert answer.json()["text"].startswith("tanaka may look until 2026-11-23 15:39")
    assert (before[0]["state"], before[1].status_code) == ("ready", 200)
    assert (after[0]["state"], after[1].status_code) == ("not_for_you", 403)


async def test_r14_r15_who_is_suspended_is_told_why_and_sees_nothing(house: House) -> None:
    async with open_house(house, "kato") as client:
        answer = await look(client)

    assert answer.status_code == 403
    assert answer.json()["why"] == "Your training is not in force. There are rules that you have not read yet."
    assert Kind.LOOK not in house.people.kinds()


@pytest.mark.parametrize("reason", ["", "short", "  a        b  ", "x" * 257])
async def test_a_reason_has_to_say_something(client: AsyncClient, house: House, reason: str) -> None:
    answer = await look(client, reason=reason)

    assert answer.status_code == 422
    assert "10 to 256" in answer.json()["detail"]
    assert Kind.LOOK not in house.people.kinds()


@pytest.mark.parametrize("purpose", [-1, 1, "marketing", None])
async def test_r04_r05_no_other_purpose_can_even_be_named(client: AsyncClient, house: House, purpose: object) -> None:
    assert (await look(client, purpose=purpose)).status_code == 422
    assert Kind.LOOK not in house.people.kinds()


async def test_a_picture_is_given_out_once_and_never_stored(client: AsyncClient) -> None:
    address = (await looking(client))["frames"][0]["address"]
    first, second = await client.get(address), await client.get(address)

    assert (first.status_code, first.headers["content-type"]) == (200, "image/jpeg")
    assert first.headers["cache-control"] == "no-store"
    assert (second.status_code, CANARY in second.content) == (404, False)


async def test_a_picture_is_given_to_nobody_else(client: AsyncClient, house: House) -> None:
    addresses = [frame["address"] for frame in (await looking(client))["frames"]]
    manager = dict(client.cookies)
    client.cookies.clear()
    nobody = await client.get(addresses[0])
    client.cookies.set("mimamori", (await house.people.sign_in("head", PASSWORD)).token)
    another = await client.get(addresses[0])
    client.cookies.update(manager)
    bar = await client.get(addresses[0], headers={"sec-fetch-site": "none"})

    assert (nobody.status_code, another.status_code, bar.status_code) == (401, 404, 403)
    assert (await client.get(addresses[0])).status_code == 200


@pytest.mark.parametrize("how", ["closed", "signed out", "too late", "erased", "another look"])
async def test_r20_after_the_end_no_address_works(client: AsyncClient, house: House, how: str) -> None:
    found = await looking(client)
    match how:
        case "closed":
            await client.post(f"/api/looks/{found['viewing_id']}/end", headers=OURS)
        case "signed out":
            await client.post("/api/sign-out", headers=OURS)
            await sign_in(client, "sato")
        case "too late":
            house.clock.advance(LONGEST)
        case "erased":
            body = {"reason": "No longer needed by anybody", "sure": True}
            await client.post("/api/alerts/alert-1/erase", json=body, headers=OURS)
        case _:
            await looking(client)

    assert {(await client.get(frame["address"])).status_code for frame in found["frames"]} == {404}


async def test_what_is_kept_is_told_plainly(client: AsyncClient, house: House) -> None:
    ready = await evidence(client)
    none = await evidence(client, "alert-2")
    house.people.expect("alert-2", "ginza", "shelf")
    coming = await evidence(client, "alert-2")
    house.clock.advance(timedelta(days=7))
    await sign_in(client, "sato")
    expired = await look(client)

    assert (ready["state"], ready["text"]) == ("ready", "Pictures until 2026-11-30 14:40")
    assert (none["state"], none["text"]) == ("none", "No pictures were kept of this alert.")
    assert (coming["state"], "being prepared" in coming["text"]) == ("coming", True)
    assert (expired.status_code, "never be opened again" in expired.json()["detail"]) == (410, True)


async def test_what_is_not_sealed_yet_is_not_opened_and_not_written_down(client: AsyncClient, house: House) -> None:
    house.people.expect("alert-2", "ginza", "shelf")
    answer = await look(client, "alert-2")

    assert (answer.status_code, "being prepared" in answer.json()["detail"]) == (409, True)
    assert Kind.LOOK not in house.people.kinds()


async def test_a_storage_that_is_away_or_has_lost_it_is_said(client: AsyncClient, house: House) -> None:
    house.objects.away = True
    away = await look(client)
    house.objects.away = False
    house.objects.held.clear()
    missing = await look(client)

    assert (away.status_code, missing.status_code) == (503, 409)
    assert house.people.kinds().count(Kind.LOOK) == 2


@pytest.mark.parametrize(
    ("name", "status"), [("tanaka", 403), ("ito", 403), ("mori", 403), ("abe", 403), ("kato", 403)]
)
async def test_r18_the_vault_decides_before_anything_is_fetched(house: House, name: str, status: int) -> None:
    house.objects.away = True
    async with open_house(house, name) as client:
        answer = await look(client)

    assert answer.status_code == 403
    assert house.people.kinds()[-1] is Kind.REFUSED


async def test_a_key_is_not_used_longer_than_it_was_lent(
    client: AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_: str) -> bytes:
        house.clock.advance(timedelta(seconds=60))
        return b""

    monkeypatch.setattr(house.objects, "get", slow)

    assert (await look(client)).status_code == 503


async def test_r16_a_look_ends_with_the_release_that_allowed_it(house: House) -> None:
    async with open_house(house, "sato") as client:
        body = {"to": "tanaka", "hours": 1, "reason": "Please check the shelf display"}
        released = (await client.post("/api/alerts/alert-1/release", json=body, headers=OURS)).json()
        house.clock.advance(timedelta(minutes=59, seconds=40))
        await sign_in(client, "tanaka")
        found = await looking(client)
        first = await client.get(found["frames"][0]["address"])
        house.clock.advance(timedelta(seconds=15))
        second = await client.get(found["frames"][1]["address"])

    assert (found["ends_at"], found["seconds"]) == (released["until"], 15)
    assert (first.status_code, second.status_code) == (200, 404)


async def test_r20_a_look_ends_when_a_receipt_says_that_its_key_is_gone(client: AsyncClient, house: House) -> None:
    found = await looking(client)
    on = await client.get(f"/api/looks/{found['viewing_id']}")
    key = house.people.kept["alert-1"].key_id
    house.broker.tell(receipt(7, house.clock.now()).model_copy(update={"key_id": key}))
    for _ in range(20):
        await asyncio.sleep(0)
    off = await client.get(f"/api/looks/{found['viewing_id']}")

    assert (on.status_code, off.status_code) == (204, 404)
    assert {(await client.get(frame["address"])).status_code for frame in found["frames"]} == {404}


async def test_an_object_that_somebody_changed_does_not_open(client: AsyncClient, house: House) -> None:
    found = house.people.kept["alert-1"]
    name = clip.name_of(found.store_id, found.camera_id, found.key_id)
    house.objects.held[name] = house.objects.held[name][:-1] + b"\0"
    answer = await look(client)

    assert answer.status_code == 502
    assert "could not be opened" in answer.json()["detail"]


async def test_no_picture_of_it_is_in_any_other_answer(client: AsyncClient) -> None:
    answers = [await look(client), await client.get("/"), await client.get("/api/alerts")]

    assert not any(CANARY[4:20] in answer.content for answer in answers)


async def test_r20_the_key_that_was_lent_and_the_key_it_came_under_are_wiped(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytearray] = []
    lent: list[bytearray] = []
    generate, open_clip = sealing.generate, clip.open_clip

    def generating() -> KeyPair:
        pair = generate()
        made.append(pair.private)
        return pair

    def opening(data: bytes, private: bytearray) -> clip.Clip:
        assert any(private)
        lent.append(private)
        return open_clip(data, private)

    monkeypatch.setattr("pipeline.console.evidence.sealing.generate", generating)
    monkeypatch.setattr("pipeline.console.evidence.clip.open_clip", opening)
    answer = await look(client)

    assert answer.status_code == 200
    assert (len(made), len(lent)) == (1, 1)
    assert not any(map(any, (*made, *lent)))


async def test_r20_a_picture_that_was_given_out_is_wiped(client: AsyncClient, house: House) -> None:
    app = client._transport.app  # type: ignore[attr-defined]  # the console behind this client
    found = await looking(client)
    (viewing,) = app.state.console.viewings._by_id.values()
    held = list(viewing.pictures.values())
    for frame in found["frames"]:
        await client.get(frame["address"])

    assert len(held) == 3
    assert not any(map(any, held))
