"""What the page asks for, as JSON, in the language that it asks in. A part that is away is an answer, not an error."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import StreamingResponse

from pipeline.console import board, cameras, flow, forgetting, rights, stages
from pipeline.console.cameras import CameraPanel
from pipeline.console.cards import Card, Doable, card
from pipeline.console.desk import Allowed, At, Console, In, forbidden, in_store
from pipeline.console.desk import stores as stores_of
from pipeline.console.flow import FlowPanel
from pipeline.console.forgetting import ForgottenPanel
from pipeline.console.places import timezone
from pipeline.console.sessions import Visit
from pipeline.console.stages import StagesPanel
from pipeline.console.words import Words
from pipeline.errors import MimamoriError
from pipeline.flow.rows import AlertRow
from pipeline.governance.roles import Action
from pipeline.warehouse.queries import day
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
    seen: str = ""


class Health(Frozen):
    """Whether the console itself runs, and what it reaches."""

    status: str = "ok"
    broker: bool
    warehouse: bool


open_router = APIRouter()
"""What is given without a session: that the console runs, and no more."""

router = APIRouter()


@open_router.get("/healthz")
async def healthz(at: At) -> Health:
    """Answer that the console runs."""
    return Health(broker=at.feed.live, warehouse=at.feed.history)


SeesAlerts = Annotated[Visit, Depends(Allowed(Action.ALERTS))]
SeesFlow = Annotated[Visit, Depends(Allowed(Action.FLOW))]
SeesCameras = Annotated[Visit, Depends(Allowed(Action.CAMERAS))]
SeesStages = Annotated[Visit, Depends(Allowed(Action.STAGES))]
SeesForgotten = Annotated[Visit, Depends(Allowed(Action.STATUS, Action.LEDGER))]


@router.get("/api/alerts")
async def alerts(at: At, by: SeesAlerts, words: In) -> AlertsAnswer:
    """List what was noticed in the stores of whoever asks."""
    shown = tuple(alert for alert in board.shown(at.feed.board) if _sees(by, alert))
    away = (("alerts.history_away", at.feed.history), ("alerts.live_away", at.feed.live))
    return AlertsAnswer(
        alerts=tuple(_card(at, by, alert, words) for alert in shown),
        waiting=sum(alert.alert_id not in at.feed.board.acknowledged for alert in shown),
        live=at.feed.live,
        notes=tuple(words(note) for note, there in away if not there),
    )


@router.get("/api/alerts/stream")
async def stream(at: At, by: SeesAlerts, words: In) -> StreamingResponse:
    """Send each alert as it comes, as server-sent events `alert`, with the card as data and its id as id."""
    return StreamingResponse(
        _events(at, by, words), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@router.post("/api/alerts/{alert_id}/acknowledge")
async def acknowledge(alert_id: str, at: At, by: SeesAlerts, words: In) -> Card:
    """Note that somebody has read the courteous procedure. Kept in memory, as long as this process lives."""
    alert = seen_alert(at, by, alert_id, words)
    at.feed.board = board.acknowledge(at.feed.board, alert_id, at.clock.now())
    at.feed.listeners.tell(alert_id)
    return _card(at, by, alert, words)


@router.get("/api/flow")
async def people_flow(at: At, by: SeesFlow, words: In, store: str = "") -> FlowAnswer:
    """Give one store's windows of today."""
    found = at.estate.store(StoreId(store)) if store else next(iter(stores_of(at, by, Action.FLOW)), None)
    if found is None:
        # The same as for another's store: which stores there are is not told.
        raise forbidden(words)
    in_store(by, Action.FLOW, found.id, words)
    now = at.clock.now()
    begin, end = day(now, timezone(at.estate, found.id))
    try:
        rows = await at.sources.warehouse.flow(found.id, begin, end)
    except MimamoriError:
        return FlowAnswer(away=words("page.away"))
    return FlowAnswer(panel=flow.panel(found, rows, at.estate, now, words))


