"""One thread for the disk: in order, and nobody else is held up."""

import asyncio
import threading
from functools import partial

import pytest

from pipeline.edge.disk import Disk


async def test_jobs_are_done_one_after_the_other_in_the_order_in_which_they_were_asked_for(disk: Disk) -> None:
    done: list[int] = []
    await asyncio.gather(*(disk.run(partial(done.append, each)) for each in range(100)))

    assert done == list(range(100))
    assert disk.idle


async def test_what_a_job_gives_and_raises_is_given_and_raised(disk: Disk) -> None:
    def fail() -> None:
        raise OSError("no")

    assert await disk.run(lambda: 7) == 7
    with pytest.raises(OSError, match="no"):
        await disk.run(fail)
    assert disk.idle


async def test_while_a_job_hangs_the_loop_lives_and_it_is_told(disk: Disk) -> None:
    goes_on = threading.Event()
    hung = asyncio.create_task(disk.run(goes_on.wait))
    while not disk.busy_for:  # noqa: ASYNC110 - a thread begins it, which sets no event
        await asyncio.sleep(0)
    assert not disk.idle
    goes_on.set()
    await hung

    assert disk.idle
    assert disk.busy_for == 0


async def test_what_nobody_waits_for_any_more_is_done_all_the_same(disk: Disk) -> None:
    goes_on, done = threading.Event(), threading.Event()
    hung, behind = asyncio.create_task(disk.run(goes_on.wait)), asyncio.create_task(disk.run(done.set))
    await asyncio.sleep(0)
    behind.cancel()
    await asyncio.gather(behind, return_exceptions=True)
    assert not disk.idle, "it is not done yet"
    goes_on.set()
    await hung
    await disk.run(lambda: None)

    assert done.is_set()
