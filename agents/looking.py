"""What the lanes of a worker bring, looked at together, in a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

W = TypeVar("W")
R = TypeVar("R")


class Looking(Generic[W, R]):
    """Gathers from all that ask at the same time, and while it is busy: on a GPU many cost little more than one.

    One thread: a worker is one core's worth, and heartbeats go on beside it.
    """

    def __init__(self, look: Callable[[Sequence[W]], Sequence[R]], *, most: int) -> None:
        self._look = look
        self._most = most
        self._waiting: list[tuple[W, asyncio.Future[R]]] = []
        self._busy: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="detect")

    async def __call__(self, wanted: Sequence[W]) -> list[R]:
        """Return what comes of each, in order; raises what looking raised, for all that were looked at together."""
        loop = asyncio.get_running_loop()
        asked = [(each, loop.create_future()) for each in wanted]
        self._waiting += asked
        if asked and (self._busy is None or self._busy.done()):
            # A task: whoever else asks in this turn of the loop is still taken along.
            self._busy = loop.create_task(self._run())
        return list(await asyncio.gather(*(future for _, future in asked)))

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                results = await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._look, [each for each, _ in batch]
                )
            except Exception as error:  # noqa: BLE001 (it is raised where it was asked for)
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)
