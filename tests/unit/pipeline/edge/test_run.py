"""The capturing thread ends in good order, or says why not."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.edge import run
from pipeline.edge.capture import Picture
from pipeline.edge.clip import BrokenSource
from pipeline.edge.device import How, Outgoing
from pipeline.edge.publish import Camera
from pipeline.errors import Refused
from tests.unit.pipeline.edge.building import after, shop


class Pictures:
    """A source that gives some pictures and then ends as it is told."""

    name = "some pictures"

    def __init__(self, count: int, end: BaseException | None = None) -> None:
        self._count = count
        self._end = end

    def pictures(self) -> Iterator[Picture]:
        for number in range(self._count):
            yield Picture(after(number / 5), shop())
        if self._end is not None:
            raise self._end


async def captured(source: Pictures) -> list[Outgoing]:
    given: list[Outgoing] = []
    await asyncio.wait_for(run._captured(source, Camera(How(width=480), given.append), threading.Event()), 10)
    return given


async def test_a_source_is_captured_to_its_end_and_what_was_held_back_is_said() -> None:
    assert [each.sequence for each in await captured(Pictures(4))] == [0, 1]


async def test_a_broken_source_is_told() -> None:
    with pytest.raises(BrokenSource, match="torn"):
        await captured(Pictures(1, BrokenSource("torn")))


async def test_a_capture_that_dies_of_something_else_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: printed.set())

    with pytest.raises(BrokenSource, match="some pictures"):
        await captured(Pictures(1, ZeroDivisionError()))
    assert await asyncio.to_thread(printed.wait, 5)


async def test_the_first_chance_ends_the_waiting_and_the_others() -> None:
    begun = time.monotonic()
    await run._first([], asyncio.sleep(0), asyncio.sleep(60))

    assert time.monotonic() - begun < 10


async def test_an_endless_task_that_fails_ends_the_waiting() -> None:
    async def refuse() -> None:
        raise Refused("no keys")

    async with run._beside([refuse(), forever()]) as tasks:
        with pytest.raises(Refused):
            await run._first(tasks, asyncio.sleep(60))


async def forever(*_: Any) -> None:
    await asyncio.Event().wait()
