"""Windows with noise: told once, the same from the same secret, and of nobody more than ε."""

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from pipeline.flow.budget import Export, Release, budget, shares
from pipeline.flow.publishing import Publisher, close_and_publish, publish, tick_and_publish
from pipeline.flow.tally import Stays, Tally, added, crossed, ended
from pipeline.flow.windows import Closed, Inside, Windows, count
from schemas.envelope import Module
from schemas.estate import Camera, FlowSettings, Line, Store, Zone
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.frozen import iso
from schemas.geometry import Point
from schemas.ids import CameraId, LineId, NoticeId, StoreId, ZoneId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOOR, TILL = LineId("door"), ZoneId("till")
CAMERA = Camera(
    id=CameraId("entrance"),
    fps=4,
    lines=(Line(id=DOOR, start=Point(x=0, y=0.5), end=Point(x=1, y=0.5)),),
    zones=(Zone(id=TILL, polygon=(Point(x=0, y=0), Point(x=1, y=0), Point(x=1, y=1))),),
)
STORE = Store(id=StoreId("ginza"), regulation="rules.toml", cameras=(CAMERA,))
SETTINGS = FlowSettings(profile="export")


class Book:
    """A ledger of one worker's own."""

    def __init__(self, *, left: bool = True) -> None:
        self.left = left
        self.told: dict[datetime, Release] = {}

    def allows(self, release: Release) -> bool:
        return self.left and self.told.setdefault(release.window_start, release) == release


def by(book: Book, *, secret: bytes = bytes(32), settings: FlowSettings = SETTINGS) -> Publisher:
    export = Export(secret, shares(settings, STORE)[CAMERA.id], budget(settings), book)
    return Publisher(
        STORE.id, CAMERA, settings, NoticeId("door-2026"), Module(name="watching", version="1"), timedelta(days=700),
        timezone=ZoneInfo("Asia/Tokyo"), export=export,
    )  # fmt: skip


def there(track: int) -> Tally:
    stays = Stays()
    stays.add(TILL, 10**7, track)
    return stays.tally()


@cache
def busy(people: int) -> Tally:
    whole = Tally(analysed=9000, stills=3000, people=people, watched=3_600_000_000)
    for track in range(people):
        for each in (crossed(DOOR, "in", track), there(track), ended(TILL, timedelta(minutes=3), track)):
            whole = added(whole, each)
    return whole


def flows(messages: Iterable[FlowWindow | CoverageWindow]) -> dict[Metric, FlowWindow]:
    return {each.metric: each for each in messages if isinstance(each, FlowWindow)}


def exported(people: int, publisher: Publisher, start: datetime = NOON) -> dict[Metric, FlowWindow]:
    return flows(publish(Closed(start, busy(people)), publisher, 1, Inside())[0])


def test_what_is_exported_says_how_it_was_noised() -> None:
    told = exported(200, by(Book()))

    assert told.keys() == {Metric.LINE_IN, Metric.LINE_OUT, Metric.VISITORS, Metric.DWELL_HISTOGRAM}
    noises = {metric: each.noise for metric, each in told.items()}
    assert {metric: (each.epsilon, each.cells) for metric, each in noises.items() if each} == {
        Metric.LINE_IN: (0.5, 2), Metric.LINE_OUT: (0.5, 2), Metric.VISITORS: (0.1875, 4),
        Metric.DWELL_HISTOGRAM: (0.25, 1),
    }  # fmt: skip
    assert all(each.noise and each.noise.day_epsilon == 2 for each in told.values())
    assert all(each.profile == "export" and each.suppressed_below == 10 for each in told.values())


def test_the_same_replay_draws_the_same_and_another_secret_does_not() -> None:
    first, again = exported(200, by(Book())), exported(200, by(Book()))
    others = [exported(200, by(Book(), secret=bytes([number] * 32))) for number in range(1, 6)]

    assert first == again
    assert len({each[Metric.VISITORS].values for each in (first, *others)}) > 1


def test_small_numbers_after_noise_are_withheld_and_nobody_at_all_too() -> None:
    quiet = [exported(0, by(Book(), secret=bytes([number] * 32))) for number in range(20)]

    said = [each[Metric.LINE_IN] for each in quiet]
    assert all(each.suppressed or each.values[0] >= 10 for each in said)
    assert sum(each.suppressed for each in said) >= 18


def test_where_the_ledger_allows_nothing_nothing_is_told() -> None:
    told = exported(200, by(Book(left=False)))

    assert all(each.suppressed and not each.values and each.noise is None for each in told.values())


def test_a_window_that_was_counted_otherwise_is_not_told_again() -> None:
    book = Book()

    first, second, third = (exported(people, by(book)) for people in (200, 201, 200))

    assert first == third
    assert all(each.suppressed for each in second.values())


