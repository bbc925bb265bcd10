"""What managers decide about evidence: to erase it early, or to keep it longer."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException
from pydantic import Field

from pipeline.console import rights
from pipeline.console.desk import Allowed, At, Console, In, in_store, require_near
from pipeline.console.evidence import one_line, written
from pipeline.console.places import Names, end_of, timezone
from pipeline.console.sessions import Visit
from pipeline.console.subjects import Subject, subject_of, when
from pipeline.console.words import Words
from pipeline.errors import Erased, Rejected
from pipeline.governance.roles import Action
from pipeline.vault.api import (
    HOLD_LONGEST,
    Erasure,
    ErasureRequest,
    Hold,
    HoldRequest,
    HoldState,
    Id,
    Person,
)
from schemas.frozen import Frozen, UtcTime
from schemas.ids import AlertId, CameraId, KeyId, StoreId

router = APIRouter()

MayErase = Annotated[Visit, Depends(Allowed(Action.ERASE))]
SeesHolds = Annotated[Visit, Depends(Allowed(Action.HOLDS))]
MayPropose = Annotated[Visit, Depends(Allowed(Action.HOLD_PROPOSE))]
MayConfirm = Annotated[Visit, Depends(Allowed(Action.HOLD_CONFIRM))]
MayEnd = Annotated[Visit, Depends(Allowed(Action.HOLD_END))]

Reason = Annotated[str, Field(max_length=1024)]
_SHOWN: Final = {state: state.value for state in HoldState} | {HoldState.CONFIRMED: "agreed"}
LIVING: Final = frozenset({HoldState.PROPOSED, HoldState.CONFIRMED, HoldState.SEALED})


class EraseAlert(Frozen):
    """Erase one alert's evidence; `sure` says that whoever asks has confirmed it."""

    reason: Reason
    sure: Literal[True]


class EraseSpan(Frozen):
    """Erase all of one camera between two times of the store's own day."""

    store_id: str
    camera_id: str
    start: datetime
    end: datetime
    reason: Reason
    sure: Literal[True]


class Destroyed(Frozen):
    """One key that is gone, and where its receipt is."""

    key_id: KeyId
    receipt: str


class ErasureAnswer(Frozen):
    """What was erased."""

    erasure_id: str
    text: str
    keys: tuple[Destroyed, ...]


class ProposeHold(Frozen):
    """Keep an alert's evidence to the end of a day."""

    until: date
    incident: str = Field(min_length=1, max_length=64)
    reason: Reason


class HoldPanel(Frozen):
    """One hold, in one language, with what whoever reads it may do about it."""

    hold_id: str
    alert_id: str
    store: str
    camera: str
    incident: str
    reason: str
    state: str
    state_name: str
    until: UtcTime
    until_text: str
    text: str
    may_confirm: bool
    may_end: bool
    may_look: bool


class HoldsAnswer(Frozen):
    """Every hold that lives, then those that are over.

    Whoever may only know that there are holds is given their number, and in `ends` when each ends.
    """

    holds: tuple[HoldPanel, ...]
    count: int
    ends: tuple[str, ...] = ()


class Holding(Frozen):
    """The hold that an alert is under, which has to be ended before anything of it is erased; empty: none."""

    hold_id: str = ""
    text: str = ""


@router.post("/api/alerts/{alert_id}/erase")
async def erase_alert(alert_id: str, asked: EraseAlert, at: At, by: MayErase, words: In) -> ErasureAnswer:
    """Destroy the keys of an alert's evidence, and of the frames it was cut from."""
    subject = await subject_of(at, by, alert_id, Action.ERASE, words)
    _require_free(at, [each for each in await _living(at, by) if each.alert_id == alert_id], words)
    request = ErasureRequest(
        alert_id=AlertId(alert_id),
        store_id=subject.store,
        camera_id=subject.camera,
        start=subject.start,
        end=subject.end,
        reason=written(asked.reason, words),
    )
    return _erased(at, await at.sources.people.erase(request, session=by.token), (alert_id,), words)


