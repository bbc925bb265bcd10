"""The vault as a service: HTTP on the outside, the timer of destruction on the inside."""

import asyncio
import os
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.errors import Erased, MimamoriError, Refused, Rejected, Unavailable
from pipeline.logs import log
from pipeline.vault.access import Action, Principal, WrongRole
from pipeline.vault.api import (
    Fault,
    Lease,
    LeaseRequest,
    PublicKey,
    PublicKeys,
    PublicKeysQuery,
    SignedOut,
    Status,
)
from pipeline.vault.askers import Who, Whose, askers
from pipeline.vault.asking import Asker, People
from pipeline.vault.confirming import Confirmation, nobody
from pipeline.vault.guard import MEND, Guard
from pipeline.vault.health import Health
from pipeline.vault.keeping import EvidenceKeeper, Unreadable
from pipeline.vault.keys import BucketKey, Owner
from pipeline.vault.ledger import Ledger
from pipeline.vault.metrics import CONTENT_TYPE, Metrics
from pipeline.vault.openapi import describe
from pipeline.vault.people import People as Accounts
from pipeline.vault.people_routes import Desk, add_people
from pipeline.vault.people_staff import Staff
from pipeline.vault.proofs import Proofs
from pipeline.vault.routes_evidence import evidence_routes
from pipeline.vault.routes_leases import lease_route
from pipeline.vault.routes_proofs import proof_routes
from pipeline.vault.tokens import Tokens
from pipeline.vault.uptime import Note
from pipeline.vault.vault import AHEAD_MAX, Vault

LONGEST_NAP: Final = timedelta(seconds=1)
"""How long the timer sleeps at most: the wall clock may be set, and leases wait to be told."""

_LARGEST: Final = 64 << 10
"""No request has more bytes."""

TIME_NOTED_EVERY: Final = timedelta(seconds=10)


class Stranger(MimamoriError):
    """No token, or one that nobody holds."""


_FAULTS: Final[dict[type[MimamoriError], tuple[HTTPStatus, Fault]]] = {
    Stranger: (HTTPStatus.UNAUTHORIZED, Fault.STRANGER),
    SignedOut: (HTTPStatus.UNAUTHORIZED, Fault.SIGNED_OUT),
    WrongRole: (HTTPStatus.FORBIDDEN, Fault.WRONG_ROLE),
    Refused: (HTTPStatus.FORBIDDEN, Fault.REFUSED),
    Rejected: (HTTPStatus.NOT_FOUND, Fault.UNKNOWN_KEY),
    Erased: (HTTPStatus.GONE, Fault.ERASED),
    Unreadable: (HTTPStatus.UNPROCESSABLE_ENTITY, Fault.UNREADABLE),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, Fault.AWAY),
}


