"""Signing in, and accounts, over HTTP. Only the console may ask, and only for somebody: with their session's token."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response

from pipeline.errors import Refused
from pipeline.governance.people import Suspended
from pipeline.governance.roles import Action
from pipeline.governance.throttle import Wait
from pipeline.vault.access import Principal, require
from pipeline.vault.api import SESSION, Fault, Matrix, Nothing, Person, RulesRead, SignedIn, SignIn
from pipeline.vault.askers import acts
from pipeline.vault.people import People
from pipeline.vault.people_api import (
    ROUTES,
    Disabled,
    NewAccount,
    NewPassword,
    OwnPassword,
    Recorded,
    ShownAccounts,
    StaffStores,
)
from pipeline.vault.people_staff import Staff

Whose = Callable[..., Awaitable[Principal]]
Now = Callable[[], datetime]
NoteRefusal = Callable[[str, Action, Refused, datetime], None]
"""Takes down whose refusal it was, of what and why: `Vault.note_refusal`, or one that tells the ledger later."""

SessionHeader = Annotated[str | None, Header(alias=SESSION)]
_PROBLEM: Final = "application/problem+json"


class Desk(NamedTuple):
    """What these routes stand on."""

    people: People
    staff: Staff
    now: Now
    refused: NoteRefusal


class Visitor(NamedTuple):
    """Who came through the console, and their session's token."""

    person: Person
    session: str


def add_people(app: FastAPI, desk: Desk, whose: Whose) -> None:
    """Mount all that is about people, and how it is said that somebody is suspended or has to wait."""
    app.add_exception_handler(Suspended, _suspended)
    app.add_exception_handler(Wait, _wait)
    app.include_router(_sessions(desk, whose))
    app.include_router(_accounts(desk, whose))


def signed_in(people: People, now: Now, whose: Whose) -> Callable[..., Awaitable[Visitor]]:
    """Give the dependency that says who is signed in: for every route on which a person acts.

    It raises WrongRole for anybody but the console, and SignedOut where nobody is signed in.
    """

    async def visitor(
        request: Request, principal: Annotated[Principal, Depends(whose)], session: SessionHeader = None
    ) -> Visitor:
        require(principal, Action.SIGN_IN)
        return Visitor(people.person(session, now(), acting=acts(request)), session or "")

    return visitor


def _sessions(desk: Desk, whose: Whose) -> APIRouter:
    router, people = APIRouter(), desk.people
    visitor = signed_in(people, desk.now, whose)

    @router.post("/v1/sign-in")
    async def sign_in(principal: Annotated[Principal, Depends(whose)], asked: SignIn) -> SignedIn:
        require(principal, Action.SIGN_IN)
        return await people.sign_in(asked.name, asked.password, desk.now())

    @router.post("/v1/sign-out")
    async def sign_out(principal: Annotated[Principal, Depends(whose)], session: SessionHeader = None) -> Nothing:
        require(principal, Action.SIGN_IN)
        people.sign_out(session or "")
        return Nothing()

    @router.get("/v1/me")
    async def me(by: Annotated[Visitor, Depends(visitor)]) -> Person:
        return by.person

    @router.post("/v1/here")
    async def here(by: Annotated[Visitor, Depends(visitor)]) -> Person:
        """Say that the person is here, at their page: only that, or what they do, keeps a session from being idle."""
        return by.person

    @router.post("/v1/acknowledge-rules")
    async def acknowledge_rules(by: Annotated[Visitor, Depends(visitor)], asked: RulesRead) -> Person:
        return people.acknowledge(by.session, asked.version, desk.now())

    @router.post("/v1/password")
    async def password(by: Annotated[Visitor, Depends(visitor)], asked: OwnPassword) -> Nothing:
        await people.change_own_password(by.session, asked.old, asked.password, desk.now())
        return Nothing()

    @router.get("/v1/matrix")
    async def matrix(principal: Annotated[Principal, Depends(whose)]) -> Matrix:
        require(principal, Action.SIGN_IN)
        return people.matrix()

    return router


def _accounts(desk: Desk, whose: Whose) -> APIRouter:
    router, staff, now = APIRouter(prefix=ROUTES), desk.staff, desk.now
    visitor = signed_in(desk.people, now, whose)

    async def noted(by: Annotated[Visitor, Depends(visitor)]) -> AsyncIterator[Person]:
        try:
            yield by.person
        except Refused as refusal:
            desk.refused(by.person.name, Action.ACCOUNTS, refusal, now())
            raise

    by_manager = Annotated[Person, Depends(noted)]

    @router.get("")
    async def accounts(by: by_manager) -> ShownAccounts:
        return ShownAccounts(accounts=staff.of(by, now()))

    @router.post("")
    async def add(by: by_manager, asked: NewAccount) -> Person:
        return await staff.add(by, asked, now())

    @router.post("/{name}/stores")
    async def stores(by: by_manager, name: str, asked: StaffStores) -> Person:
        return staff.set_stores(by, name, frozenset(asked.stores), now())

    @router.post("/{name}/dates")
    async def dates(by: by_manager, name: str, asked: Recorded) -> Person:
        return staff.record(by, name, asked, now())

    @router.post("/{name}/disabled")
    async def disabled(by: by_manager, name: str, asked: Disabled) -> Person:
        return staff.set_disabled(by, name, now(), disabled=asked.disabled)

    @router.post("/{name}/password")
    async def password(by: by_manager, name: str, asked: NewPassword) -> Nothing:
        await staff.set_password(by, name, asked.password, now())
        return Nothing()

    return router


async def _suspended(_: Request, error: Exception) -> Response:
    reasons = [each.value for each in error.reasons] if isinstance(error, Suspended) else []
    return _details(HTTPStatus.FORBIDDEN, f"suspended: {error}", Fault.SUSPENDED, reasons=reasons)


async def _wait(_: Request, error: Exception) -> Response:
    seconds = error.seconds if isinstance(error, Wait) else 0.0
    answer = _details(HTTPStatus.TOO_MANY_REQUESTS, str(error), Fault.WAIT, seconds=seconds)
    answer.headers["Retry-After"] = str(int(seconds) + 1)
    return answer


def _details(status: HTTPStatus, detail: str, fault: Fault, **members: object) -> Response:
    """Answer with problem details (RFC 9457), as all of the vault does."""
    said = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse({**said, "fault": fault.value, **members}, status.value, media_type=_PROBLEM)
