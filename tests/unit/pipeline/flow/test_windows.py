from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.heat import NONE, cell, grid, warmed
from pipeline.flow.publishing import Publisher, coverage, publish
from pipeline.flow.tally import Tally, added, crossed, ended, took_back
from pipeline.flow.windows import (
    MOST_AT_ONCE,
    Closed,
    Counting,
    Inside,
    Windows,
    close,
    count,
    parts,
    tick,
    warm,
)
from schemas.envelope import Module
from schemas.estate import Camera, FlowSettings, Line, Schedule, Zone
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.geometry import Point
from schemas.ids import CameraId, LineId, NoticeId, StoreId, ZoneId

LENGTH = timedelta(seconds=15)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DOOR, TILL = LineId("door"), ZoneId("till")
HOW = Counting(LENGTH, LENGTH)
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
    (*_, told), _ = publish(closed, by, 1, Inside())
    assert isinstance(told, CoverageWindow)
    return told


def flows(closed: Closed, by: Publisher = DEMO, version: int = 1) -> dict[Metric, FlowWindow]:
    told, _ = publish(closed, by, version, Inside())
    some = [each for each in told if isinstance(each, FlowWindow)]
    return {each.metric: each for each in some if each.metric is not Metric.OCCUPANCY or each.zone_id}


def test_a_window_is_told_a_second_after_its_end() -> None:
    windows = count(Windows(), HOW, at(3), ONE_IN)

    windows, early = close(windows, HOW, at(15.9))
    windows, told = close(windows, HOW, at(16))
    _, again = close(windows, HOW, at(16.2))

    assert not early
    assert told == (Closed(NOON, ONE_IN),)
    assert not again


def test_windows_without_anything_are_told_too() -> None:
    windows = count(Windows(), HOW, at(0), ONE_IN)

    _, told = close(windows, HOW, at(61))

    assert starts(told) == [0, 15, 30, 45]
    assert told[1].tally == Tally()


def test_a_tick_tells_the_windows_of_a_silent_camera() -> None:
    windows = count(Windows(), HOW, at(0), ONE_IN)

    windows, told = tick(windows, HOW, at(40))
    _, again = tick(windows, HOW, at(44))

    assert starts(told) == [0, 15]
    assert not again


def test_frames_that_come_after_a_tick_are_told_whole() -> None:
    windows, _ = tick(count(Windows(), HOW, at(0), ONE_IN), HOW, at(40))

    windows = count(windows, HOW, at(10), ONE_IN)
    _, told = close(windows, HOW, at(31))

    assert told == (Closed(NOON, Tally(came_in={DOOR: 2}), before=ONE_IN),)


def test_a_tick_before_any_frame_makes_none_late() -> None:
    windows, told = tick(Windows(), HOW, at(100))

    _, closed = close(count(windows, HOW, at(3), ONE_IN), HOW, at(17))

    assert not told
    assert closed == (Closed(NOON, ONE_IN),)


def test_what_is_final_is_not_counted_again() -> None:
    windows, _ = close(count(Windows(), HOW, at(0), ONE_IN), HOW, at(16))

    assert count(windows, HOW, at(14), ONE_IN) == windows


def test_after_a_long_silence_the_newest_windows_are_told() -> None:
    windows = count(Windows(), HOW, at(0), ONE_IN)

    _, told = close(windows, HOW, at(10 * 24 * 3600))

    assert len(told) == MOST_AT_ONCE + 1
    assert told[0] == Closed(NOON, ONE_IN)


def test_a_span_is_cut_at_the_borders_of_windows() -> None:
    assert list(parts(at(14), at(31), LENGTH)) == [(at(14), 1_000_000), (at(15), 15_000_000), (at(30), 1_000_000)]


def test_a_window_is_published_with_its_coverage() -> None:
    tally = Tally(analysed=30, stills=15, people=2, late=1, came_in={DOOR: 2}, watched=15_000_000)

    (*_, told), _ = publish(Closed(NOON, tally), DEMO, 7, Inside())

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
    tally = added(ended(TILL, timedelta(seconds=4), 1), ended(TILL, timedelta(seconds=5), 2))

    assert flows(Closed(NOON, tally))[Metric.DWELL_HISTOGRAM].values == (1, 1, 0, 0, 0, 0, 0, 0)


def together(*tallies: Tally) -> Tally:
    whole = Tally()
    for each in tallies:
        whole = added(whole, each, PUBLISHED.counting.told_apart)
    return whole


def through(door: str, *tracks: int) -> Tally:
    return together(*(crossed(DOOR, door, each) for each in tracks))


