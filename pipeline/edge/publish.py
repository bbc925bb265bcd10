"""From pictures to Kafka: sealed, signed, in order, whatever is away meanwhile."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from pipeline.clock import Clock
from pipeline.edge import envelope, health
from pipeline.edge.capture import Picture
from pipeline.edge.device import How, Outgoing, Pixels, State, flush, look
from pipeline.edge.disk import Disk
from pipeline.edge.envelope import BucketKey, Done, Identity, Office
from pipeline.edge.outbox import Outbox, Parcel, Why
from pipeline.edge.spool import sync
from pipeline.edge.waiting import Waiting
from pipeline.errors import Refused, Unavailable
from pipeline.logs import log

T = TypeVar("T")

HEALTH_EVERY: Final = timedelta(seconds=10)
_BACKOFF: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_REQUEST_TIMEOUT_MS: Final = 5_000
_LARGEST: Final = 2 << 20
_FRAMING: Final = 4 << 10
"""What Kafka adds to a record, and more."""
_WORDS: Final = frozenset({"device-health", "camera-health"})
_STOP_SECONDS: Final = 0.4
_MOMENT_SECONDS: Final = 1.0
"""So long an acknowledgement may take before what waits goes to the disk."""
_MOMENTS: Final = 3
"""After so many more it is said that Kafka is away."""
_SEE_EVERY: Final = 1.0
_HANGS_SECONDS: Final = 1.0
"""A disk that does nothing for so long is not waited for when the process ends."""


class PublicKeys(Protocol):
    """The public keys of coming buckets; pipeline.edge.kept.KeptKeys, or a fake."""

    def key_at(self, time: datetime, /) -> BucketKey | None:
        """Look a key up; asked in the capturing thread."""
        ...

    async def refresh(self, now: datetime, /) -> None:
        """Fetch what is missing. Raises Unavailable when the vault is away."""
        ...


class Broker(Protocol):
    """Where records go: Kafka, or a fake."""

    async def send(self, parcel: Parcel) -> None:
        """Return when it is acknowledged.

        Raises:
            Unavailable: It may not be: it is sent again.
            Refused: It never will be: it is too large.
        """
        ...

    async def close(self) -> None:
        """Let go of what was not acknowledged: it is not delivered any more, unless it is on the wire."""
        ...


class Camera:
    """The capturing half, for a thread of its own: takes pictures in, hands what is to be sent to `give`.

    How the camera is goes to `tell`, from whatever thread finds it out.
    """

    def __init__(
        self,
        how: How,
        give: Callable[[Outgoing], object],
        tell: Callable[[health.Health], object] = lambda _: None,
    ) -> None:
        self._how = how
        self._give = give
        self._tell = tell
        self._state = State()
        self._health = health.State()
        self._seeing = threading.Lock()
        self.captured = 0

    def take(self, picture: Picture) -> None:
        self._state, outgoing = look(self._state, picture.bgr, picture.time, self._how)
        self.captured += 1
        for each in outgoing:
            self._give(each)
        if (gray := self._state.gray) is not None:
            self._see(lambda state: health.look(state, gray, picture.time))

    def listen(self, now: datetime) -> None:
        """See, in any thread, whether pictures still come."""
        self._see(lambda state: health.silence(state, now))

    def end(self) -> None:
        """Say what was held back."""
        self._state, outgoing = flush(self._state)
        for each in outgoing:
            self._give(each)

    def _see(self, step: Callable[[health.State], tuple[health.State, health.Health | None]]) -> None:
        with self._seeing:
            self._health, found = step(self._health)
            if found is not None:
                self._tell(found)


class Publisher:
    """The sending half. A frame is sealed the moment it is taken; it never waits in the clear.

    `take` runs where the pictures are taken, all else in the event loop, and what touches the disk in a thread of its
    own: a disk or a Kafka that hangs holds up neither the capture nor the sealing, and memory's bound is kept.
    """

    def __init__(
        self,
        who: Identity,
        office: Office,
        keys: PublicKeys,
        broker: Broker,
        clock: Clock,
        *,
        waiting: Waiting | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._who = who
        self._office = office
        self._keys = keys
        self._broker = broker
        self._clock = clock
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._crowded = asyncio.Event()
        self._told: Counter[Why] = Counter()
        self._health: Parcel | None = None
        """The newest, if it was not sent yet. It counts from the boot, so the ones before it need not be sent."""
        self._state: Parcel | None = None
        """How the camera is, if it was not sent yet; the newest is all that counts."""
        self._disk = Disk() if disk is None else disk
        self.waiting = Waiting(Outbox()) if waiting is None else waiting
        self.has_keys = asyncio.Event()
        self.sent: Counter[str] = Counter()

    @property
    def dropped(self) -> Counter[Why]:
        """How many frames and stills were not sent, and why."""
        return self.waiting.lost

    def done(self, captured: int) -> Done:
        """Count what was done: frames and stills as acknowledged, those that never will be, and those on the disk."""
        return Done(captured, self.sent["frame"], self.sent["still"], self.dropped.total(), self.waiting.spooled)

    def take(self, outgoing: Outgoing) -> None:
        """Seal and sign what the camera gave, and let it wait for its turn; in any thread, one after the other."""
        key = self._keys.key_at(outgoing.time)
        if not isinstance(outgoing, Pixels):
            return self._put(envelope.still(outgoing, self._who, self._office, key))
        if key is None or key.expires_at <= outgoing.time:
            return self.waiting.drop("no_key")
        return self._put(envelope.sealed(outgoing, key, self._who, self._office))

    def report(self, captured: int) -> None:
        """Let a health message be sent before all else, and log the drops since the last."""
        # Here too: what sees to it every second may be waiting for the disk.
        self.waiting.forget(self._clock.now())
        self._health = envelope.health(self.done(captured), self._who, self._office, self._clock.now())
        self._awake()
        dropped = self.dropped
        for why, count in (dropped - self._told).items():
            log().warning("frames dropped", reason=why, count=count, dropped=dropped.total(), boot=self._who.boot)
        self._told = dropped
        if self._disk.busy_for > _HANGS_SECONDS:
            log().warning("the disk hangs", seconds=round(self._disk.busy_for, 1), count=len(self.waiting))

    def tell(self, found: health.Health) -> None:
        """Let word of how the camera is be sent before all else; in any thread."""
        self._state = envelope.camera_health(found, self._who, self._office)
        log().info("camera health", state=found.state.value, camera=self._who.camera_id)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(self._awake)

    async def send(self) -> None:
        """Send what waits, one after the other, each until it is acknowledged; never return."""
        attempt = 0
        while True:
            self._filled.clear()
            parcel = self._state or self._health or await self._oldest()
            if parcel is None:
                self._emptied.set()
                await self._filled.wait()
                continue
            try:
                await self._acknowledged(parcel)
            except Unavailable as error:
                attempt += 1
                self._crowded.set()
                self._away(str(error))
                await asyncio.sleep(_pause(attempt))
            except Refused:
                if await self._remove(parcel):
                    self.waiting.drop("too_large")
            else:
                attempt = 0
                if await self._remove(parcel):
                    self.sent[_kind(parcel)] += 1

    async def spool(self) -> None:
        """Have the disk keep what has to wait, as soon as it has to; never return."""
        while True:
            await self._crowded.wait()
            self._crowded.clear()
            await self._disk.run(self.waiting.spill)

    async def _oldest(self) -> Parcel | None:
        await self._expire()
        return await self._in_order(self.waiting.oldest)

    async def _in_order(self, work: Callable[[], T]) -> T:
        """Do what may touch the disk in the disk's thread; at once, while nothing is there."""
        if self._disk.idle and not self.waiting.spooled_bytes:
            return work()
        return await self._disk.run(work)

    async def _acknowledged(self, parcel: Parcel) -> None:
        """Wait for one record's acknowledgement, however long; while it does not come, spool, and say so.

        The broker's client tries again by itself, and an idempotent one does so without doubling anything.

        Raises:
            Refused: As the broker says.
            Unavailable: As the broker says; or it expired on its way, and is called back.
        """
        sending, moments = asyncio.create_task(self._broker.send(parcel)), 0
        try:
            while not (await asyncio.wait({sending}, timeout=self._moment(parcel)))[0]:
                moments += 1
                self._crowded.set()
                if parcel.expires_at <= self._clock.now():
                    await self._broker.close()
                    raise Unavailable("no acknowledgement until it expired")
                if moments % _MOMENTS == 0:
                    self._away("no acknowledgement yet")
            await sending
        finally:
            sending.cancel()

    def _moment(self, parcel: Parcel) -> float:
        left = (parcel.expires_at - self._clock.now()).total_seconds()
        return min(_MOMENT_SECONDS, max(left, 0))

    async def _remove(self, parcel: Parcel) -> bool:
        """Forget what was acknowledged; true when it was a frame or still that waited until now."""
        if _kind(parcel) in _WORDS:
            self._health = None if parcel is self._health else self._health
            self._state = None if parcel is self._state else self._state
            return False
        return await self._in_order(partial(self.waiting.remove, parcel))

    async def _expire(self) -> None:
        await self._in_order(lambda: self.waiting.expire(self._clock.now()))
        if self._idle:
            self._emptied.set()

    @property
    def _idle(self) -> bool:
        return self._state is None and self._health is None and not len(self.waiting)

    def _away(self, detail: str) -> None:
        log().warning("kafka is away", detail=detail, count=len(self.waiting), bytes=self.waiting.bytes)

    async def fetch(self, every: timedelta) -> None:
        """Keep keys ahead; never return. Raises Refused when the vault gives this device none."""
        attempt = 0
        self._see_keys()
        while True:
            try:
                await self._keys.refresh(self._clock.now())
            except Unavailable as error:
                attempt += 1
                self._see_keys()
                log().warning("the vault is away", detail=str(error), attempt=attempt, seconds=_pause(attempt))
                await asyncio.sleep(_pause(attempt))
            else:
                attempt = 0
                self.has_keys.set()
                await asyncio.sleep(every.total_seconds())

    def _see_keys(self) -> None:
        """Begin with keys from before, or with those that came before the vault went away."""
        if self._keys.key_at(self._clock.now()) is not None:
            self.has_keys.set()

    async def keep(self) -> None:
        """See every second to what waits, also while nothing is sent: forget what expired, and have the disk keep the
        rest over a power cut; never return."""
        while True:
            await asyncio.sleep(_SEE_EVERY)
            await self._expire()
            try:
                await self._in_order(lambda: sync(self.waiting.unsynced()))
            except OSError as error:
                log().warning("the spool cannot be synced", detail=str(error.strerror))

    async def drained(self) -> None:
        """Wait until all that was taken is acknowledged or dropped."""
        while not self._idle:
            self._emptied.clear()
            await self._emptied.wait()

    async def give_up(self) -> None:
        """Leave what still waits to the disk, while it takes some; what lies in memory alone is dropped, counted."""
        self._health = self._state = None
        spilling, left = asyncio.create_task(self._disk.run(self.waiting.spill)), -1
        while not spilling.done() and self._disk.busy_for < _HANGS_SECONDS and left != self.waiting.in_memory:
            left = self.waiting.in_memory
            await asyncio.wait({spilling}, timeout=_HANGS_SECONDS)
        if spilling.done():
            spilling.result()
        spilling.cancel()
        self.waiting.give_up()

    def _put(self, parcel: Parcel) -> None:
        if parcel.bytes > _LARGEST - _FRAMING:
            return self.waiting.drop("too_large")
        crowded = self.waiting.put(parcel)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(self._awake, crowded)
        return None

    def _awake(self, crowded: bool = False) -> None:
        self._emptied.clear()
        self._filled.set()
        if crowded:
            self._crowded.set()


