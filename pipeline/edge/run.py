"""One run of a publisher: a thread that captures and seals, an event loop that sends, a thread that has the disk."""

import asyncio
import contextlib
import contextvars
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipeline.clock import SystemClock
from pipeline.edge.capture import Source
from pipeline.edge.clip import BrokenSource
from pipeline.edge.device import How
from pipeline.edge.disk import Disk
from pipeline.edge.envelope import PURPOSE, Done, Identity, Office
from pipeline.edge.kept import KeptKeys
from pipeline.edge.outbox import Outbox
from pipeline.edge.publish import HEALTH_EVERY, Camera, KafkaBroker, Publisher
from pipeline.edge.spool import Bounds, Spool, open_spool, sync
from pipeline.edge.start import Permit
from pipeline.edge.waiting import Waiting
from pipeline.errors import MimamoriError, Unavailable
from pipeline.logs import log
from pipeline.settings import Settings
from pipeline.vault.client import DeviceKeys, VaultClient
from pipeline.vault.keys import Owner
from schemas.topics import Topic, topics

_DRAIN_ENDED: Final = 30.0
_DRAIN_STOPPED: Final = 0.8
_CLOSE_SECONDS: Final = 1.0
_SHOW_EVERY: Final = 0.5
_LISTEN_EVERY: Final = 5.0


class Run(NamedTuple):
    """What is run: a source, for a camera that may start, as this device, with a folder of its own."""

    source: Source
    permit: Permit
    who: Identity
    settings: Settings
    state: Path


async def run(this: Run, stopped: threading.Event, show: Callable[[str], None]) -> None:
    """Publish until the source ends or a signal comes; then flush, within two seconds when it was a signal.

    What Kafka has not acknowledged by then waits on the disk for the next run.

    Raises:
        BrokenSource: The source cannot be read on.
        Misconfigured: Another process publishes with the same folder.
        Refused: The vault gives this device no keys.
    """
    chosen, who = this.settings, this.who
    every = topics(this.permit.estate.lives)
    office, owner = Office(every["frames.v1"], every["health.v1"]), Owner(who.store_id, who.camera_id, PURPOSE)
    async with (
        _disk() as disk,
        _spool(this, office.frames, disk) as spool,
        _vault(chosen) as vault,
        _kafka(chosen) as broker,
    ):
        keys = KeptKeys(DeviceKeys(vault, owner, chosen.vault.ahead), owner, this.state / "public-keys", disk)
        waiting = Waiting(Outbox(), spool)
        publisher = Publisher(who, office, keys, broker, SystemClock(), waiting=waiting, disk=disk)
        log().info("publishing", address=this.source.name, store=who.store_id, camera=who.camera_id, boot=who.boot)
        await _publish(this, publisher, stopped, show)


async def _publish(this: Run, publisher: Publisher, stopped: threading.Event, show: Callable[[str], None]) -> None:
    loop, halted = asyncio.get_running_loop(), asyncio.Event()
    permitted = this.permit.camera
    camera = Camera(How(permitted.width, permitted.masks), publisher.take, publisher.tell)

    def halt() -> None:
        stopped.set()
        halted.set()

    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, halt)
    fetched_every = min(this.settings.vault.ahead / 10, timedelta(minutes=1))
    endless = [
        publisher.send(),
        publisher.spool(),
        publisher.fetch(fetched_every),
        _report(publisher, camera),
        _listen(camera),
        _show(this, publisher, camera, show),
        publisher.keep(),
    ]
    async with _beside(endless) as tasks:
        await _first(tasks, publisher.has_keys.wait(), halted.wait())
        try:
            await _first(tasks, _captured(this.source, camera, stopped), _after(halted, 1))
        finally:
            stopped.set()
            publisher.report(camera.captured)
            try:
                await _first(tasks, publisher.drained(), _after(halted, _DRAIN_STOPPED), asyncio.sleep(_DRAIN_ENDED))
            finally:
                await publisher.give_up()
                _say_stopped(publisher.done(camera.captured))


def _say_stopped(done: Done) -> None:
    log().info(
        "stopped",
        count=done.captured,
        frames=done.frames,
        stills=done.stills,
        dropped=done.dropped,
        spooled=done.spooled,
    )


