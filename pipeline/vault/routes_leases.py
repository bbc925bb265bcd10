"""Leases over HTTP, read and answered by hand: where a thousand are asked for in a second, the framework's reading of
a request costs more than sealing the key. What it does for other routes is done here with the same words.
"""

from collections.abc import Callable

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.vault.access import Principal
from pipeline.vault.api import Lease, LeaseRequest

PATH = "/v1/leases"


def lease_route(lend: Callable[[Principal, LeaseRequest], Lease], known: Callable[[str | None], Principal]) -> Route:
    """Give the route; `known` says whose bearer token an Authorization header holds, or raises."""

    async def leases(request: Request) -> Response:
        principal = known(request.headers.get("Authorization"))
        asked = _read(await request.body())
        return Response(lend(principal, asked).model_dump_json(), media_type="application/json")

    return Route(PATH, leases, methods=["POST"])


def _read(body: bytes) -> LeaseRequest:
    try:
        return LeaseRequest.model_validate_json(body)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in wrong]) from None
