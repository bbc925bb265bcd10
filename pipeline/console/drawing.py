"""Drawing a camera's places: zones, lines, masks, and things that are no people, over a picture without anybody in it.

Only managers of the store. What is saved is checked as the estate is, and is in force once the parts start again.
"""

import asyncio
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, HTTPException
from pydantic import Field, ValidationError

from pipeline.console import spoken
from pipeline.console.cameras import undecided
from pipeline.console.desk import Allowed, At, Console, In, in_store
from pipeline.console.drawings import DRAWN
from pipeline.console.lexicon import accusing
from pipeline.console.places import Names
from pipeline.console.sessions import Visit
from pipeline.console.words import Words
from pipeline.errors import Erased, Rejected, Unavailable
from pipeline.governance.roles import Action
from pipeline.logs import log
from pipeline.vault.api import BACKDROP, BackdropRequest, NamedAlert
from schemas.estate import Camera, Line, Mask, Overlay, Zone
from schemas.files import FileError
from schemas.frozen import Frozen
from schemas.geometry import Box
from schemas.ids import CameraId, NamedCamera, NamedStore, StoreId

MOST: Final = 32
"""Places of one kind in one picture."""

router = APIRouter()
one = APIRouter(prefix="/api/places/{store}/{camera}")

MayDraw = Annotated[Visit, Depends(Allowed(Action.PLACES))]


class Aside(Frozen):
    """Something that is set aside since it never moves."""

    bounding_box: Box
    text: str
    """Since when, and how often it was seen."""


class Places(Frozen):
    """A camera's places as they are written, in the form in which they are sent back. Lengths of time in seconds."""

    store_id: str
    camera_id: str
    store: str
    name: str
    version: str
    """Of what is written: whoever saves says which one they changed."""
    in_force: bool
    """Whether this console started with it; the other parts start when it does."""
    zones: tuple[dict[str, Any], ...]
    lines: tuple[dict[str, Any], ...]
    masks: tuple[dict[str, Any], ...]
    not_people: tuple[dict[str, Any], ...]
    people_here: tuple[dict[str, Any], ...]
    aside: tuple[Aside, ...]
    """What waits for somebody to say whether it is a thing or a person."""
    metres: bool
    note: str


class Drawing(Frozen):
    """All places of a camera, in place of those of a version."""

    version: str
    zones: Annotated[tuple[Zone, ...], Field(max_length=MOST)]
    lines: Annotated[tuple[Line, ...], Field(max_length=MOST)]
    masks: Annotated[tuple[Mask, ...], Field(max_length=MOST)]
    not_people: Annotated[tuple[Box, ...], Field(max_length=MOST)]
    people_here: Annotated[tuple[Box, ...], Field(max_length=MOST)] = ()


class Backdrop(Frozen):
    """A picture to draw on: coming, ready to be looked at as an alert's evidence is, or gone."""

    alert_id: str
    state: str
    text: str


class Wanted(NamedTuple):
    """A camera whose places may be drawn, and by whom."""

    store: StoreId
    camera: CameraId
    by: Visit


async def wanted(store: NamedStore, camera: NamedCamera, by: MayDraw, words: In) -> Wanted:
    """Name a camera of a store where this person may draw.

    Raises:
        HTTPException: 403.
    """
    in_store(by, Action.PLACES, store, words)
    return Wanted(store, camera, by)


Of = Annotated[Wanted, Depends(wanted)]


@one.get("")
async def places(of: Of, at: At, words: In) -> Places:
    """Give a camera's places."""
    return _shown(at, of.store, await _written(at, of, words), words)


