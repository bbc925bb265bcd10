"""Mimamori on a scene: the step that watches cameras in the shop, fed with the boxes that were seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from scenes import Scene
from scoring import NOBODY, Tracks

from pipeline.flow.publishing import Publisher
from pipeline.flow.tally import Tally
from pipeline.motion.movements import Crossing
from pipeline.watching import CameraState, View, observe, view_of
from schemas.detections import Detection, FrameDetections, FrameRef, ObjectType
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, FlowSettings, Line, Zone
from schemas.geometry import Box
from schemas.ids import NoticeId, StoreId, event_id

BEGIN: Final = datetime(2026, 11, 23, 3, tzinfo=UTC)

_STORE: Final = StoreId("measured")
_MODULE: Final = Module(name="measured", version="1", model_digest="00", config_digest="00")
_HIGH: Final = 720


@dataclass(frozen=True)
class Watched:
    """What the step noticed in a scene."""

    tracks: Tracks
    crossings: tuple[Crossing, ...]
    state: CameraState

    @property
    def counted(self) -> list[Tally]:
        """Return what was counted, which is of one window to be published: scenes are shorter."""
        return [each.tally for each in self.state.windows.going] + [each.tally for each in self.state.windows.whole]


def watch(scene: Scene, lines: Sequence[Line] = (), zones: Sequence[Zone] = ()) -> Watched:
    """Put a scene's frames through the step, one message each."""
    state, view = CameraState(), _view(scene, lines, zones)
    tracks, crossings = [], list[Crossing]()
    for number, message in enumerate(messages(scene)):
        at = FrameRef(topic="detections.v1", partition=0, offset=number)
        state, noticed = observe(state, message, at, view=view)
        own = np.full(len(message.detections), NOBODY, np.int64)
        for each in noticed.seen:
            own[each.sighting] = each.track.id
        tracks.append(own)
        crossings += noticed.crossings
    return Watched(tracks, tuple(crossings), state)


def messages(scene: Scene) -> list[FrameDetections]:
    """Say what was seen as the stage that detects does, in the same order."""
    return [_message(scene, number) for number in range(len(scene.frames))]


def when(time: float) -> datetime:
    """Say when a frame of a scene was taken."""
    return BEGIN + timedelta(seconds=time)


def _view(scene: Scene, lines: Sequence[Line], zones: Sequence[Zone]) -> View:
    camera = Camera(id="measured", fps=min(60.0, scene.fps), lines=tuple(lines), zones=tuple(zones))
    flow = (
        Publisher(_STORE, camera, FlowSettings(), NoticeId("measured"), _MODULE, timedelta(days=1)) if zones else None
    )
    return view_of(_STORE, camera, flow, timezone="UTC", module=_MODULE, alerts_live=timedelta(hours=1))


def _message(scene: Scene, number: int) -> FrameDetections:
    frame = scene.frames[number]
    shares = frame.seen / np.array([scene.aspect, 1, scene.aspect, 1])
    return FrameDetections(
        event_id=event_id("measured", scene.name, number),
        store_id=_STORE,
        camera_id="measured",
        utc_time=when(frame.time),
        purpose=Purpose.CRIME_PREVENTION,
        expires_at=when(frame.time) + timedelta(minutes=10),
        notice_id="measured",
        module=_MODULE,
        device_id="measured",
        boot=1,
        sequence=number,
        frame=FrameRef(topic="frames.v1", partition=0, offset=number),
        frame_width=round(_HIGH * scene.aspect),
        frame_height=_HIGH,
        detections=tuple(
            Detection(type=ObjectType.HUMAN, likelihood=likelihood, bounding_box=_box(*box))
            for box, likelihood in zip(shares.tolist(), frame.likelihoods.tolist(), strict=True)
        ),
    )


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left=max(0.0, left), top=max(0.0, top), right=min(1.0, right), bottom=min(1.0, bottom))
