"""Frames for what moves, stills for what does not, in one sequence."""

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.edge.clip import Bgr
from pipeline.edge.device import STILL_EVERY, Calm, How, Outgoing, Pixels, State, encode, flush, look, shrink
from tests.unit.pipeline.edge.building import NOON, after, shop

HOW = How(width=480)


def run(pictures: Iterable[tuple[float, Bgr]]) -> list[Outgoing]:
    """Send pictures through, each at its second, and what was held back at the end."""
    state, sent = State(), list[Outgoing]()
    for seconds, picture in pictures:
        state, outgoing = look(state, picture, after(seconds), HOW)
        sent += outgoing
    return [*sent, *flush(state)[1]]


def empty(seconds: float, fps: float = 5) -> list[tuple[float, Bgr]]:
    return [(number / fps, shop()) for number in range(round(seconds * fps))]


def frames_of(sent: Iterable[Outgoing]) -> list[Pixels]:
    return [each for each in sent if isinstance(each, Pixels)]


def stills_of(sent: Iterable[Outgoing]) -> list[Calm]:
    return [each for each in sent if isinstance(each, Calm)]


def test_the_first_picture_is_a_reference_frame() -> None:
    (frame,) = run(empty(0.2))

    assert isinstance(frame, Pixels)
    assert (frame.sequence, frame.time, frame.reference) == (0, NOON, True)


def test_r07_where_nothing_moves_only_one_reference_frame_leaves_every_ten_seconds() -> None:
    frames = frames_of(run(empty(31)))

    assert [frame.time for frame in frames] == [after(0), after(10), after(20), after(30)]
    assert all(frame.reference for frame in frames)


def test_where_nothing_moves_there_is_one_still_a_second() -> None:
    stills = stills_of(run(empty(10)))

    assert [still.time for still in stills] == [after(each) for each in (1, 2, 3, 4, 5, 6, 7, 8, 9, 9.8)]
    assert [still.frames for still in stills] == [5] * 9 + [4]
    assert {still.since_frame for still in stills} == {0}


def test_a_still_speaks_for_its_run_of_pictures() -> None:
    first, second, *_ = stills_of(run(empty(10)))

    assert (first.since, first.time) == (after(0.2), after(1))
    assert (second.since, second.time) == (after(1.2), after(2))


def test_what_moves_is_a_frame_at_once_after_the_still_that_it_ends() -> None:
    sent = run([*empty(5.4), (5.4, shop(200))])

    still, frame = sent[-2:]
    assert isinstance(still, Calm)
    assert isinstance(frame, Pixels)
    assert (still.time, still.frames) == (after(5.2), 1)
    assert (frame.time, frame.sequence, frame.reference) == (after(5.4), still.sequence + 1, False)
    assert frame.motion_in_cells.startswith("16x9:")


def test_r07_when_what_moved_has_stopped_only_reference_frames_leave() -> None:
    moving = [(3 + number / 5, shop(200 + 20 * number)) for number in range(3)]
    standing = [(3.6 + number / 5, shop(240)) for number in range(100)]
    sent = run([*empty(3), *moving, *standing])

    assert [frame.time for frame in frames_of(sent)] == [after(each) for each in (0, 3, 3.2, 3.4, 10, 20)]
    assert [frame.time for frame in frames_of(sent) if frame.reference] == [after(0), after(10), after(20)]
    assert stills_of(sent)[-1].since_frame == frames_of(sent)[-1].sequence


def test_r07_what_has_left_is_a_frame_once_and_then_nothing_moves() -> None:
    sent = run([*empty(3), (3, shop(200)), *((3.2 + number / 5, shop()) for number in range(30))])

    assert [frame.time for frame in frames_of(sent)] == [after(0), after(3), after(3.2)]


def test_another_light_is_sent_once() -> None:
    lit = np.clip(shop().astype(int) + 60, 0, 255).astype(np.uint8)
    sent = run([*empty(3), *((3 + number / 5, lit) for number in range(10))])

    assert [frame.time for frame in frames_of(sent)] == [after(0), after(3)]


def test_somebody_moving_all_the_time_leaves_no_stills() -> None:
    sent = run((number / 5, shop(20 * (number % 20))) for number in range(100))

    assert len(frames_of(sent)) == 100
    assert [frame.time for frame in frames_of(sent) if frame.reference] == [after(0), after(10)]


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    sent = run([*empty(5), *((number / 5 - 3600, shop()) for number in range(25))])

    assert frames_of(sent)[-1].time == after(-3600)
    assert all(still.since <= still.time for still in stills_of(sent))


def test_a_wide_picture_is_shrunk_and_a_narrow_one_stays() -> None:
    assert shrink(np.zeros((1080, 1920, 3), np.uint8), 960).shape == (540, 960, 3)
    assert shrink(np.zeros((288, 384, 3), np.uint8), 960).shape == (288, 384, 3)


def test_the_jpeg_is_the_picture() -> None:
    (frame,) = frames_of(run([(0, shop(100))]))
    seen = np.asarray(cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)).astype(int)

    assert np.abs(seen - shop(100)).mean() < 3


def test_a_picture_that_would_be_too_large_is_written_less_well() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 600, 3), np.uint8)

    best, smaller = encode(noise), encode(noise, 100_000)
    assert len(best) > 100_000 >= len(smaller)
    assert np.asarray(cv2.imdecode(np.frombuffer(smaller, np.uint8), cv2.IMREAD_COLOR)).shape == noise.shape


@settings(deadline=None, max_examples=30)
@given(
    places=st.lists(st.sampled_from([None, None, None, 60, 64, 200, 300]), min_size=1, max_size=80),
    gaps=st.lists(st.sampled_from([0.1, 0.2, 0.4, 1.5, 12.0]), min_size=80, max_size=80),
)
def test_every_picture_is_told_once_and_numbers_have_no_gap(places: list[int | None], gaps: list[float]) -> None:
    times = [sum(gaps[:number]) for number in range(len(places))]
    sent = run((time, shop(place)) for time, place in zip(times, places, strict=True))

    assert [each.sequence for each in sent] == list(range(len(sent)))
    assert sum(each.frames if isinstance(each, Calm) else 1 for each in sent) == len(places)
    assert [each.time for each in sent] == sorted(each.time for each in sent)
    assert not silences(sent, timedelta(seconds=12))
    assert not bunched(sent)


def silences(sent: list[Outgoing], longest: timedelta) -> list[datetime]:
    return [later.time for earlier, later in itertools.pairwise(sent) if later.time - earlier.time > longest]


def bunched(sent: list[Outgoing]) -> list[Outgoing]:
    """Stills less than a second after another, though nothing moved in between and no frame ended them."""
    three = zip(sent, sent[1:], sent[2:], strict=False)
    return [
        second
        for first, second, third in three
        if isinstance(first, Calm) and isinstance(second, Calm) and isinstance(third, Calm)
        if second.time - first.time < STILL_EVERY
    ]
