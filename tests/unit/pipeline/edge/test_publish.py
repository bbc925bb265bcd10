"""Sealed, signed, in order, whatever is away meanwhile."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from pipeline.clock import ManualClock
from pipeline.edge import envelope, publish
from pipeline.edge import spool as spooling
from pipeline.edge.capture import Picture
from pipeline.edge.device import Calm, How, Outgoing, Pixels
from pipeline.edge.disk import Disk
from pipeline.edge.drawn import Renderer, scene
from pipeline.edge.envelope import Done, Office
from pipeline.edge.health import Health
from pipeline.edge.outbox import Outbox, Parcel
from pipeline.edge.publish import Camera, KafkaBroker, Publisher
from pipeline.edge.spool import Bounds, Spool, open_spool
from pipeline.edge.waiting import Waiting
from pipeline.errors import Refused
from pipeline.opening import open_frame
from pipeline.sealing import Opener
from schemas.health import CameraHealth, CameraState, DeviceHealth
from schemas.topics import FRAME_TTL_MAX, Lives, topics
from schemas.wire import Sealed, decode
from tests.unit.pipeline.edge.building import NOON, OFFICE, PAIR, TTL, WHO, FakeBroker, Keys, after, bucket, shop
from tests.unit.pipeline.edge.test_spool import opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_BACKOFF", (0.0,))


def publisher(
    clock: ManualClock,
    broker: FakeBroker,
    keys: Keys | None = None,
    spool: Spool | None = None,
    disk: Disk | None = None,
) -> Publisher:
    waiting = Waiting(Outbox(), spool)
    return Publisher(WHO, OFFICE, keys or Keys(bucket()), broker, clock, waiting=waiting, disk=disk)


def frame(sequence: int, seconds: float = 0, jpeg: bytes = bytes(1000)) -> Pixels:
    return Pixels(sequence, after(seconds), "", reference=False, jpeg=jpeg)


def still(sequence: int) -> Calm:
    return Calm(sequence, NOON, NOON, 5, 0)


def numbers(broker: FakeBroker) -> list[int]:
    frames = [each for each in broker.log if each.topic.name == OFFICE.frames.name]
    return [int(dict(each.record.headers)["ce_sequence"]) for each in frames]


@asynccontextmanager
async def sending(publisher: Publisher) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in (publisher.send(), publisher.spool())]
    yield
    await asyncio.wait_for(publisher.drained(), 5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not so():  # noqa: ASYNC110 - a thread does it, which sets no event
            await asyncio.sleep(0.001)


async def test_what_is_taken_is_sent_in_order(clock: ManualClock) -> None:
    broker = FakeBroker()
    device = publisher(clock, broker)
    async with sending(device):
        for each in (frame(0), still(1), frame(2)):
            device.take(each)

    assert numbers(broker) == [0, 1, 2]
    assert (device.done(9).frames, device.done(9).stills, device.done(9).captured) == (2, 1, 9)


async def test_while_kafka_is_away_it_waits_and_order_is_kept(clock: ManualClock) -> None:
    broker = FakeBroker(away=5)
    device = publisher(clock, broker)
    async with sending(device):
        for number in range(4):
            device.take(frame(number))
            await asyncio.sleep(0)

    assert numbers(broker) == [0, 1, 2, 3]
    assert not device.dropped


async def test_while_an_acknowledgement_does_not_come_what_expires_is_let_go(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could open it any more; and what was on its way is not counted twice."""
    monkeypatch.setattr(publish, "_MOMENT_SECONDS", 0.01)
    broker = FakeBroker()
    broker.answers.clear()
    device = publisher(clock, broker)
    async with sending(device):
        device.take(frame(0))
        device.take(frame(1))
        await asyncio.sleep(0)
        clock.advance(TTL + timedelta(minutes=1))
        await asyncio.wait_for(device.drained(), 5)
        broker.answers.set()

    assert device.dropped["expired"] == 2
    assert device.done(2).frames == 0