@router.get("/api/today")
async def today(at: At, by: SeesFlow, words: In) -> TodayAnswer:
    """Add up the days of all stores of whoever asks, each in its own time zone."""
    now = at.clock.now()
    spans = [(store.id, *day(now, timezone(at.estate, store.id))) for store in stores_of(at, by, Action.FLOW)]
    try:
        rows = await asyncio.gather(*(at.sources.warehouse.flow(*span) for span in spans))
    except MimamoriError:
        return TodayAnswer(away=words("page.away"))
    come = sum(flow.totals(some, words).come for some in rows)
    seen = flow.spoken_coverage([row for some in rows for row in some if row.line_id], words)
    return TodayAnswer(come=come, text=f"{come:,.0f}", seen=seen)


@router.get("/api/cameras")
async def every_camera(at: At, by: SeesCameras, words: In) -> CamerasAnswer:
    """Say how each camera is; without the warehouse, by the devices' own reports alone."""
    now = at.clock.now()
    try:
        rows = await at.sources.warehouse.coverage(now - COVERAGE_SINCE)
        away = ""
    except MimamoriError:
        rows, away = (), words("page.away")
    mine = {store.id for store in stores_of(at, by, Action.CAMERAS)}
    every = cameras.panels(at.estate, at.feed.signs, rows, now, words)
    panels = tuple(panel for panel in every if panel.store_id in mine)
    seeing = sum(panel.state == "well" for panel in panels)
    return CamerasAnswer(away=away, seeing=seeing, count=len(panels), cameras=panels)


@router.get("/api/stages")
async def every_stage(at: At, _: SeesStages, words: In) -> StagesAnswer:
    """Say how far each stage is behind, and what could not be used."""
    broker = at.sources.broker
    try:
        groups, dead = await asyncio.gather(broker.groups(), broker.dead_letters())
    except MimamoriError:
        return StagesAnswer(away=words("page.away"))
    return StagesAnswer(panel=stages.panel(groups, dead, words))


@router.get("/api/forgotten")
async def forgotten(at: At, _: SeesForgotten, words: In) -> ForgottenAnswer:
    """Say what was forgotten so far."""
    try:
        said = await at.sources.vault.forgotten()
    except MimamoriError:
        return ForgottenAnswer(away=words("page.away"))
    return ForgottenAnswer(panel=forgetting.panel(said, at.feed.receipt, at.clock.now(), words))


def seen_alert(at: Console, by: Visit, alert_id: str, words: Words) -> AlertRow:
    """Return an alert that this person sees.

    Raises:
        HTTPException: 404 where there is none, or none for them: that there is one elsewhere is not told.
    """
    alert = at.feed.board.alerts.get(alert_id)
    if alert is None or not _sees(by, alert):
        raise HTTPException(404, words("refused.no_such_alert"))
    return alert


def _sees(by: Visit, alert: AlertRow) -> bool:
    return rights.may(by.person, Action.ALERTS, StoreId(alert.store_id))


def _card(at: Console, by: Visit, alert: AlertRow, words: Words) -> Card:
    return card(alert, at.feed.board.acknowledged.get(alert.alert_id), at.estate, words, doable(by, alert.store_id))


def doable(by: Visit, store: str) -> Doable:
    """Say which buttons an alert of this store has for this person."""
    person, there = by.person, StoreId(store)
    return Doable(
        look=rights.may(person, Action.LOOK, there),
        look_released=rights.needs_release(person, Action.LOOK, there),
        hold=rights.may(person, Action.HOLD_PROPOSE, there),
        release=rights.may(person, Action.RELEASE, there),
        erase=rights.may(person, Action.ERASE, there),
    )


async def _events(at: Console, by: Visit, words: Words) -> AsyncGenerator[str]:
    """A comment first, so that the browser knows at once that it is connected. Whose session ends hears no more."""
    with at.feed.listeners.joined() as queue:
        yield "retry: 2000\n: connected\n\n"
        while True:
            try:
                alert_id = await asyncio.wait_for(queue.get(), HEARTBEAT.total_seconds())
            except TimeoutError:
                alert_id = ""
            if alert_id is None:
                return
            try:
                by = await at.visit(by.token)
            except MimamoriError:
                return
            if not alert_id:
                yield "event: alive\ndata: {}\n\n"
            elif (alert := at.feed.board.alerts.get(alert_id)) is not None and _sees(by, alert):
                yield f"id: {alert_id}\nevent: alert\ndata: {_card(at, by, alert, words).model_dump_json()}\n\n"
