"""An annotated video for the eyes: boxes, ids, lines and zones, with every head hidden."""

from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from agents.analyse.analysis import Analysed
from agents.analyse.results import people_of
from models.networks.letterbox import Picture
from pipeline.errors import Unavailable
from pipeline.evidence.hide import hide, moment_of, to_hide
from schemas.detections import FrameDetections
from schemas.estate import Camera
from schemas.geometry import Box, Point

_BOX, _PLACE, _TEXT = (64, 200, 64), (220, 160, 32), (255, 255, 255)


class Rendering:
    """The video that is being written. It holds the analysed pictures alone: in others no head is known."""

    def __init__(self, path: Path, camera: Camera, fps: float) -> None:
        self._path = path
        self._camera = camera
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()

    def write(self, analysed: Analysed) -> None:
        """Draw one picture and append it."""
        drawn = draw(hidden(analysed.picture, analysed.message), analysed, self._camera)
        if self._writer is None:
            self._writer, self._size = self._begin(drawn), (drawn.shape[1], drawn.shape[0])
        if (drawn.shape[1], drawn.shape[0]) != self._size:
            drawn = np.asarray(cv2.resize(drawn, self._size), np.uint8)
        self._writer.write(drawn)

    def _begin(self, first: Picture) -> cv2.VideoWriter:
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(self._path), code, self._fps, (first.shape[1], first.shape[0]))
        if not writer.isOpened():
            raise Unavailable(f"{self._path}: no video can be written there")
        return writer


def hidden(picture: Picture, message: FrameDetections) -> Picture:
    """Return a copy in which the head of every person's box, and every face, is filled."""
    return hide(picture, to_hide(moment_of(message), (), None))


def draw(picture: Picture, analysed: Analysed, camera: Camera) -> Picture:
    """Draw what is watched and who is followed onto a picture."""
    height, width = picture.shape[:2]

    def pixel(point: Point) -> tuple[int, int]:
        return int(point.x * width), int(point.y * height)

    for zone in camera.zones:
        corners = np.array([pixel(each) for each in zone.polygon], np.int32)
        cv2.polylines(picture, [corners], isClosed=True, color=_PLACE, thickness=1)
    for line in camera.lines:
        cv2.line(picture, pixel(line.start), pixel(line.end), _PLACE, 2)
    people = people_of(analysed.message)
    for track, index in analysed.noticed.seen:
        _label(picture, people[index].bounding_box, str(track.id))
    return picture


def _label(picture: Picture, box: Box, text: str) -> None:
    height, width = picture.shape[:2]
    left, top = int(box.left * width), int(box.top * height)
    cv2.rectangle(picture, (left, top), (int(box.right * width), int(box.bottom * height)), _BOX, 1)
    cv2.putText(picture, text, (left + 2, max(top, 0) + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _TEXT, 1)
