"""The disk's thread: what may touch the disk is done there, in order: a disk that hangs holds up nobody else."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Disk:
    """One thread, begun with the first job. A daemon: a disk that hangs must not keep the process from stopping."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = 0
        self._done = 0
        self._began: float | None = None

    @property
    def idle(self) -> bool:
        """Whether all that was asked is done: nothing touches the disk then until `run` is called."""
        return self._asked == self._done

    @property
    def busy_for(self) -> float:
        """For how many seconds it has been at one job."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    async def run(self, work: Callable[[], T]) -> T:
        """Do one job behind all others, and give what it gives. It is done even where nobody waits any more.

        Not for several threads.
        """
        if self._loop is None:
            self._loop = _started()
        self._asked += 1
        return await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._do(work), self._loop)))

    def close(self) -> None:
        """Take no more; what was asked is still done, if the process lives for so long."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    async def _do(self, work: Callable[[], T]) -> T:
        self._began = time.monotonic()
        try:
            return work()
        finally:
            self._began = None
            self._done += 1


def _started() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()

    def serve() -> None:
        try:
            loop.run_forever()
        finally:
            loop.close()

    threading.Thread(target=serve, name="disk", daemon=True).start()
    return loop
