"""One item, one colleague, for some hours: what a manager releases, and what was released to whoever asks (R16)."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import Field, ValidationError

from pipeline.console import people, spoken
from pipeline.console.desk import Allowed, At, By, In
from pipeline.console.evidence import written
from pipeline.console.places import timezone
from pipeline.console.sessions import Visit
from pipeline.console.subjects import subject_of, when
from pipeline.console.words import Words
from pipeline.governance.roles import Action, Role
from pipeline.vault.api import Person, ReleaseRequest
from schemas.audit import PRINCIPAL
from schemas.frozen import Frozen, UtcTime
from schemas.ids import AlertId, StoreId

router = APIRouter()

MayRelease = Annotated[Visit, Depends(Allowed(Action.RELEASE))]


class Colleague(Frozen):
    """Somebody to whom one item can be released; `text` is how to call them."""

    name: str
    text: str


class Colleagues(Frozen):
    """The staff of a store, by name."""

    staff: tuple[Colleague, ...]


class Released(Frozen):
    """One item that whoever asks may look at, and until when."""

    alert_id: str
    text: str
    until: UtcTime


class ReleasedAnswer(Frozen):
    """All of them."""

    released: tuple[Released, ...]


class ReleaseItem(Frozen):
    """Let one colleague look at one item for some hours."""

    to: str = Field(min_length=1, max_length=PRINCIPAL)
    hours: int = Field(ge=1, le=24)
    reason: Annotated[str, Field(max_length=1024)]


class ReleaseAnswer(Frozen):
    """Who may look, and until when."""

    text: str
    until: UtcTime


@router.post("/api/alerts/{alert_id}/release")
async def release(alert_id: str, asked: ReleaseItem, at: At, by: MayRelease, words: In) -> ReleaseAnswer:
    """Let one colleague look at this one item (R16)."""
    subject = await subject_of(at, by, alert_id, Action.RELEASE, words)
    until = at.clock.now() + timedelta(hours=asked.hours) - timedelta(seconds=5)
    try:
        request = ReleaseRequest(
            alert_id=AlertId(alert_id), to=asked.to.strip(), until=until, reason=written(asked.reason, words)
        )
    except ValidationError:
        raise HTTPException(422, words("refused.no_such_thing")) from None
    made = await at.sources.people.release(request, session=by.token)
    zone = timezone(at.estate, subject.store)
    return ReleaseAnswer(text=words("release.done", name=made.to, time=when(made.until, zone)), until=made.until)


@router.get("/api/alerts/{alert_id}/staff")
async def staff(alert_id: str, at: At, by: MayRelease, words: In) -> Colleagues:
    """Name the staff of the alert's store: one of them an item can be released to."""
    there = (await subject_of(at, by, alert_id, Action.RELEASE, words)).store
    found = await at.sources.people.accounts(session=by.token)
    known = sorted((each for each in found if _staff_of(each, there)), key=lambda each: each.name)
    return Colleagues(staff=tuple(Colleague(name=each.name, text=_called(each, words)) for each in known))


@router.get("/api/released")
async def released(at: At, by: By, words: In) -> ReleasedAnswer:
    """List what a manager released to whoever asks, as long as it is in force."""
    found = [each for each in await at.sources.people.releases(session=by.token) if each.to == by.person.name]
    return ReleasedAnswer(
        released=tuple(
            Released(
                alert_id=each.alert_id,
                text=words("release.yours", time=spoken.hour(each.until, timezone(at.estate, each.store_id))),
                until=each.until,
            )
            for each in sorted(found, key=lambda each: each.until)
        )
    )


def _staff_of(person: Person, store: StoreId) -> bool:
    return "disabled" not in person.suspended and any(
        grant.role is Role.STAFF and (grant.stores == "*" or store in grant.stores) for grant in person.grants
    )


def _called(person: Person, words: Words) -> str:
    """Call somebody by name, with what they still lack before they can look."""
    lacks = " ".join(each.why for each in people.suspensions_of(person, words))
    return f"{person.display_name} ({person.name}){' – ' if lacks else ''}{lacks}"
