"""Only what the estate's own cameras and devices said is followed."""

from pathlib import Path
from typing import Any

import pytest

from agents.watching import exporting_of, is_repeat, remains, step, views_of
from pipeline.errors import Misconfigured, Rejected
from pipeline.exported import make_secret
from pipeline.received import Received
from pipeline.settings import Flow, Settings
from schemas.detections import FrameDetections, FrameRef
from schemas.estate import FlowSettings
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


def test_an_estate_that_exports_needs_a_secret_and_one_that_does_not_needs_nothing(tmp_path: Path) -> None:
    exports = ESTATE.model_copy(update={"flow": FlowSettings(profile="export")})
    settings = Settings(home=tmp_path)

    assert exporting_of(settings, ESTATE) is None
    with pytest.raises(Misconfigured, match="MIMAMORI_FLOW__SECRET"):
        exporting_of(settings, exports)


def test_an_estate_that_exports_enters_it_into_the_ledger_at_home(tmp_path: Path) -> None:
    make_secret(tmp_path / "secret")
    exports = ESTATE.model_copy(update={"flow": FlowSettings(profile="export")})

    exporting = exporting_of(Settings(home=tmp_path, flow=Flow(secret=tmp_path / "secret")), exports)

    assert exporting is not None
    assert len(exporting.secret) == 32
    assert (tmp_path / "flow" / "exported.db").stat().st_mode & 0o777 == 0o600
