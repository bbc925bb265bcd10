"""The vault's ledger in, receipts and access records out; and what is noise by now is taken away."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from faust.types.tuples import TP

from agents.app import App, create_app
from agents.dying import die
from agents.handling import Result
from agents.stage import Stage
from agents.tidying import Tidying, every
from pipeline.clock import SystemClock
from pipeline.errors import Unavailable
from pipeline.leftovers import Leftovers
from pipeline.logs import log
from pipeline.objects import open_objects
from pipeline.settings import Settings
from pipeline.vault.api import LedgerPage
from pipeline.vault.client import VaultClient
from pipeline.vault.ledger import FIRST, Entry
from pipeline.vault.receipts import messages_of, receipts_of
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.expiry import Dropper
from pipeline.warehouse.login import dropper, eraser
from schemas.estate import Estate
from schemas.topics import topics

SOURCE: Final = "erasures.v1"
"""Read so that the group gives its partition 0 to one worker, and that one publishes."""

_EVERY: Final = 0.5
_AT_ONCE: Final = 500
_PLACE: Final = "ledger"


class Mark(NamedTuple):
    """How far a ledger was published: the index that comes next, and the hash of the entry before it."""

    next: int
    previous: str

    def dumps(self) -> bytes:
        return f"{self.next} {self.previous}".encode()

    @classmethod
    def loads(cls, raw: bytes) -> "Mark | None":
        """Read a mark; None where it is none."""
        found = re.fullmatch(rb"(\d{1,18}) ([0-9a-f]{64})", raw)
        return None if found is None else cls(int(found[1]), found[2].decode())

    def fits(self, page: LedgerPage) -> bool:
        """Say whether a page, asked for from here, is of the ledger that was published."""
        return page.length >= self.next and (not page.entries or page.entries[0].previous == self.previous)


BEGINNING: Final = Mark(0, FIRST)


class Erasing:
    """Follows the vault's ledger by index. A page that was published twice says the same twice, under the same ids.

    `destroyed` is told the keys that are gone, and since when what they sealed is noise.
    """

    def __init__(self, stage: Stage, vault: VaultClient, destroyed: Callable[[Mapping[str, datetime]], None]) -> None:
        self._stage = stage
        self._vault = vault
        self._destroyed = destroyed
        self._marks: list[Mark] = []
        """Where to go on, and where else should the ledger be another."""

    @property
    def ours(self) -> bool:
        """Whether this worker is the one that does it."""
        return TP(SOURCE, 0) in self._stage.lanes

    async def follow(self) -> None:
        """Publish what is new in the ledger."""
        if not self.ours:
            self._marks = []
            return
        try:
            while await self._page():
                pass
        except Unavailable as away:
            log().warning("waiting", stage="erasing", error=str(away))

    async def _page(self) -> bool:
        """Publish one page; say whether there is more."""
        self._marks = self._marks or marks(await self._stage.noted(_PLACE))
        here = self._marks[0]
        page = await self._vault.ledger(here.next, _AT_ONCE)
        if here != BEGINNING and not here.fits(page):
            # A vault begun anew, or put back from a backup: what it says is published from where we agree.
            log().warning("another ledger", stage="erasing", position=here.next, count=page.length)
            self._marks = self._marks[1:] or [BEGINNING]
            return True
        if not page.entries:
            return False
        await self._stage.send(messages_of(page.entries))
        self._destroyed(gone(page.entries))
        last = page.entries[-1]
        self._marks = [Mark(last.index + 1, last.hash)]
        await self._stage.note(_PLACE, self._marks[0].dumps())
        return self._marks[0].next < page.length


def gone(entries: Iterable[Entry]) -> Mapping[str, datetime]:
    """Return the keys that were destroyed, and since when they had to be: their expiry, or an earlier decision."""
    return {each.key_id: min(each.destroyed_at, each.key_expired_at) for each in receipts_of(entries)}


def marks(noted: Sequence[bytes]) -> list[Mark]:
    """Return where to go on, best first.

    The highest, since a worker that overslept may have noted an older one last; then the last, since an older ledger
    may have been longer; then the beginning.
    """
    found = [mark for raw in noted if (mark := Mark.loads(raw)) is not None]
    return [*dict.fromkeys([max(found), found[-1]] if found else []), BEGINNING]


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage.

    Raises:
        Misconfigured: It has no token for the vault: it would wait for ever.
    """
    vault = VaultClient(settings.vault.url, settings.vault.bearer(), ca=settings.vault.ca)
    app = create_app("erasing", settings.kafka)
    stage = Stage(
        app,
        "erasing",
        topics=topics(estate.lives),
        sources=[SOURCE],
        outputs=["erasures.v1", "audit.v1"],
    )
    tidying = Tidying(
        leftovers=Leftovers(open_objects(settings.objects_url)),
        vault=vault,
        warehouse=Warehouse(eraser(settings.clickhouse)),
        drop=Dropper(dropper(settings.clickhouse)),
        bootstrap=settings.kafka.bootstrap,
        topics=stage.topics,
        metrics=settings.home / "metrics",
        clock=SystemClock(),
    )
    erasing = Erasing(stage, vault, tidying.leftovers.destroyed)

    async def pass_by(items: Any) -> list[Result]:
        return [() for _ in items]

    @app.agent(stage.channel, concurrency=1)
    async def hold(stream: Any) -> None:
        """Hold a place in the consumer group."""
        await stage.run_batches(stream, work=pass_by)

    @app.timer(interval=_EVERY)  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def publish() -> None:
        """Publish receipts and refusals as the ledger grows."""
        await follow_or_die(erasing)

    @app.timer(interval=every(estate.frame_ttl).total_seconds())  # type: ignore[untyped-decorator]  # as above
    async def tidy() -> None:
        """Take away partitions and objects that are noise, and say what is late."""
        await tidy_or_die(erasing, tidying)

    return app


async def follow_or_die(erasing: Erasing) -> None:
    """Publish what is new; whatever goes wrong, a fresh process begins where this one was."""
    try:
        await erasing.follow()
    except Exception as error:  # noqa: BLE001 (Faust would log it, and quote it)
        die("erasing", error)


async def tidy_or_die(erasing: Erasing, tidying: Tidying) -> None:
    """Take away what is noise, if that is this worker's to do."""
    try:
        if erasing.ours:
            await tidying.turn()
    except Exception as error:  # noqa: BLE001 (as above)
        die("erasing", error)
