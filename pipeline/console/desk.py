"""What every request is given: the console, the language, and who asks. Without a session nobody is given anything."""

from datetime import date
from functools import partial
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Request, Response

from pipeline.clock import Clock
from pipeline.console import rights
from pipeline.console.feed import Feed
from pipeline.console.languages import Language, chosen
from pipeline.console.places import near
from pipeline.console.sessions import Sessions, Visit, digest
from pipeline.console.sources import Sources
from pipeline.console.viewing import Viewings
from pipeline.console.words import Words
from pipeline.errors import Unavailable
from pipeline.governance.roles import Action
from schemas.estate import Estate, Store
from schemas.ids import StoreId

COOKIE: Final = "mimamori"


class Unknown(Unavailable):
    """Nobody can say who asks: so nobody is given anything."""


class Console:
    """What every request needs."""

    def __init__(self, estate: Estate, sources: Sources, feed: Feed) -> None:
        self.estate = estate
        self.sources = sources
        self.feed = feed
        self.clock: Clock = feed.clock
        self.sessions = Sessions(feed.clock)
        self.viewings = Viewings(feed.clock)
        feed.destroyed = self.viewings.end_keys

    async def visit(self, token: str) -> Visit:
        """Say who is signed in with a token.

        Raises:
            SignedOut: The session has ended, or there never was one.
            Unknown: The vault is away, and nobody is known without it.
        """
        try:
            return await self.sessions.visit(token, partial(self.sources.people.me, session=token))
        except Unavailable as error:
            raise Unknown(str(error)) from None

    def leave(self, token: str) -> None:
        """Forget a session, and wipe what it looks at."""
        self.sessions.forget(token)
        self.viewings.end_session(digest(token))


def console(request: Request) -> Console:
    found: Console = request.app.state.console
    return found


def language(request: Request) -> Language:
    """Asked for, chosen before, or preferred."""
    return chosen(request.query_params.get("lang"), request.cookies.get("lang"), request.headers.get("accept-language"))


def words(request: Request) -> Words:
    return Words(language(request))


At = Annotated[Console, Depends(console)]
In = Annotated[Words, Depends(words)]


async def visit(request: Request, at: At, words: In) -> Visit:
    """Say who asks.

    Raises:
        HTTPException: 401, nobody is signed in.
        MimamoriError: As of `Console.visit`.
    """
    token = token_of(request)
    if not token:
        raise HTTPException(401, words("sign.needed"))
    return await at.visit(token)


By = Annotated[Visit, Depends(visit)]


class Allowed:
    """A dependency: whoever may do this somewhere. In which store, the request itself asks."""

    def __init__(self, *actions: Action) -> None:
        self._actions = actions

    def __call__(self, visit: By, words: In) -> Visit:
        if not any(rights.may_anywhere(visit.person, action) for action in self._actions):
            raise forbidden(words)
        return visit


def in_store(visit: Visit, action: Action, store: str, words: Words) -> None:
    """Refuse what this person may not do in this store.

    Raises:
        HTTPException: 403.
    """
    if not rights.may(visit.person, action, StoreId(store)):
        raise forbidden(words)


def require_near(at: Console, words: Words, *days: date | None) -> None:
    """Refuse days that nobody meant.

    Raises:
        HTTPException: 422.
    """
    if not all(near(day, at.clock.now()) for day in days if day is not None):
        raise HTTPException(422, words("refused.far_day"))


def stores(at: Console, visit: Visit, action: Action) -> tuple[Store, ...]:
    return rights.stores(visit.person, action, at.estate)


def forbidden(words: Words) -> HTTPException:
    return HTTPException(403, words("refused.role"))


def token_of(request: Request) -> str:
    return request.cookies.get(cookie_name(request), "")


def cookie_name(request: Request) -> str:
    """Bound to this very host where the connection is secure; browsers keep such a name from everybody else."""
    return f"__Host-{COOKIE}" if _secure(request) else COOKIE


def keep_token(request: Request, answer: Response, token: str) -> None:
    """Give the browser a session; no script of any page can read it, and no other site can send it."""
    answer.set_cookie(cookie_name(request), token, path="/", httponly=True, samesite="strict", secure=_secure(request))


def drop_token(request: Request, answer: Response) -> None:
    answer.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="strict", secure=_secure(request))


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
