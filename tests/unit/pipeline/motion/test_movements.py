from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.motion.geometry import Segment, Spot
from pipeline.motion.movements import Area, Border, Crossing, Movements, Side, Visit, cross, held, visit
from pipeline.motion.tracking import Track
from schemas.ids import LineId, ZoneId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DOOR = LineId("door")
LINES = {DOOR: Border(Segment(Spot(1, 0.5), Spot(0, 0.5)), 0.15)}
"""In is up: seen from its start, on the right of the screen, its right is above it."""
TILL = ZoneId("till")
AREAS = {TILL: Area((Spot(0, 0), Spot(1, 0), Spot(1, 1), Spot(0, 1)), timedelta(seconds=1.5))}
HOW = Movements()


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def track(x: float, y: float, time: datetime, id_: int = 1) -> Track:
    return Track(
        id=id_,
        known=True,
        born=NOON,
        seen=time,
        hits=5,
        missed=0,
        hidden=False,
        foot=Spot(x, y),
        width=0.1,
        height=0.2,
        speed=Spot(0, 0),
        doubt=0,
    )


def walk(path: Sequence[tuple[float, float]]) -> list[Crossing]:
    sides: tuple[Side, ...] = ()
    found: list[Crossing] = []
    for index, (x, y) in enumerate(path):
        now = track(x, y, at(index / 5))
        sides, crossings = cross(sides, LINES, [now], [now], time=now.seen, how=HOW)
        found.extend(crossings)
    return found


def test_from_left_to_right_of_a_line_is_in() -> None:
    assert [each.direction for each in walk([(0.5, 0.7), (0.5, 0.4)])] == ["in"]
    assert [each.direction for each in walk([(0.5, 0.4), (0.5, 0.7)])] == ["out"]


def test_a_crossing_says_where_and_when_the_feet_went_over() -> None:
    (crossing,) = walk([(0.4, 0.6), (0.5, 0.51), (0.5, 0.49), (0.5, 0.4)])

    assert crossing.place == pytest.approx(Spot(0.5, 0.5))
    assert crossing.moment == at(0.3)
    assert crossing.time == at(0.6)


def test_trembling_on_a_line_is_no_crossing() -> None:
    assert not walk([(0.5, 0.6), *[(0.5, 0.48), (0.5, 0.52)] * 5, (0.5, 0.6)])


def test_there_and_back_is_two_crossings() -> None:
    assert [each.direction for each in walk([(0.5, 0.6), (0.5, 0.4), (0.5, 0.6)])] == ["in", "out"]


def test_past_the_end_of_a_line_is_no_crossing() -> None:
    assert not walk([(1.3, 0.6), (1.3, 0.4)])


def test_a_step_over_at_one_frame_a_second_is_a_crossing() -> None:
    assert len(walk([(0.3, 0.9), (0.6, 0.1)])) == 1


def test_who_is_no_longer_followed_is_forgotten() -> None:
    now = track(0.5, 0.6, NOON)
    sides, _ = cross((), LINES, [now], [now], time=NOON, how=HOW)

    sides, _ = cross(sides, LINES, [], [], time=at(5), how=HOW)

    assert not sides


def stay(steps: Sequence[tuple[float, Sequence[Track]]]) -> tuple[tuple[Visit, ...], list[Visit]]:
    visits: tuple[Visit, ...] = ()
    left: list[Visit] = []
    for seconds, seen in steps:
        visits, gone = visit(visits, AREAS, seen, at(seconds), HOW)
        left.extend(gone)
    return visits, left


def inside(seconds: float, id_: int = 1, x: float = 0.5) -> tuple[float, list[Track]]:
    return seconds, [track(x, 0.5, at(seconds), id_)]


def test_a_visit_begins_with_the_second_sighting_and_counts_from_the_first() -> None:
    once, _ = stay([inside(0)])
    twice, _ = stay([inside(0), inside(0.2)])

    assert not once[0].entered
    assert twice[0].entered
    assert twice[0].since == NOON


def test_a_visit_ends_with_the_last_sighting_once_that_is_clear() -> None:
    visits, left = stay([inside(0), inside(1), inside(2), (3, []), (3.6, [])])

    assert not visits
    assert [(each.since, each.until) for each in left] == [(NOON, at(2))]


def test_a_step_out_and_back_is_one_visit() -> None:
    visits, left = stay([inside(0), inside(1), inside(1.5, x=1.2), inside(2.4)])

    assert not left
    assert visits[0].lasted == timedelta(seconds=2.4)


def test_one_sighting_is_no_visit() -> None:
    assert stay([inside(0), (1, []), (2, [])]) == ((), [])


def test_a_new_track_where_a_visitor_was_lost_is_that_visitor() -> None:
    visits, left = stay([inside(0), inside(1), inside(2, id_=7, x=0.6)])

    assert not left
    assert [(each.first, each.track, each.since) for each in visits] == [(1, 7, NOON)]


def test_a_new_track_beside_a_visitor_in_sight_is_another() -> None:
    both = [track(0.5, 0.5, at(1)), track(0.55, 0.5, at(1), 2)]

    visits, _ = stay([inside(0), (1, both)])

    assert [each.first for each in visits] == [1, 2]


def test_who_stands_while_nothing_moves_stays() -> None:
    visits, _ = stay([inside(0), inside(0.2)])

    visits = held(visits, [track(0.5, 0.5, at(30))], at(30))

    assert visits[0].lasted == timedelta(seconds=30)


def test_extent_is_how_far_apart_a_visitors_places_are_in_body_heights() -> None:
    visits, _ = stay([inside(0, x=0.2), inside(1, x=0.6)])

    assert visits[0].extent == pytest.approx(2)
