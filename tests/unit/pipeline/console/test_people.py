"""Who is signed in is shown, with what keeps them from pictures; and who may do what, as a table."""

from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from pipeline.console.lexicon import accusing
from pipeline.governance.roles import MATRIX, Action
from pipeline.vault.api import Matrix
from tests.unit.pipeline.console.house import EVERYBODY, OURS, House, furnished, open_house

EN = {"lang": "en"}


@pytest.fixture
def house() -> House:
    return furnished()


@pytest.fixture
async def client(house: House) -> AsyncIterator[AsyncClient]:
    async with open_house(house) as client:
        yield client


async def test_the_page_says_who_is_signed_in_and_as_what(client: AsyncClient) -> None:
    page = (await client.get("/", params=EN)).text

    assert "Head" in page
    assert "Manager (all stores)" in page
    assert "On call (all stores)" in page


async def test_r14_r15_who_is_suspended_is_told_what_to_do(house: House) -> None:
    async with open_house(house, "kato") as client:
        me = (await client.get("/api/me", params=EN)).json()
        page = (await client.get("/", params=EN)).text

    assert [each["reason"] for each in me["suspended"]] == ["training", "rules"]
    assert me["unread"] == "2"
    assert "Please take the training" in page
    assert "Camera rules, version 2" in page
    assert "Mimamori Test K.K." in page


async def test_r15_reading_the_rules_lifts_that_suspension(house: House) -> None:
    async with open_house(house, "kato") as client:
        me = (await client.post("/api/rules/read", params=EN, json={"version": "2"}, headers=OURS)).json()
        page = (await client.get("/", params=EN)).text

    assert [each["reason"] for each in me["suspended"]] == ["training"]
    assert me["unread"] == ""
    assert "Read the rules" not in page


async def test_r17_the_matrix_is_shown_cell_by_cell_as_the_vault_has_it(client: AsyncClient) -> None:
    panel = (await client.get("/api/matrix", params=EN)).json()
    shown = {
        (role, row["action"]): cell
        for row in panel["rows"]
        for (role, _), cell in zip(panel["roles"], row["cells"], strict=True)
    }
    said = {(role.value, action.value): cell.only_released for (role, action), cell in MATRIX.items()}

    assert {where: cell == "released" for where, cell in shown.items() if cell != "no"} == said
    assert {row["action"] for row in panel["rows"]} == {action.value for action in Action}


async def test_r17_the_matrix_is_a_file_to_take_home(client: AsyncClient) -> None:
    answer = await client.get("/api/matrix.json")

    assert "attachment" in answer.headers["content-disposition"]
    assert len(Matrix.model_validate_json(answer.content).rows) == len(MATRIX)


PARTS = {"noticed": "alerts", "flow": "flow", "cameras": "cameras", "stages": "stages", "holds": "holds"}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("sato", {"noticed", "flow", "cameras", "holds"}),
        ("tanaka", {"noticed", "flow", "cameras"}),
        ("mori", {"holds"}),
        ("abe", {"cameras", "stages", "holds"}),
    ],
)
async def test_r17_the_page_has_the_parts_of_ones_role_and_so_has_the_data(
    house: House, name: str, seen: set[str]
) -> None:
    async with open_house(house, name) as client:
        page = (await client.get("/")).text
        data = {part for part, path in PARTS.items() if (await client.get(f"/api/{path}")).status_code == 200}

    assert {part for part in PARTS if f'id="{part}"' in page} == seen
    assert data == seen


@pytest.mark.parametrize("name", [each.name for each in EVERYBODY])
@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_r41_no_page_of_anybody_accuses(house: House, name: str, lang: str) -> None:
    async with open_house(house, name) as client:
        pages = [await client.get(path, params={"lang": lang}) for path in ("/", "/people", "/api/me", "/api/matrix")]

    assert [accusing(page.text) for page in pages] == [()] * 4


async def test_r17_nobody_sees_another_stores_cameras_and_counts(house: House) -> None:
    async with open_house(house, "ito") as client:
        cameras = (await client.get("/api/cameras")).json()["cameras"]
        page = (await client.get("/")).text
        other = await client.get("/api/flow", params={"store": "ginza"})

    assert {each["store_id"] for each in cameras} == {"shibuya"}
    assert "銀座" not in page
    assert other.status_code == 403
