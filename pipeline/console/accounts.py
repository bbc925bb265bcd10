"""A manager's own staff: whose account, training and pledge hold until when. And everybody's own password."""

from datetime import UTC, date, datetime, tzinfo
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, SecretStr, ValidationError

from pipeline.console import people
from pipeline.console.desk import Allowed, At, By, Console, In, drop_token, require_near
from pipeline.console.places import end_of, last_day, timezone, zone_of
from pipeline.console.sessions import Visit
from pipeline.console.words import Words
from pipeline.governance.roles import Action, Role
from pipeline.vault.api import Person, SignedOut
from pipeline.vault.people_api import Disabled, NewAccount, NewPassword, OwnPassword, Pledged, Recorded
from schemas.frozen import Frozen
from schemas.ids import StoreId

router = APIRouter()

Manages = Annotated[Visit, Depends(Allowed(Action.ACCOUNTS))]
Typed = Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class AccountPanel(Frozen):
    """One person's account, in one language. Dates are the last days that count."""

    name: str
    display_name: str
    roles: tuple[str, ...]
    staff: bool
    """Whether they are staff and no more: then a manager may close the account and give another password."""
    own: bool
    closed: bool
    training: date | None
    pledge: date | None
    lacks: tuple[str, ...]


class AccountsAnswer(Frozen):
    """Everybody who has to do with the stores of who asks."""

    accounts: tuple[AccountPanel, ...]


class Add(Frozen):
    """A new member of staff, trained and pledged."""

    name: str
    display_name: str
    password: Typed
    stores: tuple[str, ...]
    training_until: date
    pledged_on: date
    pledge_until: date


class Dates(Frozen):
    """Somebody was trained, or has signed the pledge, or both."""

    training_until: date | None = None
    pledged_on: date | None = None
    pledge_until: date | None = None


class Close(Frozen):
    """Close an account, or open it again."""

    closed: bool


class Reset(Frozen):
    """Another password for somebody."""

    password: Typed


class Change(Frozen):
    """Another password for oneself."""

    old: Typed
    password: Typed


@router.get("/api/accounts")
async def accounts(at: At, by: Manages, words: In) -> AccountsAnswer:
    """List the accounts of one's stores."""
    found = await at.sources.people.accounts(session=by.token)
    return AccountsAnswer(accounts=tuple(_panel(at, by, each, words) for each in found))


@router.post("/api/accounts")
async def add(asked: Add, at: At, by: Manages, words: In) -> AccountPanel:
    """Make an account for somebody of one's staff."""
    require_near(at, words, asked.training_until, asked.pledged_on, asked.pledge_until)
    zone = timezone(at.estate, asked.stores[0]) if asked.stores else UTC
    try:
        account = NewAccount(
            name=asked.name.strip(),
            display_name=asked.display_name.strip(),
            password=asked.password,
            stores=tuple(StoreId(store) for store in asked.stores),
            training_until=end_of(asked.training_until, zone),
            pledged_on=asked.pledged_on,
            pledge_until=end_of(asked.pledge_until, zone),
        )
    except ValidationError:
        # Not quoted: a password is among it.
        raise HTTPException(422, words("accounts.unreadable")) from None
    return _panel(at, by, await at.sources.people.add_account(account, session=by.token), words)


@router.post("/api/accounts/{name}/dates")
async def dates(name: str, asked: Dates, at: At, by: Manages, words: In) -> AccountPanel:
    """Record training or pledge of somebody else, both or neither."""
    require_near(at, words, asked.training_until, asked.pledged_on, asked.pledge_until)
    if (asked.pledged_on is None) != (asked.pledge_until is None):
        raise HTTPException(422, words("accounts.dates.note"))
    if asked.training_until is None and asked.pledged_on is None:
        raise HTTPException(422, words("refused.unreadable"))
    whose = next((each for each in await at.sources.people.accounts(session=by.token) if each.name == name), by.person)
    person = await at.sources.people.change_account(name, _recorded(asked, zone_of(at.estate, whose)), session=by.token)
    return _panel(at, by, person, words)


def _recorded(asked: Dates, zone: tzinfo) -> Recorded:
    pledged = (
        Pledged(signed_on=asked.pledged_on, until=end_of(asked.pledge_until, zone))
        if asked.pledged_on is not None and asked.pledge_until is not None
        else None
    )
    trained = end_of(asked.training_until, zone) if asked.training_until is not None else None
    return Recorded(training_until=trained, pledged=pledged)


@router.post("/api/accounts/{name}/closed")
async def closed(name: str, asked: Close, at: At, by: Manages, words: In) -> AccountPanel:
    """Close somebody's account, or open it again."""
    person = await at.sources.people.change_account(name, Disabled(disabled=asked.closed), session=by.token)
    return _panel(at, by, person, words)


@router.post("/api/accounts/{name}/password")
async def reset(name: str, asked: Reset, at: At, by: Manages) -> Response:
    """Give another password to somebody of one's staff."""
    await at.sources.people.reset_password(name, NewPassword(password=asked.password), session=by.token)
    return Response(status_code=204)


@router.post("/api/password")
async def change(asked: Change, request: Request, at: At, by: By, words: In) -> Response:
    """Choose another password for oneself; every session ends, this one too."""
    try:
        new = OwnPassword(old=asked.old, password=asked.password)
        await at.sources.people.change_password(new, session=by.token)
    except SignedOut:
        raise HTTPException(422, words("accounts.old_wrong")) from None
    at.leave(by.token)
    answer = JSONResponse({})
    drop_token(request, answer)
    return answer


def _panel(at: Console, by: Visit, person: Person, words: Words) -> AccountPanel:
    return AccountPanel(
        name=person.name,
        display_name=person.display_name,
        roles=people.roles_of(at, person, words),
        staff=all(grant.role is Role.STAFF for grant in person.grants),
        own=person.name == by.person.name,
        closed="disabled" in person.suspended,
        training=_last_day(at, person, person.training_until),
        pledge=_last_day(at, person, person.pledge_until),
        lacks=tuple(each.why for each in people.suspensions_of(person, words)),
    )


def _last_day(at: Console, person: Person, until: datetime | None) -> date | None:
    return last_day(until, zone_of(at.estate, person)) if until else None
