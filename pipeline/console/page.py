"""The pages, in one language each; their scripts fill in what changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console import people, rights, spoken
from pipeline.console.cards import PROCEDURE
from pipeline.console.desk import At, Console, In, token_of
from pipeline.console.evidence import LOOKED_FOR
from pipeline.console.languages import known
from pipeline.console.proofs import COMMAND
from pipeline.console.sessions import Visit
from pipeline.console.words import Words
from pipeline.errors import Unavailable
from pipeline.governance.roles import Action
from pipeline.vault.api import SignedOut
from pipeline.vault.keys import bucket_length

TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

YEAR: Final = 365 * 24 * 3600

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
async def index(request: Request, at: At, words: In) -> Response:
    """Give the page, with those parts that whoever is signed in may see."""
    return await _given(
        "page.html",
        request,
        at,
        words,
        procedure=PROCEDURE,
        purposes=LOOKED_FOR,
        command=COMMAND,
        rules=people.RULES,
        bucket=spoken.length(bucket_length(at.estate.frame_ttl), words),
    )


@router.get("/people", response_class=HTMLResponse)
async def people_page(request: Request, at: At, words: In) -> Response:
    """Give the page that says who may do what."""
    return await _given("people.html", request, at, words)


@router.get("/places", response_class=HTMLResponse)
async def places_page(request: Request, at: At, words: In) -> Response:
    """Give the page on which a camera's places are drawn; it asks for what it may show."""
    return await _given("places.html", request, at, words, purposes=LOOKED_FOR)


async def _given(template: str, request: Request, at: Console, words: Words, **more: Any) -> Response:
    if not (token := token_of(request)):
        return RedirectResponse("/sign-in", 303)
    try:
        visit = await at.visit(token)
    except SignedOut:
        return RedirectResponse("/sign-in?ended", 303)
    except Unavailable:
        return rendered("sign-in.html", request, words, status=503, estate=at.estate, note=words("sign.away"))
    return rendered(template, request, words, **_known(at, visit, words), **more)


def _known(at: Console, visit: Visit, words: Words) -> Mapping[str, Any]:
    """Whatever a page needs to know of who reads it."""
    person = visit.person
    return {
        "estate": at.estate,
        "stores": rights.stores(person, Action.FLOW, at.estate),
        "managed": rights.stores(person, Action.ACCOUNTS, at.estate),
        "drawing": rights.stores(person, Action.PLACES, at.estate),
        "erasing": rights.stores(person, Action.ERASE, at.estate),
        "by_release": any(rights.needs_release(person, Action.LOOK, store.id) for store in at.estate.stores),
        "me": people.panel(at, visit, words),
        "may": {action.value for action in Action if rights.may_anywhere(person, action)},
    }


def rendered(template: str, request: Request, words: Words, status: int = 200, **more: Any) -> HTMLResponse:
    """Fill in a template; a language that was asked for is remembered."""
    html = TEMPLATES.get_template(template).render(words=words, **{"path": request.url.path, **more})
    answer = HTMLResponse(html, status, {"Content-Language": words.language, "Vary": "Accept-Language, Cookie"})
    if asked := known(request.query_params.get("lang")):
        answer.set_cookie("lang", asked, max_age=YEAR, httponly=True, samesite="strict")
    return answer
