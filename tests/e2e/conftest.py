"""A real browser, where there is one."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.e2e.serving import DESKTOP, Served, Watched
from tests.unit.pipeline.console.house import furnished

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""No sandbox: containers of CI give none. The rest keeps a browser that is only to show our page from phoning home."""


def chromium() -> str:
    """Return where Chromium is; without one, skip and say so."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("NO BROWSER: install Chromium (as root `make test` does it by apt); the page itself is not tested")
    return found


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    """What drives browsers.

    Of one module, not of the session: while Playwright runs, its event loop counts as running in this thread, and no
    test beside it could run another.
    """
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(driver: Playwright) -> Iterator[Browser]:
    """Chromium, headless, with a profile of its own that is gone afterwards."""
    browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served(furnished())
    yield served
    served.stop()


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    del served  # stops after the page is closed, so that the page has nothing to complain of
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")  # type: ignore[arg-type]  # a plain dict will do
    watched = Watched(context.new_page())
    yield watched
    context.close()
    assert watched.complaints == []
