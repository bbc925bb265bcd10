"""What ails a camera is told apart within half a minute, and what ails none is not told."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from pipeline.edge import gate, health
from pipeline.edge.clip import Bgr
from pipeline.edge.drawn import Renderer, scene
from pipeline.edge.health import AGAIN, RULES, State
from schemas.health import CameraState
from tests.unit.pipeline.edge.building import NOON, after
from tests.unit.pipeline.edge.tampering import AFTER, AILING, WELL, cut, seen, told


@pytest.fixture(scope="module")
def pictures() -> list[Bgr]:
    """A drawn shop, people walking in it."""
    renderer = Renderer(scene(4))
    return [renderer.picture(float(at)) for at in np.arange(0, 45, 3.1)]


@pytest.mark.parametrize("name", AILING)
def test_what_ails_a_camera_is_told_apart_within_half_a_minute(pictures: list[Bgr], name: str) -> None:
    tamper, ailment = AILING[name]
    said = told(pictures, tamper)

    assert [each.state for each in said if each.time < after(AFTER)] == [CameraState.WELL]
    changed = next(each for each in said if each.state is not CameraState.WELL)
    assert {each.state for each in said[said.index(changed) :]} == {ailment}
    assert timedelta(seconds=8) <= changed.time - after(AFTER) <= timedelta(seconds=30)
    assert timedelta(0) <= changed.since - after(AFTER) <= timedelta(seconds=10)


@pytest.mark.parametrize("name", WELL)
def test_neither_light_nor_noise_nor_a_crowd_ails_a_camera(pictures: list[Bgr], name: str) -> None:
    assert {each.state for each in told(pictures, WELL[name])} == {CameraState.WELL}


def test_the_very_same_picture_for_twenty_seconds_is_frozen(pictures: list[Bgr]) -> None:
    said = told(pictures, lambda _, at: cut(pictures[3]))

    changed = next(each for each in said if each.state is not CameraState.WELL)
    assert changed.state is CameraState.FROZEN
    assert changed.numbers is not None
    assert changed.numbers.same_for >= RULES.frozen_after.total_seconds()
    assert changed.time - after(AFTER) <= timedelta(seconds=34)


def test_a_camera_that_is_uncovered_is_well_again(pictures: list[Bgr]) -> None:
    def briefly(picture: Bgr, at: float) -> Bgr:
        return AILING["black"][0](picture, at) if at < AFTER + 24 else WELL["nothing"](picture, at)

    states = [each.state for each in told(pictures, briefly)]

    assert states == [CameraState.WELL, CameraState.COVERED, CameraState.WELL]


def test_what_passes_within_seconds_is_not_told(pictures: list[Bgr]) -> None:
    def briefly(picture: Bgr, at: float) -> Bgr:
        return AILING["black"][0](picture, at) if at < AFTER + 6 else WELL["nothing"](picture, at)

    assert {each.state for each in told(pictures, briefly)} == {CameraState.WELL}


def test_a_camera_that_begins_covered_is_told_so_and_learns_once_it_sees(pictures: list[Bgr]) -> None:
    dark = np.zeros((135, 240), np.uint8)
    usual = [gate.small(each) for each in pictures]
    said = seen((at, dark if at < 30 else usual[at % len(usual)]) for at in range(0, 100, 2))

    assert [each.state for each in said][:2] == [CameraState.COVERED, CameraState.WELL]
    assert said[0].time <= after(20)


def test_a_state_is_told_again_every_minute(pictures: list[Bgr]) -> None:
    usual = [gate.small(each) for each in pictures]
    said = seen((at, usual[at % len(usual)]) for at in range(0, 300, 2))

    assert {each.state for each in said} == {CameraState.WELL}
    assert [later.time - earlier.time for earlier, later in pairwise(said)] == [AGAIN] * 4
    assert len({each.since for each in said}) == 1


def test_between_looks_nothing_is_measured(pictures: list[Bgr]) -> None:
    gray = gate.small(pictures[0])
    state, _ = health.look(State(), gray, NOON)
    state, _ = health.look(state, gate.small(pictures[1]), after(0.2))

    assert state.measured == NOON
    assert state.arrived == after(0.2)


def test_a_camera_without_pictures_is_silent_and_well_again_with_them(pictures: list[Bgr]) -> None:
    usual = [gate.small(each) for each in pictures]
    state, said = State(), list[CameraState]()
    for at in range(0, 160, 2):
        if 60 <= at < 100:
            state, found = health.silence(state, after(at))
        else:
            state, found = health.look(state, usual[at % len(usual)], after(at))
        said += [] if found is None else [found.state]

    assert said == [CameraState.WELL, CameraState.SILENT, CameraState.WELL]


def test_a_camera_that_never_gave_a_picture_is_silent() -> None:
    state, first = health.silence(State(), NOON)
    state, early = health.silence(state, after(15))
    state, found = health.silence(state, after(20))

    assert (first, early) == (None, None)
    assert found is not None
    assert (found.state, found.since, found.numbers) == (CameraState.SILENT, NOON, None)


def test_a_picture_of_another_size_is_learnt_anew(pictures: list[Bgr]) -> None:
    usual = [gate.small(each) for each in pictures]
    other = [each[:100, :180] for each in usual]
    said = seen((at, (usual if at < 60 else other)[at % len(usual)]) for at in range(0, 130, 2))

    assert {each.state for each in said} == {CameraState.WELL}


def test_a_clock_that_is_set_back_stops_nothing(pictures: list[Bgr]) -> None:
    usual = [gate.small(each) for each in pictures]
    said = seen((at if at < 60 else at - 3600, usual[at % len(usual)]) for at in range(0, 120, 2))

    assert [each.time < NOON for each in said] == [False, True]
