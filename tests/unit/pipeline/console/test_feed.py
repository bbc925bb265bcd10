"""Keeping up with the broker and the warehouse, whatever is away."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from pipeline.clock import ManualClock
from pipeline.console.app import create
from pipeline.console.board import shown
from pipeline.console.feed import Feed, follow, poll
from pipeline.console.memory import MemoryBroker, MemoryWarehouse
from pipeline.flow.rows import AlertRow, alert_row
from tests.unit.pipeline.console.house import NOON, House, alert, device_health, estate, receipt

BRIEF = timedelta(0)


async def turns(count: int = 20) -> None:
    """Let the other tasks run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_an_alert_from_the_broker_is_shown_and_told() -> None:
    feed, broker = Feed(ManualClock(NOON)), MemoryBroker()
    task = asyncio.create_task(follow(feed, broker, BRIEF))
    with feed.listeners.joined() as queue:
        broker.tell(alert(1))
        told = await queue.get()
    task.cancel()

    assert told == "alert-1"
    assert feed.live
    assert [each.alert_id for each in shown(feed.board)] == ["alert-1"]


async def test_the_same_alert_from_broker_and_warehouse_is_told_once() -> None:
    feed = Feed(ManualClock(NOON))
    warehouse = MemoryWarehouse(alert_rows=[alert_row(alert(1))])
    with feed.listeners.joined() as queue:
        feed.hear(alert(1))
        task = asyncio.create_task(poll(feed, warehouse, BRIEF))
        await turns()
        task.cancel()

        assert queue.qsize() == 1
    assert feed.history


async def test_a_broker_that_is_away_is_noticed_and_so_is_its_return() -> None:
    feed, broker = Feed(ManualClock(NOON)), MemoryBroker()
    broker.away = True
    task = asyncio.create_task(follow(feed, broker, BRIEF))
    await turns()
    was_away = not feed.live
    broker.away = False
    await turns()
    task.cancel()

    assert was_away
    assert feed.live


async def test_a_warehouse_that_is_away_takes_nothing_from_the_board() -> None:
    feed, warehouse = Feed(ManualClock(NOON)), MemoryWarehouse(away=True)
    feed.hear(alert(1))
    task = asyncio.create_task(poll(feed, warehouse, BRIEF))
    await turns()
    task.cancel()

    assert not feed.history
    assert [each.alert_id for each in shown(feed.board)] == ["alert-1"]


async def test_an_alert_that_expires_leaves_the_board_by_itself() -> None:
    clock = ManualClock(NOON)
    feed = Feed(clock)
    feed.hear(alert(1))
    clock.advance(timedelta(days=31))
    task = asyncio.create_task(poll(feed, MemoryWarehouse(), BRIEF))
    await turns()
    task.cancel()

    assert shown(feed.board) == ()


def test_reports_and_receipts_are_heard() -> None:
    feed = Feed(ManualClock(NOON))
    feed.hear(device_health("ginza", "door", NOON, frames=3, stills=1))
    feed.hear(receipt(7, NOON))
    feed.hear(receipt(6, NOON - timedelta(minutes=1)))

    assert feed.signs.counts["ginza", "door"].frames == 3
    assert feed.receipt is not None
    assert feed.receipt.ledger_index == 7


async def test_a_mistake_in_keeping_up_is_told_so_that_the_console_does_not_look_alive() -> None:
    class Broken(MemoryWarehouse):
        async def alerts(self, since: datetime, now: datetime, limit: int) -> Sequence[AlertRow]:
            raise ZeroDivisionError

    deaths: list[BaseException] = []
    house = House(warehouse=Broken())
    app = create(estate(), house.sources(), house.clock, died=deaths.append)
    async with app.router.lifespan_context(app):
        await turns()

    assert [type(each) for each in deaths] == [ZeroDivisionError]