@router.post("/api/erasures")
async def erase_span(asked: EraseSpan, at: At, by: MayErase, words: In) -> ErasureAnswer:
    """Destroy the keys of one camera's frames between two times, and of the evidence cut from them."""
    in_store(by, Action.ERASE, asked.store_id, words)
    store, camera = StoreId(asked.store_id), CameraId(asked.camera_id)
    if at.estate.camera(store, camera) is None:
        raise HTTPException(404, words("refused.no_such_thing"))
    require_near(at, words, asked.start.date(), asked.end.date())
    zone = timezone(at.estate, store)
    start, end = _there(asked.start, zone), _there(asked.end, zone)
    if not start < end:
        raise HTTPException(422, words("erase.span_order"))
    _require_free(at, await _meeting(at, by, Subject(store, camera, start, end)), words)
    request = ErasureRequest(
        store_id=store, camera_id=camera, start=start, end=end, reason=written(asked.reason, words)
    )
    erased = await at.sources.people.erase(request, session=by.token)
    alerts = (
        alert.alert_id
        for alert in at.feed.board.alerts.values()
        if (alert.store_id, alert.camera_id) == (store, camera) and alert.start < end and alert.end >= start
    )
    return _erased(at, erased, alerts, words)


@router.get("/api/holds")
async def holds(at: At, by: SeesHolds, words: In) -> HoldsAnswer:
    """List what is kept longer, by whose decision, and until when."""
    found = await at.sources.people.holds(session=by.token)
    mine = [hold for hold in found if rights.may(by.person, Action.HOLDS, hold.store_id)]
    ordered = sorted(mine, key=lambda hold: (hold.state not in LIVING, hold.until))
    told = [hold for hold in ordered if _told_why(by.person, hold.store_id)]
    counted = [hold for hold in ordered if hold not in told and hold.state in LIVING]
    return HoldsAnswer(
        holds=tuple(_hold(at, by, hold, words) for hold in told),
        count=sum(hold.state in LIVING for hold in mine),
        ends=tuple(words("hold.until", time=when(hold.until, timezone(at.estate, hold.store_id))) for hold in counted),
    )


@router.get("/api/alerts/{alert_id}/holding")
async def holding(alert_id: str, at: At, by: MayErase, words: In) -> Holding:
    """Say which hold an alert is under."""
    await subject_of(at, by, alert_id, Action.ERASE, words)
    hold = next((each for each in await _living(at, by) if each.alert_id == alert_id), None)
    return Holding() if hold is None else Holding(hold_id=hold.hold_id, text=_held(at, hold, words))


@router.post("/api/alerts/{alert_id}/hold")
async def propose(alert_id: str, asked: ProposeHold, at: At, by: MayPropose, words: In) -> HoldPanel:
    """Propose to keep an alert's evidence; somebody else confirms it."""
    subject = await subject_of(at, by, alert_id, Action.HOLD_PROPOSE, words)
    require_near(at, words, asked.until)
    until = end_of(asked.until, timezone(at.estate, subject.store))
    if not at.clock.now() < until <= at.clock.now() + HOLD_LONGEST:
        raise HTTPException(422, words("hold.until_wrong"))
    request = HoldRequest(
        alert_id=AlertId(alert_id),
        until=until,
        reason=written(asked.reason, words),
        incident=one_line(asked.incident, words),
    )
    return _hold(at, by, await at.sources.people.propose_hold(request, session=by.token), words)


@router.post("/api/holds/{hold_id}/confirm")
async def confirm(hold_id: Id, at: At, by: MayConfirm, words: In) -> HoldPanel:
    """Confirm, as a second person, what another proposed."""
    return _hold(at, by, await at.sources.people.confirm_hold(hold_id, session=by.token), words)