async def test_when_memory_is_full_the_oldest_go_and_are_counted(clock: ManualClock) -> None:
    broker = FakeBroker()
    device = publisher(clock, broker)
    device.waiting = Waiting(Outbox(memory=10_000))
    for number in range(20):
        device.take(frame(number))
    async with sending(device):
        pass

    sent = numbers(broker)
    assert sent == list(range(20 - len(sent), 20))
    assert device.dropped["memory_full"] == 20 - len(sent) > 0


async def test_r20_frames_whose_key_has_expired_are_not_sent(clock: ManualClock) -> None:
    broker = FakeBroker()
    device = publisher(clock, broker)
    device.take(frame(0))
    clock.advance(TTL + timedelta(minutes=1))
    async with sending(device):
        pass

    assert numbers(broker) == []
    assert device.dropped["expired"] == 1


async def test_a_frame_that_is_too_large_is_dropped_and_counted_and_blocks_nobody(clock: ManualClock) -> None:
    broker = FakeBroker()
    device = publisher(clock, broker)
    async with sending(device):
        for each in (frame(0), frame(1, jpeg=bytes(2 << 20)), frame(2)):
            device.take(each)

    assert numbers(broker) == [0, 2]
    assert device.dropped == {"too_large": 1}


async def test_what_kafka_finds_too_large_is_dropped_and_counted_and_blocks_nobody(clock: ManualClock) -> None:
    broker = FakeBroker(largest=3000)
    device = publisher(clock, broker)
    async with sending(device):
        for each in (frame(0), frame(1, jpeg=bytes(4000)), frame(2)):
            device.take(each)

    assert numbers(broker) == [0, 2]
    assert device.dropped == {"too_large": 1}


async def test_a_broker_says_what_it_will_never_take(clock: ManualClock) -> None:
    class Producer:
        async def send_and_wait(self, *_: object, **__: object) -> None:
            raise MessageSizeTooLargeError

    device, broker = publisher(clock, FakeBroker()), KafkaBroker("nowhere")
    broker._producer = Producer()  # type: ignore[assignment]  # all of it that is asked
    device.take(frame(0))
    parcel = device.waiting.oldest()

    assert parcel is not None
    with pytest.raises(Refused):
        await broker.send(parcel)


async def test_a_frame_without_a_key_is_dropped_and_counted(clock: ManualClock) -> None:
    device = publisher(clock, FakeBroker(), Keys())
    device.take(frame(0))

    assert len(device.waiting) == 0
    assert device.dropped["no_key"] == 1


async def test_what_waits_is_sealed(clock: ManualClock) -> None:
    device = publisher(clock, FakeBroker())
    device.take(Pixels(0, NOON, "", reference=False, jpeg=b"a picture in the clear"))
    waiting = device.waiting.oldest()

    assert waiting is not None
    key, value, headers = waiting.record
    assert b"clear" not in value
    assert isinstance(decode(OFFICE.frames, key, headers, value), Sealed)


async def test_keys_are_asked_for_again_when_the_vault_is_back(clock: ManualClock) -> None:
    keys = Keys()
    keys.away = 3
    device = publisher(clock, FakeBroker(), keys)
    fetching = asyncio.create_task(device.fetch(timedelta(hours=1)))
    await asyncio.wait_for(device.has_keys.wait(), 5)
    fetching.cancel()

    assert keys.asked == 4


async def test_with_keys_from_before_it_begins_without_the_vault(clock: ManualClock) -> None:
    keys = Keys(bucket())
    keys.away = 10_000
    device = publisher(clock, FakeBroker(), keys)
    fetching = asyncio.create_task(device.fetch(timedelta(hours=1)))
    await asyncio.wait_for(device.has_keys.wait(), 5)
    fetching.cancel()

    assert keys.asked < keys.away


