"""The vault's description for those who write a client: /openapi.json, with what each question is for, who may ask it
and what is answered where it is not.

What each route takes and gives is read from its code; the rest stands here, one line a route, and a test compares.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from pipeline.vault.api import SESSION, Fault, Lease, LeaseRequest

_TITLE: Final = "Mimamori vault"
_ABOUT: Final = """Makes keys, lends them by purpose, destroys them on time, and says so in the ledger.

Stages and devices come with a bearer token. The console comes with its own and, for a person, with the token of their
session besides. Times are ISO 8601 in UTC; bytes are base64. What is not given is said as problem details (RFC 9457),
whose `fault` says why: only `away` is worth asking again for."""
_REF: Final = "#/components/schemas/{model}"
_TOKEN, _SESSION = "token", "session"


class _Said(NamedTuple):
    """One route: what it is for, whether a person's session is needed (None: either way), and what else may come."""

    summary: str
    more: str = ""
    session: bool | None = False
    also: tuple[HTTPStatus, ...] = ()


_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_UNKNOWN: Final = (HTTPStatus.NOT_FOUND,)
_WAIT: Final = (HTTPStatus.TOO_MANY_REQUESTS,)

OPERATIONS: Final[Mapping[str, _Said]] = {
    "get /v1/public-keys": _Said("Public keys for a camera's frames", "Asked ahead of time by the camera's device."),
    "post /v1/leases": _Said(
        "Borrow a bucket's private key", "For a minute at most, sealed to the key that the stage made.", also=_GONE
    ),
    "get /v1/status": _Said("The vault in numbers", session=None),
    "get /v1/ledger": _Said("Entries of the ledger, from an index on", session=None),
    "get /v1/checkpoints": _Said("Signed checkpoints of the ledger", session=None),
    "get /v1/receipts/{key_id}": _Said(
        "One key's receipt with its proof", "For the offline verifier.", session=None, also=_UNKNOWN
    ),
    "post /v1/objects": _Said(
        "The key for an alert's evidence",
        "One living key an alert; 410 once its evidence has expired or was erased: it is never made anew.",
        also=_GONE,
    ),
    "post /v1/objects/{key_id}/stored": _Said(
        "Say what was sealed with an evidence key", "The ciphertext's hash and size, for the ledger.", also=_GONE
    ),
    "get /v1/objects": _Said("Evidence that can be opened", session=None),
    "get /v1/objects/{alert_id}": _Said("An alert's evidence", session=None, also=_GONE),
    "post /v1/backdrops": _Said(
        "Ask for a picture of a camera's place without anybody in it",
        "Cutting makes it; it is looked at as an alert's evidence is, and lives for an hour.",
        session=True,
    ),
    "get /v1/backdrops": _Said("Backdrops that are to be made", session=None),
    "post /v1/looks": _Said(
        "Borrow the key of an alert's evidence to look at it",
        "With a purpose and a written reason. The ledger holds the look before the key is lent; no ledger, no look.",
        session=True,
        also=_GONE,
    ),
    "post /v1/erasures": _Said(
        "Erase before its time",
        "An alert's evidence, or a camera's span: nothing of it opens afterwards.",
        session=True,
        also=_GONE,
    ),
    "post /v1/releases": _Said("Let one person look at one alert's evidence", session=True, also=_GONE),
    "get /v1/releases": _Said("Releases in force", session=True),
    "get /v1/holds": _Said("Holds, of whatever state", session=None),
    "post /v1/holds": _Said(
        "Propose to keep an alert's evidence longer", "Before its expiry.", session=True, also=_GONE
    ),
    "post /v1/holds/{hold_id}/confirm": _Said("Confirm a hold as the second person", session=True, also=_GONE),
    "post /v1/holds/{hold_id}/sealed": _Said("Say that held evidence was sealed anew", session=False, also=_GONE),
    "post /v1/holds/{hold_id}/end": _Said("End a hold", session=True, also=_GONE),
    "post /v1/sign-in": _Said("Sign in", "For the console alone.", also=_WAIT),
    "post /v1/sign-out": _Said("Sign out", session=None),
    "get /v1/me": _Said("Who is signed in", session=True),
    "post /v1/here": _Said("Say that one is at the page: only what somebody does keeps a session", session=True),
    "post /v1/acknowledge-rules": _Said("Say that one has read the rules", session=True),
    "post /v1/password": _Said("Change one's own password", session=True, also=_WAIT),
    "get /v1/matrix": _Said("Who may do what, and for which purposes"),
    "get /v1/accounts": _Said("Accounts of one's own stores", session=True),
    "post /v1/accounts": _Said("Add an account", session=True),
    "post /v1/accounts/{name}/stores": _Said("Say where somebody works", session=True, also=_UNKNOWN),
    "post /v1/accounts/{name}/dates": _Said("Take down training, pledge or both", session=True, also=_UNKNOWN),
    "post /v1/accounts/{name}/disabled": _Said("Disable or enable somebody", session=True, also=_UNKNOWN),
    "post /v1/accounts/{name}/password": _Said("Give somebody a new password", session=True, also=_UNKNOWN),
}
"""Every route that takes a token."""

