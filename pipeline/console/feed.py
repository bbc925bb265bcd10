"""What the console keeps up with by itself: alerts and reports as they come, from the broker and from the warehouse."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pipeline.clock import Clock
from pipeline.console.board import KEPT, Board, Listeners, forget, put
from pipeline.console.cameras import Signs, hear
from pipeline.console.sources import Broker, News, Warehouse
from pipeline.errors import MimamoriError
from pipeline.flow.rows import AlertRow, alert_row
from pipeline.logs import log
from schemas.alert import Alert
from schemas.erasure import ErasureReceipt
from schemas.ids import KeyId

LOOK_BACK: Final = timedelta(days=7)
"""How old an alert may be to be shown: as long as its evidence lives by default, so that it can be looked at."""

RECENT: Final = timedelta(minutes=15)
"""How far back the broker is read at the start; what is older comes from the warehouse."""


@dataclass
class Feed:
    """What is known now. The two tasks below write it; requests read it, all in one event loop."""

    clock: Clock
    board: Board = field(default_factory=Board)
    signs: Signs = field(default_factory=Signs)
    receipt: ErasureReceipt | None = None
    listeners: Listeners = field(default_factory=Listeners)
    destroyed: Callable[[Iterable[KeyId]], None] = lambda _: None
    """Told of each key that is gone, as far as a receipt says so: whatever still shows what it opened has to end."""
    live: bool = False
    history: bool = False

    def take(self, alerts: Iterable[AlertRow]) -> None:
        """Show alerts, and tell whoever waits."""
        self.board, fresh = put(self.board, alerts, self.clock.now())
        for alert in fresh:
            self.listeners.tell(alert.alert_id)

    def hear(self, news: News) -> None:
        match news:
            case Alert():
                self.take((alert_row(news),))
            case ErasureReceipt():
                self.destroyed((news.key_id,))
                self.receipt = max(self.receipt or news, news, key=lambda each: each.ledger_index)
            case _:
                self.signs = hear(self.signs, news)


async def follow(feed: Feed, broker: Broker, pause: timedelta = timedelta(seconds=2)) -> None:
    """Read the broker for ever; when it is away, say so and come back."""
    while True:
        try:
            async with aclosing(broker.news(feed.clock.now() - RECENT)) as stream:
                async for news in stream:
                    feed.live = True
                    if news is not None:
                        feed.hear(news)
        except MimamoriError as error:
            _note("broker", feed.live, error)
        feed.live = False
        await asyncio.sleep(pause.total_seconds())


async def poll(feed: Feed, warehouse: Warehouse, pause: timedelta = timedelta(seconds=2)) -> None:
    """Ask the warehouse for ever: for what came before this start, and for what the broker could not tell."""
    while True:
        now = feed.clock.now()
        try:
            feed.take(await warehouse.alerts(now - LOOK_BACK, now, KEPT))
            feed.history = True
        except MimamoriError as error:
            _note("warehouse", feed.history, error)
            feed.history = False
        feed.board = forget(feed.board, now)
        await asyncio.sleep(pause.total_seconds())


def _note(part: str, was_there: bool, error: MimamoriError) -> None:
    if was_there:
        log().warning("a part is away", detail=part, reason=type(error).__name__)
