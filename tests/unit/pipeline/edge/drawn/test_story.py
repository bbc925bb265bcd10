"""Stories are what their names say, for any seed and length, and their truth is that of their pictures."""

import hashlib
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.edge.drawn import ENTRANCE, FLOOR, STAFF, Renderer, UnknownScene, camera, named, scene, truth
from pipeline.edge.drawn.figure import HEIGHT
from pipeline.edge.drawn.lens import TURNED, light
from pipeline.edge.drawn.name import PEOPLE, PICTURE, TAMPER, read
from pipeline.edge.drawn.scene import WIDTH, height_at

seeds = st.integers(0, 2**32 - 1)
APART = ("crossings", "stops", "staff", "trolleys")


def test_a_bare_number_is_the_round_of_its_seed() -> None:
    assert named("drawn:5").people == scene(5).people


@pytest.mark.parametrize(
    "name",
    ["drawn:", "drawn:x", "drawn:1?theft", "drawn:1?groups=3", "drawn:1?covered", "drawn:1?seconds=1", "drawn:-1"],
)
def test_a_name_that_nobody_knows_is_refused_and_told(name: str) -> None:
    with pytest.raises(UnknownScene, match=r"drawn:|none of|alone|such as|seconds"):
        named(name)


def test_the_order_of_the_words_does_not_matter() -> None:
    assert read("drawn:3?shake&groups&seconds=90") == read("drawn:3?seconds=90&groups&shake")


@settings(max_examples=15)
@given(seed=seeds, word=st.sampled_from(sorted(PEOPLE)))
def test_every_story_begins_and_ends_with_an_empty_shop(seed: int, word: str) -> None:
    staged = named(f"drawn:{seed}?{word}&seconds=40")

    assert staged.people
    assert not staged.poses(0.0)
    assert not staged.poses(39.9)
    assert [each.number for each in staged.people] == list(range(1, len(staged.people) + 1))
    assert all(not 0 <= knot.x <= WIDTH for each in staged.people for knot in (each.path[0], each.path[-1]))


@settings(max_examples=10)
@given(seed=seeds)
def test_whoever_is_not_meant_to_meet_keeps_apart(seed: int) -> None:
    staged = named(f"drawn:{seed}?{'&'.join(APART)}")
    for at in np.arange(0, staged.length, 0.5):
        for one, other in combinations(staged.poses(float(at)), 2):
            assert abs(one.x - other.x) > 0.55 * max(height_at(one.y), height_at(other.y))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_grown_ups_are_as_tall_as_detectors_like_them(seed: int) -> None:
    people = named(f"drawn:{seed}?{'&'.join(PEOPLE)}&seconds=90").people

    assert all(150 < height_at(knot.y) < HEIGHT for each in people for knot in each.path)
    assert {each.tall for each in people} == {1.0, 0.66}
    assert any(each.pushes for each in people)


def test_a_story_may_be_long_and_goes_on_being_told() -> None:
    told = truth(named("drawn:1?crossings&stops&staff&seconds=3600"), camera(), fps=0)

    assert told.people > 300
    assert told.crossings[-1].at > 3500
    assert min(told.crossed(ENTRANCE, "in"), told.crossed(ENTRANCE, "out"), told.visited(STAFF)) > 50
    assert told.stayed(FLOOR)[-1] > 10


@pytest.mark.parametrize(("share", "least", "most"), [(40, 0.25, 0.45), (10, 0.05, 0.12)])
def test_people_are_about_for_the_share_of_the_time_that_was_asked_for(share: int, least: float, most: float) -> None:
    staged = named(f"drawn:2?crossings&active={share}&seconds=1200")
    about = np.mean([any(0 < each.x < WIDTH for each in staged.poses(float(at))) for at in range(1200)])

    assert least < about < most


def test_a_busy_shop_is_never_empty_once_it_is_open() -> None:
    staged = named("drawn:3?busy&seconds=60")
    inside = [sum(0 < each.x < WIDTH for each in staged.poses(float(at))) for at in range(12, 50)]

    assert min(inside) >= 2
    assert np.mean(inside) > 4


def test_who_is_nearer_hides_whoever_is_behind() -> None:
    frames = truth(named("drawn:7?occlusion&seconds=30"), camera(), fps=10).frames
    together = [frame for frame in frames if len(frame.people) == 2]
    hidden = min(person.visible for frame in together for person in frame.people if person.bounding_box.left > 0.2)

    assert hidden < 0.5
    assert max(person.visible for frame in together for person in frame.people) == 1


def test_a_trolley_hides_legs() -> None:
    frames = truth(named("drawn:7?trolleys&seconds=30"), camera(), fps=2).frames
    middle = [each.visible for frame in frames for each in frame.people if 0.3 < each.bounding_box.foot.x < 0.7]

    assert 0.6 < min(middle) < 1


@pytest.mark.parametrize("word", sorted(PICTURE))
def test_what_the_lens_does_depends_on_name_and_time_alone(word: str) -> None:
    first, again = Renderer(named(f"drawn:4?{word}")), Renderer(named(f"drawn:4?{word}"))

    assert [_hash(first.picture(at)) for at in (3.0, 27.3)] == [_hash(again.picture(at)) for at in (3.0, 27.3)]
    assert _hash(first.picture(27.3)) != _hash(Renderer(scene(4)).picture(27.3))


@pytest.mark.parametrize("word", sorted(TAMPER))
def test_what_is_done_to_the_camera_begins_and_ends_and_is_told(word: str) -> None:
    staged = named(f"drawn:4?{word}=10.1-20")
    draw, plain = Renderer(staged), Renderer(scene(4))
    told = truth(staged, camera(), fps=0)

    same = [_hash(draw.picture(at)) == _hash(plain.picture(at)) for at in (9.4, 12.3, 27.3)]
    assert same == [True, False, True]
    assert [(each.what, each.begin, each.end) for each in told.tampering] == [(word, 10.1, 20)]
    assert told.crossings == truth(scene(4), camera(), fps=0).crossings


@pytest.mark.parametrize("name", ["drawn:4?covered=0", "drawn:4?cloth=0&noise", "drawn:4?moved=0&shake&lights"])
def test_every_picture_says_that_it_is_drawn(name: str) -> None:
    plain = Renderer(scene(4)).picture(9.4)

    assert np.array_equal(Renderer(named(name)).picture(9.4)[:37, :293], plain[:37, :293])


def test_nobody_can_be_seen_through_a_cover() -> None:
    told = truth(named("drawn:4?covered=0-20&seconds=60"), camera(), fps=1)
    before = [each.visible for frame in told.frames[:20] for each in frame.people]

    assert before
    assert set(before) == {0}


def test_boxes_go_with_a_camera_that_is_turned() -> None:
    plain, turned = Renderer(scene(4)), Renderer(named("drawn:4?moved=0"))

    (one, *_), (other, *_) = plain.boxes(12.0), turned.boxes(12.0)
    assert (other.box[0] - one.box[0], other.box[1] - one.box[1]) == TURNED


def test_light_changes_slowly_and_at_once() -> None:
    values = [light(at / 2) for at in range(120)]
    steps = np.abs(np.diff(values))

    assert min(values) > 0.5
    assert max(values) < 0.9
    assert sum(steps > 0.1) == 2
    assert sorted(steps)[-3] < 0.02


def _hash(picture: np.ndarray) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()
