"""What went wrong, as an answer that a person can read: said politely, with what to do."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from pipeline.console import desk
from pipeline.console.desk import Unknown
from pipeline.console.languages import LANGUAGES
from pipeline.console.page import rendered
from pipeline.console.words import Words
from pipeline.errors import Erased, MimamoriError, Misconfigured, Refused, Rejected, Unavailable
from pipeline.governance.throttle import Wait
from pipeline.logs import log
from pipeline.vault.api import SignedOut

_SAID: Final[Mapping[type[MimamoriError], tuple[int, str]]] = {
    SignedOut: (401, "sign.ended"),
    Wait: (429, "sign.later"),
    Refused: (403, "refused.vault"),
    Erased: (410, "evidence.erased"),
    Rejected: (404, "refused.no_such_thing"),
    Unknown: (503, "page.vault_away"),
    Unavailable: (503, "refused.away"),
    Misconfigured: (503, "refused.away"),
}


_SUSPENSIONS: Final[Mapping[str, str]] = {
    "training_expired": "refused.training",
    "pledge_missing": "refused.pledge",
    "rules_not_acknowledged": "refused.rules",
    "disabled": "refused.closed",
}
"""What can suspend somebody; several may at once."""

_REFUSALS: Final[Mapping[str, str]] = {
    "first needs what is missing": "refused.needs_training",
    "purpose_incompatible": "refused.purpose",
    "a manager has released": "refused.not_released",
    "too_short": "refused.too_short",
    "too_simple": "refused.too_simple",
    "too_common": "refused.too_common",
    "like_the_name": "refused.like_the_name",
    "a hold ends after": "hold.until_wrong",
    "a hold of this evidence already": "refused.held_already",
    "who proposed it confirms": "refused.second_person",
    "the hold is": "refused.hold_over",
    "has expired or was erased": "refused.expired",
    "a release lasts": "refused.release_length",
    "is not staff of": "refused.not_staff",
    "changes their own account": "refused.own_account",
    "is nobody of": "refused.not_yours",
    "there is no account": "refused.not_yours",
    "is more than staff": "refused.more_than_staff",
    "there is an account": "refused.name_taken",
    "is no name for a person": "refused.no_name",
    "has rules of version": "refused.no_such_rules",
    "may not": "refused.not_in_role",
}
"""What else the vault says when it refuses a person."""


def answer(request: Request, error: MimamoriError) -> JSONResponse:
    """Say an error. `why` is the vault's reason, in the reader's language."""
    words = Words(desk.language(request))
    status, key = _said(error)
    if status == 503:
        log().warning("a part is away", detail=str(error))
    said = JSONResponse(
        {"detail": _detail(error, key, words), "why": _why(error, words), "unknown": isinstance(error, Unknown)}, status
    )
    if status == 401 and (token := desk.token_of(request)):
        desk.console(request).leave(token)
        desk.drop_token(request, said)
    return said


def unreadable(request: Request, _: RequestValidationError) -> JSONResponse:
    """Say that something was filled in wrongly; what it was is not said back: it may be a password."""
    words = Words(desk.language(request))
    return JSONResponse({"detail": words("refused.unreadable"), "why": "", "unknown": False}, 422)


async def missing(request: Request, error: HTTPException) -> Response:
    """Say that something is not there: to whoever typed an address, as a page."""
    if request.url.path.startswith(("/api/", "/static/")) or "text/html" not in request.headers.get("accept", ""):
        return await http_exception_handler(request, error)
    words, estate = Words(desk.language(request)), desk.console(request).estate
    # What was typed is not said back.
    return rendered(
        "missing.html", request, words, status=404, estate=estate, both=tuple(map(Words, LANGUAGES)), path="/"
    )


def _said(error: MimamoriError) -> tuple[int, str]:
    return next((said for kind, said in _SAID.items() if isinstance(error, kind)), (503, "refused.away"))


def _detail(error: MimamoriError, key: str, words: Words) -> str:
    return words(key, seconds=error.whole) if isinstance(error, Wait) else words(key)


def _why(error: MimamoriError, words: Words) -> str:
    """Put the vault's reason in the reader's language; one that we have no words for, only English readers get."""
    if _said(error)[0] != 403:
        return ""
    said = str(error)
    if one := next((key for part, key in _REFUSALS.items() if part in said), None):
        return words(one)
    known = [words(key) for code, key in _SUSPENSIONS.items() if code in said]
    return " ".join(known) or (said if words.language == "en" else "")
