"""Coming in and going out: the one page that is given to anybody, and a session in a cookie that no script reads."""

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import Field, SecretStr

from pipeline.console.desk import At, Console, In, drop_token, keep_token, token_of
from pipeline.console.page import rendered
from pipeline.errors import MimamoriError, Refused, Unavailable
from pipeline.governance.throttle import Wait
from pipeline.vault.api import SignedOut
from schemas.audit import PRINCIPAL
from schemas.frozen import Frozen

router = APIRouter()


class Password(Frozen):
    """What somebody types to come in."""

    name: str = Field(min_length=1, max_length=PRINCIPAL)
    password: SecretStr = Field(min_length=1, max_length=1024)


@router.get("/sign-in", response_class=HTMLResponse)
async def sign_in_page(request: Request, at: At, words: In) -> Response:
    """Give the page to sign in on; whoever is in already is taken to the console."""
    ended = bool(token_of(request)) or "ended" in request.query_params
    try:
        if (token := token_of(request)) and await at.visit(token):
            return RedirectResponse("/", 303)
        note = words("sign.ended") if ended else ""
    except SignedOut:
        note = words("sign.ended")
    except Unavailable:
        note = words("sign.away")
    return rendered("sign-in.html", request, words, estate=at.estate, note=note)


@router.post("/api/sign-in")
async def sign_in(asked: Password, request: Request, at: At, words: In) -> Response:
    """Begin a session, in place of the one before. What was typed is passed on to the vault, and kept nowhere."""
    try:
        come = await at.sources.people.sign_in(asked.name, asked.password.get_secret_value())
    except SignedOut:
        raise HTTPException(401, words("sign.wrong")) from None
    except Unavailable:
        raise HTTPException(503, words("sign.away")) from None
    except Wait as error:
        raise HTTPException(429, words("sign.later", seconds=error.whole)) from None
    except Refused:
        raise HTTPException(403, words("sign.closed")) from None
    await _end(request, at)
    at.sessions.learn(come.token, come.person)
    answer = JSONResponse({"name": come.person.display_name})
    keep_token(request, answer, come.token)
    return answer


@router.post("/api/sign-out")
async def sign_out(request: Request, at: At) -> Response:
    """End the session, here and at the vault; what it looked at is wiped."""
    await _end(request, at)
    answer = JSONResponse({})
    drop_token(request, answer)
    # Caches are empty in any case; this empties what a browser may keep of a page for its "back".
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


async def _end(request: Request, at: Console) -> None:
    if not (token := token_of(request)):
        return
    at.leave(token)
    try:
        await at.sources.people.sign_out(session=token)
    except MimamoriError:
        # It ends by itself in a while; here nobody has it any more.
        return