class Keeper:
    """One vault with its time: what the service's requests and its timer share, in one thread."""

    def __init__(
        self,
        vault: Vault,
        ledger: Ledger,
        guard: Guard,
        ledger_public_key: bytes,
        *,
        confirmation: Confirmation = nobody,
        note: Note = lambda _: None,
        people: People | None = None,
        checkpoints: Path | None = None,
    ) -> None:
        self.vault = vault
        self.ledger = ledger
        self.guard = guard
        self.ledger_public_key = ledger_public_key
        self.people = people
        self.evidence = EvidenceKeeper(vault, guard, people)
        self.proofs = Proofs(ledger, checkpoints)
        self._confirmation = confirmation
        self._note = note
        self._noted: datetime | None = None
        self.metrics = Metrics(self.status)
        self.health = Health(self.status, self.metrics.idle)

    def now(self) -> datetime:
        return self.guard.read().now

    def tick(self) -> timedelta:
        """Destroy what is due, tell the ledger, and say how long to sleep.

        Raises:
            Unavailable: Try again soon; what is destroyed is destroyed.
        """
        try:
            with self.metrics.round() as destroyed:
                nap = self._round(destroyed)
        except Unavailable as error:
            self.health.met(str(error))
            raise
        self.health.met("")
        return nap

    def _round(self, destroyed: Callable[[int], None]) -> timedelta:
        self._hear()
        try:
            self.vault.shred(self.now())
            if buried := self.vault.bury(self.now()):
                log().info("keys destroyed", count=buried)
                destroyed(buried)
            self.evidence.lapse(self.now())
        finally:
            # Also where the key table's disk is full: what was lent is written down, or nothing more is lent.
            self.vault.tell(self.now())
        self._note_time(self.now())
        # Last: accounts in a database that is away keep nothing else waiting.
        if self.people is not None:
            self.people.tell(self.ledger, self.now())
        due = self.vault.next_destruction()
        return LONGEST_NAP if due is None else min(LONGEST_NAP, max(due - self.now(), timedelta(0)))

    def lend(self, principal: Principal, asked: LeaseRequest) -> Lease:
        """Lend a key, unless its life hangs on a wall clock that leapt: then nobody knows whether it is over."""
        reading = self.guard.read()
        expires_at = self.vault.expires_at(asked.key_id) if reading.doubtful else None
        if expires_at is not None and reading.now < expires_at <= reading.wall:
            raise Unavailable(f"the clock leapt: whether this key has expired is not known yet; {MEND}")
        try:
            lease = self.vault.lease(principal, asked.key_id, asked.purpose, asked.lease_public, reading.now)
        except Rejected as why:
            if why.reason == "unknown_key":
                raise
            raise Unreadable(f"lease_public: {why.detail}") from None
        self.metrics.lent()
        return lease

    def public_keys(self, principal: Principal, asked: PublicKeysQuery) -> tuple[BucketKey, ...]:
        """Give public keys. Those that only a wall clock that leapt would put in reach are waited for, not withheld."""
        reading = self.guard.read()
        if reading.doubtful and reading.now + AHEAD_MAX < asked.end <= reading.wall + AHEAD_MAX:
            raise Unavailable(f"the clock leapt: there are no keys for that time yet; {MEND}")
        owner = Owner(asked.store, asked.camera, asked.purpose)
        return self.vault.public_keys(principal, owner, asked.start, asked.end, reading.now)

    def status(self) -> Status:
        reading = self.guard.read()
        more = {"clock_doubtful": reading.doubtful, "ledger_public_key": self.ledger_public_key}
        return self.vault.status(reading.now).model_copy(update=more)

    def _hear(self) -> None:
        if self.guard.read().doubtful and (seen := self._confirmation()) is not None:
            believed = self.guard.confirm(seen)
            log().warning("clock confirmed" if believed else "clock not confirmed: it is another time by now")

    def _note_time(self, now: datetime) -> None:
        if self._noted is None or now - self._noted >= TIME_NOTED_EVERY:
            self.vault.note_time(now)
            self._note(now)
            self._noted = now


async def destroy_on_time(keeper: Keeper) -> None:
    """Run until cancelled. Kafka, stages and HTTP may all be away: keys die on time."""
    doubtful = False
    while True:
        try:
            nap = keeper.tick()
        except Unavailable as error:
            log().error("destruction or ledger waits", error=str(error))
            nap = LONGEST_NAP / 2
        if (leapt := keeper.guard.read().doubtful) != doubtful:
            if leapt:
                log().warning("clock leapt: what expires by it alone is neither lent nor destroyed", detail=MEND)
            else:
                log().warning("clock believed again")
            doubtful = leapt
        await asyncio.sleep(nap.total_seconds())


def app_of(keeper: Keeper, tokens: Tokens, staff: Staff | None = None) -> FastAPI:
    """Put a vault behind HTTP, with its accounts where there are any. It must have recovered before."""
    app = FastAPI(
        title="Mimamori vault",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(keeper),
        max_body_size=_LARGEST,
    )
    refused = keeper.metrics.refused
    for error, (status, fault) in _FAULTS.items():
        app.add_exception_handler(error, _problem(status, fault, refused))
    app.add_exception_handler(RequestValidationError, _unreadable(refused))
    app.add_exception_handler(HTTPException, _plain)
    app.add_middleware(_Broken, count=refused)
    whose = _whose(tokens)
    who = askers(keeper.people, keeper.now, whose)
    # First, for it is asked for most.
    app.router.routes.insert(0, lease_route(keeper.lend, _known(tokens)))
    _add_keys(app, keeper, whose)
    _add_reading(app, keeper, who.anyone)
    app.include_router(proof_routes(keeper.ledger, keeper.proofs, keeper.ledger_public_key, who.anyone))
    app.include_router(evidence_routes(keeper.evidence, who.stage_or_person, who.person))
    if staff is not None and isinstance(keeper.people, Accounts):
        add_people(app, Desk(keeper.people, staff, keeper.now, keeper.vault.note_refusal), whose)
    describe(app)
    return app


def _lifespan(keeper: Keeper) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        timer = asyncio.create_task(destroy_on_time(keeper))
        timer.add_done_callback(_die_with)
        try:
            yield
        finally:
            timer.cancel()
            with suppress(asyncio.CancelledError):
                await timer
            with suppress(Unavailable):
                keeper.vault.tell(keeper.now())

    return lifespan


