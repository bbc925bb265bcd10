"""What watching makes of people whom nobody looked at: outside of regions, and in frames that were passed over."""

import json
from collections.abc import Callable

import pytest

from pipeline.watching import CameraState, dumps, loads
from schemas.detections import Erased, FrameDetections, Skipped, Still
from schemas.envelope import Message
from schemas.flow import FlowWindow, Metric
from schemas.geometry import Box
from schemas.ids import KeyId
from tests.unit.pipeline.test_watching import FPS, alerts, at, frame, ordered, ref, run, still, tick, total

Passed = Callable[[int], Message]


def around(sequence: int, x: float, *people: float) -> FrameDetections:
    """Only what is around a place was looked at."""
    region = Box(left=x - 0.12, top=0, right=x + 0.12, bottom=1)
    return frame(sequence, *people).model_copy(update={"regions": (region,)})


def passed_over(sequence: int) -> Skipped:
    return Skipped(**ordered(sequence / FPS, sequence, first_sequence=sequence, frame=ref(sequence), reason="profile"))


def shed(sequence: int) -> Skipped:
    return Skipped(**ordered(sequence / FPS, sequence, first_sequence=sequence, frame=ref(sequence), reason="shed"))


def erased(sequence: int) -> Erased:
    return Erased(**ordered(sequence / FPS, sequence, frame=ref(sequence), key_id=KeyId("k-1")))


def lost(_: int) -> None:
    return None


def stills(since_frame: int, first: int, last: int) -> list[Still]:
    """Nothing has moved since a frame: one still a second."""
    return [
        still(number, min(number + FPS - 1, last)).model_copy(update={"since_frame": since_frame})
        for number in range(first, last + 1, FPS)
    ]


def path(number: int) -> float:
    """Somebody walks to and fro on the right."""
    return 0.7 + 0.01 * (number % 20 if number % 40 < 20 else 20 - number % 20)


def warmth(found: list[Message]) -> float:
    """Person-seconds on the maps."""
    maps = (each for each in found if isinstance(each, FlowWindow) and each.metric is Metric.HEAT)
    return sum(sum(each.values) for each in maps)


WALKER = [around(number, path(number), path(number)) for number in range(2, 62)]
BOTH = [frame(number, 0.25, path(number)) for number in range(2)]


def test_whoever_stands_where_was_not_looked_is_who_they_were_and_stands_there() -> None:
    state, found = run([*BOTH, *WALKER, frame(62, 0.25, path(62))])

    assert state.following.people == 2
    assert [(each.zone_id, each.first, each.since) for each in state.visits][:1] == [("left", 1, at(0))]
    assert [each.utc_time for each in alerts(found) if each.zone_id == "left"] == [at(10)]
    assert [each.seen == each.looks for each in state.standings.all if each.box[0] < 0.5] == [True]


def test_they_count_as_in_whole_frames() -> None:
    whole = [frame(number, 0.25, path(number)) for number in range(62)]

    told = [run([*some, tick(60)])[1] for some in ([*BOTH, *WALKER], whole)]

    assert total(told[0], Metric.OCCUPANCY) == total(told[1], Metric.OCCUPANCY) > 0
    assert warmth(told[0]) == warmth(told[1]) > 0


def test_nobody_new_takes_over_the_visit_of_somebody_who_stands_where_was_not_looked() -> None:
    beside = [around(number, 0.44, 0.44) for number in range(2, 10)]

    state, _ = run([frame(0, 0.25), frame(1, 0.25), *beside])

    assert [(each.first, each.track) for each in state.visits] == [(1, 1), (2, 2)]


def test_whoever_is_gone_from_where_was_looked_is_missed() -> None:
    gone = [around(number, 0.25) for number in range(2, 20)]

    state, _ = run([frame(0, 0.25), frame(1, 0.25), *gone])

    assert [each.until for each in state.visits] in ([], [at(0.2)])
    assert all(each.seen == at(0.2) for each in state.following.tracks)
    assert state.standings.all[0].seen == 1


def test_of_somebody_of_whom_less_than_half_was_looked_at_nothing_is_said() -> None:
    beside, most = ([around(number, x) for number in range(2, 30)] for x in (0.38, 0.36))

    held, missed = (run([frame(0, 0.25), frame(1, 0.25), *some])[0] for some in (beside, most))

    assert [each.seen for each in held.following.tracks] == [at(29 / FPS)]
    assert not missed.visits


@pytest.mark.parametrize("unseen", [passed_over, shed, erased])
def test_whoever_may_have_gone_in_a_frame_that_nobody_looked_at_is_not_taken_to_stand_there(unseen: Passed) -> None:
    before = [frame(0, 0.25, path(0)), frame(1, 0.25, path(1)), unseen(2)]
    state, found = run([*before, *WALKER[1:40], *stills(41, 42, 55)])

    assert [each.until for each in state.visits if each.zone_id == "left"] == [at(0.2)]
    assert not [each for each in alerts(found) if each.zone_id == "left"]
    assert [each.seen for each in state.standings.all if each.box[0] < 0.5] == [1]

    after, found = run([frame(56, 0.25, path(41))], state)
    assert after.following.people == 2
    assert [each.utc_time for each in alerts(found) if each.zone_id == "left"] == [at(11.2)]


