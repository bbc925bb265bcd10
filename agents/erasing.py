"""The vault's ledger in, receipts and access records out."""

from typing import Any, Final

from faust.types.tuples import TP

from agents.app import App, create_app
from agents.dying import die
from agents.handling import Result
from agents.stage import Stage
from pipeline.errors import Unavailable
from pipeline.logs import log
from pipeline.settings import Settings
from pipeline.vault.client import VaultClient
from pipeline.vault.receipts import messages_of
from schemas.estate import Estate
from schemas.topics import topics

SOURCE: Final = "erasures.v1"
"""Read so that the group gives its partition 0 to one worker, and that one publishes."""

_EVERY: Final = 0.5
_AT_ONCE: Final = 500
_PLACE: Final = "ledger"


class Erasing:
    """Follows the vault's ledger by index. A page that was published twice says the same twice, under the same ids."""

    def __init__(self, stage: Stage, vault: VaultClient) -> None:
        self._stage = stage
        self._vault = vault
        self._next: int | None = None

    async def follow(self) -> None:
        """Publish what is new in the ledger."""
        if TP(SOURCE, 0) not in self._stage.lanes:
            self._next = None
            return
        try:
            while await self._page():
                pass
        except Unavailable as away:
            log().warning("waiting", stage="erasing", error=str(away))

    async def _page(self) -> bool:
        """Publish one page; say whether there is more."""
        if self._next is None:
            self._next = int(await self._stage.noted(_PLACE) or 0)
        page = await self._vault.ledger(self._next, _AT_ONCE)
        if not page.entries:
            return False
        await self._stage.send(messages_of(page.entries))
        self._next = page.entries[-1].index + 1
        await self._stage.note(_PLACE, str(self._next).encode())
        return self._next < page.length


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage.

    Raises:
        Misconfigured: It has no token for the vault: it would wait for ever.
    """
    vault = VaultClient(settings.vault.url, settings.vault.bearer())
    app = create_app("erasing", settings.kafka)
    stage = Stage(
        app,
        "erasing",
        topics=topics(estate.frame_ttl),
        sources=[SOURCE],
        outputs=["erasures.v1", "audit.v1"],
    )
    erasing = Erasing(stage, vault)

    async def pass_by(items: Any) -> list[Result]:
        return [() for _ in items]

    @app.agent(stage.channel, concurrency=1)
    async def hold(stream: Any) -> None:
        """Hold a place in the consumer group."""
        await stage.run_batches(stream, work=pass_by)

    @app.timer(interval=_EVERY)  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def publish() -> None:
        """Publish receipts and refusals as the ledger grows."""
        try:
            await erasing.follow()
        except Exception as error:  # noqa: BLE001 (whatever it is: a fresh process begins where this one was)
            die(f"erasing: {error!r}", error)

    return app