async def test_a_vault_that_refuses_ends_it(clock: ManualClock) -> None:
    class Closed(Keys):
        async def refresh(self, _now: object, /) -> None:
            raise Refused("no keys for this device")

    with pytest.raises(Refused):
        await publisher(clock, FakeBroker(), Closed()).fetch(timedelta(hours=1))


async def test_what_still_waits_at_the_end_is_counted(clock: ManualClock) -> None:
    device = publisher(clock, FakeBroker())
    device.take(frame(0))
    device.report(captured=1)
    await device.give_up()

    assert len(device.waiting) == 0
    assert device.done(1).dropped == 1, "a health message is not a frame"


async def test_what_waits_when_kafka_is_away_is_spooled_and_sent_by_the_next_boot_before_its_own(
    clock: ManualClock, tmp_path: Path, disk: Disk
) -> None:
    first, broker = opened(tmp_path), FakeBroker(away=10_000)
    device = publisher(clock, broker, spool=first, disk=disk)
    tasks = [asyncio.create_task(each) for each in (device.send(), device.spool())]
    for number in range(3):
        device.take(frame(number))
        await asyncio.sleep(0)
    await until(lambda: device.done(3).spooled == 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await disk.run(lambda: None)
    os.close(first._lock)  # all that a kill does
    second, broker = opened(tmp_path), FakeBroker()
    again = publisher(clock, broker, spool=second, disk=disk)
    for number in (7, 8):
        again.take(frame(number))
    async with sending(again):
        pass
    second.close()

    assert numbers(broker) == [0, 1, 2, 7, 8]
    assert again.done(2).frames == 5


async def test_an_acknowledgement_that_does_not_come_has_it_spooled_and_what_was_sent_is_not_sent_again(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    monkeypatch.setattr(publish, "_MOMENT_SECONDS", 0)
    spool, broker = opened(tmp_path), FakeBroker()
    broker.answers.clear()
    device = publisher(clock, broker, spool=spool, disk=disk)
    async with sending(device):
        device.take(frame(0))
        device.take(frame(1))
        await until(lambda: device.done(2).spooled == 2)
        broker.answers.set()
    spool.close()

    assert numbers(broker) == [0, 1]
    assert device.done(2) == Done(2, frames=2)


async def test_what_lies_on_the_disk_is_sealed(clock: ManualClock, tmp_path: Path, disk: Disk) -> None:
    spool, broker = opened(tmp_path), FakeBroker()
    device = publisher(clock, broker, spool=spool, disk=disk)
    device.take(Pixels(0, NOON, "", reference=False, jpeg=b"a picture in the clear"))
    await device.give_up()
    on_disk = everything_under(tmp_path)
    async with sending(device):
        pass
    spool.close()
    (sent,) = broker.log
    message = decode(OFFICE.frames, *_parts(sent))

    assert b"k-1" in on_disk
    assert b"clear" not in on_disk
    assert isinstance(message, Sealed)
    assert open_frame(message, Opener(PAIR.private)) == b"a picture in the clear"


def everything_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def _parts(sent: Parcel) -> tuple[bytes, list[tuple[str, bytes]], bytes]:
    return sent.record.key, sent.record.headers, sent.record.value


async def test_r20_what_expires_while_kafka_is_away_leaves_the_disk(
    clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    monkeypatch.setattr(publish, "_SEE_EVERY", 0)
    spool = opened(tmp_path)
    device = publisher(clock, FakeBroker(), spool=spool, disk=disk)
    device.take(frame(0))
    device.waiting.spill()
    keeping = asyncio.create_task(device.keep())
    clock.advance(TTL + timedelta(minutes=1))
    await asyncio.wait_for(device.drained(), 5)
    keeping.cancel()
    on_disk = spool.bytes
    spool.close()

    assert on_disk == 0
    assert device.dropped == {"expired": 1}


@pytest.mark.parametrize(
    ("later", "sent"), [(timedelta(hours=23, minutes=39), [0]), (timedelta(hours=23, minutes=40), [])]
)
async def test_r21_what_was_spooled_reaches_kafka_while_it_can_be_gone_from_it_a_day_after_its_expiry(
    clock: ManualClock, tmp_path: Path, later: timedelta, sent: list[int], disk: Disk
) -> None:
    frames, broker = topics(Lives(FRAME_TTL_MAX))["frames.v1"], FakeBroker()
    key = bucket().model_copy(update={"expires_at": NOON + FRAME_TTL_MAX})
    spool = open_spool(tmp_path, frames, Bounds(1 << 20))
    office = Office(frames, OFFICE.health)
    device = Publisher(WHO, office, Keys(key), broker, clock, waiting=Waiting(Outbox(), spool), disk=disk)
    device.take(frame(0))
    device.waiting.spill()
    clock.advance(later)
    async with sending(device):
        await asyncio.wait_for(device.drained(), 5)
    spool.close()

    assert clock.now() < key.expires_at
    assert numbers(broker) == sent
    assert device.dropped["expired"] == 1 - len(sent)


async def test_r20_what_expires_on_its_way_is_called_back(clock: ManualClock, tmp_path: Path, disk: Disk) -> None:
    broker, spool = FakeBroker(), opened(tmp_path)
    broker.answers.clear()
    device = publisher(clock, broker, spool=spool, disk=disk)
    async with sending(device):
        device.take(frame(0))
        await asyncio.sleep(0)
        clock.advance(TTL + timedelta(minutes=1))
        await asyncio.wait_for(device.drained(), 5)
        for _ in range(100):
            await asyncio.sleep(0)
        broker.answers.set()
    spool.close()

    assert broker.closed
    assert broker.log == []


class Hanging:
    """A disk that writes nothing until it is told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked, self.goes_on = threading.Event(), threading.Event()
        self._write = spooling._write
        patch.setattr(spooling, "_write", self)

    def __call__(self, file: int, content: bytes, start: int) -> None:
        self.asked.set()
        assert self.goes_on.wait(10)
        self._write(file, content, start)


async def test_while_the_disk_hangs_the_loop_lives_and_all_that_is_taken_is_sealed(
    clock: ManualClock, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, spool, broker = Hanging(monkeypatch), opened(tmp_path), FakeBroker(away=1)
    device = publisher(clock, broker, spool=spool, disk=disk)
    sealed: list[Outgoing] = []
    monkeypatch.setattr(envelope, "sealed", seeing(sealed, envelope.sealed))
    async with sending(device):
        device.take(frame(0))
        await until(hanging.asked.is_set)
        for each in range(1, 20):
            await asyncio.to_thread(device.take, frame(each))
        taken, waiting = len(sealed), len(device.waiting)
        device.report(captured=20)
        hanging.goes_on.set()
    spool.close()

    assert (taken, waiting) == (20, 20)
    assert numbers(broker) == list(range(20))
    assert not device.dropped


def seeing(seen: list[Outgoing], seal: Callable[..., Parcel]) -> Callable[..., Parcel]:
    def see(outgoing: Pixels, *rest: Any) -> Parcel:
        parcel = seal(outgoing, *rest)
        seen.append(outgoing)
        return parcel

    return see


async def test_while_the_disk_hangs_memory_has_a_bound_and_what_goes_is_counted(
    clock: ManualClock, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, spool = Hanging(monkeypatch), opened(tmp_path)
    device = publisher(clock, FakeBroker(away=1), spool=spool, disk=disk)
    device.waiting = Waiting(Outbox(memory=10_000), spool)
    async with sending(device):
        device.take(frame(0))
        await until(hanging.asked.is_set)
        for each in range(1, 100):
            device.take(frame(each))
        in_memory, dropped = device.waiting.bytes, device.dropped["memory_full"]
        hanging.goes_on.set()
    spool.close()

    assert in_memory < 12_000
    assert dropped > 80
    assert device.done(100).frames == 100 - dropped


async def test_a_disk_that_hangs_is_not_waited_for_at_the_end(
    clock: ManualClock, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "_HANGS_SECONDS", 0.01)
    hanging, spool = Hanging(monkeypatch), opened(tmp_path)
    device = publisher(clock, FakeBroker(), spool=spool, disk=disk)
    device.take(frame(0))
    device.take(frame(1))
    await asyncio.wait_for(device.give_up(), 5)
    dropped = device.dropped.copy()
    hanging.goes_on.set()
    await disk.run(spool.close)

    assert dropped == {"stopped": 1}, "the other is being written"


async def test_r20_what_expires_in_memory_is_let_go_though_the_disk_hangs(
    clock: ManualClock, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, spool = Hanging(monkeypatch), opened(tmp_path)
    device = publisher(clock, FakeBroker(away=1), spool=spool, disk=disk)
    async with sending(device):
        device.take(frame(0))
        await until(hanging.asked.is_set)
        device.take(frame(1))
        clock.advance(TTL + timedelta(minutes=1))
        device.report(captured=2)
        expired = device.dropped["expired"]
        hanging.goes_on.set()
    spool.close()

    assert expired == 1
    assert device.dropped == {"expired": 2}


async def test_of_health_messages_the_newest_alone_is_sent_and_says_how_much_is_spooled(
    clock: ManualClock, tmp_path: Path, disk: Disk
) -> None:
    spool, broker = opened(tmp_path), FakeBroker()
    device = publisher(clock, broker, spool=spool, disk=disk)
    device.take(frame(0))
    await device.give_up()
    device.report(captured=1)
    device.report(captured=2)
    async with sending(device):
        pass
    spool.close()
    health, *rest = broker.log
    message = decode(OFFICE.health, *_parts(health))

    assert isinstance(message, DeviceHealth)
    assert (message.captured, message.spooled) == (2, 1)
    assert [each.topic for each in rest] == [OFFICE.frames]


async def test_health_waits_for_its_turn(clock: ManualClock) -> None:
    broker = FakeBroker()
    device = publisher(clock, broker)
    async with sending(device):
        device.report(captured=3)

    assert [parcel.topic.name for parcel in broker.log] == ["health.v1"]
    assert device.done(3).frames == 0


def camera(give: Callable[[Outgoing], object]) -> Camera:
    return Camera(How(width=480), give)


def test_a_camera_gives_what_is_to_be_sent_and_at_its_end_what_it_held_back() -> None:
    given: list[Outgoing] = []
    taking = camera(given.append)
    for number in range(4):
        taking.take(Picture(after(number / 5), shop()))
    before_the_end = len(given)
    taking.end()

    assert before_the_end == 1
    assert isinstance(given[-1], Calm)
    assert given[-1].frames == 3
    assert taking.captured == 4


async def test_how_the_camera_is_goes_before_all_else_and_the_newest_alone(clock: ManualClock) -> None:
    broker = FakeBroker()
    device = publisher(clock, broker)
    device.take(frame(0))
    device.tell(Health(CameraState.COVERED, NOON, after(10), None))
    device.tell(Health(CameraState.WELL, after(12), after(20), None))
    async with sending(device):
        pass

    said, *others = broker.log
    message = decode(said.topic, *_parts(said))
    assert isinstance(message, CameraHealth)
    assert (message.state, message.since, message.utc_time) == (CameraState.WELL, after(12), after(20))
    assert [each.topic.name for each in others] == ["frames.v1"]


def test_a_camera_tells_how_it_is_from_its_own_pictures_and_when_none_come() -> None:
    told: list[Health] = []
    camera = Camera(How(width=480), lambda _: None, told.append)
    renderer = Renderer(scene(1))
    for seconds in range(0, 40, 2):
        camera.take(Picture(after(seconds), renderer.picture(seconds)))
    camera.listen(after(50))
    camera.listen(after(60))

    assert [each.state for each in told] == [CameraState.WELL, CameraState.SILENT]
