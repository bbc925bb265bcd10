"""Over HTTP: who asks is a part of the system by its token, or, through the console, a person by their session's."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Header, Request

from pipeline.governance.roles import Role
from pipeline.vault.access import Action, Principal, require
from pipeline.vault.api import SESSION, SignedOut
from pipeline.vault.asking import Asker, People, Service, Signed

Whose = Callable[..., Awaitable[Principal]]
Who = Callable[..., Awaitable[Asker]]
Now = Callable[[], datetime]

READING: Final = frozenset({"GET", "HEAD"})
"""What a page asks for by itself, again and again: it is nobody's doing, and keeps no session alive."""


class Askers(NamedTuple):
    """Dependencies: who asks, whoever it is; a stage or a person, but not the console by itself; only a person."""

    anyone: Who
    stage_or_person: Who
    person: Who


def askers(people: People | None, now: Now, whose: Whose) -> Askers:
    """Give them. Only the console acts for people, and what comes with a session is never done in its own name."""

    def signed(request: Request, session: str | None) -> Signed:
        if people is None:
            raise SignedOut("this vault has no accounts")
        at = now()
        return Signed(people, people.person(session, at, acting=acts(request)), at)

    async def anyone(
        request: Request,
        principal: Annotated[Principal, Depends(whose)],
        session: Annotated[str | None, Header(alias=SESSION)] = None,
    ) -> Asker:
        if session is None or principal.role is not Role.CONSOLE:
            return Service(principal)
        return signed(request, session)

    async def stage_or_person(
        request: Request,
        principal: Annotated[Principal, Depends(whose)],
        session: Annotated[str | None, Header(alias=SESSION)] = None,
    ) -> Asker:
        return signed(request, session) if principal.role is Role.CONSOLE else Service(principal)

    async def person(
        request: Request,
        principal: Annotated[Principal, Depends(whose)],
        session: Annotated[str | None, Header(alias=SESSION)] = None,
    ) -> Asker:
        require(principal, Action.SIGN_IN)
        return signed(request, session)

    return Askers(anyone, stage_or_person, person)


def acts(request: Request) -> bool:
    """Say whether a request is somebody's doing: then the session that it comes with goes on."""
    return request.method not in READING
