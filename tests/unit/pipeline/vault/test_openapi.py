"""The vault's description is whole, and the vault answers as it says, whatever it is asked."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pipeline.clock import ManualClock
from pipeline.vault.access import Principal, Role
from pipeline.vault.api import SESSION
from pipeline.vault.guard import Guard
from pipeline.vault.openapi import OPEN, OPERATIONS
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tokens import issue
from tests.unit.pipeline.vault.building import DETECTING, DEVICE, NOON, in_memory, keys_for
from tests.unit.pipeline.vault.staffing import EVERYBODY, PASSWORD, Town

CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EACH = 5
NAMES = ("detecting", "cutting", "erasing", "console")


@dataclass
class Served:
    """A vault with accounts and a key, and everybody's tokens."""

    app: FastAPI
    folder: Path
    session: str

    def headers(self, name: str) -> dict[str, str]:
        own = {"Authorization": f"Bearer {(self.folder / 'tokens' / name).read_text()}"}
        return own | ({SESSION: self.session} if name == "console" else {})


@pytest.fixture
async def served(tmp_path: Path) -> Any:
    town, parts = Town(tmp_path), in_memory(tmp_path)
    town.settle(*EVERYBODY)
    with closing(town):
        vault = parts.vault()
        keys_for(vault, NOON)
        keeper = Keeper(vault, parts.ledger, Guard(ManualClock(NOON), None), b"public", people=town.people)
        principals = [DEVICE, DETECTING, *(Principal(name=name, role=Role(name)) for name in NAMES[1:])]
        app = app_of(keeper, issue(tmp_path, principals), town.staff)
        signed = await town.people.sign_in("sato", PASSWORD, NOON)
        yield Served(app, tmp_path, signed.token)


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


async def test_it_is_served_and_nothing_else_that_describes(served: Served) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served.app), base_url="http://vault") as client:
        assert (await client.get("/openapi.json")).json() == served.app.openapi()
        assert [(await client.get(path)).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_every_route_is_described_and_every_description_is_of_a_route(served: Served) -> None:
    assert {name for name, _ in _operations(served.app.openapi())} == {*OPERATIONS, *OPEN}


def test_every_question_says_what_it_is_for_who_may_ask_and_what_else_may_come(served: Served) -> None:
    for name, operation in _operations(served.app.openapi()):
        assert operation["summary"], name
        assert operation["description"], name
        if name in OPERATIONS:
            assert operation["security"], name
            assert {"200", "401", "403", "422", "503"} <= set(operation["responses"]), name
            assert not [each for each in operation["parameters"] if each["name"] == SESSION], name


def test_every_reference_leads_somewhere(served: Served) -> None:
    description = served.app.openapi()

    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            for each in part.values():
                yield from references(each)
        elif isinstance(part, list):
            for each in part:
                yield from references(each)

    schemas = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert set(references(description)) <= schemas


@pytest.mark.parametrize("name", NAMES)
def test_whatever_it_is_asked_it_answers_as_it_says(served: Served, name: str) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", served.app)

    answered = Counter[int]()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        _ask(found.ok(), served.headers(name), answered)

    # Not refused at the door alone: it got inside, and past the reading of what was asked.
    assert answered[HTTPStatus.OK] > len(OPEN)
    assert {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND} & set(answered)


def _ask(operation: APIOperation[Any, Any, Any, Any], headers: dict[str, str], answered: Counter[int]) -> None:
    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=operation.as_strategy())
    def ask(case: Case[Any]) -> None:
        response = case.call(headers=headers)
        answered[response.status_code] += 1
        assert response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR
        case.validate_response(response, checks=CHECKS, headers=headers)

    ask()