def test_r51_few_people_are_not_told_of() -> None:
    few = Closed(NOON, together(Tally(people=2), through("in", 1, 2), through("out", 1, 2, 3)))

    told = flows(few, PUBLISHED)

    assert (told[Metric.LINE_IN].suppressed, told[Metric.LINE_IN].values) == (True, ())
    assert told[Metric.LINE_OUT].values == (3,)
    assert all(each.suppressed_below == 3 for each in told.values())
    assert covered(few, PUBLISHED).people_tracked is None


def test_r51_one_person_who_comes_and_goes_is_one_person() -> None:
    told = flows(Closed(NOON, together(through("in", 7, 7, 7, 7), through("out", 7, 8, 9, 9))), PUBLISHED)

    assert told[Metric.LINE_IN].suppressed
    assert told[Metric.LINE_OUT].values == (4,)


def lingered(*tracks: int) -> Tally:
    """Who went over the door's line and was at once back."""
    return together(through("out", *tracks), *(took_back(DOOR, "out") for _ in tracks))


@pytest.mark.parametrize("back", range(6))
@pytest.mark.parametrize("through_it", range(6))
def test_r51_who_was_taken_back_hides_nobody_who_went_through(back: int, through_it: int) -> None:
    tally = together(lingered(*range(10, 10 + back)), through("out", *range(through_it)))

    told = flows(Closed(NOON, tally), PUBLISHED)[Metric.LINE_OUT]

    assert told.suppressed == (0 < through_it < 3)
    assert told.values == (() if told.suppressed else (through_it,))


def test_r51_nor_does_the_number_of_people_give_them_away() -> None:
    tally = together(lingered(1, 2, 3), through("out", 4), Tally(people=4))

    assert covered(Closed(NOON, tally), PUBLISHED).people_tracked is None


@given(*(st.lists(st.booleans(), max_size=8) for _ in range(2)))
def test_r52_between_two_versions_of_a_window_lies_no_number_of_few(first: list[bool], second: list[bool]) -> None:
    def some(start: int, stays: list[bool]) -> list[Tally]:
        return [(through("out", n) if goes else lingered(n)) for n, goes in enumerate(stays, start)]

    before = together(Tally(), *some(0, first))
    now = together(before, *some(100, second))
    tallies = (Closed(NOON, before), Closed(NOON, now, before=before))

    told = [flows(each, PUBLISHED, version)[Metric.LINE_OUT] for version, each in enumerate(tallies, 1)]

    seen = [each.values[0] for each in told if not each.suppressed]
    assert not any(0 < each < 3 for each in seen)
    assert len(seen) < 2 or not 0 < abs(seen[1] - seen[0]) < 3


def test_r51_a_number_of_people_that_gives_a_withheld_crossing_away_is_withheld() -> None:
    closed = Closed(NOON, together(Tally(people=9), through("in", 1), through("out", 1, 2, 3, 4, 5, 6, 7, 8)))

    assert covered(closed, PUBLISHED).people_tracked is None


def test_r51_a_window_told_again_is_raised_by_enough_people_only() -> None:
    before = together(through("in", 1, 2, 3, 4), through("out", 1, 2, 3))
    after = together(before, through("in", 5), through("out", 4, 5, 6))

    told = flows(Closed(NOON, after, before=before), PUBLISHED)

    assert (told[Metric.LINE_IN].values, told[Metric.LINE_OUT].values) == ((4,), (6,))


def test_dwells_of_few_are_withheld_with_others_that_would_give_them_away() -> None:
    five, thirty = (timedelta(seconds=each) for each in (6, 40))
    visits = together(*(ended(TILL, five, each) for each in range(4)), ended(TILL, thirty, 9))

    few = flows(Closed(NOON, visits), PUBLISHED)[Metric.DWELL_HISTOGRAM]
    minutes = together(visits, *(ended(TILL, timedelta(minutes=4), each) for each in range(20, 26)))
    more = flows(Closed(NOON, minutes), PUBLISHED)[Metric.DWELL_HISTOGRAM]

    assert (few.suppressed, few.values) == (True, ())
    assert more.values == (0, 4, 0, 0, 0, 0, 0, 0)
    assert more.withheld == (3, 4, 5)


def test_the_median_of_dwell_knows_of_those_who_were_lost() -> None:
    seconds = (10, 20, 30, 40, 50)
    seen = together(*(ended(TILL, timedelta(seconds=each), each) for each in seconds))
    lost = together(*(ended(TILL, timedelta(seconds=25), 100 + each, lost=True) for each in range(4)))

    without = flows(Closed(NOON, seen))[Metric.DWELL_MEDIAN].values[0]
    with_ = flows(Closed(NOON, together(seen, lost)))[Metric.DWELL_MEDIAN].values[0]

    assert without == pytest.approx(30, rel=0.05)
    assert with_ == pytest.approx(40, rel=0.05)


