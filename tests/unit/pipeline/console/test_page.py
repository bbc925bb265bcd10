"""The one page."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
from httpx import AsyncClient

from pipeline.clock import ManualClock
from pipeline.console.app import create
from pipeline.console.lexicon import accusing
from schemas.estate import FlowSettings
from tests.unit.pipeline.console.house import NOON, estate, furnished, visiting


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with visiting(furnished().app()) as client:
        yield client


class Page(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))


async def test_the_page_speaks_the_language_that_was_asked_for_and_remembers_it(client: AsyncClient) -> None:
    first = await client.get("/", params={"lang": "en"})
    second = await client.get("/")

    assert '<html lang="en">' in first.text
    assert '<html lang="en">' in second.text
    assert "samesite=strict" in first.headers["set-cookie"].lower()


async def test_the_page_speaks_the_browsers_language_and_else_japanese(client: AsyncClient) -> None:
    assert '<html lang="en">' in (await client.get("/", headers={"accept-language": "en-US"})).text
    assert '<html lang="ja">' in (await client.get("/", headers={"accept-language": "fr"})).text


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_r41_the_page_accuses_nobody(client: AsyncClient, lang: str) -> None:
    assert accusing((await client.get("/", params={"lang": lang})).text) == ()


async def test_the_page_has_no_inline_script_style_or_handler(client: AsyncClient) -> None:
    page = Page((await client.get("/")).text)

    assert [name for name, with_ in page.elements if name == "style" or "style" in with_] == []
    assert all("src" in with_ for name, with_ in page.elements if name == "script")
    assert [name for _, with_ in page.elements for name in with_ if name.startswith("on")] == []


async def test_everything_is_served_from_here(client: AsyncClient) -> None:
    page = Page((await client.get("/")).text)
    addresses = [with_[name] for _, with_ in page.elements for name in ("src", "href") if name in with_]

    assert [each for each in addresses if not each.startswith(("/", "#"))] == []
    assert {(await client.get(each)).status_code for each in addresses if each.startswith("/static/")} == {200}


@pytest.mark.parametrize("name", ["console.css", "console.js", "chart.js", "dom.js", "mark.svg"])
async def test_no_static_file_names_another_host(client: AsyncClient, name: str) -> None:
    text = (await client.get(f"/static/{name}")).text.replace("http://www.w3.org/2000/svg", "")

    assert re.findall(r"https?://|//[a-z]+\.[a-z]", text) == []


async def test_the_page_has_landmarks_and_one_main_heading(client: AsyncClient) -> None:
    names = [name for name, _ in Page((await client.get("/")).text).elements]

    assert {"header", "nav", "main", "footer"} <= set(names)
    assert names.count("h1") == 1


async def test_every_name_that_is_referred_to_is_there(client: AsyncClient) -> None:
    page = Page((await client.get("/")).text)
    ids = [with_["id"] for _, with_ in page.elements if "id" in with_]
    named = [with_["aria-labelledby"] for _, with_ in page.elements if "aria-labelledby" in with_]

    assert len(ids) == len(set(ids))
    assert set(named) <= set(ids)


@pytest.mark.parametrize("name", ["head", ""])
async def test_an_address_where_nothing_is_leads_back_in_both_languages(name: str) -> None:
    async with visiting(furnished().app(), name) as client:
        typed = await client.get("//nowhere.example/nope", headers={"accept": "text/html,*/*"})
        asked = await client.get("/api/nope")
    page = Page(typed.text)

    assert typed.status_code == 404
    assert "There is nothing at this address." in typed.text
    assert "このアドレスには何もありません。" in typed.text
    assert "nowhere" not in typed.text
    assert ("a", {"href": "/"}) in page.elements
    assert (asked.status_code, asked.json()) == (404, {"detail": "Not Found"})


async def test_every_form_says_in_its_own_words_what_is_wrong(client: AsyncClient) -> None:
    pages = [Page((await client.get(path)).text) for path in ("/", "/people", "/sign-in")]
    forms = [with_ for page in pages for name, with_ in page.elements if name == "form"]

    assert forms
    assert all("novalidate" in each for each in forms)


async def test_a_demo_that_withholds_nothing_says_so() -> None:
    open_ = estate().model_copy(update={"flow": FlowSettings(profile="demo", suppressed_below=0)})
    async with visiting(create(open_, furnished().sources(), ManualClock(NOON))) as client:
        shown = await client.get("/", params={"lang": "en"})
    async with visiting(furnished().app()) as client:
        withheld = await client.get("/", params={"lang": "en"})

    assert "Counts of very few people are shown" in shown.text
    assert "Counts of very few people" not in withheld.text


async def test_a_demo_says_that_it_is_one(client: AsyncClient) -> None:
    assert "Demo" in (await client.get("/", params={"lang": "en"})).text