def test_a_ledger_holds_nothing_that_counts_can_be_worked_out_from_without_the_secret() -> None:
    book, other = Book(), Book()
    exported(200, by(book))
    exported(200, by(other, secret=bytes([1] * 32)))

    one, two = book.told[NOON], other.told[NOON]
    assert one.content != two.content
    assert one.micro == 2_000_000


def test_the_day_is_the_stores_own() -> None:
    book = Book()

    exported(20, by(book), NOON + timedelta(hours=3))

    assert book.told[NOON + timedelta(hours=3)].day.isoformat() == "2026-11-24"


def test_a_noised_window_is_told_once_though_ticks_come_and_frames_after_them() -> None:
    publisher = by(Book())
    how = publisher.counting
    windows = count(Windows(), how, NOON, busy(100))

    windows, ticked = tick_and_publish(windows, publisher, NOON + HOUR + timedelta(minutes=30), 1)
    windows = count(windows, how, NOON + timedelta(minutes=50), busy(30))
    windows, closed = close_and_publish(windows, publisher, NOON + HOUR + timedelta(minutes=1), 2)
    windows, again = tick_and_publish(windows, publisher, NOON + 9 * HOUR, 3)

    assert not flows(ticked)
    assert [each.window_start for each in ticked] == [NOON]
    assert flows(closed)[Metric.LINE_IN].values == flows(_whole(publisher))[Metric.LINE_IN].values
    assert NOON not in {each.window_start for each in again if isinstance(each, FlowWindow)}


def _whole(publisher: Publisher) -> tuple[FlowWindow | CoverageWindow, ...]:
    return publish(Closed(NOON, added(busy(100), busy(30))), publisher, 2, Inside())[0]


def test_a_silent_cameras_noised_window_is_told_when_none_of_its_frames_lives() -> None:
    publisher = by(Book())
    windows = count(Windows(), publisher.counting, NOON, busy(100))

    windows, early = tick_and_publish(windows, publisher, NOON + HOUR + timedelta(minutes=30), 1)
    windows, late = tick_and_publish(windows, publisher, NOON + 2 * HOUR + timedelta(seconds=2), 2)
    after = count(windows, publisher.counting, NOON + timedelta(minutes=50), busy(30))

    assert not flows(early)
    assert {each.window_start for each in late if isinstance(each, FlowWindow)} == {NOON}
    assert after == windows


def test_coverage_of_what_is_exported_does_not_say_when_something_moved() -> None:
    messages, _ = publish(Closed(NOON, busy(100)), by(Book()), 1, Inside())

    told = messages[-1]
    assert isinstance(told, CoverageWindow)
    assert (told.frames_analysed, told.stills, told.people_tracked) == (12_000, 0, None)


def test_r52_with_a_thousand_alerts_in_hand_nobody_is_linked_to_what_was_exported() -> None:
    # The attacker knows of 1,000 people by alerts: when, where and who; of half of them the flow counted the visit.
    # For each it is told a day's export with or without them, and guesses by the best rule there is: the likelihood.
    rng = random.Random(4)
    guessed = 0
    share = shares(SETTINGS, STORE)[CAMERA.id]["zones"]
    for number in range(1000):
        there = rng.random() < 0.5
        secret = number.to_bytes(32, "big")
        told = exported(60 + there, by(Book(), secret=secret))[Metric.VISITORS]
        likely = told.values[0] > 60 if told.values else False
        guessed += likely == there

    # One number of ε per person: an advantage of (e^ε - 1) / (e^ε + 1) at most, and four standard deviations of luck.
    bound = (math.exp(share.each) - 1) / (math.exp(share.each) + 1)
    assert guessed / 1000 <= 0.5 + bound / 2 + 4 * 0.5 / math.sqrt(1000)


def test_r52_the_linkage_attack_finds_who_is_there_when_there_is_no_noise() -> None:
    loud = FlowSettings(profile="export", epsilon=10)
    told = [
        exported(60 + there, by(Book(), secret=number.to_bytes(32, "big"), settings=loud))[Metric.LINE_IN].values[0]
        for number, there in ((number, number % 2) for number in range(200))
    ]

    right = sum((value > 60) == bool(number % 2) for number, value in enumerate(told))
    assert right / 200 > 0.85


def test_an_export_without_a_secret_is_a_mistake_that_tells_nothing() -> None:
    with pytest.raises(ValueError, match="secret"):
        exported(9, replace(by(Book()), export=None))


def test_releases_are_the_same_bytes_in_every_replay() -> None:
    first, again = (publish(Closed(NOON, busy(80)), by(Book()), 5, Inside())[0] for _ in range(2))

    assert [each.model_dump_json() for each in first] == [each.model_dump_json() for each in again]
    assert {iso(each.utc_time) for each in first} == {iso(NOON)}
