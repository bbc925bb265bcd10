"""Nobody sees anything without a session, and a session is in nobody's hands but its browser's."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient
from starlette.routing import Mount

from pipeline.console.sessions import BELIEVED
from tests.unit.pipeline.console.house import BASE, OURS, PASSWORD, House, furnished, open_house, visiting

OPEN = {"/healthz", "/sign-in", "/api/sign-in", "/api/sign-out", "/static"}
"""All that is there without a session. Signing out of no session does nothing."""

PAGES = {"/", "/people", "/places"}


@pytest.fixture
def house() -> House:
    return furnished()


@pytest.fixture
async def client(house: House) -> AsyncIterator[AsyncClient]:
    async with open_house(house) as client:
        yield client


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every method and path of the application, whichever way it was added."""

    def walk(found: Any) -> Iterator[tuple[str, str]]:
        for route in found:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in route.methods or ())
            elif isinstance(route, Mount):
                yield "GET", route.path
            else:
                yield from walk(getattr(getattr(route, "original_router", route), "routes", ()))

    yield from walk(app.routes)


def test_every_route_is_found() -> None:
    found = set(routes(furnished().app()))

    assert {("GET", "/"), ("GET", "/api/alerts"), ("POST", "/api/alerts/{alert_id}/look")} <= found
    assert len(found) >= 30


async def test_r17_without_a_session_nothing_is_given(house: House) -> None:
    app = house.app()
    async with visiting(app, "") as client:
        answers = {
            (method, path): (await client.request(method, path.replace("{", "").replace("}", ""), headers=OURS))
            for method, path in routes(app)
            if path not in OPEN
        }
    refused = {where for where, answer in answers.items() if answer.status_code == 401}
    sent_away = {where[1] for where, answer in answers.items() if answer.headers.get("location") == "/sign-in"}

    assert sent_away == PAGES
    assert {where[1] for where in answers.keys() - refused} == PAGES


@pytest.mark.parametrize("token", ["nobody", "", "a" * 500])
async def test_r17_a_token_that_nobody_holds_gives_nothing(house: House, token: str) -> None:
    async with visiting(house.app(), "") as client:
        client.cookies.set("mimamori", token)
        data = await client.get("/api/alerts")
        page = await client.get("/")

    assert data.status_code == 401
    assert page.headers["location"].startswith("/sign-in")


async def test_a_wrong_password_and_an_unknown_name_are_told_the_same(house: House) -> None:
    async with visiting(house.app(), "") as client:
        answers = [
            await client.post("/api/sign-in", json={"name": name, "password": word}, headers=OURS)
            for name, word in (("head", "wrong"), ("nobody", PASSWORD))
        ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    async with visiting(house.app(), "") as client:
        answer = await client.post("/api/sign-in", json={"name": "head", "password": PASSWORD}, headers=OURS)

    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert "max-age" not in cookie
    assert "expires" not in cookie
    assert PASSWORD not in answer.text


async def test_over_https_the_cookie_is_secure_and_of_this_host_alone(house: House) -> None:
    transport = ASGITransport(house.app())
    async with AsyncClient(transport=transport, base_url=BASE.replace("http:", "https:")) as client:
        answer = await client.post("/api/sign-in", json={"name": "head", "password": PASSWORD}, headers=OURS)
        data = await client.get("/api/me")

    assert answer.headers["set-cookie"].startswith("__Host-mimamori=")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert data.status_code == 200


async def test_another_site_can_neither_sign_in_nor_out(client: AsyncClient) -> None:
    cross = {"sec-fetch-site": "cross-site"}
    signed = await client.post("/api/sign-in", json={"name": "sato", "password": PASSWORD}, headers=cross)
    out = await client.post("/api/sign-out", headers=cross)

    assert (signed.status_code, out.status_code) == (403, 403)
    assert (await client.get("/api/me")).json()["name"] == "head"


async def test_r17_every_change_is_taken_from_our_own_page_alone(house: House) -> None:
    app = house.app()
    async with visiting(app) as client:
        answers = [
            await client.request(method, path, headers={"sec-fetch-site": site}, json={})
            for method, path in routes(app)
            if method not in {"GET", "HEAD"}
            for site in ("cross-site", "same-site", "none")
        ]

    assert len(answers) >= 30
    assert {answer.status_code for answer in answers} == {403}
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


async def test_signing_out_ends_the_session_here_and_at_the_vault(client: AsyncClient, house: House) -> None:
    token = client.cookies["mimamori"]
    answer = await client.post("/api/sign-out", headers=OURS)
    client.cookies.set("mimamori", token)

    assert "cache" in answer.headers["clear-site-data"]
    assert house.people.sessions == {}
    assert (await client.get("/api/me")).status_code == 401


async def test_signing_in_again_ends_the_session_before(client: AsyncClient, house: House) -> None:
    await client.post("/api/sign-in", json={"name": "sato", "password": PASSWORD}, headers=OURS)

    assert [name for name, _ in house.people.sessions.values()] == ["sato"]


async def test_a_session_that_has_ended_is_told_politely_and_its_cookie_goes(client: AsyncClient, house: House) -> None:
    house.clock.advance(timedelta(minutes=31))
    answer = await client.get("/api/alerts", params={"lang": "en"})
    page = await client.get("/")

    assert answer.status_code == 401
    assert answer.json()["detail"] == "Your session has ended. Please sign in again."
    assert 'mimamori=""' in answer.headers["set-cookie"]
    assert page.headers["location"].startswith("/sign-in")


async def test_r17_while_the_vault_is_away_nobody_is_anybody(client: AsyncClient, house: House) -> None:
    house.people.away = True
    still = await client.get("/api/alerts")
    house.clock.advance(BELIEVED)
    data = await client.get("/api/alerts", params={"lang": "en"})
    page = await client.get("/", params={"lang": "en"})

    assert still.status_code == 200
    assert (data.status_code, data.json()["unknown"]) == (503, True)
    assert page.status_code == 503
    assert "cannot be reached" in page.text
    assert "Stock room" not in page.text + data.text


async def test_who_is_signed_in_needs_no_sign_in_page(client: AsyncClient) -> None:
    assert (await client.get("/sign-in")).headers["location"] == "/"


async def test_what_was_typed_is_never_said_back(house: House) -> None:
    async with visiting(house.app(), "") as client:
        answers = [
            await client.post("/api/sign-in", json=body, headers=OURS)
            for body in ({"name": "head", "password": ["hunter two"]}, {"name": "x" * 900, "password": "hunter two"})
        ]

    assert {answer.status_code for answer in answers} == {422}
    assert not any("hunter" in answer.text or "xxx" in answer.text for answer in answers)
