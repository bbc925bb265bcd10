"""What the page asks for."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import URL, AsyncClient

from pipeline.console.api import _events
from pipeline.console.lexicon import accusing
from pipeline.console.words import Words
from pipeline.flow.rows import alert_row
from tests.unit.pipeline.console.house import NOON, OURS, PASSWORD, House, alert, furnished, open_house, restricted

DATA = ("/api/alerts", "/api/flow", "/api/today", "/api/cameras", "/api/stages", "/api/forgotten", "/healthz")


@pytest.fixture
def house() -> House:
    house = furnished()
    house.warehouse.alert_rows.extend((alert_row(alert(1)), alert_row(restricted(2))))
    return house


@pytest.fixture
async def client(house: House) -> AsyncIterator[AsyncClient]:
    async with open_house(house) as client:
        yield client


async def get(client: AsyncClient, path: str, lang: str = "en") -> Any:
    answer = await client.get(URL(path).copy_merge_params({"lang": lang}))
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("path", [*DATA, "/"])
async def test_nothing_with_data_is_ever_stored(client: AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert "script-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_r41_no_answer_accuses(client: AsyncClient, path: str, lang: str) -> None:
    assert accusing((await client.get(path, params={"lang": lang})).text) == ()


async def test_alerts_come_newest_first_and_wait_for_a_person(client: AsyncClient) -> None:
    answer = await get(client, "/api/alerts")

    assert {each["alert_id"] for each in answer["alerts"]} == {"alert-1", "alert-2"}
    assert (answer["waiting"], answer["notes"]) == (2, [])


async def test_r40_acknowledging_is_kept(client: AsyncClient) -> None:
    card = (await client.post("/api/alerts/alert-1/acknowledge", params={"lang": "en"}, headers=OURS)).json()
    answer = await get(client, "/api/alerts")

    assert card["acknowledged"] == "Procedure read at 14:40"
    assert answer["waiting"] == 1


async def test_another_site_cannot_acknowledge(client: AsyncClient) -> None:
    answer = await client.post("/api/alerts/alert-1/acknowledge", headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403
    assert (await get(client, "/api/alerts"))["waiting"] == 2


async def test_an_unknown_alert_cannot_be_acknowledged(client: AsyncClient) -> None:
    assert (await client.post("/api/alerts/none/acknowledge", headers=OURS)).status_code == 404


async def test_another_host_name_is_refused(client: AsyncClient) -> None:
    assert (await client.get("/api/alerts", headers={"host": "shop.example"})).status_code == 400


async def test_flow_is_of_the_store_that_was_asked_for(client: AsyncClient) -> None:
    panel = (await get(client, "/api/flow?store=shibuya"))["panel"]

    assert (panel["store_id"], panel["timezone"]) == ("shibuya", "Asia/Tokyo")


async def test_r17_which_stores_there_are_is_told_to_nobody_else(house: House) -> None:
    async with open_house(house, "sato") as client:
        another, none = [await client.get(f"/api/flow?store={store}") for store in ("shibuya", "nowhere")]

    assert (another.status_code, none.status_code) == (403, 403)
    assert another.json() == none.json()


async def test_today_adds_all_stores_up(client: AsyncClient) -> None:
    each = [
        (await get(client, f"/api/flow?store={store}"))["panel"]["totals"]["come"] for store in ("ginza", "shibuya")
    ]

    today = await get(client, "/api/today")
    assert today["come"] == sum(each)
    assert today["seen"]


@pytest.mark.parametrize("path", ["/api/flow", "/api/today", "/api/cameras", "/api/stages", "/api/forgotten"])
async def test_a_part_that_is_away_is_said_and_the_rest_goes_on(client: AsyncClient, house: House, path: str) -> None:
    house.warehouse.away = house.broker.away = house.vault.away = True

    assert (await get(client, path))["away"] == "Not reachable at present"
    assert (await get(client, path, "ja"))["away"] == "ただいま接続できません"
    assert len((await get(client, "/api/alerts"))["alerts"]) == 2


async def test_cameras_are_shown_by_their_reports_alone_without_the_warehouse(
    client: AsyncClient, house: House
) -> None:
    house.warehouse.away = True

    assert [each["state"] for each in (await get(client, "/api/cameras"))["cameras"]] == ["well", "well", "silent"]


async def test_what_was_forgotten_is_said(client: AsyncClient) -> None:
    panel = (await get(client, "/api/forgotten"))["panel"]

    assert (panel["keys_destroyed"], panel["oldest"]) == (1284, "58 min 12 s ago")


async def test_there_are_no_documents_with_scripts_from_elsewhere(client: AsyncClient) -> None:
    paths = ("/docs", "/redoc", "/openapi.json")

    assert {(await client.get(path)).status_code for path in paths} == {404}


async def listening(house: House, name: str = "head") -> tuple[Any, AsyncGenerator[str]]:
    at = house.app().state.console
    come = await house.people.sign_in(name, PASSWORD)
    return at, _events(at, await at.visit(come.token), Words("en"))


async def test_the_stream_sends_each_alert_as_it_comes() -> None:
    at, stream = await listening(furnished())
    opening = await anext(stream)
    at.feed.hear(alert(9, at=NOON))
    event = await anext(stream)
    await stream.aclose()

    kind, data = event.splitlines()[1:3]
    assert "connected" in opening
    assert kind == "event: alert"
    assert json.loads(data.removeprefix("data: "))["alert_id"] == "alert-9"


async def test_the_stream_tells_nobody_of_another_store() -> None:
    at, stream = await listening(furnished(), "ito")
    await anext(stream)
    at.feed.hear(alert(1, at=NOON))
    at.feed.hear(alert(2, at=NOON, store_id="shibuya", camera_id="hall"))
    event = await anext(stream)
    await stream.aclose()

    assert event.startswith("id: alert-2\n")


async def test_the_stream_ends_with_the_session() -> None:
    house = furnished()
    at, stream = await listening(house)
    await anext(stream)
    house.people.sessions.clear()
    house.clock.advance(timedelta(seconds=16))
    at.feed.hear(alert(9, at=NOON))

    assert [event async for event in stream] == []


async def test_the_stream_ends_when_the_console_stops() -> None:
    at, stream = await listening(furnished())
    await anext(stream)
    at.feed.listeners.close()

    assert [event async for event in stream] == []
