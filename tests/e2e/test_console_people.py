"""People at the console, in a real browser: who comes in, what they are offered, and that no picture stays anywhere."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, Route, expect

from pipeline.console.lexicon import accusing
from pipeline.console.sessions import BELIEVED
from pipeline.flow.rows import alert_row
from pipeline.vault.ledger import Kind
from tests.e2e.conftest import FLAGS, chromium
from tests.e2e.serving import DESKTOP, PHONE, Served, Watched, sign_in
from tests.unit.pipeline.console.house import CANARY, PASSWORD, alert, jpeg, receipt

REASON: Final = "Checking whether the shelf needs help"


@pytest.fixture(autouse=True)
def _kept(served: Served) -> None:
    served.house.warehouse.alert_rows.append(alert_row(alert(1)))
    served.house.keep(1)


def come(page: Page, served: Served, name: str, lang: str = "en") -> Page:
    sign_in(page, served.address, name, PASSWORD, lang)
    return page


def gone(page: Page, served: Served) -> Page:
    """Sign out as a person does: a cookie that is taken away would leave the page asking."""
    page.locator("#who summary").click()
    page.locator("#sign-out").click()
    page.wait_for_url(f"{served.address}/sign-in")
    return page


def opened(page: Page) -> Page:
    """Read the procedure of the only card, and open its details."""
    card = page.locator(".card")
    card.locator(".acknowledge").click()
    expect(card.locator(".observed")).to_have_attribute("open", "")
    return page


def look(page: Page) -> None:
    page.locator(".card .look").click()
    page.locator("#look-purpose").select_option(index=1)
    page.locator("#look-reason").fill(REASON)
    page.locator("#look-ask [type=submit]").click()
    expect(page.locator("#looking canvas")).to_have_attribute("data-here", "3")


def test_whoever_comes_is_asked_who_they_are(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.address}/?lang=en")

    expect(page).to_have_url(f"{served.address}/sign-in")
    expect(page.locator("h1")).to_have_text("Sign in")
    expect(page.locator("#name")).to_be_focused()
    assert "shelf" not in page.content().lower()


def test_a_wrong_password_is_told_politely_and_nothing_of_it_stays(watched: Watched, served: Served) -> None:
    page = watched.page
    page.goto(f"{served.address}/sign-in?lang=en")
    page.locator("#name").fill("sato")
    page.locator("#password").fill("not the right words")
    page.keyboard.press("Enter")

    expect(page.locator("#wrong")).to_have_text("Name and password do not match. Please check both and try again.")
    expect(page.locator("#password")).to_have_value("")
    assert "mimamori" not in {cookie["name"] for cookie in page.context.cookies()}
    watched.complaints.clear()  # the browser counts the refusal as an error


@pytest.mark.parametrize(("lang", "title"), [("ja", "サインイン"), ("en", "Sign in")])
def test_the_sign_in_page_speaks_both_languages_and_the_console_goes_on_in_it(
    watched: Watched, served: Served, lang: str, title: str
) -> None:
    page = watched.page
    page.goto(f"{served.address}/sign-in")
    page.get_by_role("link", name={"ja": "日本語", "en": "English"}[lang]).click()
    expect(page.locator("h1")).to_have_text(title)
    assert accusing(page.content()) == ()
    page.locator("#name").fill("sato")
    page.locator("#password").fill(PASSWORD)
    page.locator("#sign-in button").click()

    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page.locator("#flow-title")).to_have_text({"ja": "本日の人の流れ", "en": "People flow today"}[lang])
    expect(page.locator(".who-name")).to_have_text("Sato")


def test_r13_staff_is_offered_no_look_and_is_refused_one(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "tanaka"))
    expect(page.locator(".card .seen")).to_be_visible()
    refused = page.evaluate(
        """async () => (await fetch("/api/alerts/alert-1/look", {
            method: "POST", headers: {"Content-Type": "application/json"},
            body: JSON.stringify({purpose: 0, reason: "Just to see what is there"}),
        })).status"""
    )

    assert refused == 403
    assert page.locator(".card .kept button:visible").count() == 0
    assert served.house.people.kinds()[-1] is Kind.REFUSED
    watched.complaints.clear()  # the browser counts the refusal as an error


def test_r18_a_manager_looks_and_the_ledger_knew_before(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    known: list[list[Kind]] = []

    def before(route: Route) -> None:
        known.append(served.house.people.kinds())
        route.continue_()

    page.route(re.compile(r"/api/looks/\S+/\S{40,}"), before)
    look(page)

    expect(page.locator("#looking .line")).to_have_text("An observation for review: not evidence; not always correct.")
    expect(page.locator(".frame-text")).to_have_text("1 of 3 · 14:40:00")
    assert len(known) == 3
    assert all(Kind.LOOK in each for each in known)


def test_pictures_are_stepped_through_with_keys_and_played(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    look(page)
    text = page.locator(".frame-text")
    page.keyboard.press("ArrowRight")
    expect(text).to_have_text("2 of 3 · 14:40:01")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(text).to_have_text("3 of 3 · 14:40:02")
    page.keyboard.press(" ")
    expect(page.locator("#looking .play")).to_have_text("Pause")

    expect(text).to_have_text("2 of 3 · 14:40:01")

    page.keyboard.press("Escape")
    expect(page.locator("#looking")).to_be_hidden()
    expect(page.locator("canvas")).to_have_count(0)
    expect(page.locator(".card .look")).to_be_focused()


def test_the_box_that_the_alert_concerns_is_outlined(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    look(page)
    colour = page.locator("#looking canvas").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0.3 * canvas.width, 0.5 * canvas.height, 1, 1).data]"
    )

    assert colour[:3] == [0x6F, 0xC4, 0xB6]


def test_a_look_ends_by_itself(watched: Watched, served: Served) -> None:
    served.house.people.kept["alert-1"] = served.house.people.kept["alert-1"].model_copy(
        update={"expires_at": served.house.clock.now() + timedelta(seconds=2)}
    )
    page = opened(come(watched.page, served, "sato"))
    look(page)

    expect(page.locator("#looking .ends")).to_contain_text("This look is over")
    expect(page.locator("canvas")).to_have_count(0)


def test_r20_what_was_erased_meanwhile_leaves_the_screen(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    look(page)
    gone = {"key_id": served.house.people.kept["alert-1"].key_id}
    served.tell(receipt(2000, served.house.clock.now()).model_copy(update=gone))

    expect(page.locator("#looking .ends")).to_contain_text("This look is over", timeout=15_000)
    expect(page.locator("#looking canvas")).to_have_count(0)
    watched.complaints.clear()  # the browser counts the answer that it is over as an error


def test_whoever_touches_the_page_is_here(watched: Watched, served: Served) -> None:
    page = watched.page
    page.clock.install()
    with page.expect_request("**/api/here**"):
        come(page, served, "sato")
    page.clock.run_for(61_000)
    page.locator("main").hover()
    with page.expect_request("**/api/here**"):
        page.clock.run_for(61_000)


def test_a_hold_begins_and_ends_on_days_of_the_store(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    zone = ZoneInfo("Asia/Tokyo")
    before = datetime.now(zone)
    page.locator(".card .hold").click()
    first = page.locator("#hold-until").get_attribute("min")

    tomorrow = {str((each + timedelta(days=1)).date()) for each in (before, datetime.now(zone))}
    assert first in tomorrow


def test_a_manager_erases_early_and_is_given_the_receipt(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    page.locator(".card .erase").click()
    page.locator("#erase-alert textarea").fill("Asked for by the person concerned")
    page.locator("#erase-alert [type=submit]").click()
    assert Kind.ERASURE_DECIDED not in served.house.people.kinds()  # not before it was said to be meant
    page.locator("#erase-alert [name=sure]").check()
    page.locator("#erase-alert [type=submit]").click()
    expect(page.locator("#erase-alert .done-text")).to_have_text("Keys destroyed: 1.")
    with page.expect_download() as download:
        page.locator("#erase-alert .receipts a").click()
    assert "key_destroyed" in Path(download.value.path()).read_text()
    page.locator("#erase-alert .cancel").click()

    expect(page.locator(".kept-text")).to_contain_text("can never be opened again")
    expect(page.locator(".card .look")).to_be_hidden()


@pytest.mark.parametrize(("lang", "said"), [("ja", "「理由(10〜256文字)」"), ("en", "Reason (10 to 256 characters)")])
def test_what_is_left_out_is_said_by_the_page_in_its_own_language(
    watched: Watched, served: Served, lang: str, said: str
) -> None:
    page = opened(come(watched.page, served, "sato", lang))
    page.locator(".card .erase").click()
    failed = page.locator("#erase-alert .failed")
    page.locator("#erase-alert [type=submit]").click()
    expect(failed).to_contain_text(said)
    page.locator("#erase-alert textarea").press_sequentially("too short")
    page.locator("#erase-alert [type=submit]").click()
    expect(failed).to_contain_text({"ja": "10 文字以上", "en": "at least 10 characters"}[lang])
    page.locator("#erase-alert textarea").fill("Asked for by the person concerned")
    page.locator("#erase-alert [type=submit]").click()

    expect(failed).to_contain_text({"ja": "印を付けてください", "en": "Please tick"}[lang])
    expect(page.locator("#erase-alert [name=sure]")).to_be_focused()
    assert Kind.ERASURE_DECIDED not in served.house.people.kinds()


def test_r23_erasing_what_is_kept_leads_to_the_hold_first(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    page.locator(".card .hold").click()
    page.locator("#hold-until").fill("2026-12-23")
    page.locator("#hold-incident").fill("2026-114")
    page.locator("#hold-reason").fill("Needed for the insurance report")
    page.locator("#hold-ask [type=submit]").click()
    page.locator("#hold-ask .cancel").click()
    page.locator(".card .erase").click()
    expect(page.locator("#erase-alert .held-text")).to_contain_text("case 2026-114")
    expect(page.locator("#erase-alert [type=submit]")).to_be_hidden()
    page.locator("#erase-alert .held-note a").click()

    expect(page.locator("#erase-alert")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"#hold-1$"))
    expect(page.locator("#hold-1 .end")).to_be_visible()


def test_r17_on_call_sees_how_many_are_kept_and_until_when(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    page.locator(".card .hold").click()
    page.locator("#hold-until").fill("2026-12-23")
    page.locator("#hold-incident").fill("2026-114")
    page.locator("#hold-reason").fill("Needed for the insurance report")
    page.locator("#hold-ask [type=submit]").click()
    expect(page.locator("#hold-ask .done-text")).to_be_visible()
    page.locator("#hold-ask .cancel").click()
    come(gone(page, served), served, "abe")

    expect(page.locator("#holds-list li")).to_have_text("Kept by decisionuntil 2026-12-24 00:00")
    assert "2026-114" not in page.content()


def test_r18_the_command_is_of_when_the_ledger_was_saved(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "mori")
    expect(page.locator("#proofs-command")).to_contain_text("--now <when the ledger was saved>")
    with page.expect_download():
        page.locator("#proofs-ledger").click()

    expect(page.locator("#proofs-command")).to_contain_text("--now 2026-11-23T05:40:00Z")


def test_two_people_keep_pictures_longer(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    page.locator(".card .hold").click()
    page.locator("#hold-until").fill("2026-12-23")
    page.locator("#hold-incident").fill("2026-114")
    page.locator("#hold-reason").fill("Needed for the insurance report")
    page.locator("#hold-ask [type=submit]").click()
    expect(page.locator("#hold-ask .done-text")).to_be_visible()
    page.locator("#hold-ask .cancel").click()
    row = page.locator("#holds-list li")
    expect(row).to_contain_text("Waits for a second person · until 2026-12-24 00:00")
    expect(row.locator(".agree")).to_be_hidden()
    come(gone(page, served), served, "suzuki")
    page.locator("#holds-list .agree").click()

    expect(page.locator("#holds-list li")).to_contain_text("Kept · until 2026-12-24 00:00")
    expect(page.locator("#holds-list li")).to_contain_text("proposed by sato · agreed by suzuki")


def test_r16_what_is_released_to_staff_gets_a_button(watched: Watched, served: Served) -> None:
    page = opened(come(watched.page, served, "sato"))
    page.locator(".card .release").click()
    page.locator("#release-to").select_option("tanaka")
    page.locator("#release-reason").fill("Please check the shelf display")
    page.locator("#release-ask [type=submit]").click()
    expect(page.locator("#release-ask .done-text")).to_contain_text("tanaka may look until")
    page.locator("#release-ask .cancel").click()
    come(gone(page, served), served, "tanaka")
    expect(page.locator(".card .yours")).to_have_text("You may look until 15:39")
    page.locator(".card .observed summary").click()
    look(page)

    assert served.house.people.told.entries(0, 100)[-1].body["person"] == "tanaka"


def test_r15_reading_the_rules_is_one_button(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "kato")
    expect(page.locator("#suspended li")).to_have_count(2)
    page.locator("#rules-open").click()
    expect(page.locator("#rules")).to_contain_text("Camera rules, version 2")
    page.locator("#rules [type=submit]").click()

    expect(page.locator("#suspended li")).to_have_count(1)
    expect(page.locator("#rules-open")).to_have_count(0)


def test_signing_out_leaves_nothing_to_go_back_to(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "sato")
    expect(page.locator(".card")).to_have_count(1)
    page.goto(f"{served.address}/people")
    page.locator("#who summary").click()
    page.locator("#sign-out").click()
    page.wait_for_url(f"{served.address}/sign-in")
    assert [cookie for cookie in page.context.cookies() if cookie["name"] == "mimamori"] == []

    page.go_back()

    expect(page.locator("h1")).to_have_text("Sign in")
    expect(page.locator(".card")).to_have_count(0)


def test_a_session_that_ends_leads_politely_back(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "sato")
    expect(page.locator(".card")).to_have_count(1)
    served.house.people.sessions.clear()
    served.house.clock.advance(BELIEVED)

    expect(page.locator("#note")).to_have_text("Your session has ended. Please sign in again.", timeout=15_000)
    watched.complaints.clear()  # the browser counts the refusals as errors


def test_while_the_vault_is_away_the_page_says_so_and_shows_nothing_new(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "sato")
    expect(page.locator(".card")).to_have_count(1)
    served.house.people.away = True
    served.house.clock.advance(BELIEVED)
    expect(page.locator("#unknown")).to_be_visible(timeout=15_000)
    served.tell(alert(2))
    page.reload()
    expect(page.locator("#note")).to_contain_text("cannot be reached")
    expect(page.locator(".card")).to_have_count(0)
    served.house.people.away = False
    page.goto(served.address)

    expect(page.locator(".card")).to_have_count(2)
    watched.complaints.clear()  # the browser counts the refusals as errors


def test_r17_who_may_do_what_is_a_table(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "mori")
    page.locator("#who summary").click()
    page.get_by_role("link", name="Roles").click()
    row = page.locator(".matrix tbody tr", has_text="Look at pictures")

    expect(row.locator("td").first).to_have_attribute("title", "released item only")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as JSON").click()
    assert '"only_released": true' in Path(download.value.path()).read_text()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dialog", ["look", "hold", "release", "erase"])
def test_no_dialog_sticks_out(watched: Watched, served: Served, dialog: str, size: dict[str, int]) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]  # a plain dict will do
    page = opened(come(watched.page, served, "sato", "ja"))
    page.locator(f".card .{dialog}").click()
    wide = page.locator("dialog[open]").evaluate("each => [each.scrollWidth - each.clientWidth, each.offsetWidth]")

    assert wide[0] <= 0
    assert wide[1] <= size["width"]
    assert accusing(page.content()) == ()


@pytest.fixture
def profile(driver: Playwright, tmp_path: Path) -> Iterator[BrowserContext]:
    """Chromium with a profile on the disk, as a person's has."""
    context = driver.chromium.launch_persistent_context(tmp_path / "profile", executable_path=chromium(), args=FLAGS)
    yield context
    context.close()


