from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.motion.geometry import Spot
from pipeline.motion.tracking import Following, Perspective, Seen, Sighting, Tracker, follow, hold, match

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOW = Tracker()


def person(x: float, y: float = 0.8, likelihood: float = 0.9, height: float = 0.3) -> Sighting:
    return Sighting(Spot(x, y), height / 3, height, likelihood)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def walk(frames: list[list[Sighting]], fps: float) -> tuple[Following, list[tuple[Seen, ...]]]:
    following, all_seen = Following(), []
    for index, sightings in enumerate(frames):
        following, seen = follow(following, sightings, at(index / fps), HOW, wide=16 / 9)
        all_seen.append(seen)
    return following, all_seen


def ids(seen: tuple[Seen, ...]) -> list[int]:
    return [each.track.id for each in seen]


def known(seen: tuple[Seen, ...]) -> list[int]:
    return [each.track.id for each in seen if each.track.known]


@pytest.mark.parametrize("fps", [1.0, 2.0, 5.0, 25.0])
def test_a_walker_is_one_person_at_every_rate(fps: float) -> None:
    walker = [[person(0.2 + 0.25 * index / fps)] for index in range(int(5 * fps))]

    _, seen = walk(walker, fps)

    assert known(seen[0]) == []
    assert all(ids(each) == [1] for each in seen)
    assert all(known(each) == [1] for each in seen[1:])


@pytest.mark.parametrize("fps", [2.0, 5.0])
def test_two_who_pass_each_other_keep_their_ids(fps: float) -> None:
    steps = range(int(5 * fps))
    frames = [[person(0.2 + 0.3 * i / fps, 0.8), person(1.6 - 0.3 * i / fps, 0.95, height=0.36)] for i in steps]

    _, seen = walk(frames, fps)

    assert [each.track.id for each in seen[-1]] == [1, 2]
    assert seen[-1][0].track.foot.x > seen[-1][1].track.foot.x


def test_one_box_makes_no_person() -> None:
    following, seen = walk([[person(0.5)], [], []], 5)

    assert following.people == 0
    assert all(not known(each) for each in seen)


def test_an_unlikely_box_begins_nobody_but_keeps_somebody() -> None:
    doubtful = person(0.5, likelihood=0.4)

    _, alone = walk([[doubtful]] * 4, 5)
    _, after = walk([[person(0.5)], [person(0.5)], [doubtful]], 5)

    assert all(not each for each in alone)
    assert ids(after[-1]) == [1]


@pytest.mark.parametrize(("beside", "held"), [(0.0, True), (0.03, True), (0.1, False)])
def test_a_very_unlikely_box_only_holds_who_is_known_where_they_were_foreseen(beside: float, *, held: bool) -> None:
    faint = person(0.5 + beside, likelihood=0.25)

    _, new = walk([[person(0.5)]] * 2 + [[faint]], 5)
    _, old = walk([[person(0.5)]] * 3 + [[faint]], 5)

    assert ids(new[-1]) == []
    assert ids(old[-1]) == ([1] if held else [])


def test_a_likely_box_goes_before_a_very_unlikely_one() -> None:
    _, seen = walk([[person(0.5)]] * 4 + [[person(0.5, likelihood=0.3), person(0.51)]], 5)

    assert [each.sighting for each in seen[-1]] == [1]


def test_who_was_seen_once_is_told_by_height_rather_than_by_nearness() -> None:
    first = [person(0.5, height=0.3), person(0.62, height=0.36)]
    later = [person(0.64, height=0.3), person(0.76, height=0.36)]

    _, seen = walk([first, later], 1)

    assert [(each.track.id, each.sighting) for each in seen[-1]] == [(1, 0), (2, 1)]


@pytest.mark.parametrize("slope", [0.15, 0.5, 1.5])
def test_how_people_grow_down_the_picture_is_learnt_from_those_who_are_followed(slope: float) -> None:
    following, time = Following(), 0.0
    for row in [0.3, 0.9, 0.5, 0.7] * 10:
        for moment in (time, time + 0.2):
            following, _ = follow(following, [person(0.8, row, height=0.05 + slope * row)], at(moment), HOW, wide=2)
        time += 60

    assert Perspective().slope == pytest.approx(0.3)
    assert following.perspective.slope == pytest.approx(slope, rel=0.15)


def test_where_people_hardly_grow_down_the_picture_a_step_down_counts_as_one_across() -> None:
    low, high = Perspective(1000, 0.8, 0.3, 10, 13), Perspective(1000, 0.8, 0.3, 10, 1)

    def taken(perspective: Perspective) -> list[int]:
        following, _ = follow(Following(), [person(0.5)], at(0), HOW, wide=16 / 9)
        seen_once = Following(following.tracks, following.next_id, perspective=perspective)
        _, seen = follow(seen_once, [person(0.5, 0.95), person(0.72, 0.8)], at(1), HOW, wide=16 / 9)
        return [each.sighting for each in seen if each.track.id == 1]

    assert (taken(low), taken(high)) == ([1], [0])


def test_somebody_out_of_sight_for_a_while_is_the_same_when_back() -> None:
    _, seen = walk([[person(0.5)]] * 3 + [[]] * 7 + [[person(0.55)]], 5)

    assert ids(seen[-1]) == [1]


def test_somebody_out_of_sight_for_too_long_is_another() -> None:
    _, seen = walk([[person(0.5)]] * 3 + [[]] * 15 + [[person(0.5)]] * 2, 5)

    assert ids(seen[-1]) == [2]