@one.post("")
async def save(drawn: Drawing, of: Of, at: At, words: In) -> Places:
    """Write a camera's places."""
    before = await _written(at, of, words)
    if drawn.version != version(before):
        raise HTTPException(409, words("places.changed"))
    names = [*((each.id, each.name) for each in drawn.zones), *((each.id, each.name) for each in drawn.lines)]
    if accuses := next((name for both in names for name in both if accusing(name)), None):
        raise HTTPException(422, words("places.accusing", name=accuses))
    said = {name: getattr(drawn, name) for name in DRAWN}
    try:
        Overlay(store=of.store, camera=of.camera, **said).over(before)
        await asyncio.to_thread(at.sources.drawings.write, of.store, of.camera, said, at.clock.now())
    except (FileError, ValidationError):
        raise HTTPException(422, words("places.wrong")) from None
    except OSError as error:
        raise Unavailable(f"overlays cannot be written: {error.strerror}") from None
    log().info("places written", store=of.store, camera=of.camera)
    return _shown(at, of.store, await _written(at, of, words), words)


@one.post("/backdrop")
async def ask_backdrop(of: Of, at: At, words: In) -> Backdrop:
    """Ask for a picture to draw on."""
    asked = BackdropRequest(store_id=of.store, camera_id=of.camera)
    found = await at.sources.people.ask_backdrop(asked, session=of.by.token)
    return Backdrop(alert_id=found.alert_id, state="coming", text=words("places.backdrop.coming"))


@router.get("/api/backdrops/{alert_id}")
async def backdrop(alert_id: NamedAlert, at: At, by: MayDraw, words: In) -> Backdrop:
    """Say how far a backdrop is. It is looked at by `/api/alerts/{alert_id}/look`, where the vault decides."""
    if not alert_id.startswith(BACKDROP):
        raise HTTPException(404, words("refused.no_such_thing"))
    try:
        found = await at.sources.people.object_of(alert_id, session=by.token)
    except (Erased, Rejected):
        return Backdrop(alert_id=alert_id, state="gone", text=words("places.backdrop.gone"))
    state = "ready" if found.stored else "coming"
    return Backdrop(alert_id=alert_id, state=state, text=words(f"places.backdrop.{state}"))


router.include_router(one)


def version(camera: Camera) -> str:
    """Name what is drawn of a camera by what it is."""
    return sha256(camera.model_dump_json(include=set(DRAWN)).encode()).hexdigest()[:32]


async def _written(at: Console, of: Wanted, words: Words) -> Camera:
    try:
        found = await asyncio.to_thread(at.sources.drawings.camera, of.store, of.camera)
    except FileError as error:
        raise Unavailable(f"the estate cannot be read: {error}") from None
    if found is None:
        raise HTTPException(404, words("refused.no_such_thing"))
    return found


def _shown(at: Console, store: StoreId, camera: Camera, words: Words) -> Places:
    running = at.estate.camera(store, camera.id)
    in_force = running is not None and version(running) == version(camera)
    return Places(
        store_id=store,
        camera_id=camera.id,
        store=Names(at.estate, store).store(),
        name=camera.name or camera.id,
        version=version(camera),
        in_force=in_force,
        zones=tuple(_zone(each) for each in camera.zones),
        lines=tuple(each.model_dump(mode="json") for each in camera.lines),
        masks=tuple(each.model_dump(mode="json") for each in camera.masks),
        not_people=tuple(each.model_dump(mode="json") for each in camera.not_people),
        people_here=tuple(each.model_dump(mode="json") for each in camera.people_here),
        aside=_aside(at, store, camera, words),
        metres=camera.homography is not None,
        note=words("places.in_force" if in_force else "places.waits"),
    )


def _aside(at: Console, store: StoreId, camera: Camera, words: Words) -> tuple[Aside, ...]:
    now = at.clock.now()
    return tuple(
        Aside(
            bounding_box=each.bounding_box,
            text=words(
                "places.aside.one", length=spoken.length(now - each.since, words), share=spoken.percent(each.share)
            ),
        )
        for each in undecided(at.feed.signs.aside(store, camera.id, now), camera)
    )


def _zone(zone: Zone) -> dict[str, Any]:
    after = zone.loitering_after
    return zone.model_dump(mode="json") | {
        "loitering_after": None if after is None else after.total_seconds(),
        "leaves_after": zone.leaves_after.total_seconds(),
    }
