"""Looking at an alert's evidence: purpose and written reason first, the ledger before the key, nothing on a disk."""

from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import Field

from pipeline import sealing
from pipeline.console import rights, spoken
from pipeline.console.api import seen_alert
from pipeline.console.desk import Allowed, At, By, Console, In, forbidden
from pipeline.console.places import Names, timezone
from pipeline.console.sessions import Visit, digest
from pipeline.console.viewing import Whose
from pipeline.console.words import Words
from pipeline.errors import Erased, Refused, Rejected
from pipeline.evidence import clip
from pipeline.flow.rows import AlertRow
from pipeline.governance.roles import PURPOSES, Action
from pipeline.logs import log
from pipeline.sealing import KeyPair
from pipeline.vault import api
from pipeline.vault.api import EvidenceObject, Look, LookRequest, NamedAlert, lease_info
from pipeline.vault.ring import wipe
from schemas.envelope import Purpose
from schemas.frozen import Frozen, UtcTime
from schemas.ids import AlertId, StoreId

SHORTEST: Final = 10
LONGEST: Final = 256

LOOKED_FOR: Final = tuple(purpose for purpose in Purpose if purpose in PURPOSES[Action.LOOK])
"""What a look can be for: what the table of roles names, and nothing that anybody types."""

router = APIRouter()

MayLook = Annotated[Visit, Depends(Allowed(Action.ALERTS))]
"""Whoever sees alerts may ask; whether for this very item, the vault says."""


class Evidence(Frozen):
    """What is kept of one alert, for whoever may look: ready, coming, erased, none, or away; or not for you."""

    state: str
    text: str = ""
    until: UtcTime | None = None
    held: bool = False


class Asked(Frozen):
    """Why somebody looks; `purpose` by its place in the list that the page gives to choose from."""

    purpose: int = Field(ge=0, lt=len(LOOKED_FOR))
    reason: str = Field(max_length=4 * LONGEST)


class Shown(Frozen):
    """One frame: where to fetch it, once."""

    address: str
    time: str
    box: tuple[float, float, float, float]
    hidden: str


class Looking(Frozen):
    """A look that goes on. It ends by itself at `ends_at`."""

    viewing_id: str
    ends_at: UtcTime
    seconds: float
    line: str
    who: str
    frames: tuple[Shown, ...]


@router.get("/api/alerts/{alert_id}/evidence")
async def evidence(alert_id: str, at: At, by: MayLook, words: In) -> Evidence:
    """Say whether there is something to look at, for those who may."""
    alert = seen_alert(at, by, alert_id, words)
    there = StoreId(alert.store_id)
    if not rights.may(by.person, Action.LOOK, there) and not await _released(at, by, there, alert_id):
        return Evidence(state="not_for_you")
    try:
        found = await at.sources.people.object_of(AlertId(alert_id), session=by.token)
    except Erased:
        return Evidence(state="erased", text=words("evidence.erased"))
    except Rejected:
        return Evidence(state="none", text=words("evidence.none"))
    except Refused:
        return Evidence(state="not_for_you")
    return _said(found, at, alert, words)


@router.post("/api/alerts/{alert_id}/look")
async def look(alert_id: NamedAlert, asked: Asked, at: At, by: By, words: In) -> Looking:
    """Open the evidence of an alert for this person, now. Whether they may, the vault says, and writes it down."""
    why = _Why(LOOKED_FOR[asked.purpose], written(asked.reason, words))
    return _shown(at, by, await _opened(at, by, alert_id, why, words), words)