def _pause(attempt: int) -> float:
    return _BACKOFF[min(attempt, len(_BACKOFF)) - 1]


def _kind(parcel: Parcel) -> str:
    """frame, still, device-health or camera-health."""
    return dict(parcel.record.headers)["ce_type"].decode().split(".")[1]


class KafkaBroker:
    """Kafka: idempotent, acknowledged by all replicas, one record in flight, so that nothing overtakes.

    A producer that failed is thrown away. What it had not got acknowledged is sent again by a new one; if it had
    arrived all the same, the stages know it by (device, boot, sequence).
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def send(self, parcel: Parcel) -> None:
        key, value, headers = parcel.record
        try:
            producer = await self._started()
            await producer.send_and_wait(parcel.topic.name, value=value, key=key, headers=headers)
        except MessageSizeTooLargeError:
            raise Refused(f"{parcel.bytes} bytes are more than Kafka takes") from None
        except (KafkaError, OSError) as error:
            await self.close()
            raise Unavailable(f"Kafka at {self._bootstrap}: {type(error).__name__}") from None

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(_discard(producer), _STOP_SECONDS)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_request_size=_LARGEST,
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
            )
            try:
                await producer.start()
            except (KafkaError, OSError, asyncio.CancelledError):
                await producer.stop()
                raise
            self._producer = producer
        return self._producer


async def _discard(producer: AIOKafkaProducer) -> None:
    """Close a producer with what it has not delivered.

    Its own `stop` waits for that; and cancelled, it leaves behind a task that goes on to deliver it.
    """
    producer._closed = True  # noqa: SLF001 (there is no other way to say so)
    await producer.client.close()
    await producer._sender.close()  # noqa: SLF001 (likewise)
