"""The one page, in one language; its script fills in what changes."""

from pathlib import Path
from typing import Final

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pipeline.console.api import At, In
from pipeline.console.cards import PROCEDURE
from pipeline.console.languages import LANGUAGES, known

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
async def index(request: Request, at: At, words: In) -> HTMLResponse:
    """Give the page; a language that was asked for is remembered."""
    html = TEMPLATES.get_template("page.html").render(
        words=words, estate=at.estate, stores=at.estate.stores, languages=LANGUAGES, procedure=PROCEDURE
    )
    answer = HTMLResponse(html, headers={"Content-Language": words.language, "Vary": "Accept-Language, Cookie"})
    if asked := known(request.query_params.get("lang")):
        answer.set_cookie("lang", asked, max_age=YEAR, httponly=True, samesite="strict")
    return answer
