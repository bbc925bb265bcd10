"""The capturing thread ends in good order, or says why not."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.edge import run
from pipeline.edge.capture import Picture
from pipeline.edge.clip import BrokenSource
from pipeline.edge.device import How, Outgoing
from pipeline.edge.disk import Disk
from pipeline.edge.envelope import Done
from pipeline.edge.outbox import Outbox
from pipeline.edge.publish import Camera
from pipeline.edge.waiting import Waiting
from pipeline.errors import Refused
from pipeline.settings import Settings, Spool
from tests.unit.pipeline.edge.building import OFFICE, WHO, after, shop
from tests.unit.pipeline.edge.test_spool import number, parcel


class Pictures:
    """A source that gives some pictures and then ends as it is told."""

    name = "some pictures"

    def __init__(self, count: int, end: BaseException | None = None) -> None:
        self._count = count
        self._end = end

    def pictures(self) -> Iterator[Picture]:
        for each in range(self._count):
            yield Picture(after(each / 5), shop())
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


class Source:
    """Nothing to capture."""

    name = "nothing"

    def pictures(self) -> Iterator[Picture]:
        return iter(())


def about(state: Path, **spool: int) -> run.Run:
    permit: Any = None  # not asked
    return run.Run(Source(), permit, WHO, Settings(spool=Spool.model_validate(spool)), state)


async def test_a_device_spools_in_its_own_folder(tmp_path: Path, disk: Disk) -> None:
    async with run._spool(about(tmp_path), OFFICE.frames, disk) as spool:
        assert spool is not None
        assert (tmp_path / "spool").is_dir()


async def test_none_is_wanted_with_no_bytes(tmp_path: Path, disk: Disk) -> None:
    async with run._spool(about(tmp_path, bytes=0), OFFICE.frames, disk) as spool:
        assert spool is None
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a Path may not be asked in an event loop


async def test_r20_with_no_bytes_what_was_spooled_before_is_still_sent_or_forgotten(tmp_path: Path, disk: Disk) -> None:
    async with run._spool(about(tmp_path, keep_free=0), OFFICE.frames, disk) as before:
        assert before is not None
        before.put(parcel(0, lives=10))
        before.put(parcel(1, lives=30, key="k-2"))
    async with run._spool(about(tmp_path, bytes=0), OFFICE.frames, disk) as spool:
        assert spool is not None
        spool.expire(after(10))
        head = spool.oldest()

        assert head is not None
        assert number(head[1]) == 1
        assert spool.lost == {"expired": 1}
        assert not spool.takes


async def test_a_disk_that_hangs_does_not_keep_the_process(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_CLOSE_SECONDS", 0.05)
    hanging = threading.Event()
    async with run._spool(about(tmp_path), OFFICE.frames, disk):
        hung = asyncio.create_task(disk.run(hanging.wait))
        await asyncio.sleep(0)

    assert not hung.done()
    hanging.set()
    await hung


async def test_a_disk_that_does_not_let_us_leaves_memory(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "spool").write_text("in the way")

    async with run._spool(about(tmp_path), OFFICE.frames, disk) as spool:
        assert spool is None


async def test_what_is_spooled_is_shown(tmp_path: Path, disk: Disk) -> None:
    async with run._spool(about(tmp_path, keep_free=0), OFFICE.frames, disk) as spool:
        waiting = Waiting(Outbox(), spool)
        waiting.put(parcel(0, size=1_000_000))
        waiting.put(parcel(1, size=1_000_000))
        waiting.spill()
        shown = run.progress(Done(captured=9, frames=5, stills=2, spooled=waiting.spooled), waiting)

    assert shown == "9 captured · 5 frames · 2 stills · 0 dropped · 2 waiting · 2 of them spooled (2.0 MB)"


async def test_why_nothing_can_be_spooled_is_shown(tmp_path: Path, disk: Disk) -> None:
    async with run._spool(about(tmp_path, keep_free=1 << 60), OFFICE.frames, disk) as spool:
        waiting = Waiting(Outbox(), spool)
        waiting.put(parcel(0))
        waiting.spill()

        assert run.progress(Done(), waiting).endswith("1 waiting · the spool's disk is nearly full")
