from datetime import UTC, datetime, timedelta

import numpy as np

from agents.analyse.analysis import Analysed
from agents.analyse.render import hidden
from agents.analyse.results import mot_lines, quantiles
from pipeline.motion.geometry import Spot
from pipeline.motion.tracking import Seen, Track
from pipeline.watching import Noticed
from schemas.detections import Detection, FrameDetections, FrameRef, ObjectType
from schemas.envelope import Module, Purpose
from schemas.geometry import Box
from schemas.ids import CameraId, DeviceId, NoticeId, StoreId, event_id

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FACE = Detection(type=ObjectType.HUMAN_FACE, likelihood=0.9, bounding_box=Box(left=0.8, top=0.1, right=0.9, bottom=0.2))
PERSON = Detection(type=ObjectType.HUMAN, likelihood=0.75, bounding_box=Box(left=0.25, top=0.2, right=0.5, bottom=0.8))
NOISE = np.random.default_rng(1).integers(0, 256, (200, 400, 3), dtype=np.uint8)


def message(*detections: Detection) -> FrameDetections:
    return FrameDetections(
        event_id=event_id("render"), store_id=StoreId("clip"), camera_id=CameraId("clip"), utc_time=NOON,
        purpose=Purpose.CRIME_PREVENTION, expires_at=NOON + timedelta(hours=1), notice_id=NoticeId("clip"),
        module=Module(name="x", version="1"), device_id=DeviceId("clip"), boot=0, sequence=0,
        frame=FrameRef(topic="clip", partition=0, offset=7), frame_width=400, frame_height=200, detections=detections,
    )  # fmt: skip


def colours(picture: np.ndarray) -> int:
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def test_of_a_head_nothing_is_left_and_of_the_body_all() -> None:
    shown = hidden(NOISE, message(PERSON))

    assert colours(shown[36:100, 100:200]) == 1
    assert (shown[104:160, 100:200] == NOISE[104:160, 100:200]).all()


def test_of_a_face_nothing_is_left() -> None:
    shown = hidden(NOISE, message(FACE))

    assert colours(shown[16:44, 312:368]) == 1


def test_the_source_picture_stays_as_it_is() -> None:
    before = NOISE.copy()

    hidden(NOISE, message(PERSON, FACE))

    assert (before == NOISE).all()


def test_a_track_is_a_line_of_motchallenge_in_the_pixels_of_the_source() -> None:
    track = Track(
        id=3, known=True, born=NOON, seen=NOON, hits=2, missed=0, hidden=False, foot=Spot(0.75, 0.8), width=0.5,
        height=0.6, speed=Spot(0, 0), doubt=0, place=Spot(0.75, 0.8), began=Spot(0.75, 0.8),
    )  # fmt: skip
    analysed = Analysed(7, NOISE, message(FACE, PERSON), Noticed(seen=(Seen(track, 0),)))

    assert list(mot_lines(analysed)) == ["7,3,100.00,40.00,100.00,120.00,0.750,-1,-1,-1"]


def test_a_percentile_is_one_of_the_times() -> None:
    assert quantiles([]) == {"p50": 0.0, "p95": 0.0}
    assert quantiles([float(each) for each in range(1, 101)]) == {"p50": 50.0, "p95": 95.0}
