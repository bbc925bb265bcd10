from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.privacy import suppressed
from pipeline.flow.windows import (
    MOST_AT_ONCE,
    Closed,
    Publisher,
    Tally,
    Windows,
    added,
    close,
    count,
    coverage,
    dwell,
    parts,
    publish,
    tick,
)
from schemas.envelope import Module
from schemas.estate import Camera, FlowSettings, Line, Zone
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.geometry import Point
from schemas.ids import CameraId, LineId, NoticeId, StoreId, ZoneId

LENGTH = timedelta(seconds=15)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DOOR, TILL = LineId("door"), ZoneId("till")
ONE_IN = Tally(came_in={DOOR: 1})
CAMERA = Camera(
    id=CameraId("entrance"),
    fps=4,
    lines=(Line(id=DOOR, start=Point(x=0, y=0.5), end=Point(x=1, y=0.5)),),
    zones=(Zone(id=TILL, polygon=(Point(x=0, y=0), Point(x=1, y=0), Point(x=1, y=1))),),
)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def publisher(settings: FlowSettings) -> Publisher:
    return Publisher(
        StoreId("ginza"), CAMERA, settings, NoticeId("door-2026"), Module(name="watching", version="1"),
        timedelta(days=700),
    )  # fmt: skip


DEMO = publisher(FlowSettings(profile="demo", window=LENGTH, suppressed_below=0))
PUBLISHED = publisher(FlowSettings(window=timedelta(minutes=15), suppressed_below=3))


def starts(closed: tuple[Closed, ...]) -> list[float]:
    return [(each.start - NOON).total_seconds() for each in closed]


def covered(closed: Closed, by: Publisher) -> CoverageWindow:
    *_, told = publish(closed, by, 1)
    assert isinstance(told, CoverageWindow)
    return told


def flows(closed: Closed, by: Publisher = DEMO, version: int = 1) -> dict[Metric, FlowWindow]:
    return {each.metric: each for each in publish(closed, by, version) if isinstance(each, FlowWindow)}


def test_a_window_is_told_a_second_after_its_end() -> None:
    windows = count(Windows(), LENGTH, at(3), ONE_IN)

    windows, early = close(windows, LENGTH, at(15.9))
    windows, told = close(windows, LENGTH, at(16))
    _, again = close(windows, LENGTH, at(16.2))

    assert not early
    assert told == (Closed(NOON, ONE_IN),)
    assert not again


def test_windows_without_anything_are_told_too() -> None:
    windows = count(Windows(), LENGTH, at(0), ONE_IN)

    _, told = close(windows, LENGTH, at(61))

    assert starts(told) == [0, 15, 30, 45]
    assert told[1].tally == Tally()


def test_a_tick_tells_the_windows_of_a_silent_camera() -> None:
    windows = count(Windows(), LENGTH, at(0), ONE_IN)

    windows, told = tick(windows, LENGTH, at(40))
    _, again = tick(windows, LENGTH, at(44))

    assert starts(told) == [0, 15]
    assert not again


def test_frames_that_come_after_a_tick_are_told_whole() -> None:
    windows, _ = tick(count(Windows(), LENGTH, at(0), ONE_IN), LENGTH, at(40))

    windows = count(windows, LENGTH, at(10), ONE_IN)
    _, told = close(windows, LENGTH, at(31))

    assert told == (Closed(NOON, Tally(came_in={DOOR: 2})),)


def test_a_tick_before_any_frame_makes_none_late() -> None:
    windows, told = tick(Windows(), LENGTH, at(100))

    _, closed = close(count(windows, LENGTH, at(3), ONE_IN), LENGTH, at(17))

    assert not told
    assert closed == (Closed(NOON, ONE_IN),)


def test_what_is_final_is_not_counted_again() -> None:
    windows, _ = close(count(Windows(), LENGTH, at(0), ONE_IN), LENGTH, at(16))

    assert count(windows, LENGTH, at(14), ONE_IN) == windows


def test_after_a_long_silence_the_newest_windows_are_told() -> None:
    windows = count(Windows(), LENGTH, at(0), ONE_IN)

    _, told = close(windows, LENGTH, at(10 * 24 * 3600))

    assert len(told) == MOST_AT_ONCE + 1
    assert told[0] == Closed(NOON, ONE_IN)


