"""Three drawn shops through the whole system: what is counted is what is true, and then it is forgotten.

The story of each shop (45 s) is played once, in real time, through device, Kafka, stages, ClickHouse and console.
"""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from pipeline.edge.drawn import named, view
from pipeline.edge.drawn.truth import Truth, truth
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from pipeline.vault.ledger import Kind
from schemas.detections import FrameDetections
from schemas.wire import Sealed
from tests.e2e.conftest import FLAGS, chromium
from tests.integration.house import House, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


def tracebacks(logs: Path) -> list[str]:
    return [log.name for log in logs.glob("*.log") if "Traceback" in log.read_text(encoding="utf-8", errors="replace")]


async def come(page: Page, shops: House, name: str) -> None:
    """Sign in to the console, as a person does."""
    await page.goto(f"{shops.demo.console_url}sign-in?lang=en")
    await page.locator("#name").fill(name)
    await page.locator("#password").fill(shops.demo.accounts[name])
    await page.locator("#sign-in button").click()
    await page.wait_for_url(shops.demo.console_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shops(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The system, until all three stories are played and all is counted."""
    async with house(tmp_path_factory.mktemp("shops"), devices=True, loop=False) as shops:
        yield shops


@pytest.fixture(scope="module")
def truths(shops: House) -> dict[tuple[str, str], Truth]:
    """What is true at each camera."""
    return {camera: truth(named(source), view.camera(), fps=0) for camera, source in shops.demo.scene.sources.items()}


async def test_r40_an_alert_appears_in_the_console_by_itself_and_opens_with_courtesy(shops: House) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = await browser.new_page()
        await come(page, shops, "manager")
        card = page.locator("#cards li.card").first
        await card.wait_for(timeout=60_000)
        text = (await card.inner_text()).lower()
        await browser.close()

    assert "possible" in text
    assert "not evidence" in text


async def test_r18_a_manager_looks_at_what_was_cut_and_the_ledger_holds_it(shops: House) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = await browser.new_page()
        await come(page, shops, "manager")
        await page.locator("#cards li.card").first.wait_for(timeout=60_000)
        found = await page.locator("#cards li.card").last.get_attribute("data-key")
        card = page.locator(f'#cards li.card[data-key="{found}"]')
        if not await card.locator(".acknowledge").is_visible():
            await card.locator("summary").first.click()
        await card.locator(".acknowledge").click()
        await card.locator(".look").click(timeout=60_000)
        await page.locator("#look-purpose").select_option(index=1)
        await page.locator("#look-reason").fill("Looking whether the drawn shop needs help")
        await page.locator("#look-ask [type=submit]").click()
        await page.locator("#looking canvas[data-here]").wait_for(timeout=10_000)
        await browser.close()

    async def told() -> bool:
        return any(entry.kind is Kind.LOOK and entry.body["alert_id"] == found for entry in await shops.ledger())

    await shops.until(told, "the ledger holds the look", within=10)


async def test_everybody_who_crosses_a_line_is_counted_in_their_direction_and_nobody_else(
    shops: House, truths: dict[tuple[str, str], Truth]
) -> None:
    # The last windows close by a tick: the devices have fallen silent.
    async def closed() -> bool:
        rows = await shops.rows(CoverageRow)
        return all(len([row for row in rows if (row.store_id, row.camera_id) == each]) >= 4 for each in truths)

    await shops.until(closed, "every camera's windows are closed", within=150)
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in await shops.rows(FlowRow):
        if row.line_id == view.ENTRANCE:
            counted[row.store_id, row.camera_id, row.metric] += int(row.values[0])

    for (store, camera), true in truths.items():
        assert counted[store, camera, "line_in"] == true.crossed(view.ENTRANCE, "in"), (store, camera)
        assert counted[store, camera, "line_out"] == true.crossed(view.ENTRANCE, "out"), (store, camera)


async def test_every_visit_of_the_staff_area_and_every_long_stay_is_an_alert_once(
    shops: House, truths: dict[tuple[str, str], Truth]
) -> None:
    alerts = Counter((row.store_id, row.camera_id, row.category) for row in await shops.rows(AlertRow))

    for (store, camera), true in truths.items():
        assert alerts[store, camera, "restricted_zone"] == true.visited(view.STAFF), (store, camera)
        assert alerts[store, camera, "loitering"] == true.visited(view.FLOOR, view.LOITERING_AFTER), (store, camera)


async def test_everybody_is_followed_once(shops: House, truths: dict[tuple[str, str], Truth]) -> None:
    people: Counter[tuple[str, str]] = Counter()
    for row in await shops.rows(CoverageRow):
        people[row.store_id, row.camera_id] += row.people_tracked or 0

    assert people == {camera: true.people for camera, true in truths.items()}


async def test_every_frame_was_looked_at_once(shops: House) -> None:
    frames = [each.frame for each in await shops.messages("frames.v1") if isinstance(each, Sealed)]
    seen = [each for each in await shops.messages("detections.v1") if isinstance(each, FrameDetections)]

    assert len(frames) > 100
    assert Counter((each.key, each.boot, each.sequence) for each in seen) == Counter(
        (each.key, each.boot, each.sequence) for each in frames
    )


async def test_r20_expired_frames_still_lie_in_the_log_and_none_of_them_opens(shops: House) -> None:
    async def expired() -> bool:
        now = datetime.now(UTC)
        frames = [each.frame for each in await shops.messages("frames.v1") if isinstance(each, Sealed)]
        return sum(frame.expires_at <= now for frame in frames) >= 100

    await shops.until(expired, "a hundred frames have expired", within=90)
    summary = await shops.demo.summary()

    assert summary.frames_refused_after_expiry >= 100
    assert summary.frames_opened_after_expiry == 0
    assert summary.keys_destroyed > 0


async def test_the_summary_counts_what_is_there_and_no_stage_died(shops: House) -> None:
    found = await shops.demo.summary()
    summary = found.as_dict()

    assert all(value > 0 for value in found.latency_ms.values())
    assert all(summary.pop(name) == 0 for name in ("dead_letters", "frames_opened_after_expiry"))
    assert [name for name, value in summary.items() if not value] == []
    assert set(shops.supervisor.restarts().values()) == {0}
    assert tracebacks(shops.demo.logs) == []
