"""Drawing places in a real browser: by mouse and by keyboard, over a picture that is gone afterwards."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from schemas.aside import SetAside, Thing
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, ZoneKind
from schemas.geometry import Box, Point
from schemas.ids import CameraId, EventId, NoticeId, StoreId
from tests.e2e.serving import PHONE, Served, Watched, sign_in
from tests.unit.pipeline.console.house import PASSWORD

SHELF: Final = (StoreId("ginza"), CameraId("shelf"))


@pytest.fixture
def page(watched: Watched, served: Served) -> Page:
    return come(watched.page, served)


def come(page: Page, served: Served, lang: str = "en") -> Page:
    """The editor of the shelf's camera, as its manager comes to it."""
    sign_in(page, served.address, "sato", PASSWORD, lang)
    return edit(page)


def aside(now: datetime, *boxes: Box) -> SetAside:
    things = [Thing(bounding_box=each, since=now - timedelta(hours=1), set_aside=now, share=0.9) for each in boxes]
    return SetAside(
        event_id=EventId("aside-1"), store_id=SHELF[0], camera_id=SHELF[1], utc_time=now,
        purpose=Purpose.CRIME_PREVENTION, expires_at=now + timedelta(days=1), notice_id=NoticeId("n"),
        module=Module(name="watching", version="1"), things=tuple(things),
    )  # fmt: skip


def edit(page: Page) -> Page:
    page.locator("#cameras a").click()
    page.locator("#camera").select_option("ginza/shelf")
    expect(page.locator("#shapes li")).to_have_count(2)
    return page


def saved(served: Served) -> Camera:
    found = served.house.drawings.camera(*SHELF)
    assert found is not None
    return found


def save(page: Page) -> None:
    page.locator("#save").click()
    expect(page.locator("#save")).to_be_disabled()
    expect(page.locator("#places-failed")).to_be_hidden()


def corner(page: Page, shape: int, number: int) -> Locator:
    return page.locator(f'[data-handle="{shape}:{number}"]')


def middle(handle: Locator) -> tuple[float, float]:
    box = handle.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def near(points: Sequence[Any], number: int, x: float, y: float) -> bool:
    point = points[number]
    assert isinstance(point, Point)
    return abs(point.x - x) < 0.01 and abs(point.y - y) < 0.01


def test_a_corner_is_dragged_and_saved(page: Page, served: Served) -> None:
    board = page.locator("#board").bounding_box()
    assert board is not None
    x, y = middle(corner(page, 1, 0))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.2 * board["width"], y + 0.3 * board["height"], steps=4)
    page.mouse.up()
    expect(page.locator("#places-said")).to_have_text("Not saved yet.")
    save(page)

    assert near(saved(served).zones[1].polygon, 0, 0.3, 0.4)
    assert near(saved(served).zones[1].polygon, 1, 0.9, 0.1)
    expect(page.locator("#places-said")).to_contain_text("In force once the parts start again")


def test_all_of_it_is_done_by_keyboard(page: Page, served: Served) -> None:
    page.locator('[data-add="zones"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-handle="2"]')).to_be_focused()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Tab")
    expect(corner(page, 2, 0)).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    expect(corner(page, 2, 0)).to_have_attribute("aria-label", "Corner 1 of Zone 1: 15% from left, 50% from top")
    page.keyboard.press("Tab")
    page.keyboard.press("Delete")
    save(page)

    zone = saved(served).zones[2]
    assert (zone.id, zone.name, len(zone.polygon)) == ("zone-1", "Zone 1", 3)
    assert near(zone.polygon, 0, 0.15, 0.5)


def test_a_line_is_added_and_turned_and_its_arrow_turns_with_it(page: Page, served: Served) -> None:
    page.locator('[data-add="lines"]').click()
    row = page.locator("#shapes li").nth(2)
    row.locator("input[type=text]").fill("入口 Entrance")
    row.locator("input[type=text]").press("Tab")
    before = page.locator(".arrow-head").get_attribute("points")
    row.get_by_role("button", name="Turn round").click()
    after = page.locator(".arrow-head").get_attribute("points")
    save(page)

    (line,) = saved(served).lines
    assert before != after
    assert line.name == "入口 Entrance"
    assert (line.start.x, line.end.x) == (0.65, 0.35)


