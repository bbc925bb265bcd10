from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.motion.geometry import Segment, Spot
from pipeline.motion.movements import Area, Border, Crossing, Movements, Side, Visit, cross, held, net, visit
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
        place=Spot(x, y),
        began=Spot(x, y),
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
    found = walk([(0.5, 0.6), *[(0.5, 0.4)] * 12, (0.5, 0.6)])

    assert [each.direction for each in found] == ["in", "out"]
    assert net(found) == {(DOOR, "in"): 1, (DOOR, "out"): 1}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param([(0.5, 0.6), (0.5, 0.4), (0.5, 0.6)], id="back at once"),
        pytest.param([(0.5, 0.6), *[(0.5, 0.46)] * 20, (0.5, 0.6)], id="never far from the line"),
    ],
)
def test_who_only_lingers_on_a_line_crossed_it_not(path: list[tuple[float, float]]) -> None:
    there, back = walk(path)

    assert back.takes_back == there.time
    assert not net([there, back]).total()


def test_after_lingering_the_next_crossing_counts() -> None:
    found = walk([(0.5, 0.6), (0.5, 0.4), (0.5, 0.6), (0.5, 0.4)])

    assert +net(found) == {(DOOR, "in"): 1}


def test_somebody_lost_before_a_line_and_found_behind_it_crossed_it_once() -> None:
    lost = [track(0.5, 0.65 - 0.05 * step, at(step / 5)) for step in range(3)]
    found = [
        replace(track(0.55, 0.4 - 0.05 * step, at(1 + step / 5), 2), hits=1 + step, known=step > 0, born=at(1),
                began=Spot(0.55, 0.4))
        for step in range(4)
    ]  # fmt: skip

    assert [(each.direction, each.track) for each in through(lost, found)] == [("in", 2)]


def test_somebody_new_who_comes_towards_the_line_is_nobody_who_was_lost() -> None:
    lost = [track(0.5, 0.65 - 0.05 * step, at(step / 5)) for step in range(3)]
    found = [
        replace(track(0.55, 0.3 + 0.03 * step, at(1 + step / 5), 2), hits=1 + step, known=step > 0, born=at(1),
                began=Spot(0.55, 0.3))
        for step in range(4)
    ]  # fmt: skip

    assert not through(lost, found)


def test_who_went_straight_for_the_line_and_was_lost_is_taken_to_have_crossed() -> None:
    steady = [replace(track(0.5, 0.65 - 0.05 * step, at(step / 5)), speed=Spot(0, -0.25)) for step in range(3)]
    doubtful = [replace(each, doubt=0.5) for each in steady]
    away = [replace(each, speed=Spot(0, 0.25)) for each in steady]
    nobody = [track(0.9, 0.9, at(0.4 + step / 5), 2) for step in range(8)]

    assert [each.direction for each in through(steady, nobody)] == ["in"]
    assert not through(doubtful, nobody)
    assert not through(away, nobody)


def test_who_is_seen_before_the_line_after_all_did_not_cross_it() -> None:
    steady = [replace(track(0.5, 0.65 - 0.05 * step, at(step / 5)), speed=Spot(0, -0.25)) for step in range(3)]
    nobody = [track(0.9, 0.9, at(0.6 + step / 5), 2) for step in range(5)]

    found = through(steady, nobody, [track(0.5, 0.58, at(1.8))])

    assert len(found) == 2
    assert not net(found).total()


def through(*tracks: Sequence[Track]) -> list[Crossing]:
    """One track after the other; whoever was seen is waited for."""
    sides: tuple[Side, ...] = ()
    followed: dict[int, Track] = {}
    found: list[Crossing] = []
    for each in tracks:
        for now in each:
            followed[now.id] = now
            sides, crossings = cross(sides, LINES, followed.values(), [now], time=now.seen, how=HOW)
            found.extend(crossings)
    return found


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


def test_whoever_is_waited_for_has_not_left() -> None:
    visits, _ = stay([inside(0), inside(1)])

    waited, gone = visit(visits, AREAS, [], at(4), HOW, awaited={1})
    _, left = visit(waited, AREAS, [], at(4.2), HOW)

    assert not gone
    assert [each.until for each in left] == [at(1)]


@pytest.mark.parametrize(("began", "came"), [(Spot(1.4, 0.5), True), (Spot(0.98, 0.5), True), (Spot(0.5, 0.5), False)])
def test_who_is_first_seen_in_the_middle_of_a_zone_was_not_seen_to_come(began: Spot, *, came: bool) -> None:
    now = replace(track(0.5, 0.5, at(0.4)), hits=2, born=NOON, began=began)

    visits, _ = visit((), AREAS, [now], at(0.4), HOW)

    assert [each.came for each in visits] == [came]


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


def test_who_was_seen_to_walk_out_is_neither_waited_for_nor_taken_for_whoever_comes_in() -> None:
    visits, _ = stay([inside(0), inside(1), inside(1.4, x=1.2)])

    visits, _ = visit(visits, AREAS, [track(0.55, 0.5, at(1.8), 2)], at(1.8), HOW, awaited={1})
    visits, left = visit(visits, AREAS, [track(0.55, 0.5, at(4), 2)], at(4), HOW, awaited={1})

    assert [(each.first, each.until) for each in left] == [(1, at(1))]
    assert [each.first for each in visits] == [2]


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
