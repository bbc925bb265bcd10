"""Child processes: started in order, asked whether they are ready, kept up with back-off, stopped in time."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.clock import Clock
from pipeline.errors import MimamoriError

_BACKOFF: Final = (0.3, 1.0, 2.0, 4.0, 8.0)
_DEATHS_MAX: Final = 6
_DEATHS_WITHIN: Final = 60.0
_TAIL: Final = 25
_PR_SET_PDEATHSIG: Final = 1

Ready = Callable[[], Awaitable[bool]]
Tell = Callable[[str], None]


class CannotKeepUp(MimamoriError):
    """A child does not start, or dies again and again. The message has the tail of its log."""


@dataclass(frozen=True)
class Child:
    """A process to be: what to run, and how to ask whether it is ready."""

    name: str
    argv: Sequence[str]
    ready: Ready
    what: str = ""
    address: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready_within: float = 60.0
    stop_within: float = 2.5
    """Seconds after SIGTERM before SIGKILL."""
    once: bool = False
    """Whether it may end by itself: then exit 0 is its end, and not a death."""
    tier: int = 1
    """Higher tiers are stopped first; children of one tier together."""


@dataclass
class _Running:
    child: Child
    process: asyncio.subprocess.Process
    log: Path
    since: float
    restarts: int = 0
    deaths: deque[float] = field(default_factory=deque)
    keeper: asyncio.Task[None] | None = None
    welcome: asyncio.Task[None] | None = None
    spawning: asyncio.Task[asyncio.subprocess.Process] | None = None


def tail(log: Path, lines: int = _TAIL) -> str:
    """Return the last lines of a log."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""


class Supervisor:
    """Keeps children up until it is stopped.

    Args:
        logs: A folder; each child writes to `<name>.log` there.
        clock: The time.
        tell: Called with a line whenever a person should know something.
    """

    def __init__(self, logs: Path, clock: Clock, tell: Tell) -> None:
        self._logs = logs
        self._clock = clock
        self._tell = tell
        self._running: dict[str, _Running] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = False
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def children(self) -> list[Child]:
        return [each.child for each in self._running.values()]

    def pid(self, name: str) -> int:
        return self._running[name].process.pid

    def restarts(self) -> dict[str, int]:
        return {name: each.restarts for name, each in self._running.items()}

    async def start(self, *children: Child) -> None:
        """Start children together and wait until all are ready.

        Raises:
            CannotKeepUp: One is not ready in its time, or ends before.
        """
        for child in children:
            log = self._logs / f"{child.name}.log"
            self._running[child.name] = _Running(child, await _spawn(child, log), log, self._clock.monotonic())
        await asyncio.gather(*(self._until_ready(self._running[child.name]) for child in children))
        for child in children:
            running = self._running[child.name]
            running.keeper = asyncio.create_task(self._keep(running), name=f"keep-{child.name}")

    @property
    def has_failed(self) -> bool:
        """Whether a child cannot be kept up; `failed` says which and why."""
        return self._failed.done() and not self._failed.cancelled()

    async def failed(self) -> None:
        """Return never; raise when a child cannot be kept up.

        Raises:
            CannotKeepUp: As it says.
        """
        await asyncio.shield(self._failed)

    async def end(self, *names: str) -> None:
        """Stop these children for good, together; the others go on."""
        await asyncio.gather(*(self._end(self._running[name]) for name in names))

    async def renew(self, *names: str) -> None:
        """Stop these children, and start them again as they are; that is no death of theirs.

        Raises:
            CannotKeepUp: As `start` says.
        """
        children = [self._running[name].child for name in names]
        await self.end(*names)
        await self.start(*children)

    async def _end(self, running: _Running) -> None:
        if running.keeper is not None:
            running.keeper.cancel()
            await asyncio.gather(running.keeper, return_exceptions=True)
        await _end(running)

    async def stop(self) -> None:
        """Stop all children, higher tiers first; none outlives this."""
        self._stopping = True
        if not self._failed.done():
            self._failed.cancel()
        every = [task for each in self._running.values() for task in (each.keeper, each.welcome)]
        keepers = [task for task in every if task]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for tier in sorted({each.child.tier for each in self._running.values()}, reverse=True):
            await asyncio.gather(*(_end(each) for each in self._running.values() if each.child.tier == tier))

    async def _until_ready(self, running: _Running) -> None:
        child, began = running.child, self._clock.monotonic()
        while not await child.ready():
            if running.process.returncode is not None:
                raise CannotKeepUp(f"{child.name} ended with {running.process.returncode}:\n{tail(running.log)}")
            if self._clock.monotonic() - began > child.ready_within:
                raise CannotKeepUp(f"{child.name} is not ready after {child.ready_within:g} s:\n{tail(running.log)}")
            await asyncio.sleep(0.05)

    async def _keep(self, running: _Running) -> None:
        name = running.child.name
        while not self._stopping:
            code = await running.process.wait()
            if self._stopping or (running.child.once and code == 0):
                return
            now = self._clock.monotonic()
            running.deaths.append(now)
            while running.deaths[0] < now - _DEATHS_WITHIN:
                running.deaths.popleft()
            if len(running.deaths) > _DEATHS_MAX:
                self._fail(f"{name} died {len(running.deaths)} times in a minute:\n{tail(running.log)}")
                return
            pause = _BACKOFF[min(len(running.deaths), len(_BACKOFF)) - 1]
            self._tell(f"{name} ended ({_reason(code)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            running.spawning = asyncio.create_task(_spawn(running.child, running.log))
            # Shielded: a process that begins while we are told to stop must be known, to be ended too.
            running.process = await asyncio.shield(running.spawning)
            running.restarts += 1
            running.welcome = asyncio.create_task(self._welcome(running, now))

    async def _welcome(self, running: _Running, died: float) -> None:
        """Say when a child that was started again is ready."""
        process = running.process
        while process.returncode is None and not self._stopping:
            if await running.child.ready():
                self._tell(f"{running.child.name} is back after {self._clock.monotonic() - died:.1f} s")
                return
            await asyncio.sleep(0.2)

    def _fail(self, why: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(CannotKeepUp(why))


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


async def _spawn(child: Child, log: Path) -> asyncio.subprocess.Process:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *child.argv,
            stdin=asyncio.subprocess.PIPE,  # closes when we go: ClickHouse watches it
            stdout=output,
            stderr=output,
            env={**os.environ, **child.env},
            cwd=child.cwd,
            # A session of its own: Ctrl-C reaches us alone, and we end the children in order.
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


def _die_with_parent() -> None:
    """Ask Linux to end this child when its parent is gone, however the parent went.

    At once: its neighbours go too, and a child that waits for them in good order would wait for ever.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _end(running: _Running) -> None:
    process = running.process if running.spawning is None else await running.spawning
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), running.child.stop_within)
    # Whatever the child started and left behind goes with it.
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(session: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, which)