async def _captured(source: Source, camera: Camera, stopped: threading.Event) -> None:
    """Capture in a thread of its own, to the source's end.

    A daemon: a camera that hangs must not keep the process from stopping.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def capture() -> None:
        outcome: MimamoriError | None = BrokenSource(f"{source.name}: capturing died, see above")
        try:
            for picture in source.pictures():
                camera.take(picture)
                if stopped.is_set():
                    break
            camera.end()
            outcome = None
        except MimamoriError as error:
            outcome = error
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, over, outcome)

    threading.Thread(target=contextvars.copy_context().run, args=(capture,), name="capture", daemon=True).start()
    await over


def _settle(future: asyncio.Future[None], error: MimamoriError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


async def _report(publisher: Publisher, camera: Camera) -> None:
    while True:
        await asyncio.sleep(HEALTH_EVERY.total_seconds())
        publisher.report(camera.captured)


async def _listen(camera: Camera) -> None:
    clock = SystemClock()
    while True:
        await asyncio.sleep(_LISTEN_EVERY)
        camera.listen(clock.now())


async def _show(this: Run, publisher: Publisher, camera: Camera, show: Callable[[str], None]) -> None:
    while True:
        show(
            f"{this.who.store_id}/{this.who.camera_id}  {progress(publisher.done(camera.captured), publisher.waiting)}"
        )
        await asyncio.sleep(_SHOW_EVERY)


def progress(done: Done, waiting: Waiting) -> str:
    """Say on one line what was done, what waits, and where."""
    parts = [
        f"{done.captured} captured",
        f"{done.frames} frames",
        f"{done.stills} stills",
        f"{done.dropped} dropped",
        f"{len(waiting)} waiting",
    ]
    if done.spooled:
        parts.append(f"{done.spooled} of them spooled ({waiting.spooled_bytes / 1e6:.1f} MB)")
    return " · ".join([*parts, *filter(None, [waiting.trouble])])


async def _after(event: asyncio.Event, seconds: float) -> None:
    await event.wait()
    await asyncio.sleep(seconds)


async def _first(endless: list[asyncio.Task[None]], *chances: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of some chances, and no longer than the endless tasks go on."""
    asked = [asyncio.create_task(each) for each in chances]
    try:
        done, _ = await asyncio.wait([*endless, *asked], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _cancel(asked)


@contextlib.asynccontextmanager
async def _beside(endless: list[Coroutine[Any, Any, None]]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Let endless tasks run beside what is done within."""
    tasks = [asyncio.create_task(each) for each in endless]
    try:
        yield tasks
    finally:
        await _cancel(tasks)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _disk() -> AsyncIterator[Disk]:
    with contextlib.closing(Disk()) as disk:
        yield disk


@contextlib.asynccontextmanager
async def _spool(this: Run, frames: Topic, disk: Disk) -> AsyncIterator[Spool | None]:
    """Open the spool; none where the disk does not let us, or none is wanted and none is left from before."""
    spool = await disk.run(partial(_opened, this, frames))
    try:
        yield spool
    finally:
        if spool is not None and disk.busy_for < _CLOSE_SECONDS:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(disk.run(partial(_close, spool)), _CLOSE_SECONDS)


def _opened(this: Run, frames: Topic) -> Spool | None:
    wanted, folder = this.settings.spool, this.state / "spool"
    if not wanted.bytes and not folder.is_dir():
        return None
    try:
        return open_spool(folder, frames, Bounds(wanted.bytes, wanted.keep_free))
    except Unavailable as error:
        log().warning("nothing can be spooled, memory alone is left", detail=str(error))
        return None


def _close(spool: Spool) -> None:
    with contextlib.suppress(OSError):
        sync(spool.unsynced())
    spool.close()


@contextlib.asynccontextmanager
async def _vault(chosen: Settings) -> AsyncIterator[VaultClient]:
    vault = VaultClient(chosen.vault.url, chosen.vault.token.get_secret_value(), ca=chosen.vault.ca)
    try:
        yield vault
    finally:
        await vault.close()


@contextlib.asynccontextmanager
async def _kafka(chosen: Settings) -> AsyncIterator[KafkaBroker]:
    # It tells of every attempt, ten a second while Kafka is away; we say that ourselves.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    broker = KafkaBroker(chosen.kafka.bootstrap)
    try:
        yield broker
    finally:
        await broker.close()
