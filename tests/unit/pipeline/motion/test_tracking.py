from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.motion.geometry import Spot
from pipeline.motion.tracking import Following, Seen, Sighting, Tracker, follow, greedy, hold

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOW = Tracker()


def person(x: float, y: float = 0.8, likelihood: float = 0.9, height: float = 0.3) -> Sighting:
    return Sighting(Spot(x, y), height / 3, height, likelihood)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def walk(frames: list[list[Sighting]], fps: float) -> tuple[Following, list[tuple[Seen, ...]]]:
    following, all_seen = Following(), []
    for index, sightings in enumerate(frames):
        following, seen = follow(following, sightings, at(index / fps), HOW)
        all_seen.append(seen)
    return following, all_seen


def ids(seen: tuple[Seen, ...]) -> list[int]:
    return [each.track.id for each in seen]


@pytest.mark.parametrize("fps", [1.0, 2.0, 5.0, 25.0])
def test_a_walker_is_one_person_at_every_rate(fps: float) -> None:
    walker = [[person(0.2 + 0.25 * index / fps)] for index in range(int(5 * fps))]

    _, seen = walk(walker, fps)

    assert ids(seen[0]) == []
    assert all(ids(each) == [1] for each in seen[1:])


@pytest.mark.parametrize("fps", [2.0, 5.0])
def test_two_who_pass_each_other_keep_their_ids(fps: float) -> None:
    steps = range(int(5 * fps))
    frames = [[person(0.2 + 0.3 * i / fps, 0.8), person(1.6 - 0.3 * i / fps, 0.95, height=0.36)] for i in steps]

    _, seen = walk(frames, fps)

    assert [each.track.id for each in seen[-1]] == [1, 2]
    assert seen[-1][0].track.foot.x > seen[-1][1].track.foot.x


def test_one_box_makes_no_person() -> None:
    following, seen = walk([[person(0.5)], [], []], 5)

    assert following.next_id == 1
    assert all(not each for each in seen)


def test_an_unlikely_box_begins_nobody_but_keeps_somebody() -> None:
    doubtful = person(0.5, likelihood=0.3)

    _, alone = walk([[doubtful]] * 4, 5)
    _, after = walk([[person(0.5)], [person(0.5)], [doubtful]], 5)

    assert all(not each for each in alone)
    assert ids(after[-1]) == [1]


def test_somebody_out_of_sight_for_a_while_is_the_same_when_back() -> None:
    _, seen = walk([[person(0.5)]] * 3 + [[]] * 7 + [[person(0.55)]], 5)

    assert ids(seen[-1]) == [1]


def test_somebody_out_of_sight_for_too_long_is_another() -> None:
    _, seen = walk([[person(0.5)]] * 3 + [[]] * 11 + [[person(0.5)]] * 2, 5)

    assert ids(seen[-1]) == [2]


def test_nobody_walks_faster_than_people_do() -> None:
    _, seen = walk([[person(0.2)], [person(0.2)], [person(1.4)], [person(1.4)]], 5)

    assert ids(seen[-1]) == [2]


def test_half_a_person_is_no_second_one() -> None:
    whole, half = person(0.5, height=0.4), Sighting(Spot(0.5, 0.65), 0.12, 0.2, 0.8)

    following, _ = walk([[whole], [whole], [whole, half], [whole, half]], 5)

    assert following.next_id == 2


def test_who_stands_still_while_nothing_moves_is_held() -> None:
    following, _ = walk([[person(0.5)]] * 3, 5)

    following, standing = hold(following, at(60))
    _, seen = follow(following, [person(0.5)], at(60.2), HOW)

    assert [each.id for each in standing] == ids(seen) == [1]


@pytest.mark.parametrize("without", [1, 5])
def test_who_had_left_when_motion_stopped_is_not_held(without: int) -> None:
    following, _ = walk([[person(0.5)]] * 3 + [[]] * without, 5)

    following, standing = hold(following, at(60))
    _, seen = follow(following, [person(0.5)], at(60.2), HOW)

    assert not standing
    assert ids(seen) == []


def test_the_cheapest_pair_comes_first() -> None:
    costs = np.array([[0.1, 0.2], [0.15, 1e9]])

    assert greedy(costs) == [(0, 0)]


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
