"""From the device's gate to counts, without Kafka: what a still leaves out is not missed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.analyse.analysis import STORE, view
from models.detector import Detector
from models.images import decode_jpeg
from pipeline import watching
from pipeline.edge import device, drawn
from pipeline.edge.drawn.truth import Truth, truth
from pipeline.edge.drawn.view import ENTRANCE, FLOOR, LOITERING_AFTER, STAFF, camera
from schemas.alert import Alert
from schemas.detections import DeviceMessage, FrameDetections, FrameRef, Still
from schemas.envelope import Message, Module, Purpose
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.ids import DeviceId, NoticeId, event_id

FPS = 5
ROUND = drawn.ROUND.total_seconds()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=[2, 5], ids=lambda seed: f"drawn:{seed}")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def found(weights: Path, seed: int) -> list[Message]:
    """All that watching says of one round of a drawn shop and a little of the next."""
    detector = Detector.load(weights)
    watched = view(camera(), timedelta(seconds=15))
    renderer = drawn.Renderer(drawn.scene(seed))
    states, held = watching.CameraState(), device.State()
    said: list[Message] = []
    for index in range(int((ROUND + 2) * FPS)):
        when = NOON + timedelta(seconds=index / FPS)
        held, outgoing = device.look(held, renderer.picture(index / FPS), when, device.How(width=960))
        for each in outgoing:
            message = detected(each, detector)
            states, outputs = watching.step(
                states, message, FrameRef(topic="d", partition=0, offset=index), view=watched
            )
            said.extend((message, *outputs))
    return said


def detected(outgoing: device.Outgoing, detector: Detector) -> DeviceMessage:
    """What detecting makes of a device's message."""
    common = {
        "event_id": event_id("gated", outgoing.sequence), "store_id": STORE, "camera_id": camera().id,
        "utc_time": outgoing.time, "purpose": Purpose.CRIME_PREVENTION, "notice_id": NoticeId("door-2026"),
        "expires_at": outgoing.time + timedelta(hours=1), "module": Module(name="detecting", version="1"),
        "device_id": DeviceId("gateway-1"), "boot": 1, "sequence": outgoing.sequence,
    }  # fmt: skip
    if isinstance(outgoing, device.Calm):
        return Still(
            **common, first_sequence=outgoing.sequence, from_time=outgoing.since, frames=outgoing.frames,
            since_frame=outgoing.since_frame,
        )  # fmt: skip
    picture = decode_jpeg(outgoing.jpeg)
    return FrameDetections(
        **common, frame=FrameRef(topic="frames.v1", partition=0, offset=outgoing.sequence),
        frame_width=picture.shape[1], frame_height=picture.shape[0], detections=detector.detect(picture),
    )  # fmt: skip


@pytest.fixture(scope="module")
def true(seed: int) -> Truth:
    return truth(drawn.scene(seed), camera(), fps=0)


def total(found: list[Message], metric: Metric) -> float:
    return sum(each.values[0] for each in found if isinstance(each, FlowWindow) and each.metric is metric)


def test_r07_much_of_the_round_needs_no_frames(found: list[Message]) -> None:
    frames = sum(isinstance(each, FrameDetections) for each in found)

    assert frames < 0.6 * ROUND * FPS


def test_every_crossing_is_counted(found: list[Message], true: Truth) -> None:
    assert total(found, Metric.LINE_IN) == true.crossed(ENTRANCE, "in")
    assert total(found, Metric.LINE_OUT) == true.crossed(ENTRANCE, "out")


def test_every_person_is_followed_once(found: list[Message], true: Truth) -> None:
    assert sum(each.people_tracked or 0 for each in found if isinstance(each, CoverageWindow)) == true.people


def test_an_alert_for_each_visit_that_deserves_one(found: list[Message], true: Truth) -> None:
    zones = [each.zone_id for each in found if isinstance(each, Alert)]

    assert zones.count(STAFF) == true.visited(STAFF)
    assert zones.count(FLOOR) == true.visited(FLOOR, LOITERING_AFTER)


def test_every_picture_is_covered(found: list[Message]) -> None:
    windows = [each for each in found if isinstance(each, CoverageWindow)]

    assert [each.frames_analysed + each.stills for each in windows] == [75, 75, 75]
    assert all(each.coverage == 1 for each in found if isinstance(each, FlowWindow))
