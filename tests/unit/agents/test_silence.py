"""Cameras that fell silent get a tick; others do not."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types.tuples import TP

from agents import silence as module
from agents.silence import LISTENED_EVERY, PATIENCE, SILENT_AFTER, Hearing, Silence, is_behind
from pipeline.clock import ManualClock
from pipeline.settings import Kafka
from schemas.detections import Tick
from schemas.envelope import Message
from schemas.estate import Camera, Estate, Store
from schemas.flow import CoverageWindow
from schemas.health import CameraHealth, CameraState
from schemas.topics import PARTITIONS, Lives, topics
from tests.examples import HOUR, examples

QUARTER = timedelta(minutes=15)
ESTATE = Estate(
    frame_ttl=HOUR,
    stores=(Store(id="ginza", regulation="r.toml", cameras=(Camera(id="entrance", notice="door"),)),),
)
EVERY = {TP("flow.v1", number) for number in range(PARTITIONS)}


class Stage:
    """Holds partitions, and remembers what was sent."""

    def __init__(self, lanes: set[TP]) -> None:
        self.lanes = lanes
        self.topics = topics(Lives(HOUR))
        self.sent: list[Message] = []

    async def send(self, messages: list[Message]) -> None:
        self.sent += messages


def silence(clock: ManualClock, lanes: set[TP] = EVERY, unread: frozenset[int] = frozenset()) -> tuple[Silence, Stage]:
    stage: Any = Stage(lanes)
    watch = Silence(stage, ESTATE, Kafka(), clock)

    async def what_is_unread() -> set[int]:
        return set(unread)

    watch._unread = what_is_unread  # type: ignore[method-assign]  # the broker's answer
    return watch, stage


def window(clock: ManualClock) -> CoverageWindow:
    example = next(each for each in examples() if isinstance(each, CoverageWindow))
    times = {"utc_time": clock.now(), "window_start": clock.now(), "expires_at": clock.now() + HOUR}
    return example.model_copy(update=times)


async def test_a_camera_whose_windows_stopped_gets_a_tick(clock: ManualClock) -> None:
    watch, stage = silence(clock)
    watch.heard(window(clock))
    clock.advance(3 * QUARTER + PATIENCE + timedelta(seconds=1))
    await watch.listen()

    (tick,) = stage.sent
    assert isinstance(tick, Tick)
    assert (tick.key, tick.utc_time) == ("ginza/entrance", clock.now())


async def test_a_camera_whose_windows_go_on_gets_none(clock: ManualClock) -> None:
    watch, stage = silence(clock)
    for _ in range(4):
        watch.heard(window(clock))
        clock.advance(QUARTER)
        await watch.listen()

    assert stage.sent == []


async def test_no_tick_overtakes_frames_that_detecting_has_yet_to_read(clock: ManualClock) -> None:
    watch, stage = silence(clock, unread=frozenset(range(PARTITIONS)))
    clock.advance(10 * QUARTER)
    await watch.listen()

    assert stage.sent == []


async def test_each_worker_ticks_for_cameras_of_its_own_partitions_only(clock: ManualClock) -> None:
    counts = []
    for number in range(PARTITIONS):
        stopped = ManualClock(clock.now())
        watch, stage = silence(stopped, {TP("flow.v1", number)})
        stopped.advance(10 * QUARTER)
        await watch.listen()
        counts.append(len(stage.sent))

    assert sorted(counts) == [0] * (PARTITIONS - 1) + [1]


@pytest.mark.parametrize("gone", [OSError("no route"), ConnectionRefusedError()])
async def test_an_absent_broker_is_asked_again_at_the_next_turn(clock: ManualClock, gone: Exception) -> None:
    watch, stage = silence(clock)

    async def away() -> set[int]:
        raise gone

    watch._unread = away  # type: ignore[method-assign]  # the broker's answer
    clock.advance(10 * QUARTER)
    await watch.listen()

    assert stage.sent == []


@pytest.mark.parametrize(
    ("committed", "begin", "end", "behind"),
    [(-1, 0, 0, False), (-1, 0, 1, True), (3, 0, 3, False), (2, 0, 3, True), (-1, 7, 7, False), (2, 7, 7, False)],
)
def test_a_partition_without_a_commit_is_read_from_its_beginning(
    committed: int, begin: int, end: int, behind: bool
) -> None:
    assert is_behind(committed, begin, end) is behind


class Client:
    """A client of a broker that answers nothing, or only to say who is there."""

    stopped: ClassVar[list[str]] = []

    def __init__(self, **_options: Any) -> None:
        self.name = type(self).__name__

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped.append(self.name)


class Admin(Client):
    pass


class Consumer(Client):
    async def start(self) -> None:
        raise KafkaConnectionError


async def test_no_connection_is_left_when_the_broker_goes_between_two(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AIOKafkaAdminClient", Admin)
    monkeypatch.setattr(module, "AIOKafkaConsumer", Consumer)
    stage: Any = Stage(EVERY)
    watch = Silence(stage, ESTATE, Kafka(), clock)
    clock.advance(10 * QUARTER)
    await watch.listen()

    assert set(Client.stopped) == {"Admin", "Consumer"}
    assert stage.sent == []


def hearing(clock: ManualClock) -> Hearing:
    return Hearing(ESTATE, HOUR, clock.now())


def test_a_camera_that_nobody_speaks_for_is_silent_within_half_a_minute(clock: ManualClock) -> None:
    ears = hearing(clock)
    ears.heard("ginza/entrance", clock.now())
    last = clock.now()
    clock.advance(SILENT_AFTER - timedelta(seconds=1))
    early = ears.silent(clock.now())
    clock.advance(LISTENED_EVERY)
    (told,) = ears.silent(clock.now())

    assert early == []
    assert (told.key, told.state, told.since, told.numbers) == ("ginza/entrance", CameraState.SILENT, last, None)
    assert told.utc_time - last < timedelta(seconds=30)


def test_a_silence_is_told_once_a_minute_and_no_more_once_it_ends(clock: ManualClock) -> None:
    ears, told = hearing(clock), list[CameraHealth]()
    for _ in range(60):
        clock.advance(LISTENED_EVERY)
        told += ears.silent(clock.now())
    ears.heard("ginza/entrance", clock.now())
    clock.advance(LISTENED_EVERY)

    assert len(told) == 3
    assert len({each.since for each in told}) == 1
    assert len({each.event_id for each in told}) == 3
    assert ears.silent(clock.now()) == []


def test_what_could_not_be_heard_is_no_silence(clock: ManualClock) -> None:
    ears = hearing(clock)
    clock.advance(10 * SILENT_AFTER)
    ears.deaf(clock.now())

    assert ears.silent(clock.now()) == []
