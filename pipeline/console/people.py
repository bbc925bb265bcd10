"""Who is signed in, what keeps them from what they may, the rules that they have to read, and who may do what."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Response
from pydantic import Field

from pipeline.console import rights, spoken
from pipeline.console.desk import At, By, Console, In
from pipeline.console.places import Names, last_day, zone_of
from pipeline.console.sessions import Visit
from pipeline.console.words import Words
from pipeline.governance.roles import Action, Role
from pipeline.vault.api import Grant, Matrix, MatrixRow, Person
from schemas.frozen import Frozen
from schemas.ids import StoreId

RULES: Final = ("rules.purpose", "rules.reason", "rules.alone", "rules.nothing_leaves", "rules.courtesy", "rules.erase")
"""What the rules come to, for whoever looks at pictures; the store's own file says the rest."""

router = APIRouter()


class Suspension(Frozen):
    """Why pictures cannot be opened, and what to do about it."""

    reason: str
    why: str
    mend: str


class Rules(Frozen):
    """One store's rules, as far as whoever looks at pictures must know them."""

    store_id: str
    store: str
    version: str
    facts: tuple[tuple[str, str], ...]
    read: bool


class Me(Frozen):
    """Who is signed in, in one language."""

    name: str
    display_name: str
    roles: tuple[str, ...]
    suspended: tuple[Suspension, ...]
    rules: tuple[Rules, ...]
    unread: str
    training: str
    pledge: str


class Read(Frozen):
    """Somebody has read the rules of this version."""

    version: str = Field(min_length=1, max_length=64)


class Row(Frozen):
    """One action of the matrix, and what each role may of it: yes, only an item that was released, or no."""

    action: str
    name: str
    purposes: str
    cells: tuple[str, ...]


class MatrixPanel(Frozen):
    """The role matrix as a table (R17)."""

    roles: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


@router.get("/api/me")
async def me(at: At, by: By, words: In) -> Me:
    """Say who is signed in."""
    return panel(at, by, words)


@router.post("/api/here")
async def here(at: At, by: By) -> Response:
    """Take down that whoever is signed in is at the page: what the page asks for by itself keeps no session alive."""
    at.sessions.learn(by.token, await at.sources.people.here(session=by.token))
    return Response(status_code=204)


@router.post("/api/rules/read")
async def read_rules(asked: Read, at: At, by: By, words: In) -> Me:
    """Note with the vault that this person has read the rules (R15)."""
    person = await at.sources.people.acknowledge_rules(asked.version, session=by.token)
    return panel(at, at.sessions.learn(by.token, person), words)


@router.get("/api/matrix")
async def matrix(at: At, by: By, words: In) -> MatrixPanel:
    """Show who may do what, as the vault has it."""
    return matrix_panel(await at.sources.people.matrix(session=by.token), words)


@router.get("/api/matrix.json")
async def matrix_file(at: At, by: By) -> Response:
    """Give the role matrix as a file."""
    found = await at.sources.people.matrix(session=by.token)
    return Response(
        found.model_dump_json(indent=1),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="mimamori-roles.json"'},
    )


def panel(at: Console, by: Visit, words: Words) -> Me:
    """Say who somebody is; a reason that we have no words for is shown as the vault says it."""
    person = by.person
    found = rules(at, person, words) if sees_pictures(person) else ()
    return Me(
        name=person.name,
        display_name=person.display_name,
        roles=roles_of(at, person, words),
        suspended=suspensions_of(person, words) if sees_pictures(person) else (),
        rules=found,
        unread=next((each.version for each in found if not each.read), ""),
        training=_last_day(at, person, person.training_until),
        pledge=_last_day(at, person, person.pledge_until),
    )


def _last_day(at: Console, person: Person, until: datetime | None) -> str:
    return last_day(until, zone_of(at.estate, person)).isoformat() if until else ""