def _die_with(timer: asyncio.Task[None]) -> None:
    # A vault that lends and no longer destroys is the worst of all: rather none, until it is started again.
    if timer.cancelled():
        return
    error = timer.exception()
    log().critical("destruction ended", error=type(error).__name__)
    if error is not None:
        _show_where(error)
    os._exit(70)


def _show_where(error: BaseException) -> None:
    """Say what it is and where it happened, never its words: they could quote a value."""
    sys.stderr.writelines(traceback.format_tb(error.__traceback__)[-8:])
    sys.stderr.flush()


def _known(tokens: Tokens) -> Callable[[str | None], Principal]:
    def known(authorization: str | None) -> Principal:
        scheme, _, token = (authorization or "").partition(" ")
        found = tokens.principal(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Stranger("a bearer token of a known principal is needed")
        return found

    return known


def _whose(tokens: Tokens) -> Whose:
    known = _known(tokens)
    # For the description's sake; what is said is said by `known`.
    bearer = HTTPBearer(auto_error=False, description="A token of a stage, a device or the console")

    async def principal(
        _: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> Principal:
        return known(authorization)

    return principal


def _add_keys(app: FastAPI, keeper: Keeper, whose: Whose) -> None:
    @app.get("/v1/public-keys")
    async def public_keys(
        principal: Annotated[Principal, Depends(whose)], asked: Annotated[PublicKeysQuery, Query()]
    ) -> PublicKeys:
        return PublicKeys(keys=tuple(map(_public, keeper.public_keys(principal, asked))))


def _add_reading(app: FastAPI, keeper: Keeper, anyone: Who) -> None:
    @app.get("/v1/status")
    async def status(by: Annotated[Asker, Depends(anyone)]) -> Status:
        by.require(Action.STATUS, None)
        return keeper.status()

    @app.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> Response:
        """Say whether the vault is alive: 503 with why when it should be started anew."""
        return _well(keeper.health.not_alive())

    @app.get("/readyz", response_class=PlainTextResponse)
    async def readyz() -> Response:
        """Say whether the vault is ready: 503 with why when ledger, key table or ring are away, or keys are late."""
        return _well(keeper.health.not_ready())

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Give counts and times for Prometheus; nothing of it names anybody or any place."""
        return Response(keeper.metrics.text(), media_type=CONTENT_TYPE)


def _well(why_not: str) -> Response:
    return PlainTextResponse(why_not or "ok", HTTPStatus.SERVICE_UNAVAILABLE if why_not else HTTPStatus.OK)


def _public(key: BucketKey) -> PublicKey:
    return PublicKey(
        key_id=key.key_id,
        store_id=key.owner.store,
        camera_id=key.owner.camera,
        purpose=key.owner.purpose,
        bucket_start=key.span.start,
        bucket_end=key.span.end,
        expires_at=key.span.expires_at,
        public=key.public,
    )


def _problem(
    status: HTTPStatus, fault: Fault, count: Callable[[Fault], None]
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_: Request, error: Exception) -> Response:
        count(fault)
        return _details(status, str(error), fault=fault.value)

    return answer


def _unreadable(count: Callable[[Fault], None]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_: Request, error: Exception) -> Response:
        count(Fault.UNREADABLE)
        # Where and why, never what: the framework's own answer quotes the request.
        wrong = error.errors() if isinstance(error, RequestValidationError) else ()
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong)
        fields = [str(each["loc"][-1]) for each in wrong]
        return _details(HTTPStatus.UNPROCESSABLE_ENTITY, told, fault=Fault.UNREADABLE.value, fields=fields)

    return answer


class _Broken:
    """Answers where something broke. Let through, the server would log the error's words, and they may quote values."""

    def __init__(self, app: ASGIApp, count: Callable[[Fault], None]) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last place where anything can be said of it without its words
            self._count(Fault.BROKEN)
            log().error("a question broke the vault", error=type(error).__name__)
            _show_where(error)
            detail = "the vault could not answer: its log says where it broke"
            answer = _details(HTTPStatus.INTERNAL_SERVER_ERROR, detail, fault=Fault.BROKEN.value)
            await answer(scope, receive, send)


async def _plain(_: Request, error: Exception) -> Response:
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    return _details(status, status.phrase)


def _details(status: HTTPStatus, detail: str, **members: object) -> Response:
    """Answer with problem details (RFC 9457)."""
    content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **members}
    more = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(content, status.value, more, media_type="application/problem+json")