def traces(folder: Path, marks: tuple[bytes, ...]) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and any(mark in file.read_bytes() for mark in marks)
    ]


def test_r20_the_browsers_profile_holds_no_picture_and_no_session(
    profile: BrowserContext, served: Served, tmp_path: Path
) -> None:
    page = opened(come(profile.pages[0], served, "sato"))
    # What is meant to be found is: the scan would see a picture if one were there.
    page.evaluate("mark => localStorage.setItem('control', mark)", "control-of-the-scan")
    look(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    (token,) = [cookie["value"] for cookie in profile.cookies() if cookie["name"] == "mimamori"]
    assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
    assert page.evaluate("async () => (await caches.keys()).length") == 0
    profile.close()

    found = tmp_path / "profile"
    assert traces(found, (b"control-of-the-scan", "control-of-the-scan".encode("utf-16-le"))) != []
    assert traces(found, (CANARY[4:], jpeg(0)[-64:], token.encode(), PASSWORD.encode())) == []


def test_a_manager_adds_staff_and_records_dates(watched: Watched, served: Served) -> None:
    page = come(watched.page, served, "sato")
    page.goto(f"{served.address}/people")
    expect(page.locator(".accounts tbody tr")).to_have_count(4)
    page.locator("#account-add").click()
    for field, value in {
        "name": "yamada", "display": "Yamada", "training": "2027-11-23", "pledged": "2026-11-23",
        "pledge": "2027-11-23", "password": "nine calm rivers flow",
    }.items():  # fmt: skip
        page.locator(f"#new-{field}").fill(value)
    page.locator("#account-new [type=submit]").click()
    row = page.locator(".accounts tbody tr", has_text="Yamada")
    expect(row).to_contain_text("2027-11-23")
    row.get_by_role("button", name="Record dates").click()
    page.locator("#dates-training").fill("2028-01-31")
    page.locator("#account-dates [type=submit]").click()

    expect(row).to_contain_text("2028-01-31")
    expect(page.locator(".accounts tbody tr", has_text="Sato").get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("path", ["/", "/people"])
@pytest.mark.parametrize("name", ["sato", "kato", "mori", "abe", "tanaka"])
def test_no_page_of_anybody_sticks_out_sideways_on_a_phone(
    watched: Watched, served: Served, name: str, path: str
) -> None:
    watched.page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain dict will do
    page = come(watched.page, served, name, "ja")
    page.goto(served.address + path)
    if path == "/people":
        expect(page.locator(".matrix tbody tr")).not_to_have_count(0)

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
