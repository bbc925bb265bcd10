"""Pictures in, everything that the stages would say of them out."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from models.detector import Detector
from models.networks.letterbox import Picture
from pipeline import watching
from pipeline.edge.clip import Clip, Shot, at_rate
from pipeline.flow.publishing import Publisher
from pipeline.watching import CameraState, Noticed, View
from schemas.detections import FrameDetections, FrameRef, Tick
from schemas.envelope import Module, Purpose
from schemas.estate import Camera, FlowSettings, Zone
from schemas.geometry import Point
from schemas.ids import CameraId, DeviceId, NoticeId, StoreId, ZoneId, event_id

STORE: Final = StoreId("clip")
NOTICE: Final = NoticeId("clip")
VERSION: Final = "1"
_LIVES = timedelta(days=30)


def whole_picture() -> Camera:
    """Return the camera for a clip that has none: the whole picture is one zone."""
    corners = ((-0.1, -0.1), (1.1, -0.1), (1.1, 1.1), (-0.1, 1.1))
    zone = Zone(id=ZoneId("picture"), polygon=tuple(Point(x=x, y=y) for x, y in corners))
    return Camera(id=CameraId("clip"), zones=(zone,))


def view(camera: Camera, window: timedelta) -> View:
    """What the step has to know. The windows are for the person who ran the command, so nothing is withheld."""
    module = Module(
        name="watching", version=VERSION, config_digest=hashlib.sha256(camera.model_dump_json().encode()).hexdigest()
    )
    settings = FlowSettings(profile="demo", window=window, suppressed_below=0)
    flow = Publisher(STORE, camera, settings, NOTICE, module, _LIVES)
    return watching.view_of(STORE, camera, flow, timezone="Asia/Tokyo", module=module, alerts_live=_LIVES)


class Analysed(NamedTuple):
    """One picture and what was seen in it; `frame` counts from 1."""

    frame: int
    picture: Picture
    message: FrameDetections
    noticed: Noticed


@dataclass
class Analysis:
    """How far it is, for the summary."""

    view: View
    start: datetime
    read: int = 0
    analysed: int = 0
    state: CameraState = field(default_factory=CameraState)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "detect": [], "watch": []})

    def timed(self, stage: str, since: float) -> None:
        self.milliseconds[stage].append((time.perf_counter() - since) * 1000)


def analyse(
    analysis: Analysis, clip: Clip, detector: Detector, wanted: float | None, told: Callable[[int], None]
) -> Iterator[Analysed]:
    """Give the analysed pictures one by one; `told` hears how many were read.

    Raises:
        BrokenSource: The clip breaks off; what came before it was given.
    """

    def read() -> Iterator[Shot]:
        for shot in clip.shots():
            yield shot
            # Only now: whoever has taken it may have found that it cannot be decoded.
            analysis.read = shot.number
            told(shot.number)

    shots = read() if wanted is None else at_rate(read(), wanted)
    while True:
        since = time.perf_counter()
        shot = next(shots, None)
        if shot is None:
            return
        picture = shot.see()
        analysis.timed("read", since)
        yield _look(analysis, clip, detector, shot, picture)


def _look(analysis: Analysis, clip: Clip, detector: Detector, shot: Shot, picture: Picture) -> Analysed:
    since = time.perf_counter()
    detections = detector.detect(picture)
    analysis.timed("detect", since)
    when = analysis.start + shot.time
    message = FrameDetections(
        event_id=event_id("clip", clip.name, shot.number),
        store_id=STORE,
        camera_id=analysis.view.camera.id,
        utc_time=when,
        purpose=Purpose.CRIME_PREVENTION,
        expires_at=when + _LIVES,
        notice_id=NOTICE,
        module=detector.module,
        device_id=DeviceId("clip"),
        boot=0,
        sequence=analysis.analysed,
        frame=FrameRef(topic="clip", partition=0, offset=shot.number),
        frame_width=picture.shape[1],
        frame_height=picture.shape[0],
        detections=detections,
    )
    since = time.perf_counter()
    analysis.state, noticed = watching.observe(analysis.state, message, message.frame, view=analysis.view)
    analysis.timed("watch", since)
    analysis.analysed += 1
    return Analysed(shot.number, picture, message, noticed)


def frame_at(start: datetime, fps: float, when: datetime) -> int:
    """Return the picture that was taken at a time, from 1."""
    return round((when - start).total_seconds() * fps) + 1


def finish(analysis: Analysis) -> Noticed:
    """Close the windows that are still going."""
    last = analysis.state.time or datetime(1970, 1, 1, tzinfo=UTC)
    window = analysis.view.flow.settings.window if analysis.view.flow else timedelta(0)
    end = last + window + timedelta(seconds=2)
    tick = Tick(
        event_id=event_id("clip", "end", end),
        store_id=STORE,
        camera_id=analysis.view.camera.id,
        utc_time=end,
        purpose=Purpose.CRIME_PREVENTION,
        expires_at=end + _LIVES,
        notice_id=NOTICE,
        module=analysis.view.module,
    )
    at = FrameRef(topic="clip", partition=0, offset=analysis.read + 1)
    analysis.state, noticed = watching.observe(analysis.state, tick, at, view=analysis.view)
    return noticed
