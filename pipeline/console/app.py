"""The console as a web application: one page, its data, and two tasks that keep up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipeline.clock import Clock
from pipeline.console import api, page
from pipeline.console.feed import Feed, follow, poll
from pipeline.console.guard import HOSTS, Guarded
from pipeline.console.places import refuse_accusing_names
from pipeline.console.sources import Sources
from pipeline.logs import log
from schemas.estate import Estate

HERE: Final = Path(__file__).parent


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

    @asynccontextmanager
    async def keeping_up(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(follow(feed, sources.broker)), asyncio.create_task(poll(feed, sources.warehouse))]
        for task in tasks:
            task.add_done_callback(partial(_ended, died=died))
        try:
            yield
        finally:
            feed.listeners.close()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    # No interactive documents: their scripts come from elsewhere, and our policy refuses those.
    app = FastAPI(title="Mimamori console", lifespan=keeping_up, docs_url=None, redoc_url=None)
    app.state.console = api.Console(estate, sources, feed)
    app.include_router(api.router)
    app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Guarded)
    return app


def _ended(task: asyncio.Task[None], died: Callable[[BaseException], None] | None) -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    log().error("keeping up ended", error=type(error).__name__)
    if died is not None:
        died(error)
