"""The console in a real browser, with a house in memory behind it."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from pipeline.console.lexicon import accusing
from pipeline.flow.rows import alert_row
from tests.e2e.serving import DESKTOP, PHONE, Served, Watched, opened, sign_in
from tests.unit.pipeline.console.house import NOON, PASSWORD, alert, restricted


def test_an_alert_appears_without_reloading(watched: Watched, served: Served) -> None:
    page = opened(watched, served)
    expect(page.locator("#alerts-none")).to_be_visible()

    served.tell(alert(1))

    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("#announce")).to_have_text("New alert: 銀座店 Ginza 棚 B3 Shelf B3")
    expect(page.locator("#tile-waiting .figure")).to_have_text("1")


def test_r40_a_card_opens_with_the_procedure_and_acknowledging_it_is_the_first_action(
    watched: Watched, served: Served
) -> None:
    page = opened(watched, served)
    served.tell(alert(1))
    card = page.locator(".card")

    assert card.locator("article > *").first.get_attribute("class") == "procedure"
    expect(card.locator(".steps")).to_contain_text("Hello, may I help you find something?")
    expect(card.locator("button:visible")).to_have_text(["I have read the procedure"])
    expect(card.locator(".observed")).to_be_hidden()

    card.locator(".acknowledge").click()

    expect(card.locator(".seen")).to_have_text("Possible: a person has stayed at “棚 B3 Shelf B3” for a long time")
    expect(card.locator(".rarity")).to_have_text("1 in 268 visits here at this hour, n=2,140")
    expect(card.locator(".acknowledged")).to_have_text("Procedure read at 14:40")
    expect(page.locator("#tile-waiting .figure")).to_have_text("0")


def test_an_acknowledgement_is_still_there_after_reloading_and_on_another_page(
    watched: Watched, served: Served
) -> None:
    served.house.warehouse.alert_rows.append(alert_row(alert(1)))
    page = opened(watched, served)
    other = page.context.new_page()
    other.goto(f"{served.address}/?lang=en")
    expect(other.locator(".card:not(.read)")).to_have_count(1)

    page.locator(".acknowledge").click()

    expect(other.locator(".card.read")).to_have_count(1)
    page.reload()
    expect(page.locator(".card.read")).to_have_count(1)


def test_r41_every_card_says_possible_and_how_little_it_is(watched: Watched, served: Served) -> None:
    page = opened(watched, served)
    served.tell(alert(1))
    served.tell(restricted(2, at=NOON + timedelta(seconds=5)))
    expect(page.locator(".card")).to_have_count(2)

    expect(page.locator(".card .chip")).to_have_text(["Area not open to visitors · Possible", "Long stay · Possible"])
    expect(page.locator(".card .caveat")).to_have_text(
        ["A possible observation: not evidence; not always correct."] * 2
    )


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_r41_nothing_on_the_page_accuses_and_no_picture_of_anyone_is_shown(
    watched: Watched, served: Served, lang: str
) -> None:
    page = opened(watched, served, lang)
    served.tell(alert(1))
    served.tell(restricted(2))
    expect(page.locator(".card")).to_have_count(2)
    for count in (1, 2):
        card = page.locator(".card:not(.read)").first
        if not card.locator(".acknowledge").is_visible():
            card.locator("summary").first.click()
        card.locator(".acknowledge").click()
        expect(page.locator(".card.read")).to_have_count(count)
    page.locator("#flow-table summary").click()

    assert accusing(page.inner_text("body")) == ()
    assert accusing(page.content()) == ()
    assert page.locator("img").evaluate_all("all => all.map(each => each.getAttribute('src'))") == ["/static/mark.svg"]
    assert page.locator("video, canvas, object, iframe").count() == 0


def test_what_comes_under_a_hand_waits_until_the_hand_leaves(watched: Watched, served: Served) -> None:
    page = opened(watched, served)
    served.tell(alert(1))
    expect(page.locator(".card")).to_have_count(1)
    page.locator(".acknowledge").hover()

    served.tell(restricted(2, at=NOON + timedelta(seconds=5)))

    expect(page.locator("#held")).to_have_text("Show 1 new")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator("#tile-waiting .figure")).to_have_text("2")

    page.mouse.move(900, 30)

    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator("#held")).to_be_hidden()


def test_the_language_is_changed_and_kept(watched: Watched, served: Served) -> None:
    page = opened(watched, served)
    expect(page.locator("#flow-title")).to_have_text("People flow today")

    page.get_by_role("link", name="日本語").click()

    expect(page.locator("#flow-title")).to_have_text("本日の人の流れ")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.goto(served.address)
    expect(page.locator("#flow-title")).to_have_text("本日の人の流れ")


def test_the_chart_shows_lines_zones_coverage_and_what_was_withheld(watched: Watched, served: Served) -> None:
    page = opened(watched, served)

    expect(page.locator("#chart .row-title")).to_have_count(2)
    assert page.locator("#chart .bar.in").count() > 10
    assert page.locator("#chart .bar.occupancy").count() > 10
    assert page.locator("#chart .withheld").count() > 0
    assert page.locator("#chart .strip").count() == 18
    expect(page.locator(".flow-totals")).to_contain_text("At least")

    page.get_by_role("button", name="渋谷店 Shibuya").click()

    expect(page.locator("#chart .row-title")).to_have_count(1)


def test_the_chart_answers_the_keyboard(watched: Watched, served: Served) -> None:
    page = opened(watched, served)
    page.locator("#flow .tabs button").last.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")

    expect(page.locator("#chart .tip")).to_contain_text("Front door: In")
    expect(page.locator("#chart .tip")).to_contain_text("Coverage")


def test_cameras_stages_and_what_was_forgotten_are_there(watched: Watched, served: Served) -> None:
    page = opened(watched, served)

    expect(page.locator("#cameras .row-state")).to_have_text(["Seeing", "Seeing", "Silent"])
    expect(page.locator("#stages .stage-state")).to_have_text([*["Running · Workers: 1"] * 4, "Not running"])
    expect(page.locator("#stages .dead-text")).to_have_text("2")
    expect(page.locator("#forgotten .big")).to_have_text("1,284 keys destroyed")
    expect(page.locator("#forgotten [data-field=oldest]")).to_have_text("58 min 12 s ago")
    expect(page.locator("#forgotten [data-field=receipt]")).to_have_text("1 min 48 s ago")


def test_what_is_away_is_said_in_its_panel_and_the_page_goes_on(watched: Watched, served: Served) -> None:
    served.house.warehouse.away = served.house.vault.away = True
    page = watched.page
    sign_in(page, served.address, "head", PASSWORD)

    expect(page.locator("#flow .away")).to_have_text("Not reachable at present")
    expect(page.locator("#forgotten .away")).to_have_text("Not reachable at present")
    expect(page.locator("#stages .away")).to_be_hidden()

    served.tell(alert(1))

    expect(page.locator(".card")).to_have_count(1)


def test_a_console_that_stops_is_noticed_and_stops_although_pages_are_open(watched: Watched, served: Served) -> None:
    page = opened(watched, served)

    served.stop()

    expect(page.locator("#link")).to_have_attribute("data-state", "away")
    expect(page.locator("#link")).to_have_text("Reconnecting")
    watched.complaints.clear()  # the browser says that it cannot connect, and it is right


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_sticks_out_sideways(watched: Watched, served: Served, lang: str, size: dict[str, int]) -> None:
    served.tell(alert(1))
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]  # a plain dict will do
    page = opened(watched, served, lang)
    expect(page.locator(".card")).to_have_count(1)

    wide = page.evaluate("document.documentElement.scrollWidth")
    cut = page.locator(".card").evaluate_all(
        "all => all.filter(each => each.scrollHeight > each.clientHeight + 1).length"
    )

    assert (wide <= size["width"], cut) == (True, False)
