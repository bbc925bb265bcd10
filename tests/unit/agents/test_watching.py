"""Only what the estate's own cameras and devices said is followed."""

from typing import Any

import pytest

from agents.watching import is_repeat, remains, step, views_of
from pipeline.errors import Rejected
from pipeline.received import Received
from schemas.detections import FrameDetections, FrameRef
from schemas.ids import CameraId, DeviceId, StoreId
from schemas.regulation import Regulation
from tests.examples import examples
from tests.unit.pipeline.test_opening import ESTATE

SEEN = next(each for each in examples() if isinstance(each, FrameDetections))
VIEWS = views_of(ESTATE, {store.id: Regulation(version="1") for store in ESTATE.stores})


def follow(message: FrameDetections) -> Any:
    return step(None, Received(message, FrameRef(topic="detections.v1", partition=0, offset=0)), views=VIEWS)


def test_what_the_cameras_own_device_said_is_followed() -> None:
    state, _messages = follow(SEEN)

    assert (state.device, state.boot, state.sequence) == (SEEN.device_id, SEEN.boot, SEEN.sequence)


def test_a_repeated_number_is_told_apart_and_changes_nothing() -> None:
    first = Received(SEEN, FrameRef(topic="detections.v1", partition=0, offset=0))
    again = Received(SEEN, FrameRef(topic="detections.v1", partition=0, offset=1))
    state, _messages = step(None, first, views=VIEWS)
    after, messages = step(state, again, views=VIEWS)

    assert not is_repeat(None, state, first)
    assert is_repeat(state, after, again)
    assert not messages


def test_r20_of_a_camera_that_left_the_estate_nothing_remains_and_of_a_silent_one_nobody() -> None:
    state, _messages = follow(SEEN)

    assert state.following.tracks
    assert remains(f"{SEEN.store_id}/nowhere", state, views=VIEWS) is None
    left = remains(SEEN.key, state, views=VIEWS)
    assert left is not None
    assert not left.following.tracks
    assert left.sequence == SEEN.sequence


def test_r20_the_state_lives_no_longer_than_frames() -> None:
    found = {view.remembers for view in VIEWS.values()}

    assert found == {ESTATE.frame_ttl}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"store_id": StoreId("nowhere")}, "unknown_camera"),
        ({"camera_id": CameraId("nowhere")}, "unknown_camera"),
        ({"device_id": DeviceId("gateway-2")}, "unknown_device"),
        ({"device_id": DeviceId("nobody")}, "unknown_device"),
    ],
)
def test_what_anybody_else_said_is_not(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        follow(SEEN.model_copy(update=changes))
    assert refused.value.reason == reason