@router.post("/api/holds/{hold_id}/end")
async def end(hold_id: Id, at: At, by: MayEnd, words: In) -> HoldPanel:
    """End a hold: the held copy's key is destroyed."""
    ended = await at.sources.people.end_hold(hold_id, session=by.token)
    at.viewings.end_alerts((ended.alert_id,))
    return _hold(at, by, ended, words)


async def _living(at: Console, by: Visit) -> tuple[Hold, ...]:
    return tuple(each for each in await at.sources.people.holds(session=by.token) if each.state in LIVING)


async def _meeting(at: Console, by: Visit, asked: Subject) -> tuple[Hold, ...]:
    """Return the living holds of a camera's evidence that a span meets."""
    found = []
    for hold in await _living(at, by):
        if (hold.store_id, hold.camera_id) != (asked.store, asked.camera):
            continue
        # What is gone by itself meanwhile is kept by nothing.
        with suppress(Erased, Rejected):
            kept = await at.sources.people.object_of(hold.alert_id, session=by.token)
            if kept.start < asked.end and kept.end >= asked.start:
                found.append(hold)
    return tuple(found)


def _require_free(at: Console, holds: Iterable[Hold], words: Words) -> None:
    """Refuse to erase what is kept by decision: ending that is a decision of its own, with an entry of its own.

    Raises:
        HTTPException: 409.
    """
    for hold in holds:
        raise HTTPException(409, _held(at, hold, words))


def _held(at: Console, hold: Hold, words: Words) -> str:
    until = words("hold.until", time=when(hold.until, timezone(at.estate, hold.store_id)))
    return words("erase.held", incident=hold.incident, until=until, who=_who(hold, words))


def _told_why(person: Person, store: StoreId) -> bool:
    """Say whether somebody may know why something is kept and who decided it: who decides such things, or audits."""
    return rights.may(person, Action.LEDGER, store)


def _erased(at: Console, erased: Erasure, alert_ids: Iterable[str], words: Words) -> ErasureAnswer:
    at.viewings.end_alerts(alert_ids)
    at.viewings.end_keys(erased.keys)
    return ErasureAnswer(
        erasure_id=erased.erasure_id,
        text=words("erase.done", count=len(erased.keys)),
        keys=tuple(Destroyed(key_id=key, receipt=f"/api/proofs/receipts/{key}") for key in erased.keys),
    )


def _hold(at: Console, by: Visit, hold: Hold, words: Words) -> HoldPanel:
    names, zone = Names(at.estate, hold.store_id), timezone(at.estate, hold.store_id)
    person = by.person
    return HoldPanel(
        hold_id=hold.hold_id,
        alert_id=hold.alert_id,
        store=names.store(),
        camera=names.camera(hold.camera_id),
        incident=hold.incident,
        reason=hold.reason,
        state=_SHOWN[hold.state],
        state_name=words(f"hold.{_SHOWN[hold.state]}"),
        until=hold.until,
        until_text=words("hold.until", time=when(hold.until, zone)),
        text=_who(hold, words),
        may_confirm=hold.state is HoldState.PROPOSED
        and hold.proposed_by != person.name
        and rights.may(person, Action.HOLD_CONFIRM, hold.store_id),
        may_end=hold.state in LIVING and rights.may(person, Action.HOLD_END, hold.store_id),
        may_look=hold.state is HoldState.SEALED and rights.may(person, Action.LOOK, hold.store_id),
    )


def _who(hold: Hold, words: Words) -> str:
    proposed = words("hold.proposed_by", name=hold.proposed_by)
    return proposed if hold.confirmed_by is None else f"{proposed} · {words('hold.agreed_by', name=hold.confirmed_by)}"


def _there(time_: datetime, zone: ZoneInfo) -> datetime:
    """Take a time without a zone as the store's own clock."""
    return time_ if time_.tzinfo else time_.replace(tzinfo=zone)