OPEN: Final[Mapping[str, tuple[str, str]]] = {
    "get /healthz": ("Whether the vault lives", "503 with why when it should be started anew."),
    "get /readyz": ("Whether the vault can be asked", "503 with why when ledger, keys or disk are away, or keys late."),
    "get /metrics": ("Counts and times for Prometheus", "Nothing of it names a person or a place."),
}
"""Every route that takes none."""

_ALWAYS: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_WHY: Final = {
    HTTPStatus.UNAUTHORIZED: "Nobody's token (`stranger`), or a session that is over (`signed_out`).",
    HTTPStatus.FORBIDDEN: "Not for this role (`wrong_role`), not for this (`refused`), or just now not (`suspended`).",
    HTTPStatus.NOT_FOUND: "There never was such a thing (`unknown_key`).",
    HTTPStatus.GONE: "The key was destroyed (`erased`): for good.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "No question is so long.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "It makes no sense (`unreadable`); `fields` names what.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many attempts (`wait`): so many `seconds`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Ledger, key table or key ring are away, or the clock is in doubt (`away`).",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "fault": {"type": "string", "enum": [fault.value for fault in Fault]},
        "fields": {"type": "array", "items": {"type": "string"}, "description": "What could not be read"},
        "reasons": {"type": "array", "items": {"type": "string"}, "description": "What suspends somebody"},
        "seconds": {"type": "number", "description": "How long to wait"},
    },
}


def describe(app: FastAPI) -> None:
    """Have the app describe itself in full."""
    app.openapi = _once(lambda: described(app))  # type: ignore[method-assign]  # that is how FastAPI is told


def described(app: FastAPI) -> dict[str, Any]:
    """Read the routes, and say the rest."""
    found = get_openapi(title=_TITLE, version=app.version, description=_ABOUT, routes=app.routes)
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for framework in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework, None)
    schemas["Problem"] = _PROBLEM
    parts["securitySchemes"] = {
        _TOKEN: {"type": "http", "scheme": "bearer", "description": "A stage's, a device's or the console's"},
        _SESSION: {"type": "apiKey", "in": "header", "name": SESSION, "description": "Of a person who signed in"},
    }
    found["paths"].setdefault("/v1/leases", {})["post"] = _leases(schemas)
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            _say(operation, f"{method} {path}")
    return found


def _say(operation: dict[str, Any], name: str) -> None:
    if name in OPEN:
        operation["summary"], operation["description"] = OPEN[name]
        text = {"text/plain": {"schema": {"type": "string"}}}
        operation["responses"] = {"200": {"description": "So it is.", "content": text}}
        if name != "get /metrics":
            operation["responses"]["503"] = {"description": "It is not, and why.", "content": text}
        return
    said = OPERATIONS.get(name)
    if said is None:
        return
    operation["summary"], operation["description"] = said.summary, f"{said.summary}. {said.more}".strip()
    operation["security"] = _security(said.session)
    operation["parameters"] = [each for each in operation.get("parameters", ()) if each["name"] != SESSION]
    statuses = {*_ALWAYS, *said.also} | ({HTTPStatus.REQUEST_ENTITY_TOO_LARGE} if "requestBody" in operation else set())
    for status in sorted(statuses):
        operation["responses"][str(status.value)] = _problem(status)


def _security(session: bool | None) -> list[dict[str, list[str]]]:
    alone: dict[str, list[str]] = {_TOKEN: []}
    together: dict[str, list[str]] = {_TOKEN: [], _SESSION: []}
    return {False: [alone], True: [together], None: [alone, together]}[session]


def _problem(status: HTTPStatus) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
    return {"description": _WHY[status], "content": content}


def _leases(schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe the route that is read by hand."""
    asked, given = (_schema(LeaseRequest, "validation", schemas), _schema(Lease, "serialization", schemas))
    return {
        "operationId": "leases_v1_leases_post",
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {
            "200": {"description": "Successful Response", "content": {"application/json": {"schema": given}}}
        },
    }


def _schema(model: type[BaseModel], mode: JsonSchemaMode, schemas: dict[str, Any]) -> dict[str, str]:
    found = model.model_json_schema(mode=mode, ref_template=_REF)
    for name, part in found.pop("$defs", {}).items():
        schemas.setdefault(name, part)
    schemas.setdefault(model.__name__, found)
    return {"$ref": _REF.format(model=model.__name__)}


def _once(make: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    made: list[dict[str, Any]] = []

    def give() -> dict[str, Any]:
        if not made:
            made.append(make())
        return made[0]

    return give
