"""The console as a web application: one page, its data, and two tasks that keep up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipeline.clock import Clock
from pipeline.console import (
    accounts,
    answers,
    api,
    deciding,
    desk,
    drawing,
    evidence,
    page,
    people,
    proofs,
    releasing,
    signing,
)
from pipeline.console.feed import Feed, follow, poll
from pipeline.console.guard import HOSTS, Guarded
from pipeline.console.places import refuse_accusing_names
from pipeline.console.sources import Sources
from pipeline.errors import MimamoriError
from pipeline.logs import log
from schemas.estate import Estate

HERE: Final = Path(__file__).parent
SWEPT: Final = timedelta(seconds=2)


def create(
    estate: Estate,
    sources: Sources,
    clock: Clock,
    *,
    hosts: Sequence[str] = HOSTS,
    died: Callable[[BaseException], None] | None = None,
) -> FastAPI:
    """Make the application.

    Args:
        estate: What there is to show.
        sources: Where to look.
        clock: What the time is.
        hosts: Names in addresses that are ours.
        died: Told when keeping up ended by a mistake of ours: a console that shows no news must not look alive.

    Raises:
        Misconfigured: A name in the estate accuses (R41).
    """
    refuse_accusing_names(estate)
    feed = Feed(clock)
    here = desk.Console(estate, sources, feed)

    @asynccontextmanager
    async def keeping_up(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(follow(feed, sources.broker)),
            asyncio.create_task(poll(feed, sources.warehouse)),
            asyncio.create_task(_sweep(here)),
        ]
        for task in tasks:
            task.add_done_callback(partial(_ended, died=died))
        try:
            yield
        finally:
            feed.listeners.close()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            here.viewings.close()

    # No interactive documents: their scripts come from elsewhere, and our policy refuses those.
    app = FastAPI(title="Mimamori console", lifespan=keeping_up, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = here
    app.include_router(api.open_router)
    app.include_router(signing.router)
    app.include_router(page.router)
    for part in (api, people, accounts, evidence, deciding, releasing, proofs, drawing):
        app.include_router(part.router, dependencies=[Depends(desk.visit)])
    app.add_exception_handler(MimamoriError, answers.answer)  # type: ignore[arg-type]  # of this kind alone
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_exception_handler(RequestValidationError, answers.unreadable)  # type: ignore[arg-type]  # likewise
    app.add_exception_handler(404, answers.missing)  # type: ignore[arg-type]  # nothing else has a status
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Guarded)
    return app


async def _sweep(here: desk.Console) -> None:
    """Wipe looks that are over, whether anybody asks or not."""
    while True:
        here.viewings.sweep()
        await asyncio.sleep(SWEPT.total_seconds())


def _ended(task: asyncio.Task[None], died: Callable[[BaseException], None] | None) -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    log().error("keeping up ended", error=type(error).__name__)
    if died is not None:
        died(error)
