"""Messages are taken as they come, some at a time, and acknowledged once they were handled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from agents.taking import taken


class Stream:
    """What `taken` asks of a Faust stream: a processor for each event, and word of what was acknowledged."""

    def __init__(self) -> None:
        self.channel = self
        self.should_stop = False
        self.enable_acks = True
        self.current_event: Any = None
        self.acknowledged: list[int] = []
        self.asked = 0
        self._processors: list[Callable[[Any], Awaitable[Any]]] = []
        self._events: asyncio.Queue[int] = asyncio.Queue()
        self._draining: asyncio.Task[None] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        raise AssertionError("the stream is drained by its processors")

    def add_processor(self, processor: Callable[[Any], Awaitable[Any]]) -> None:
        self._processors.append(processor)

    def _enable_passive(self, channel: object) -> None:
        assert channel is self
        self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        while True:
            self.current_event = await self._events.get()
            for processor in self._processors:
                await processor(self.current_event)

    async def wait_for_stopped(self, event: asyncio.Event) -> bool:
        self.asked += 1
        await event.wait()
        return False

    async def ack(self, event: int) -> None:
        self.acknowledged.append(event)

    def put(self, *events: int) -> None:
        for each in events:
            self._events.put_nowait(each)

    def end(self) -> None:
        assert self._draining is not None
        self._draining.cancel()


async def test_what_is_there_together_is_given_together_in_order() -> None:
    stream = Stream()
    stream.put(1, 2, 3)

    portions = taken(stream, 10, within=0.01)

    assert await anext(portions) == [1, 2, 3]
    assert stream.acknowledged == []
    stream.end()


async def test_no_more_than_was_asked_for_and_the_rest_after_that_is_acknowledged() -> None:
    stream = Stream()
    stream.put(1, 2, 3, 4, 5)

    portions = taken(stream, 2, within=0.01)
    found = [await anext(portions) for _ in range(3)]

    assert found == [[1, 2], [3, 4], [5]]
    assert stream.acknowledged == [1, 2, 3, 4]
    stream.end()


async def test_nobody_asks_again_and_again_while_nothing_comes() -> None:
    stream = Stream()
    portions = taken(stream, 2, within=0.001)

    async def later() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        stream.put(1)

    found, _ = await asyncio.gather(anext(portions), later())

    assert found == [1]
    assert stream.asked == 1
    stream.end()


async def test_the_stream_is_left_as_it_was() -> None:
    stream = Stream()
    stream.put(1)
    portions = taken(stream, 2, within=0.001)
    await anext(portions)
    assert not stream.enable_acks

    await portions.aclose()  # type: ignore[attr-defined]  # an async generator is one

    assert stream.enable_acks
    assert stream._processors == []
    stream.end()
