"""What went wrong, as an answer that a person can read: said politely, with what to do."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from pipeline.console import desk
from pipeline.console.desk import Unknown
from pipeline.console.words import Words
from pipeline.errors import Erased, MimamoriError, Misconfigured, Refused, Rejected, Unavailable
from pipeline.logs import log
from pipeline.vault.api import SignedOut

_SAID: Final[Mapping[type[MimamoriError], tuple[int, str]]] = {
    SignedOut: (401, "sign.ended"),
    Refused: (403, "refused.vault"),
    Erased: (410, "evidence.erased"),
    Rejected: (404, "refused.no_such_thing"),
    Unknown: (503, "page.vault_away"),
    Unavailable: (503, "refused.away"),
    Misconfigured: (503, "refused.away"),
}


_REASONS: Final[Mapping[str, str]] = {
    "training_expired": "refused.training",
    "pledge_missing": "refused.pledge",
    "rules_not_acknowledged": "refused.rules",
    "purpose_incompatible": "refused.purpose",
    "a manager has released": "refused.not_released",
    "too_short": "refused.too_short",
    "too_simple": "refused.too_simple",
    "too_common": "refused.too_common",
    "like_the_name": "refused.like_the_name",
}
"""What the vault says when it refuses, as far as we have words for it."""


def answer(request: Request, error: MimamoriError) -> JSONResponse:
    """Say an error. `why` is the vault's own word for it, in English, where that may help."""
    words = Words(desk.language(request))
    status, key = _said(error)
    if status == 503:
        log().warning("a part is away", detail=str(error))
    said = JSONResponse(
        {"detail": words(key), "why": _why(error, words), "unknown": isinstance(error, Unknown)}, status
    )
    if status == 401 and (token := desk.token_of(request)):
        desk.console(request).leave(token)
        desk.drop_token(request, said)
    return said


def unreadable(request: Request, _: RequestValidationError) -> JSONResponse:
    """Say that something was filled in wrongly; what it was is not said back: it may be a password."""
    words = Words(desk.language(request))
    return JSONResponse({"detail": words("refused.unreadable"), "why": "", "unknown": False}, 422)


def _said(error: MimamoriError) -> tuple[int, str]:
    return next((said for kind, said in _SAID.items() if isinstance(error, kind)), (503, "refused.away"))


def _why(error: MimamoriError, words: Words) -> str:
    """Put the vault's reason in the reader's language where it is one that we know; else leave it as it is."""
    if _said(error)[0] != 403:
        return ""
    known = [words(key) for said, key in _REASONS.items() if said in str(error)]
    return " ".join(known) or str(error)
