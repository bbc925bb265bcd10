"""What managers decide: early erasure, holds by two people, releases; each by who may, in their own stores."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from pipeline.console.lexicon import accusing
from pipeline.flow.rows import alert_row
from pipeline.vault.ledger import Kind
from tests.unit.pipeline.console.house import OURS, House, alert, furnished, open_house, sign_in

REASON = "Asked for by the person concerned"
ERASE = {"reason": REASON, "sure": True}
SPAN = {
    "store_id": "ginza",
    "camera_id": "shelf",
    "start": "2026-11-23T14:00:00",
    "end": "2026-11-23T15:00:00",
    **ERASE,
}
HOLD = {"until": "2026-12-23", "incident": "2026-114", "reason": "Needed for the insurance report"}


@pytest.fixture
def house() -> House:
    house = furnished()
    house.warehouse.alert_rows.append(alert_row(alert(1)))
    house.keep(1)
    house.keep(3, "shibuya", "hall")
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[AsyncClient]:
    async with open_house(house, "sato") as client:
        yield client


async def post(client: AsyncClient, path: str, body: dict[str, Any] | None = None) -> Response:
    return await client.post(path, params={"lang": "en"}, json=body or {}, headers=OURS)


async def test_r23_a_manager_erases_an_alerts_pictures_and_gets_receipts(client: AsyncClient, house: House) -> None:
    key = house.people.kept["alert-1"].key_id
    answer = (await post(client, "/api/alerts/alert-1/erase", ERASE)).json()
    gone = (await client.get("/api/alerts/alert-1/evidence")).json()
    receipt = await client.get(answer["keys"][0]["receipt"])

    assert answer["text"] == "Keys destroyed: 1."
    assert answer["keys"] == [{"key_id": key, "receipt": f"/api/proofs/receipts/{key}"}]
    assert gone["state"] == "erased"
    assert receipt.json()["entry"]["body"]["key_id"] == key


async def test_r23_a_deputy_erases_what_one_camera_saw_in_the_stores_own_time(house: House) -> None:
    async with open_house(house, "suzuki") as client:
        answer = await post(client, "/api/erasures", SPAN)

    assert answer.status_code == 200
    asked = house.people.erasures[-1]
    assert asked.start is not None
    assert asked.end is not None
    assert (asked.start.isoformat(), asked.end - asked.start) == ("2026-11-23T05:00:00+00:00", timedelta(hours=1))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sure": False}, 422),
        ({"reason": "short"}, 422),
        ({"end": SPAN["start"]}, 422),
        ({"camera_id": "nowhere"}, 404),
        ({"store_id": "shibuya", "camera_id": "hall"}, 403),
    ],
)
async def test_an_erasure_that_is_not_meant_or_not_theirs_erases_nothing(
    client: AsyncClient, house: House, changes: dict[str, object], status: int
) -> None:
    assert (await post(client, "/api/erasures", {**SPAN, **changes})).status_code == status
    assert Kind.ERASURE_DECIDED not in house.people.kinds()


@pytest.mark.parametrize("name", ["tanaka", "mori", "abe", "ito"])
async def test_r17_nobody_else_erases_keeps_or_releases(house: House, name: str) -> None:
    release = {"to": "tanaka", "hours": 1, "reason": REASON}
    async with open_house(house, name) as client:
        answers = [
            await post(client, "/api/alerts/alert-1/erase", ERASE),
            await post(client, "/api/erasures", SPAN),
            await post(client, "/api/alerts/alert-1/hold", HOLD),
            await post(client, "/api/holds/1/confirm"),
            await post(client, "/api/holds/1/end"),
            await post(client, "/api/alerts/alert-1/release", release),
        ]

    assert {answer.status_code for answer in answers} == {403}
    assert house.people.kept.keys() == {"alert-1", "alert-3"}


async def test_r16_a_deputy_does_not_release(house: House) -> None:
    async with open_house(house, "suzuki") as client:
        answer = await post(client, "/api/alerts/alert-1/release", {"to": "tanaka", "hours": 1, "reason": REASON})

    assert answer.status_code == 403


async def test_a_hold_takes_two_people_and_lasts_to_the_end_of_its_day(client: AsyncClient) -> None:
    proposed = (await post(client, "/api/alerts/alert-1/hold", HOLD)).json()
    alone = await post(client, f"/api/holds/{proposed['hold_id']}/confirm")
    await sign_in(client, "suzuki")
    seen = (await client.get("/api/holds", params={"lang": "en"})).json()
    agreed = (await post(client, f"/api/holds/{proposed['hold_id']}/confirm")).json()

    assert (proposed["state"], proposed["may_confirm"]) == ("proposed", False)
    assert proposed["until_text"] == "until 2026-12-24 00:00"
    assert alone.status_code == 403
    assert seen["count"] == 1
    assert seen["holds"][0]["may_confirm"]
    assert (agreed["state"], agreed["text"]) == ("sealed", "proposed by sato · agreed by suzuki")


@pytest.mark.parametrize("until", ["2026-11-22", "2027-11-25"])
async def test_a_hold_ends_within_a_year(client: AsyncClient, until: str) -> None:
    assert (await post(client, "/api/alerts/alert-1/hold", {**HOLD, "until": until})).status_code == 422


async def test_a_hold_is_ended_and_listed_last(client: AsyncClient) -> None:
    first = (await post(client, "/api/alerts/alert-1/hold", HOLD)).json()
    await post(client, "/api/alerts/alert-1/hold", {**HOLD, "until": "2026-12-30"})
    ended = await post(client, f"/api/holds/{first['hold_id']}/end")
    found = (await client.get("/api/holds", params={"lang": "en"})).json()

    assert ended.json()["state_name"] == "Ended"
    assert ([hold["state"] for hold in found["holds"]], found["count"]) == (["proposed", "ended"], 1)


@pytest.mark.parametrize(("name", "seen"), [("mori", 2), ("abe", 0), ("sato", 1)])
async def test_r17_holds_are_listed_for_who_may_know_of_them(house: House, name: str, seen: int) -> None:
    async with open_house(house) as client:
        await post(client, "/api/alerts/alert-1/hold", HOLD)
        await post(client, "/api/alerts/alert-3/hold", HOLD)
        await sign_in(client, name)
        answer = await client.get("/api/holds", params={"lang": "en"})

    assert len(answer.json()["holds"]) == seen
    assert accusing(answer.text) == ()


async def test_r17_on_call_is_told_how_many_are_kept_and_until_when_and_no_more(house: House) -> None:
    async with open_house(house) as client:
        await post(client, "/api/alerts/alert-1/hold", HOLD)
        await sign_in(client, "abe")
        answer = await client.get("/api/holds", params={"lang": "en"})

    assert answer.json() == {"holds": [], "count": 1, "ends": ["until 2026-12-24 00:00"]}


async def test_r23_what_two_people_keep_is_not_erased_before_that_is_ended(client: AsyncClient, house: House) -> None:
    proposed = (await post(client, "/api/alerts/alert-1/hold", HOLD)).json()
    await sign_in(client, "suzuki")
    await post(client, f"/api/holds/{proposed['hold_id']}/confirm")
    held = (await client.get("/api/alerts/alert-1/holding", params={"lang": "en"})).json()
    refused = [await post(client, "/api/alerts/alert-1/erase", ERASE), await post(client, "/api/erasures", SPAN)]
    before = house.people.kinds()
    await post(client, f"/api/holds/{proposed['hold_id']}/end")
    erased = await post(client, "/api/alerts/alert-1/erase", ERASE)

    assert held["hold_id"] == proposed["hold_id"]
    assert "case 2026-114 (until 2026-12-24 00:00, proposed by sato · agreed by suzuki)" in held["text"]
    assert [(each.status_code, each.json()["detail"]) for each in refused] == [(409, held["text"])] * 2
    assert Kind.ERASURE_DECIDED not in before
    assert erased.status_code == 200
    assert house.people.kinds()[-3:] == [Kind.HOLD_ENDED, Kind.ERASURE_DECIDED, Kind.KEY_DESTROYED]


async def test_a_hold_of_another_time_is_no_reason_not_to_erase(client: AsyncClient) -> None:
    await post(client, "/api/alerts/alert-1/hold", HOLD)
    earlier = SPAN | {"start": "2026-11-23T13:00:00", "end": "2026-11-23T14:00:00"}

    assert (await post(client, "/api/erasures", earlier)).status_code == 200


async def test_r16_a_release_is_to_one_of_the_stores_own_staff(client: AsyncClient) -> None:
    found = (await client.get("/api/alerts/alert-1/staff")).json()

    assert found == {"staff": [{"name": "tanaka", "text": "Tanaka (tanaka)"}]}


@pytest.mark.parametrize(("lang", "said"), [("ja", "この店舗のスタッフではありません"), ("en", "nobody of this store")])
async def test_r16_whoever_is_not_staff_there_is_refused_in_the_readers_language(
    client: AsyncClient, lang: str, said: str
) -> None:
    body = {"to": "ito", "hours": 1, "reason": REASON}
    answer = await client.post("/api/alerts/alert-1/release", params={"lang": lang}, json=body, headers=OURS)

    assert answer.status_code == 403
    assert said in answer.json()["why"]


async def test_r16_staff_are_told_what_was_released_to_them(house: House) -> None:
    async with open_house(house, "sato") as client:
        await post(client, "/api/alerts/alert-1/release", {"to": "tanaka", "hours": 1, "reason": REASON})
        own = (await client.get("/api/released")).json()
        await sign_in(client, "tanaka")
        told = (await client.get("/api/released", params={"lang": "en"})).json()
        house.clock.advance(timedelta(hours=1))
        await sign_in(client, "tanaka")
        after = (await client.get("/api/released")).json()

    assert [(each["alert_id"], each["text"]) for each in told["released"]] == [("alert-1", "You may look until 15:39")]
    assert own == after == {"released": []}


async def test_an_alert_that_nobody_knows_is_told_so(client: AsyncClient) -> None:
    assert (await post(client, "/api/alerts/none/erase", ERASE)).status_code == 404


async def test_r16_an_item_is_released_only_to_somebody_who_is_there(client: AsyncClient) -> None:
    answer = await post(client, "/api/alerts/alert-1/release", {"to": "nobody", "hours": 1, "reason": REASON})

    assert (answer.status_code, "not allowed" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize("day", ["0001-01-01", "2015-01-01", "2099-01-01", "9999-12-31"])
async def test_a_day_that_nobody_meant_is_said_politely(client: AsyncClient, house: House, day: str) -> None:
    answers = [
        await post(client, "/api/alerts/alert-1/hold", HOLD | {"until": day}),
        await post(client, "/api/erasures", SPAN | {"start": f"{day}T00:00:00"}),
        await post(client, "/api/erasures", SPAN | {"end": f"{day}T23:59:59"}),
        await post(client, "/api/accounts/tanaka/dates", {"training_until": day}),
        await post(client, "/api/accounts/tanaka/dates", {"pledged_on": day, "pledge_until": "2027-01-01"}),
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert {answer.json()["detail"] for answer in answers} == {
        "Please check the date: it may lie ten years from today at most."
    }
    assert house.people.kinds() == [Kind.SIGNED_IN]


@pytest.mark.parametrize("typed", ["A\x001", "A\n1", "A\u20281", "\x1b[31mA1"])
async def test_what_is_typed_holds_no_control_characters(client: AsyncClient, house: House, typed: str) -> None:
    answers = [
        await post(client, "/api/alerts/alert-1/hold", HOLD | {"incident": typed}),
        await post(client, "/api/alerts/alert-1/erase", ERASE | {"reason": f"{REASON}\x00"}),
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert house.people.kinds() == [Kind.SIGNED_IN]


async def test_r33_a_japanese_page_says_no_refusal_in_english(client: AsyncClient) -> None:
    proposed = (await post(client, "/api/alerts/alert-1/hold", HOLD)).json()
    path = f"/api/holds/{proposed['hold_id']}/confirm"
    answer = await client.post(path, params={"lang": "ja"}, json={}, headers=OURS)

    assert answer.status_code == 403
    assert not any("a" <= each.lower() <= "z" for each in answer.json()["why"] + answer.json()["detail"])


@pytest.mark.parametrize("dialog", ["erase-alert", "erase-some"])
async def test_r23_whoever_erases_is_told_what_else_goes(client: AsyncClient, dialog: str) -> None:
    page = (await client.get("/", params={"lang": "en"})).text
    shown = page[page.index(f'id="{dialog}"') :].partition("</dialog>")[0]

    assert "One key is for 10 min of pictures" in shown
    assert "the camera has no key until its 10 min are over" in shown
    assert "by decision" in shown