SEEN = [frame(number, 0.25) for number in range(0, 21, 2)]
EVERY_SECOND = [
    each for number in range(20) for each in ((SEEN[number // 2],) if number % 2 == 0 else (passed_over(number),))
]
CALM = stills(21, 22, 51)
UNSEEN = pytest.mark.parametrize("unseen", [passed_over, shed, erased, lost])


def before(unseen: Callable[[int], Message | None]) -> list[Message]:
    """Somebody is seen in every other frame; then comes one that nobody looks at, in which they may go or stay."""
    last = unseen(21)
    return [*EVERY_SECOND, frame(20, 0.25), *([last] if last else []), *CALM]


@UNSEEN
def test_who_left_in_a_frame_that_nobody_looked_at_is_no_ghost(unseen: Callable[[int], Message | None]) -> None:
    during, none = run(before(unseen))
    after, found = run([frame(52), *stills(52, 53, 90), tick(60)], during, since=100)

    assert [each.until for each in during.visits] == [at(4)]
    assert [(each.looks, each.seen) for each in during.standings.all] == [(1, 1)]
    assert alerts(none) == alerts(found) == []
    assert after.visits == ()
    assert total([*none, *found], Metric.OCCUPANCY) == pytest.approx(4 / 15, abs=1e-3)


@UNSEEN
def test_who_stood_on_from_a_frame_that_nobody_looked_at_is_who_they_were(
    unseen: Callable[[int], Message | None],
) -> None:
    state, found = run([*before(unseen), frame(52, 0.25)])

    assert state.following.people == 1
    assert [(each.track, each.since, each.until) for each in state.visits] == [(1, at(0), at(10.4))]
    assert [each.utc_time for each in alerts(found)] == [at(10.4)]

    after, _ = run(stills(52, 53, 60), state, since=100)
    assert [each.until for each in after.visits] == [at(12)]


def test_who_went_on_in_a_frame_that_nobody_looked_at_is_looked_for_where_they_can_have_got() -> None:
    walking = [frame(number, 0.1 + 0.01 * number) for number in range(0, 21, 2)]
    walk = [
        each
        for number in range(20)
        for each in ((walking[number // 2],) if number % 2 == 0 else (passed_over(number),))
    ]

    state, _ = run([*walk, walking[10], passed_over(21), *CALM, frame(52, 0.31)])

    assert [(each.id, each.hits) for each in state.following.tracks] == [(1, 12)]


def test_who_moves_in_none_but_the_frames_that_are_passed_over_is_who_they_were() -> None:
    fidgets: list[Message] = []
    for number in range(21, 60, 2):
        fidgets += [passed_over(number), *stills(number, number + 1, number + 1)]

    state, _ = run([*EVERY_SECOND, frame(20, 0.25), *fidgets, frame(62, 0.25)])

    assert state.following.people == 1
    assert [(each.since, each.until) for each in state.visits] == [(at(0), at(12.4))]


def test_who_is_not_looked_for_in_time_is_waited_for_no_longer() -> None:
    state, found = run([*EVERY_SECOND, frame(20, 0.25), passed_over(21), *stills(21, 22, 100)])
    after, _ = run([frame(101, 0.25), frame(102, 0.25)], state)

    assert state.visits == ()
    assert alerts(found) == []
    assert after.following.people == 2


def test_a_picture_in_which_somebody_is_missed_once_more_ends_the_wait_as_always() -> None:
    missed = [*before(passed_over), frame(52)]

    found_again, _ = run([*missed, frame(53), frame(54, 0.25)])
    gone, _ = run([*missed, *(frame(number) for number in range(53, 70)), frame(70, 0.25), frame(71, 0.25)])

    assert found_again.following.people == 1
    assert gone.following.people == 2


def test_frames_that_are_passed_over_between_others_change_nothing() -> None:
    with_them, _ = run([*EVERY_SECOND, frame(20, 0.25), *stills(20, 21, 50)])

    assert [each.until for each in with_them.visits] == [at(10)]


def test_a_state_of_before_looks_were_numbered_is_still_read() -> None:
    state, _ = run([*before(passed_over)])
    written = json.loads(dumps(state))
    del written["looked"], written["whole"]
    for track in written["following"]["tracks"]:
        track.pop("calm")

    old = loads(json.dumps(written).encode())
    after, _ = run([frame(52, 0.25)], old, since=100)

    assert loads(dumps(state)) == state
    assert (old.looked, old.visits) == (CameraState().looked, state.visits)
    assert after.following.people == 1