def own_page(request: Request, words: In) -> None:
    """Refuse a picture to any page but ours, and to the address bar.

    Raises:
        HTTPException: 403.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise forbidden(words)


@router.get("/api/looks/{viewing_id}/{address}", dependencies=[Depends(own_page)])
async def picture(viewing_id: str, address: str, at: At, by: MayLook, words: In) -> Response:
    """Give one picture out, once, to our own page in the session that looks."""
    jpeg = at.viewings.take(digest(by.token), viewing_id, address)
    if jpeg is None:
        raise HTTPException(404, words("evidence.over"))
    sent = bytes(jpeg)
    wipe(jpeg)
    return Response(sent, media_type="image/jpeg", headers={"Content-Disposition": "inline"})


@router.get("/api/looks/{viewing_id}")
async def goes_on(viewing_id: str, at: At, by: MayLook, words: In) -> Response:
    """Say whether a look goes on: the page drops what it has drawn when it does not, because it was erased or ended."""
    if not at.viewings.goes_on(digest(by.token), viewing_id):
        raise HTTPException(404, words("evidence.over"))
    return Response(status_code=204)


@router.post("/api/looks/{viewing_id}/end")
async def end(viewing_id: str, at: At, by: MayLook) -> Response:
    """End a look before its time."""
    at.viewings.end(digest(by.token), viewing_id)
    return Response(status_code=204)


def written(reason: str, words: Words) -> str:
    """Return a reason that says something.

    Raises:
        HTTPException: 422, it is too short, or longer than the ledger takes.
    """
    said = one_line(" ".join(reason.split()), words)
    if not SHORTEST <= len(said) <= LONGEST:
        raise HTTPException(422, words("refused.reason", shortest=SHORTEST, longest=LONGEST))
    return said


def one_line(text: str, words: Words) -> str:
    """Return what was typed, where nothing is hidden in it.

    Raises:
        HTTPException: 422, it has control characters, or several lines.
    """
    try:
        return api.one_line(text)
    except ValueError:
        raise HTTPException(422, words("refused.control")) from None


class _Why(NamedTuple):
    purpose: Purpose
    reason: str


class _Opened(NamedTuple):
    lent: Look
    clip: clip.Clip


async def _opened(at: Console, by: Visit, alert: AlertId, why: _Why, words: Words) -> _Opened:
    """Ask the vault first: what it refuses it writes down, and nothing is fetched for who may not look."""
    pair, asked_at = sealing.generate(), at.clock.monotonic()
    try:
        asked = LookRequest(alert_id=alert, purpose=why.purpose, reason=why.reason, lease_public=pair.public)
        lent = await _lent(at, by, asked, words)
        data = await _fetched(at, lent.object, words)
        if at.clock.monotonic() - asked_at >= (lent.lease.ends_at - lent.lease.at).total_seconds():
            # The key was lent for less than the storage took.
            raise HTTPException(503, words("refused.away"))
        return _Opened(lent, _open(data, lent, pair))
    except Rejected as error:
        log().error("evidence does not open", alert_id=alert, reason=error.reason)
        raise HTTPException(502, words("evidence.unreadable")) from None
    finally:
        wipe(pair.private)


async def _lent(at: Console, by: Visit, asked: LookRequest, words: Words) -> Look:
    try:
        return await at.sources.people.look(asked, session=by.token)
    except Rejected:
        # To somebody who may look: it is not sealed yet, or there is none.
        try:
            await at.sources.people.object_of(asked.alert_id, session=by.token)
        except Rejected:
            raise HTTPException(404, words("refused.no_such_thing")) from None
        raise HTTPException(409, words("evidence.coming")) from None


def _open(data: bytes, lent: Look, pair: KeyPair) -> clip.Clip:
    private = bytearray(sealing.open_(pair.private, lease_info(lent.lease), lent.lease.sealed))
    try:
        return clip.open_clip(data, private)
    finally:
        wipe(private)


async def _fetched(at: Console, found: EvidenceObject, words: Words) -> bytes:
    data = await at.sources.objects.get(clip.name_of(found.store_id, found.camera_id, found.key_id))
    if data is None:
        raise HTTPException(409, words("evidence.missing"))
    return data


def _shown(at: Console, by: Visit, opened: _Opened, words: Words) -> Looking:
    whose = opened.lent.object
    zone = timezone(at.estate, whose.store_id)
    frames = opened.clip.manifest.frames
    pictures = (bytearray(jpeg) for jpeg in opened.clip.pictures)
    viewing, addresses = at.viewings.begin(
        digest(by.token), Whose(whose.alert_id, whose.key_id), pictures, opened.lent.until
    )
    left = viewing.ends - at.clock.monotonic()
    return Looking(
        viewing_id=viewing.viewing_id,
        ends_at=viewing.ends_at,
        seconds=left,
        line=words("evidence.line"),
        who=words(
            "evidence.who",
            name=by.person.display_name,
            time=spoken.clock(at.clock.now(), zone),
            camera=Names(at.estate, whose.store_id).camera(whose.camera_id),
        ),
        frames=tuple(
            Shown(
                address=f"/api/looks/{viewing.viewing_id}/{address}",
                time=spoken.clock(frame.utc_time, zone),
                box=(frame.box.left, frame.box.top, frame.box.right, frame.box.bottom),
                hidden=words("evidence.whole") if frame.whole else "",
            )
            for frame, address in zip(frames, addresses, strict=True)
        ),
    )


async def _released(at: Console, by: Visit, there: StoreId, alert_id: str) -> bool:
    if not rights.needs_release(by.person, Action.LOOK, there):
        return False
    found = await at.sources.people.releases(session=by.token)
    return any(each.alert_id == alert_id and each.to == by.person.name for each in found)


def _said(found: EvidenceObject, at: Console, alert: AlertRow, words: Words) -> Evidence:
    held = found.held_until is not None
    until = found.held_until or found.expires_at
    if until <= at.clock.now():
        return Evidence(state="erased", text=words("evidence.erased"))
    if not found.stored:
        return Evidence(state="coming", text=words("evidence.coming"))
    return Evidence(state="ready", text=_lives(until, held, at, alert, words), until=until, held=held)


def _lives(until: datetime, held: bool, at: Console, alert: AlertRow, words: Words) -> str:
    zone = timezone(at.estate, alert.store_id)
    when = f"{spoken.date(until, zone)} {spoken.hour(until, zone)}"
    return words("evidence.held" if held else "evidence.until", time=when)