def test_a_span_is_cut_at_the_borders_of_windows() -> None:
    assert list(parts(at(14), at(31), LENGTH)) == [(at(14), 1_000_000), (at(15), 15_000_000), (at(30), 1_000_000)]


def test_a_window_is_published_with_its_coverage() -> None:
    tally = Tally(analysed=30, stills=15, people=2, late=1, came_in={DOOR: 2}, watched=15_000_000)

    *_, told = publish(Closed(NOON, tally), DEMO, 7)

    assert isinstance(told, CoverageWindow)
    assert (told.frames_expected, told.frames_analysed, told.stills, told.late) == (60, 30, 15, 1)
    assert (told.people_tracked, told.version) == (2, 7)


def test_zeros_are_published() -> None:
    told = flows(Closed(NOON, Tally()))

    assert told[Metric.LINE_IN].values == (0.0,)
    assert told[Metric.OCCUPANCY].values == (0.0,)
    assert told[Metric.LINE_OUT].coverage == 0


def test_occupancy_is_the_mean_of_people_while_the_camera_saw() -> None:
    tally = Tally(watched=10_000_000, present={TILL: 15_000_000}, visitors={TILL: 2})

    assert flows(Closed(NOON, tally))[Metric.OCCUPANCY].values == (1.5,)


def test_dwells_are_counted_by_length() -> None:
    tally = added(dwell(TILL, timedelta(seconds=4)), dwell(TILL, timedelta(seconds=5)))

    assert flows(Closed(NOON, tally))[Metric.DWELL_HISTOGRAM].values == (1, 1, 0, 0, 0, 0, 0, 0)


def test_r51_few_people_are_not_told_of() -> None:
    few = Closed(NOON, Tally(people=2, came_in={DOOR: 2}, went_out={DOOR: 3}))

    told = flows(few, PUBLISHED)

    assert (told[Metric.LINE_IN].suppressed, told[Metric.LINE_IN].values) == (True, ())
    assert told[Metric.LINE_OUT].values == (3,)
    assert all(each.suppressed_below == 3 for each in told.values())
    assert covered(few, PUBLISHED).people_tracked is None


@pytest.mark.parametrize(("people", "by", "told"), [(0, PUBLISHED, 0), (3, PUBLISHED, 3), (1, DEMO, 1)])
def test_r51_nobody_enough_and_a_demos_people_are_told_of(people: int, by: Publisher, told: int) -> None:
    assert covered(Closed(NOON, Tally(people=people)), by).people_tracked == told


@pytest.mark.parametrize(("people", "withheld"), [((0,), False), ((1,), True), ((2, 5), True), ((3, 0), False)])
def test_r51_nobody_is_nobodys_secret(people: tuple[int, ...], withheld: bool) -> None:
    assert suppressed(people, 3) is withheld


def test_ids_are_the_same_each_time_and_differ_by_version() -> None:
    closed = Closed(NOON, ONE_IN)

    assert publish(closed, DEMO, 1) == publish(closed, DEMO, 1)
    assert not {each.event_id for each in publish(closed, DEMO, 1)} & {
        each.event_id for each in publish(closed, DEMO, 2)
    }


def test_coverage_knows_of_more_than_the_rate_says() -> None:
    assert coverage(Tally(analysed=60, missing=20), CAMERA, LENGTH) == 0.75


moments = st.integers(0, 120).map(at)


@given(st.lists(moments, min_size=1).map(sorted), st.lists(moments))
def test_everything_counted_in_order_is_told_once(times: list[datetime], ticks: list[datetime]) -> None:
    windows, whole = Windows(), dict[datetime, Tally]()
    for each in times:
        for one in (one for one in ticks if one < each):
            windows, told = tick(windows, LENGTH, one)
            whole |= {closed.start: closed.tally for closed in told}
        windows = count(windows, LENGTH, each, ONE_IN)
        windows, told = close(windows, LENGTH, each)
        whole |= {closed.start: closed.tally for closed in told}
    _, told = tick(windows, LENGTH, at(200))
    whole |= {closed.start: closed.tally for closed in told}

    assert sum(tally.came_in.get(DOOR, 0) for tally in whole.values()) == len(times)
