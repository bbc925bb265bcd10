"""A person's visit to the console, in a browser that keeps its profile."""

import shutil
from pathlib import Path

from playwright.async_api import Page, async_playwright

from schemas.ids import AlertId
from tests.e2e.conftest import FLAGS
from tests.integration.looking import REASON

_NAMES = ("chromium", "chromium-browser", "google-chrome")


async def visit(url: str, profile: Path, password: str, text: str, alert: AlertId | None = None) -> bool:
    """Sign in as the manager, look at this alert's evidence if one is named, and leave a text in the browser's storage.

    Returns:
        False where there is no Chromium: `make browser` brings it.
    """
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        return False
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(str(profile), executable_path=found, args=FLAGS)
        try:
            page = await context.new_page()
            await _sign_in(page, url, password)
            if alert is not None:
                await _look(page, alert)
            await page.evaluate("text => localStorage.setItem('control', text)", text)
            # Chromium writes down what it keeps a little later.
            await page.wait_for_timeout(2000)
        finally:
            await context.close()
    return True


async def _sign_in(page: Page, url: str, password: str) -> None:
    await page.goto(f"{url}sign-in?lang=en")
    await page.locator("#name").fill("manager")
    await page.locator("#password").fill(password)
    await page.locator("#sign-in button").click()
    await page.wait_for_url(url)


async def _look(page: Page, alert: AlertId) -> None:
    card = page.locator(f".card[data-key='{alert}']")
    await card.wait_for()
    if not await card.locator(".acknowledge").is_visible():
        await card.locator("summary").first.click()
    await card.locator(".acknowledge").click()
    await card.locator(".look").click()
    await page.locator("#look-purpose").select_option(index=1)
    await page.locator("#look-reason").fill(REASON)
    await page.locator("#look-ask [type=submit]").click()
    await page.locator("#looking canvas[data-here]:not([data-here='0'])").wait_for()