def roles_of(at: Console, person: Person, words: Words) -> tuple[str, ...]:
    return tuple(_grant(at, grant, words) for grant in person.grants)


def suspensions_of(person: Person, words: Words) -> tuple[Suspension, ...]:
    return tuple(_suspension(each, words) for each in person.suspended)


def sees_pictures(person: Person) -> bool:
    """Say whether training, pledge and rules matter for what this person may do."""
    return any(grant.role in _NEEDS_TRAINING for grant in person.grants)


def rules(at: Console, person: Person, words: Words) -> tuple[Rules, ...]:
    """Return the rules of every store where this person may look at something."""
    there = [
        store
        for store in at.estate.stores
        if rights.may(person, Action.LOOK, store.id) or rights.needs_release(person, Action.LOOK, store.id)
    ]
    return tuple(_rules(at, store.id, person, words) for store in there if store.id in at.sources.rules)


def matrix_panel(found: Matrix, words: Words) -> MatrixPanel:
    """Lay the matrix out as a table: people before parts of the system, actions in their order."""
    known = {(row.role, row.action): row for row in found.rows}
    roles = [role for role in _ORDER if any(row.role is role for row in found.rows)]
    actions = [action for action in Action if any(row.action is action for row in found.rows)]
    return MatrixPanel(
        roles=tuple((role.value, words(f"role.{role.value}")) for role in roles),
        rows=tuple(_row(action, [known.get((role, action)) for role in roles], words) for action in actions),
    )


_NEEDS_TRAINING: Final = frozenset({Role.MANAGER, Role.DEPUTY, Role.STAFF})
_ORDER: Final = (
    Role.STAFF, Role.MANAGER, Role.DEPUTY, Role.AUDITOR, Role.ON_CALL,
    *(role for role in Role if role not in {Role.STAFF, Role.MANAGER, Role.DEPUTY, Role.AUDITOR, Role.ON_CALL}),
)  # fmt: skip
_KNOWN_REASONS: Final = ("training", "pledge", "rules", "disabled")


def _grant(at: Console, grant: Grant, words: Words) -> str:
    where = (
        words("me.every_store")
        if grant.stores == "*"
        else words("me.and").join(Names(at.estate, store).store() for store in grant.stores)
    )
    return words("me.grant", role=words(f"role.{grant.role.value}"), stores=where)


def _suspension(reason: str, words: Words) -> Suspension:
    known = next((each for each in _KNOWN_REASONS if each in reason), None)
    if known is None:
        return Suspension(reason=reason, why=reason, mend=words("suspended.other"))
    return Suspension(reason=known, why=words(f"suspended.{known}"), mend=words(f"suspended.{known}.mend"))


def _rules(at: Console, store: StoreId, person: Person, words: Words) -> Rules:
    found = at.sources.rules[store]
    retention = found.retention
    facts = (
        (words("rules.operator"), found.operator),
        (words("rules.manager"), found.manager.name if found.manager else ""),
        (words("rules.deputy"), found.deputy.name if found.deputy else ""),
        (words("rules.purposes"), words("me.and").join(words(f"purpose.{each.value}") for each in found.purposes)),
        (words("rules.frames"), spoken.length(retention.frames, words) if retention else ""),
        (words("rules.evidence"), spoken.days(retention.evidence, words) if retention else ""),
    )
    return Rules(
        store_id=store,
        store=Names(at.estate, store).store(),
        version=found.version,
        facts=tuple(fact for fact in facts if fact[1]),
        read=found.version not in person.to_acknowledge,
    )


def _row(action: Action, rows: list[MatrixRow | None], words: Words) -> Row:
    purposes = {purpose for row in rows if row for purpose in row.purposes if purpose is not None}
    return Row(
        action=action.value,
        name=words(f"action.{action.value}"),
        purposes=words("me.and").join(words(f"purpose.{each.value}") for each in sorted(purposes)),
        cells=tuple("no" if row is None else "released" if row.only_released else "yes" for row in rows),
    )
