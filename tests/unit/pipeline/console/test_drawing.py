"""Drawing places: what a manager of the store saves is checked and written, and nobody else draws."""

from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from pipeline.console.drawings import FileDrawings
from schemas.estate import Camera, ZoneKind
from schemas.ids import CameraId, StoreId
from tests import estates
from tests.unit.pipeline.console.house import NOON, OURS, House, jpeg, open_house

SHELF = "/api/places/ginza/shelf"
TILL = {
    "id": "till",
    "name": "レジ Till",
    "kind": "restricted",
    "polygon": [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 1, "y": 1}],
}
DOOR = {"id": "door", "name": "入口 Door", "start": {"x": 0.2, "y": 0.5}, "end": {"x": 0.8, "y": 0.5}}


def drawing(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: found[name] for name in ("version", "zones", "lines", "masks", "not_people", "people_here")} | changes


def shelf(house: House) -> Camera:
    found = house.drawings.camera(StoreId("ginza"), CameraId("shelf"))
    assert found is not None
    return found


async def saved(client: AsyncClient, **changes: Any) -> Any:
    found = (await client.get(SHELF)).json()
    return await client.post(SHELF, json=drawing(found, **changes), headers=OURS)


@pytest.fixture
def house() -> House:
    return House()


async def test_places_come_in_the_form_in_which_they_are_saved(house: House) -> None:
    async with open_house(house, "sato") as client:
        before = (await client.get(SHELF)).json()
        after = (await saved(client)).json()

    assert before["in_force"]
    assert [each["id"] for each in before["zones"]] == ["shelf-b3", "back"]
    assert after == before


async def test_what_is_saved_is_written_and_waits_for_a_start(house: House) -> None:
    async with open_house(house, "sato") as client:
        answer = (await saved(client, zones=[TILL], lines=[DOOR])).json()

    camera = shelf(house)
    assert [(each.id, each.kind) for each in camera.zones] == [("till", ZoneKind.RESTRICTED)]
    assert [each.name for each in camera.lines] == ["入口 Door"]
    assert (answer["in_force"], "start again" in answer["note"] or "起動" in answer["note"]) == (False, True)


@pytest.mark.parametrize("name", ["suzuki", "tanaka", "mori", "abe"])
async def test_r17_who_is_no_manager_there_draws_nothing(house: House, name: str) -> None:
    async with open_house(house, "sato") as client:
        draft = drawing((await client.get(SHELF)).json())
    async with open_house(house, name) as client:
        answers = [
            await client.get(SHELF),
            await client.post(SHELF, json=draft, headers=OURS),
            await client.post(f"{SHELF}/backdrop", headers=OURS),
        ]

    assert {each.status_code for each in answers} == {403}
    assert house.drawings.written == {}
    assert house.people.kept == {}


async def test_r17_a_manager_draws_nothing_in_another_store(house: House) -> None:
    async with open_house(house, "sato") as client:
        answer = await client.get("/api/places/shibuya/hall")

    assert answer.status_code == 403


async def test_of_two_who_draw_at_once_the_second_is_told(house: House) -> None:
    async with open_house(house, "sato") as client:
        first = (await client.get(SHELF)).json()
        await client.post(SHELF, json=drawing(first, zones=[TILL]), headers=OURS)
        second = await client.post(SHELF, json=drawing(first, zones=[]), headers=OURS)

    assert second.status_code == 409
    assert len(shelf(house).zones) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"zones": [TILL, TILL]},
        {"zones": [TILL | {"name": "万引き多発エリア"}]},
        {"zones": [TILL | {"polygon": TILL["polygon"][:2]}]},
        {"zones": [TILL | {"id": "No Name"}]},
        {"zones": [TILL | {"colour": "red"}]},
        {"lines": [DOOR | {"end": DOOR["start"]}]},
        {"masks": [{"polygon": [{"x": 9, "y": 9}] * 3}]},
        {"not_people": [{"left": 0.5, "top": 0, "right": 0.2, "bottom": 1}]},
        {"zones": [TILL | {"id": f"z{each}"} for each in range(40)]},
    ],
)
async def test_what_the_estate_may_not_say_is_refused_in_words(house: House, changes: dict[str, Any]) -> None:
    async with open_house(house, "sato") as client:
        answer = await saved(client, **changes)

    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert house.drawings.written == {}


async def test_of_a_camera_that_is_not_there_nothing_is_said(house: House) -> None:
    async with open_house(house, "sato") as client:
        answer = await client.get("/api/places/ginza/none")

    assert answer.status_code == 404


async def test_a_backdrop_is_asked_for_waited_for_and_looked_at(house: House) -> None:
    async with open_house(house, "sato") as client:
        asked = (await client.post(f"{SHELF}/backdrop", headers=OURS)).json()
        coming = (await client.get(f"/api/backdrops/{asked['alert_id']}")).json()
        house.backdrop(asked["alert_id"])
        ready = (await client.get(f"/api/backdrops/{asked['alert_id']}")).json()
        why = {"purpose": 0, "reason": "Drawing the zones of this shelf"}
        look = (await client.post(f"/api/alerts/{asked['alert_id']}/look", json=why, headers=OURS)).json()
        picture = await client.get(look["frames"][0]["address"])

    assert (asked["state"], coming["state"], ready["state"]) == ("coming", "coming", "ready")
    assert picture.content == jpeg(0)
    assert house.people.told.entries(0, 99)[-1].body["alert_id"] == asked["alert_id"]


async def test_an_alert_is_no_backdrop(house: House) -> None:
    async with open_house(house, "sato") as client:
        assert (await client.get("/api/backdrops/alert-1")).status_code == 404


async def test_the_page_is_there_for_managers_and_says_so_to_others(house: House) -> None:
    async with open_house(house, "sato") as client:
        mine = await client.get("/places?lang=en")
    async with open_house(house, "tanaka") as client:
        theirs = await client.get("/places?lang=en")

    assert 'value="ginza/shelf"' in mine.text
    assert "shibuya/hall" not in mine.text
    assert "Only managers" in theirs.text
    assert 'id="board"' not in theirs.text


async def test_files_are_read_and_written_as_overlays(tmp_path: Path) -> None:
    path = estates.write(tmp_path, "ginza", "door")
    drawings = FileDrawings(path)
    drawings.write(StoreId("ginza"), CameraId("door"), {"zones": (), "masks": None}, NOON)

    assert (tmp_path / "estate.d" / "ginza.door.toml").exists()
    found = drawings.camera(StoreId("ginza"), CameraId("door"))
    assert found is not None
    assert found.zones == ()
