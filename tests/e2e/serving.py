"""A console in memory that a real browser visits, and a page that is watched for complaints."""

import asyncio
import socket
import threading
from typing import Final

import uvicorn
from playwright.sync_api import ConsoleMessage, Page, expect

from pipeline.console.sources import News
from tests.unit.pipeline.console.house import PASSWORD, House

DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}


class Served:
    """A console that listens on a free port of loopback, in a thread with a loop of its own."""

    def __init__(self, house: House) -> None:
        self.house = house
        # Listening before the server runs: a browser that comes early waits.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(house.app(), log_level="error", timeout_graceful_shutdown=1))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._socket])
        await asyncio.sleep(0.05)  # closed connections are given back in the loop's next turns

    def stop(self) -> None:
        """Stop as SIGTERM would."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    def tell(self, news: News) -> None:
        """As Kafka would."""
        self._loop.call_soon_threadsafe(self.house.broker.tell, news)


class Watched:
    """A page, and everything that its console complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


def opened(watched: Watched, served: Served, lang: str = "en", name: str = "head") -> Page:
    """The page, signed in, as soon as it lives."""
    sign_in(watched.page, served.address, name, PASSWORD, lang)
    expect(watched.page.locator("#link")).to_have_attribute("data-state", "live")
    expect(watched.page.locator("#chart svg")).to_be_visible()
    return watched.page


def sign_in(page: Page, address: str, name: str, password: str, lang: str = "en") -> None:
    """Come in by the sign-in page, as a person does."""
    page.goto(f"{address}/sign-in?lang={lang}")
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.locator("#sign-in button").click()
    page.wait_for_url(f"{address}/")