def test_minutes_are_summed_up_to_what_is_published() -> None:
    how = PUBLISHED.counting
    windows = Windows()
    for minute in range(15):
        windows = count(windows, how, at(60 * minute), ONE_IN)
        windows, early = close(windows, how, at(60 * minute + 2))
        assert not early

    windows, told = close(windows, how, at(15 * 60 + 1))

    assert told == (Closed(NOON, Tally(came_in={DOOR: 15})),)
    assert len(windows.going) == 0


def test_who_is_inside_is_worked_out_from_what_is_told_and_is_nobody_once_the_store_has_closed() -> None:
    by = replace(PUBLISHED, opens=Schedule(since=time(9), until=time(12, 45)))
    inside, told = Inside(), []
    for index, (came, went) in enumerate([(range(8), range(3)), (range(1), range(4)), (range(5), ()), (range(3), ())]):
        closed = Closed(NOON + index * timedelta(minutes=15), together(through("in", *came), through("out", *went)))
        messages, inside = publish(closed, by, 1, inside)
        told += [each for each in messages if isinstance(each, FlowWindow) and each.metric is Metric.OCCUPANCY]

    # The second window's one who came in is withheld, and taken for one and a half.
    assert [each.values[0] for each in told if each.line_id] == [5, 2.5, 0, 3]


def test_a_heat_map_shows_where_enough_people_stood() -> None:
    windows, here, there = count(Windows(), HOW, at(0), Tally()), cell(0.5, 0.5), cell(0.1, 0.9)
    for track in range(1, 5):
        for second in range(3):
            where = {track: here if track > 1 else there}
            windows = warm(windows, HOW, at(second), at(second + 1), where=where, followed=where)
    (_, heat) = next((each.start, each.heat) for each in windows.whole)

    everything = flows(Closed(NOON, Tally(), heat))[Metric.HEAT].values
    enough = grid(heat, 3)

    assert len(everything) == 32 * 18
    assert (everything[here], everything[there]) == (9, 3)
    assert (enough[here], enough[there], sum(enough)) == (9, 0, 9)


def test_nobody_outshines_the_others_in_a_heat_map() -> None:
    heat = NONE
    for _ in range(1000):
        heat = warmed(heat, {1: 0}, 1000, [1])

    assert grid(heat, 1)[0] == 60


@pytest.mark.parametrize(("people", "by", "told"), [(0, PUBLISHED, 0), (3, PUBLISHED, 3), (1, DEMO, 1)])
def test_r51_nobody_enough_and_a_demos_people_are_told_of(people: int, by: Publisher, told: int) -> None:
    assert covered(Closed(NOON, Tally(people=people)), by).people_tracked == told


def test_ids_are_the_same_each_time_and_differ_by_version() -> None:
    closed = Closed(NOON, ONE_IN)

    first, again, second = (publish(closed, DEMO, version, Inside())[0] for version in (1, 1, 2))

    assert first == again
    assert not {each.event_id for each in first} & {each.event_id for each in second}


def test_coverage_knows_of_more_than_the_rate_says() -> None:
    assert coverage(Tally(analysed=60, missing=20), CAMERA, LENGTH) == 0.75


def test_coverage_does_not_fall_for_what_the_profile_passes_over() -> None:
    assert coverage(Tally(analysed=20, passed=40), CAMERA, LENGTH) == 1
    assert coverage(Tally(analysed=20, skipped=40), CAMERA, LENGTH) == pytest.approx(1 / 3)


moments = st.integers(0, 120).map(at)


@given(st.lists(moments, min_size=1).map(sorted), st.lists(moments))
def test_everything_counted_in_order_is_told_once(times: list[datetime], ticks: list[datetime]) -> None:
    windows, whole = Windows(), dict[datetime, Tally]()
    for each in times:
        for one in (one for one in ticks if one < each):
            windows, told = tick(windows, HOW, one)
            whole |= {closed.start: closed.tally for closed in told}
        windows = count(windows, HOW, each, ONE_IN)
        windows, told = close(windows, HOW, each)
        whole |= {closed.start: closed.tally for closed in told}
    _, told = tick(windows, HOW, at(200))
    whole |= {closed.start: closed.tally for closed in told}

    assert sum(tally.came_in.get(DOOR, 0) for tally in whole.values()) == len(times)