def test_a_zone_is_closed_to_visitors_and_long_stays_are_timed(page: Page, served: Served) -> None:
    row = page.locator("#shapes li").first
    row.locator("input[type=checkbox]").check()
    row.locator("input[type=number]").fill("90")
    row.locator("input[type=number]").press("Tab")
    save(page)

    zone = saved(served).zones[0]
    assert zone.kind is ZoneKind.RESTRICTED
    assert zone.loitering_after is not None
    assert zone.loitering_after.total_seconds() == 90


def test_a_mask_is_added_and_undone_and_a_zone_is_deleted(page: Page, served: Served) -> None:
    page.locator('[data-add="masks"]').click()
    page.locator('[data-add="not_people"]').click()
    page.locator("#undo").click()
    page.locator("#shapes li").first.get_by_role("button", name="Delete").click()
    expect(page.locator("#shapes li")).to_have_count(2)
    save(page)

    assert (len(saved(served).masks), len(saved(served).not_people), len(saved(served).zones)) == (1, 0, 1)


def test_what_is_set_aside_is_a_thing_or_a_person_as_the_manager_says(watched: Watched, served: Served) -> None:
    now = served.house.clock.now()
    served.tell(
        aside(now, Box(left=0.1, top=0.2, right=0.2, bottom=0.6), Box(left=0.7, top=0.2, right=0.8, bottom=0.6))
    )
    sign_in(watched.page, served.address, "sato", PASSWORD, "en")
    expect(watched.page.locator("#cameras")).to_contain_text("2 set aside since it never moves")
    page = edit(watched.page)
    waiting = page.locator("#aside li")
    expect(waiting).to_have_count(2)
    expect(page.locator(".aside-outline")).to_have_count(2)
    waiting.first.get_by_role("button", name="It is a thing").click()
    waiting.first.get_by_role("button", name="It is a person").click()
    expect(page.locator("#aside")).to_be_hidden()
    page.locator("#undo").click()
    expect(waiting).to_have_count(1)
    waiting.first.get_by_role("button", name="It is a person").click()
    save(page)

    expect(page.locator("#aside")).to_be_hidden()
    assert [each.left for each in saved(served).not_people] == [0.1]
    assert [each.left for each in saved(served).people_here] == [0.7]


def test_who_comes_second_is_told_and_loads_again(watched: Watched, page: Page, served: Served) -> None:
    served.house.drawings.write(*SHELF, {"masks": ()}, served.house.clock.now())
    served.house.drawings.write(*SHELF, {"zones": saved(served).zones[:1]}, served.house.clock.now())
    page.locator('[data-add="masks"]').click()
    page.locator("#save").click()
    expect(page.locator("#places-failed")).to_contain_text("Somebody saved before you")
    page.locator("#reload").click()

    expect(page.locator("#shapes li")).to_have_count(1)
    watched.complaints.clear()  # the browser counts the refusal as an error


def test_the_backdrop_is_asked_for_drawn_and_gone(watched: Watched, page: Page, served: Served) -> None:
    page.locator("#show-backdrop").click()
    expect(page.locator("#backdrop-said")).to_have_text("The picture is being made…")
    asked = next(each for each in served.house.people.kept if each.startswith("backdrop-"))
    served.house.backdrop(asked)
    page.locator("#look-purpose").select_option(index=1)
    page.locator("#look-reason").fill("Drawing the zones of this shelf")
    page.locator("#look-ask [type=submit]").click()
    expect(page.locator("#backdrop")).to_have_attribute("data-here", "1")
    width = page.evaluate("document.querySelector('#backdrop').width")
    page.locator("#camera").select_option("ginza/door")

    expect(page.locator("#backdrop")).not_to_have_attribute("data-here", "1")
    assert width == 320
    assert re.search(r"<img[^>]*(data:|blob:)", page.content()) is None


def test_on_a_phone_and_in_japanese_nothing_sticks_out(watched: Watched, served: Served) -> None:
    watched.page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain dict will do
    page = come(watched.page, served, "ja")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(page.locator("h1")).to_have_text("カメラの区域・線・マスク")
