"""Of whom an alert does not concern no head is left in a picture, whatever was or was not found; else it stays."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evidence.hide import (
    GREY,
    FaceFinder,
    Moment,
    Picture,
    Region,
    Shot,
    head_of,
    hide,
    hide_clip,
    moment_of,
    region,
    to_hide,
    with_faces,
)
from schemas.detections import Detection, FrameDetections, ObjectType
from schemas.geometry import Box
from tests.examples import FRAME, common

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WIDTH, HEIGHT = 160, 120
NOISE: Picture = np.random.default_rng(1).integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
"""Darker than what hides, so that no pixel of it looks hidden."""

PERSON = Region(20, 20, 50, 100)
OTHER = Region(100, 20, 130, 100)
FACE = Region(105, 25, 115, 37)

sides = st.floats(-60, 200, allow_nan=False)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    left, top = draw(sides), draw(sides)
    return Region(left, top, left + draw(st.floats(0.5, 120)), top + draw(st.floats(0.5, 120)))


class NoFaces:
    """Finds none."""

    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        return ()


class FaceIn:
    """Finds a face in the middle of every cut-out that is smaller than the picture, or in the picture alone."""

    def __init__(self, *, crops: bool) -> None:
        self._crops = crops

    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        is_crop = bgr.shape[0] < HEIGHT
        return (Box(left=0.4, top=0.4, right=0.6, bottom=0.6),) if is_crop == self._crops else ()


def at(seconds: float, *people: Region, faces: Sequence[Region] = ()) -> Moment:
    return Moment(NOON + timedelta(seconds=seconds), people, tuple(faces))


def shot(found: Moment | None, concerned: Region = PERSON) -> Shot:
    return Shot(NOON if found is None else found.time, NOISE, concerned, found)


def hidden(
    found: Moment | None, *between: Moment, concerned: Region = PERSON, finder: FaceFinder | None = None
) -> Picture:
    (one,) = hide_clip([shot(found, concerned)], between, finder or NoFaces())
    return one.picture


def part(picture: Picture, of: Region) -> Picture:
    left, top, right, bottom = (max(0, int(side)) for side in of)
    return picture[top:bottom, left:right]


def is_gone(picture: Picture, of: Region) -> bool:
    return bool((part(picture, of) == GREY).all())


def is_whole(picture: Picture, of: Region) -> bool:
    return bool((part(picture, of) == part(NOISE, of)).all())


# What hiding does to pixels.


@given(st.lists(regions(), max_size=6), st.integers(0, 2**32 - 1))
def test_r16_nothing_of_what_is_hidden_is_in_the_picture_whatever_it_was(where: list[Region], seed: int) -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for each in where:
        left, top, right, bottom = (max(0, int(side)) for side in each)
        mask[top : max(bottom, 0), left : max(right, 0)] = True
    changed = NOISE.copy()
    changed[mask] = np.random.default_rng(seed).integers(0, 256, (int(mask.sum()), 3), dtype=np.uint8)

    assert (hide(changed, where) == hide(NOISE, where)).all()


@given(st.lists(regions(), max_size=6))
def test_what_is_hidden_is_grey_and_the_rest_stays_but_for_its_blocks(where: list[Region]) -> None:
    shown = hide(NOISE, where)
    for each in where:
        assert is_gone(shown, each)
    gone = (shown == GREY).all(axis=2)

    assert (shown[~gone] == NOISE[~gone]).all()
    for row in range(0, HEIGHT, 8):
        for column in range(0, WIDTH, 8):
            block = gone[row : row + 8, column : column + 8]
            assert block.all() or not block.any()


def test_the_picture_itself_is_not_changed() -> None:
    before = NOISE.copy()
    hidden(at(0, PERSON, OTHER))

    assert (before == NOISE).all()


# Whose head is hidden.


@given(st.lists(regions(), max_size=5), regions())
@settings(max_examples=200)
def test_r16_no_head_is_left_but_that_of_whom_it_concerns(people: list[Region], concerned: Region) -> None:
    shown = hidden(at(0, *people, concerned), concerned=concerned)
    for each in people:
        one, other = head_of(each), head_of(concerned)
        width = max(0, min(one.right, other.right) - max(one.left, other.left))
        height = max(0, min(one.bottom, other.bottom) - max(one.top, other.top))
        shared = width * height / (one.width * one.height + other.width * other.height - width * height)

        assert shared >= 0.5 or is_gone(shown, one)


@given(st.lists(regions(), max_size=5))
def test_for_nobody_every_head_and_every_face_is_hidden(people: list[Region]) -> None:
    where = to_hide(at(0, *people, faces=people), (), None)
    shown = hide(NOISE, where)

    assert all(is_gone(shown, head_of(each)) and is_gone(shown, each) for each in people)


def test_the_concerned_box_stays_and_the_others_bodies_too() -> None:
    shown = hidden(at(0, PERSON, OTHER))

    assert is_whole(shown, PERSON)
    assert is_gone(shown, head_of(OTHER))
    assert is_whole(shown, Region(100, 60, 130, 100))


def test_of_two_boxes_on_one_body_neither_hides_it() -> None:
    assert is_whole(hidden(at(0, PERSON, Region(20, 21, 50, 80))), PERSON)


def test_a_concerned_box_that_nobody_found_in_this_picture_hides_all_of_it() -> None:
    (one,) = hide_clip([shot(at(0, OTHER))], (), NoFaces())

    assert one.whole
    assert (one.picture == GREY).all()


def test_who_stands_before_the_concerned_one_is_hidden_with_what_is_behind_their_head() -> None:
    before = Region(38, 30, 68, 110)

    shown = hidden(at(0, PERSON, before))

    assert is_gone(shown, head_of(before))
    assert is_whole(shown, Region(20, 60, 50, 100))


def test_of_one_of_whom_only_the_upper_half_is_seen_more_is_hidden() -> None:
    half = Region(90, 60, 140, 110)

    assert is_gone(hidden(at(0, PERSON, half)), Region(90, 60, 140, 88))


def test_a_face_without_a_person_is_hidden_and_a_little_more() -> None:
    assert is_gone(hidden(at(0, PERSON, faces=[FACE])), FACE.grown(0.2))


def test_the_face_of_the_concerned_one_stays_and_one_that_looks_over_their_shoulder_does_not() -> None:
    own, behind = Region(30, 24, 40, 36), Region(45, 20, 52, 28)

    shown = hidden(at(0, PERSON, faces=[behind, own]))

    assert is_whole(shown, own)
    assert is_gone(shown, behind)


@pytest.mark.parametrize("crops", [False, True])
def test_faces_are_looked_for_in_the_picture_and_around_every_head(crops: bool) -> None:
    found = with_faces(NOISE, at(0, OTHER), FaceIn(crops=crops))

    (face,) = found.faces
    expected = (head_of(OTHER) if crops else Region(0, 0, WIDTH, HEIGHT)).centre
    assert np.hypot(face.centre[0] - expected[0], face.centre[1] - expected[1]) < 3


def test_a_face_that_only_the_finder_sees_is_hidden() -> None:
    shown = hidden(at(0, PERSON), finder=FaceIn(crops=False))

    assert is_gone(shown, Region(0.4 * WIDTH, 0.4 * HEIGHT, 0.6 * WIDTH, 0.6 * HEIGHT))


# What nobody knows.


def test_r16_a_picture_of_which_nothing_is_known_is_hidden_wholly_the_concerned_box_too() -> None:
    (one,) = hide_clip([shot(None)], [at(-0.2, PERSON), at(0.2, PERSON)], NoFaces())

    assert one.whole
    assert (one.picture == GREY).all()


@pytest.mark.parametrize("found", [at(0), at(0, OTHER), at(0, PERSON._replace(left=21)), at(0, faces=[PERSON])])
def test_r16_nor_is_it_where_what_was_found_is_not_what_the_alert_was_raised_of(found: Moment) -> None:
    (one,) = hide_clip([shot(found)], [at(-0.2, PERSON), found, at(0.2, PERSON)], NoFaces())

    assert one.whole
    assert (one.picture == GREY).all()


def test_r16_where_only_parts_were_looked_at_nothing_is_left_but_the_concerned_box() -> None:
    # Whom the edge of a part cuts is found by nobody, though their head may be inside of it.
    (one,) = hide_clip([shot(at(0, PERSON)._replace(everywhere=False))], (), NoFaces())
    gone = (one.picture == GREY).all(axis=2)
    head = head_of(PERSON)
    gone[int(head.top) // 8 * 8 : 104, int(head.left) // 8 * 8 : 56] = True

    assert not one.whole
    assert is_whole(one.picture, PERSON)
    assert gone.all()


def test_there_who_stands_before_the_concerned_box_is_hidden_too() -> None:
    before = Region(38, 30, 68, 110)

    assert is_gone(hidden(at(0, PERSON, before)._replace(everywhere=False)), head_of(before))


@given(st.floats(1.05, 9), st.integers(1, 4))
def test_r16_that_nobody_was_found_where_nobody_looked_tells_of_nobodys_absence(apart: float, parts: int) -> None:
    around = [at(each * apart, PERSON, OTHER) for each in (-1, 1)]
    around += [at(each * 0.2, PERSON)._replace(everywhere=False) for each in range(-parts, parts + 1) if each]

    assert is_gone(hidden(at(0, PERSON), *around), head_of(OTHER))


def test_a_picture_in_which_only_whom_it_concerns_was_found_is_not() -> None:
    (one,) = hide_clip([shot(at(0, PERSON))], (), NoFaces())

    assert not one.whole
    assert (one.picture == NOISE).all()


# Who was there before or after.


def test_who_was_there_before_and_after_is_hidden_between() -> None:
    before, after = at(-0.2, PERSON, OTHER._replace(left=90, right=120)), at(0.2, PERSON, OTHER)

    assert is_gone(hidden(at(0, PERSON), before, after), head_of(Region(95, 20, 125, 100)))


@given(st.floats(0.05, 0.9), st.floats(0.05, 0.9), st.floats(0, 8), st.floats(0, 8))
def test_wherever_between_they_are(gap: float, other_gap: float, dx: float, dy: float) -> None:
    before, after = OTHER, Region(OTHER.left - dx, OTHER.top + dy, OTHER.right - dx, OTHER.bottom + dy)
    share = gap / (gap + other_gap)
    there = Region(*(one + share * (two - one) for one, two in zip(before, after, strict=True)))

    shown = hidden(at(0, PERSON), at(-gap, PERSON, before), at(other_gap, PERSON, after))

    assert is_gone(shown, head_of(there))


@pytest.mark.parametrize("when", [-0.8, -0.2, 0.2, 0.8])
def test_who_was_there_only_before_or_only_after_is_hidden_where_they_were(when: float) -> None:
    assert is_gone(hidden(at(0, PERSON), at(when, PERSON, OTHER)), head_of(OTHER))


@pytest.mark.parametrize("often", [0.2, 0.5, 1.0])
def test_long_before_or_after_is_another_matter(often: float) -> None:
    others = [at(each * often, PERSON) for each in range(-9, 10) if each and abs(each * often) <= 1]

    assert is_whole(hidden(at(0, PERSON), at(-1.5, PERSON, OTHER), *others, at(1.5, PERSON, OTHER)), OTHER)


@given(st.floats(1.05, 3.9), st.integers(1, 4), st.booleans(), st.booleans())
def test_r16_of_a_camera_of_few_pictures_one_miss_leaks_nobody(
    apart: float, more: int, before: bool, after: bool
) -> None:
    around = [
        at(apart * each, PERSON, *([OTHER] if (before if each < 0 else after) or before == after else []))
        for each in range(-more, more + 1)
        if each
    ]

    assert is_gone(hidden(at(0, PERSON), *around), head_of(OTHER))


def test_r16_though_one_picture_more_is_missing() -> None:
    around = [at(each, PERSON, OTHER) for each in (-6, -4.5, -3, 3, 4.5, 6)]

    assert is_gone(hidden(at(0, PERSON), *around), head_of(OTHER))


def test_who_was_near_between_two_sparse_pictures_is_hidden_on_their_way_too() -> None:
    before, after = OTHER._replace(left=84, right=114), OTHER._replace(left=116, right=146)

    assert is_gone(hidden(at(0, PERSON), at(-1.2, PERSON, before), at(1.2, PERSON, after)), head_of(OTHER))


def test_after_a_long_stillness_nobody_is_looked_for_where_they_were_before_it() -> None:
    now = [at(each * 0.2, PERSON) for each in range(1, 9)]

    assert is_whole(hidden(at(0, PERSON), at(-20.2, OTHER), at(-20, OTHER), *now), OTHER)


def test_one_who_walks_away_is_not_hidden_twice_and_hides_nobody_whom_they_have_left() -> None:
    walk = [OTHER._replace(left=100 - 12 * step, right=130 - 12 * step) for step in range(4)]
    moments = [at(-0.2 * step, PERSON._replace(left=0, right=18), each) for step, each in enumerate(walk)]

    where = to_hide(moments[0], moments[1:], PERSON._replace(left=0, right=18))

    assert where == [head_of(OTHER)]


def test_of_two_who_were_there_and_one_who_is_the_other_is_hidden_too() -> None:
    beside = Region(114, 20, 144, 100)

    shown = hidden(at(0, PERSON, OTHER), at(-0.2, PERSON, OTHER, beside), at(0.2, PERSON, OTHER, beside))

    assert is_gone(shown, head_of(OTHER))
    assert is_gone(shown, head_of(beside))


def test_the_concerned_one_who_moves_is_not_hidden_by_where_they_were() -> None:
    walk = [Region(20 + 6 * step, 20, 50 + 6 * step, 100) for step in range(-4, 5)]
    moments = [at(0.2 * step, each) for step, each in enumerate(walk, start=-4)]

    assert is_whole(hidden(moments[4], *moments[:4], *moments[5:], concerned=walk[4]), walk[4])


def test_a_face_of_nobody_that_was_seen_before_is_hidden_though_it_is_not_seen_now() -> None:
    assert is_gone(hidden(at(0, PERSON), at(-0.2, PERSON, faces=[FACE])), FACE)


def test_a_face_that_went_with_its_owner_hides_nothing_where_it_was() -> None:
    gone = OTHER._replace(left=112, right=142)

    assert to_hide(at(0, gone), [at(-0.2, OTHER, faces=[FACE])], None) == [head_of(gone)]


def test_each_picture_of_a_clip_is_hidden_by_what_is_around_it() -> None:
    moments = [at(-0.4, PERSON, OTHER), at(0, PERSON)]

    first, second = hide_clip([shot(each) for each in moments], moments, NoFaces())

    assert is_gone(first.picture, head_of(OTHER))
    assert is_gone(second.picture, head_of(OTHER))


def test_a_box_is_shares_of_a_picture() -> None:
    assert region(Box(left=0.25, top=0.5, right=0.5, bottom=1), 400, 200) == Region(100, 100, 200, 200)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0, 1))
def test_of_a_message_those_who_are_likely_enough_are_people_and_faces(likely: list[float], at_least: float) -> None:
    box = Box(left=0.25, top=0.5, right=0.5, bottom=1)
    kinds = [ObjectType.HUMAN, ObjectType.HUMAN_FACE] * 4
    found = [Detection(type=kind, likelihood=each, bounding_box=box) for kind, each in zip(kinds, likely, strict=False)]
    message = FrameDetections(
        **common("seen", device_id="gateway-1", boot=1, sequence=2, frame=FRAME),
        frame_width=400,
        frame_height=200,
        detections=tuple(found),
    )

    moment = moment_of(message, at_least)

    assert moment.everywhere
    assert not moment_of(message.model_copy(update={"regions": (box,)})).everywhere
    wanted = [each for each in found if each.likelihood >= at_least]
    assert len(moment.people) == sum(each.type is ObjectType.HUMAN for each in wanted)
    assert len(moment.faces) == sum(each.type is ObjectType.HUMAN_FACE for each in wanted)
    assert {*moment.people, *moment.faces} <= {Region(100, 100, 200, 200)}