def test_who_begins_where_others_did_is_foreseen_to_go_as_they_went() -> None:
    following, time = Following(), 0.0
    for _ in range(HOW.follows_others):
        for step in range(6):
            following, _ = follow(following, [person(0.1 + 0.3 * step / 2)], at(time + step / 2), HOW, wide=16 / 9)
        time += 30
    after, _ = follow(following, [person(0.1), person(1.5)], at(time), HOW, wide=16 / 9)

    newest = {each.foot.x: each for each in after.tracks}
    assert newest[0.1].speed.x == pytest.approx(0.3, rel=0.2)
    assert newest[1.5].speed == Spot(0, 0)


def test_people_in_single_file_are_not_taken_for_whoever_went_in_front_of_them() -> None:
    # One is seen to walk; the others follow, each a step behind, where the one in front just was.
    entries = [0, 3, 4, 5, 6]
    frames = [
        [person(0.13 + 0.12 * (now - entry), height=0.2) for entry in entries if entry <= now] for now in range(11)
    ]

    _, seen = walk(frames, 1)

    assert [ids(each) for each in seen[-4:]] == [[1, 2, 3, 4, 5]] * 4


def test_nobody_walks_faster_than_people_do() -> None:
    _, seen = walk([[person(0.2)], [person(0.2)], [person(1.4)], [person(1.4)]], 5)

    assert ids(seen[-1]) == [2]


def test_half_a_person_is_no_second_one() -> None:
    whole, half = person(0.5, height=0.4), Sighting(Spot(0.5, 0.65), 0.12, 0.2, 0.8)

    following, _ = walk([[whole], [whole], [whole, half], [whole, half]], 5)

    assert following.people == 1
    assert following.next_id == 2


def test_who_stands_still_while_nothing_moves_is_held() -> None:
    following, _ = walk([[person(0.5)]] * 3, 5)

    following, standing = hold(following, at(60))
    _, seen = follow(following, [person(0.5)], at(60.2), HOW, wide=16 / 9)

    assert [each.id for each in standing] == ids(seen) == [1]


@pytest.mark.parametrize("without", [1, 5])
def test_who_had_left_when_motion_stopped_is_not_held(without: int) -> None:
    following, _ = walk([[person(0.5)]] * 3 + [[]] * without, 5)

    following, standing = hold(following, at(60))
    _, seen = follow(following, [person(0.5)], at(60.2), HOW, wide=16 / 9)

    assert not standing
    assert known(seen) == []


def test_somebody_behind_another_is_waited_for_longer() -> None:
    nearer = person(0.52, 0.85, height=0.4)
    both, one = [person(0.5), nearer], [nearer]

    _, behind = walk([both] * 3 + [one] * 17 + [both], 5)
    _, gone = walk([[person(0.5)]] * 3 + [[]] * 17 + [[person(0.5)]], 5)

    assert sorted(known(behind[-1])) == [1, 2]
    assert known(gone[-1]) == []


def test_all_are_matched_at_the_least_cost_together() -> None:
    assert match([[(0, 0.1), (1, 0.2)], [(0, 0.15)]], 2) == {0: 1, 1: 0}


def test_what_costs_more_than_going_without_is_no_pair() -> None:
    assert match([[(0, 0.1)], [(0, 0.3), (1, 2.5)]], 2) == {0: 0}
    assert match([[(0, 1.5), (1, 1.6)], [(0, 0.3)], [(1, 0.3)]], 2) == {1: 0, 2: 1}


costs = st.floats(0, 3)
rows = st.lists(st.dictionaries(st.integers(0, 4), costs, max_size=4), max_size=5)


@given(rows)
def test_no_other_matching_costs_less(rows: list[dict[int, float]]) -> None:
    def least(row: int, taken: frozenset[int]) -> float:
        if row == len(rows):
            return 0.0
        without = 2 + least(row + 1, taken)
        pairs = (cost + least(row + 1, taken | {each}) for each, cost in rows[row].items() if each not in taken)
        return min(without, *pairs, without)

    pairs = match([list(each.items()) for each in rows], 2)

    assert len(set(pairs.values())) == len(pairs)
    assert sum(rows[row][pairs[row]] if row in pairs else 2 for row in range(len(rows))) == pytest.approx(
        least(0, frozenset())
    )


sightings = st.builds(
    Sighting,
    st.builds(Spot, st.floats(0, 1.7), st.floats(0.1, 1)),
    st.floats(0.02, 0.4),
    st.floats(0.05, 0.9),
    st.floats(0.05, 1),
)


@given(st.lists(st.lists(sightings, max_size=6), max_size=12))
def test_an_id_is_given_once_and_a_sighting_is_one_person(frames: list[list[Sighting]]) -> None:
    following, seen = walk(frames, 4)

    assert all(len(set(ids(each))) == len(each) for each in seen)
    assert all(len({one.sighting for one in each}) == len(each) for each in seen)
    assert all(0 < one < following.next_id for each in seen for one in ids(each))


def test_who_turns_all_at_once_is_known_again_though_somebody_stands_a_step_away() -> None:
    there = [[person(0.5 + 0.15 * step, height=0.35), person(1.5, 0.9, height=0.4)] for step in range(4)]
    back = [[person(0.95, height=0.35), person(1.5, 0.9, height=0.4)], [person(0.8, height=0.35)]]

    _, seen = walk([*there, *back], 2.5)

    assert [ids(each)[0] for each in seen] == [1] * 6
