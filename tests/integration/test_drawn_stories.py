"""Stories that are drawn are counted as they are: with the real detector and tracker, from the gate to the windows."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from agents.analyse.analysis import STORE, view
from models.detector import Detector
from pipeline import watching
from pipeline.edge import device, drawn
from pipeline.edge.drawn.view import ENTRANCE, FLOOR, LOITERING_AFTER, STAFF, camera
from schemas.alert import Alert
from schemas.detections import FrameRef, Tick
from schemas.envelope import Message, Module, Purpose
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.ids import NoticeId, event_id
from tests.integration.test_watching_gated import NOON, detected

FPS = 5


class Counts(NamedTuple):
    came_in: float
    went_out: float
    people: int
    staff: int
    long_stays: int


def counted(name: str, detector: Detector) -> Counts:
    """What watching says of a whole story."""
    staged, watched = drawn.named(name), view(camera(), timedelta(seconds=15))
    renderer, held, state = drawn.Renderer(staged), device.State(), watching.CameraState()
    said: list[Message] = []
    for index in range(int(staged.length * FPS)):
        when = NOON + timedelta(seconds=index / FPS)
        held, outgoing = device.look(held, renderer.picture(index / FPS), when, device.How(width=960))
        for each in outgoing:
            at = FrameRef(topic="d", partition=0, offset=index)
            state, outputs = watching.step(state, detected(each, detector), at, view=watched)
            said += outputs
    end = FrameRef(topic="d", partition=0, offset=1_000_000)
    _, outputs = watching.step(state, _tick(staged.length + 60), end, view=watched)
    said += outputs
    zones = [each.zone_id for each in said if isinstance(each, Alert)]
    people = sum(each.people_tracked or 0 for each in said if isinstance(each, CoverageWindow))
    return Counts(
        _total(said, Metric.LINE_IN), _total(said, Metric.LINE_OUT), people, zones.count(STAFF), zones.count(FLOOR)
    )


def true(name: str) -> Counts:
    told = drawn.truth(drawn.named(name), camera(), fps=0)
    crossed = told.crossed(ENTRANCE, "in"), told.crossed(ENTRANCE, "out")
    return Counts(*crossed, told.people, told.visited(STAFF), told.visited(FLOOR, LOITERING_AFTER))


@pytest.fixture(scope="module")
def detector(weights: Path) -> Detector:
    return Detector.load(weights)


@pytest.mark.parametrize("name", ["drawn:280?crossings&stops&staff&seconds=45", "drawn:6?trolleys&seconds=40"])
def test_where_nobody_hides_another_every_number_is_exact(name: str, detector: Detector) -> None:
    assert counted(name, detector) == true(name)


def test_where_people_meet_and_children_walk_along_every_crossing_is_counted(detector: Detector) -> None:
    name = "drawn:5?occlusion&children&seconds=45"

    assert counted(name, detector)[:2] == true(name)[:2]


def test_in_a_busy_shop_four_of_five_crossings_are_counted(detector: Detector) -> None:
    """There somebody is behind another for a third of the time: not every one of them can be told."""
    name = "drawn:7?busy&seconds=30"
    found, truly = counted(name, detector), true(name)

    assert found.came_in + found.went_out == pytest.approx(truly.came_in + truly.went_out, rel=0.2)
    assert found.people == pytest.approx(truly.people, rel=0.3)


def _total(said: list[Message], metric: Metric) -> float:
    return sum(each.values[0] for each in said if isinstance(each, FlowWindow) and each.metric is metric)


def _tick(seconds: float) -> Tick:
    now = NOON + timedelta(seconds=seconds)
    return Tick(
        event_id=event_id("tick", now),
        store_id=STORE,
        camera_id=camera().id,
        utc_time=now,
        purpose=Purpose.CRIME_PREVENTION,
        expires_at=now + timedelta(hours=1),
        notice_id=NoticeId("none"),
        module=Module(name="test", version="1"),
    )
