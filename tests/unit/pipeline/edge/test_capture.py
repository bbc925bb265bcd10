"""Pictures have event times, whatever they come from."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import pytest

from pipeline.clock import ManualClock
from pipeline.edge.capture import BACKOFF, Film, Live, Picture, Rate, open_source
from pipeline.edge.clip import Bgr, Clip, Shot
from tests.unit.pipeline.edge.building import NOON, FakeCamera, after, shop


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


def passes(clock: ManualClock) -> Callable[[float], bool]:
    """Wait by moving the clock; never stop."""

    def wait(seconds: float) -> bool:
        clock.advance(timedelta(seconds=seconds))
        return False

    return wait


def clip(count: int = 10, fps: float = 10, cost: Callable[[], object] = lambda: None) -> Clip:
    def see(number: int) -> Bgr:
        cost()
        return shop(number)

    def shots() -> Iterator[Shot]:
        for number in range(count):
            yield Shot(number + 1, timedelta(seconds=number / fps), partial(see, number))

    return Clip("a clip", fps, shots)


def times(pictures: Iterator[Picture], count: int = 1000) -> list[float]:
    return [(picture.time - NOON).total_seconds() for picture in islice(pictures, count)]


def test_a_film_plays_in_real_time(clock: ManualClock) -> None:
    given = [
        (picture.time, clock.now())
        for picture in Film(clip(), 5, loop=False, clock=clock, wait=passes(clock)).pictures()
    ]

    assert given == [(after(each), after(each)) for each in (0, 0.2, 0.4, 0.6, 0.8)]


def test_in_a_loop_time_goes_on(clock: ManualClock) -> None:
    film = Film(clip(count=10, fps=10), 5, loop=True, clock=clock, wait=passes(clock))

    assert times(film.pictures(), 12) == pytest.approx([each / 5 for each in range(12)])


def test_pictures_that_there_is_no_time_for_are_skipped(clock: ManualClock) -> None:
    slow = clip(count=100, cost=lambda: clock.advance(timedelta(seconds=0.5)))
    film = Film(slow, 10, loop=False, clock=clock, wait=passes(clock))

    behind = [(clock.now() - picture.time).total_seconds() for picture in film.pictures()]

    assert len(behind) < 25
    assert max(behind) < 1.0


def test_after_the_machine_slept_a_film_goes_on_from_now(clock: ManualClock) -> None:
    pictures = Film(clip(count=100), 10, loop=False, clock=clock, wait=passes(clock)).pictures()
    next(pictures)
    clock.advance(timedelta(hours=1))

    assert times(pictures, 2) == pytest.approx([3600, 3600.1])


def test_when_the_clock_is_set_back_a_film_goes_on_from_there(clock: ManualClock) -> None:
    pictures = Film(clip(count=100), 10, loop=False, clock=clock, wait=passes(clock)).pictures()
    next(pictures)
    clock.set_wall(after(-600))

    assert times(pictures, 2) == pytest.approx([-600, -599.9])


def test_a_film_stops_when_it_is_told(clock: ManualClock) -> None:
    assert times(Film(clip(), 5, loop=True, clock=clock, wait=lambda _: True).pictures()) == [0]


def test_a_live_picture_has_the_time_of_its_capture(clock: ManualClock) -> None:
    camera = FakeCamera(26, tick=lambda: clock.advance(timedelta(seconds=0.04)))
    live = Live("camera 0", lambda: camera, 5, clock, stops_after(clock, 1))

    captured = times(live.unbuffered())

    assert captured == pytest.approx([0.04, 0.2, 0.4, 0.6, 0.8, 1.0])


def stops_after(clock: ManualClock, pauses: int) -> Callable[[float], bool]:
    """Wait by moving the clock; stop at the pause of that number."""
    left = pauses

    def wait(seconds: float) -> bool:
        nonlocal left
        clock.advance(timedelta(seconds=seconds))
        left -= seconds > 0
        return left <= 0

    return wait


def test_a_camera_that_is_lost_is_sought_with_longer_and_longer_pauses(clock: ManualClock) -> None:
    asked: list[datetime] = []
    cameras = iter([FakeCamera(0), FakeCamera(0), FakeCamera(1), *[FakeCamera(0)] * 9])

    def connect() -> FakeCamera:
        asked.append(clock.now())
        return next(cameras)

    found = list(Live("rtsp://door", connect, 5, clock, stops_after(clock, 5)).unbuffered())

    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(asked)]
    assert len(found) == 1
    assert pauses == [BACKOFF[0], BACKOFF[1], BACKOFF[0], BACKOFF[1]]


def test_the_newest_picture_of_a_camera_wins(clock: ManualClock) -> None:
    """Whoever is slow gets the last picture, not a queue of old ones."""
    live = Live("camera 0", lambda: FakeCamera(0), 5, clock, lambda _: True)
    for second in range(3):
        live.keep(Picture(after(second), shop()))

    newest = live.newest()

    assert newest is not None
    assert newest.time == after(2)
    assert live.newest() is None


def test_a_shown_address_has_no_password(clock: ManualClock) -> None:
    source = open_source("rtsp://user:secret@10.0.0.7/stream?token=x", Rate(5), loop=False, clock=clock, wait=bool)

    assert source.name == "rtsp://10.0.0.7/stream"


def test_a_number_is_a_usb_camera(clock: ManualClock) -> None:
    assert open_source("0", Rate(5), loop=False, clock=clock, wait=bool).name == "camera 0"


def test_a_path_is_a_clip(clock: ManualClock, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"")

    assert open_source(str(tmp_path), Rate(5), loop=False, clock=clock, wait=bool).name == str(tmp_path)
