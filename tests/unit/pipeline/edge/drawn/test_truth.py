"""The truth beside a drawn scene is that of its pictures, and leaves nothing to guess."""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.edge.drawn import ENTRANCE, FLOOR, ROUND, STAFF, Renderer, Truth, camera, scene, toml, truth
from pipeline.edge.drawn.figure import HEIGHT
from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH, height_at
from pipeline.edge.drawn.view import LOITERING_AFTER
from schemas.estate import load_camera
from schemas.geometry import Box

SECONDS = ROUND.total_seconds()
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=200, deadline=None)
@given(seed=seeds)
def test_every_round_has_the_same_story(seed: int) -> None:
    told = truth(scene(seed), camera(), fps=0)

    assert (told.people, told.crossed(ENTRANCE, "in"), told.crossed(ENTRANCE, "out")) == (5, 4, 2)
    assert (told.visited(STAFF), told.visited(FLOOR), told.visited(FLOOR, LOITERING_AFTER * 1.5)) == (2, 4, 1)


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_nobody_is_in_sight_at_the_seam_and_everybody_walks_out(seed: int) -> None:
    for person in scene(seed).people:
        first, last = person.path[0], person.path[-1]

        assert 0 < first.at < last.at < SECONDS
        assert all(not 0 <= knot.x <= WIDTH for knot in (first, last))


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_people_never_come_close_enough_to_hide_each_other(seed: int) -> None:
    staged = scene(seed)
    for seconds in np.arange(0, SECONDS, 0.2):
        for one, other in combinations(staged.poses(float(seconds)), 2):
            assert abs(one.x - other.x) > 0.55 * max(height_at(one.y), height_at(other.y))


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_nobody_comes_in_where_somebody_has_just_gone_out(seed: int) -> None:
    paths = [person.path for person in scene(seed).people]
    for gone, comes in product((path[-1] for path in paths), (path[0] for path in paths)):
        if gone.x == comes.x:
            assert (comes.at - gone.at) % SECONDS > 3


@settings(max_examples=50, deadline=None)
@given(seed=seeds)
def test_people_are_as_tall_as_detectors_like_them(seed: int) -> None:
    heights = [height_at(knot.y) for person in scene(seed).people for knot in person.path]

    assert 150 < min(heights) < max(heights) < HEIGHT


@pytest.mark.parametrize("rounds", [2, 3])
def test_rounds_add_up(rounds: int) -> None:
    told = truth(scene(5), camera(), SECONDS * rounds, fps=0)

    assert (told.people, len(told.crossings), len(told.visits)) == (5 * rounds, 6 * rounds, 6 * rounds)
    assert {each.person for each in told.crossings} <= set(range(1, 5 * rounds + 1))


def test_a_time_in_the_middle_counts_what_has_happened_by_then() -> None:
    whole = truth(scene(5), camera(), fps=0)
    third = sorted(whole.crossings, key=lambda each: each.at)[2].at

    part = truth(scene(5), camera(), third, fps=0)

    assert part.crossings == whole.crossings[:2]
    assert all(each.end <= third for each in part.visits)


def test_boxes_are_where_the_pictures_differ_from_the_empty_shop() -> None:
    staged = scene(2)
    draw = Renderer(staged)
    empty = draw.picture(0).astype(int)
    told = truth(staged, camera(), fps=1)
    for frame in told.frames:
        changed = (np.abs(draw.picture(frame.at).astype(int) - empty).max(axis=2) > 12).astype(np.uint8)
        for person in frame.people:
            left, top, right, bottom = _pixels(person.bounding_box)
            # A margin of one pixel: the outermost is half cloth, half shop.
            changed[top - 1 : bottom + 1, max(left - 1, 0) : right + 1] = 0

        assert not changed.any()


def test_boxes_stand_on_the_path() -> None:
    staged = scene(2)
    told = truth(staged, camera(), fps=2)
    for frame in told.frames:
        feet = {pose.person.number: pose for pose in staged.poses(frame.at)}
        for person in frame.people:
            if person.visible == 1:
                pose, foot = feet[person.person], person.bounding_box.foot

                assert abs(foot.y * PIXELS_HIGH - pose.y) <= 1
                assert abs(foot.x * WIDTH - pose.x) < 0.2 * height_at(pose.y)


def test_truth_and_camera_go_through_their_files(tmp_path: Path) -> None:
    told = truth(scene(3), camera(), 4, fps=5)
    (tmp_path / "camera.toml").write_text(toml(camera()), encoding="utf-8")

    assert Truth.model_validate_json(told.model_dump_json()) == told
    assert load_camera(tmp_path / "camera.toml") == camera()


def _pixels(box: Box) -> tuple[int, int, int, int]:
    return (
        round(box.left * WIDTH),
        round(box.top * PIXELS_HIGH),
        round(box.right * WIDTH),
        round(box.bottom * PIXELS_HIGH),
    )
