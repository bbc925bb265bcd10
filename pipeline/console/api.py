"""What the page asks for, as JSON, in the language that it asks in. A part that is away is an answer, not an error."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse

from pipeline.clock import Clock
from pipeline.console import board, cameras, flow, forgetting, guard, stages
from pipeline.console.cameras import CameraPanel
from pipeline.console.cards import Card, card
from pipeline.console.feed import Feed
from pipeline.console.flow import FlowPanel
from pipeline.console.forgetting import ForgottenPanel
from pipeline.console.languages import Language, chosen
from pipeline.console.places import timezone
from pipeline.console.sources import Sources
from pipeline.console.stages import StagesPanel
from pipeline.console.words import Words
from pipeline.errors import MimamoriError
from pipeline.warehouse.queries import day
from schemas.estate import Estate
from schemas.frozen import Frozen
from schemas.ids import StoreId

HEARTBEAT: Final = timedelta(seconds=10)
"""Between alerts the stream says that it lives, so that a dead connection is noticed."""

COVERAGE_SINCE: Final = timedelta(hours=6)


class AlertsAnswer(Frozen):
    """What was noticed, newest first; `notes` say what is away."""

    alerts: tuple[Card, ...]
    waiting: int
    live: bool
    notes: tuple[str, ...] = ()


class FlowAnswer(Frozen):
    """A store's day. `away` is empty, or says that the warehouse is not reachable."""

    away: str = ""
    panel: FlowPanel | None = None


class CamerasAnswer(Frozen):
    """Every camera."""

    away: str = ""
    seeing: int = 0
    count: int = 0
    cameras: tuple[CameraPanel, ...] = ()


class StagesAnswer(Frozen):
    """Every stage."""

    away: str = ""
    panel: StagesPanel | None = None


class ForgottenAnswer(Frozen):
    """What the vault destroyed."""

    away: str = ""
    panel: ForgottenPanel | None = None


class TodayAnswer(Frozen):
    """How many came into all stores today, by what was published."""

    away: str = ""
    come: float = 0
    text: str = ""


class Health(Frozen):
    """Whether the console itself runs, and what it reaches."""

    status: str = "ok"
    broker: bool
    warehouse: bool


class Console:
    """What every request needs."""

    def __init__(self, estate: Estate, sources: Sources, feed: Feed) -> None:
        self.estate = estate
        self.sources = sources
        self.feed = feed
        self.clock: Clock = feed.clock


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

router = APIRouter()


@router.get("/healthz")
async def healthz(at: At) -> Health:
    """Answer that the console runs."""
    return Health(broker=at.feed.live, warehouse=at.feed.history)


@router.get("/api/alerts")
async def alerts(at: At, words: In) -> AlertsAnswer:
    """List what was noticed."""
    shown = board.shown(at.feed.board)
    away = (("alerts.history_away", at.feed.history), ("alerts.live_away", at.feed.live))
    return AlertsAnswer(
        alerts=tuple(_card(at, alert.alert_id, words) for alert in shown),
        waiting=sum(alert.alert_id not in at.feed.board.acknowledged for alert in shown),
        live=at.feed.live,
        notes=tuple(words(note) for note, there in away if not there),
    )


@router.get("/api/alerts/stream")
async def stream(at: At, words: In) -> StreamingResponse:
    """Send each alert as it comes, as server-sent events `alert`, with the card as data and its id as id."""
    return StreamingResponse(_events(at, words), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.post("/api/alerts/{alert_id}/acknowledge")
async def acknowledge(alert_id: str, request: Request, at: At, words: In) -> Card:
    """Note that somebody has read the courteous procedure. Kept in memory, as long as this process lives."""
    if not guard.same_origin(request.headers):
        raise HTTPException(403, "only the console's own page may do this")
    try:
        at.feed.board = board.acknowledge(at.feed.board, alert_id, at.clock.now())
    except KeyError:
        raise HTTPException(404, "no such alert") from None
    at.feed.listeners.tell(alert_id)
    return _card(at, alert_id, words)


@router.get("/api/flow")
async def people_flow(at: At, words: In, store: str = "") -> FlowAnswer:
    """Give one store's windows of today."""
    found = at.estate.store(StoreId(store)) if store else at.estate.stores[0]
    if found is None:
        raise HTTPException(404, "no such store")
    now = at.clock.now()
    begin, end = day(now, timezone(at.estate, found.id))
    try:
        rows = await at.sources.warehouse.flow(found.id, begin, end)
    except MimamoriError:
        return FlowAnswer(away=words("page.away"))
    return FlowAnswer(panel=flow.panel(found, rows, at.estate, now, words))


@router.get("/api/today")
async def today(at: At, words: In) -> TodayAnswer:
    """Add up all stores' days, each in its own time zone."""
    now = at.clock.now()
    spans = [(store.id, *day(now, timezone(at.estate, store.id))) for store in at.estate.stores]
    try:
        rows = await asyncio.gather(*(at.sources.warehouse.flow(*span) for span in spans))
    except MimamoriError:
        return TodayAnswer(away=words("page.away"))
    come = sum(flow.totals(some, words).come for some in rows)
    return TodayAnswer(come=come, text=f"{come:,.0f}")


@router.get("/api/cameras")
async def every_camera(at: At, words: In) -> CamerasAnswer:
    """Say how each camera is; without the warehouse, by the devices' own reports alone."""
    now = at.clock.now()
    try:
        rows = await at.sources.warehouse.coverage(now - COVERAGE_SINCE)
        away = ""
    except MimamoriError:
        rows, away = (), words("page.away")
    panels = cameras.panels(at.estate, at.feed.signs, rows, now, words)
    seeing = sum(panel.state == "well" for panel in panels)
    return CamerasAnswer(away=away, seeing=seeing, count=len(panels), cameras=panels)


@router.get("/api/stages")
async def every_stage(at: At, words: In) -> StagesAnswer:
    """Say how far each stage is behind, and what could not be used."""
    broker = at.sources.broker
    try:
        groups, dead = await asyncio.gather(broker.groups(), broker.dead_letters())
    except MimamoriError:
        return StagesAnswer(away=words("page.away"))
    return StagesAnswer(panel=stages.panel(groups, dead, words))


@router.get("/api/forgotten")
async def forgotten(at: At, words: In) -> ForgottenAnswer:
    """Say what was forgotten so far."""
    try:
        said = await at.sources.vault.forgotten()
    except MimamoriError:
        return ForgottenAnswer(away=words("page.away"))
    return ForgottenAnswer(panel=forgetting.panel(said, at.feed.receipt, at.clock.now(), words))


def _card(at: Console, alert_id: str, words: Words) -> Card:
    return card(at.feed.board.alerts[alert_id], at.feed.board.acknowledged.get(alert_id), at.estate, words)


async def _events(at: Console, words: Words) -> AsyncGenerator[str]:
    """A comment first, so that the browser knows at once that it is connected."""
    with at.feed.listeners.joined() as queue:
        yield "retry: 2000\n: connected\n\n"
        while True:
            try:
                alert_id = await asyncio.wait_for(queue.get(), HEARTBEAT.total_seconds())
            except TimeoutError:
                yield "event: alive\ndata: {}\n\n"
                continue
            if alert_id is None:
                return
            if alert_id in at.feed.board.alerts:
                yield f"id: {alert_id}\nevent: alert\ndata: {_card(at, alert_id, words).model_dump_json()}\n\n"
