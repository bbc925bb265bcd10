"""Capture: pictures with their event times, from clips at their own pace and from cameras as they come."""

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import cv2

from pipeline.clock import Clock
from pipeline.edge.clip import Bgr, Clip, Shot, at_rate, open_clip, tick_of
from pipeline.logs import log

Wait = Callable[[float], bool]
"""Waits so many seconds; true when it is time to stop."""

BACKOFF: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between attempts to reach a camera that is away."""

_PATIENCE: Final = timedelta(seconds=2)
_TIMEOUT_MS: Final = 5_000
_ASK_EVERY: Final = 0.2


class Picture(NamedTuple):
    """A picture and when it was taken."""

    time: datetime
    bgr: Bgr


class Source(Protocol):
    """Where pictures come from. `name` may be shown: there is no password in it."""

    @property
    def name(self) -> str: ...

    def pictures(self) -> Iterator[Picture]:
        """Give pictures until the source or the time is over; raises BrokenSource."""
        ...


class Video(Protocol):
    """What a live camera looks like from here; cv2.VideoCapture is one."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name
    def grab(self) -> bool: ...
    def retrieve(self) -> tuple[bool, Any]: ...
    def release(self) -> None: ...


@dataclass(frozen=True)
class Rate:
    """How many pictures are wanted, and how fast the source was taken where it does not say so itself."""

    fps: float
    source_fps: float | None = None


def open_source(source: str, rate: Rate, *, loop: bool, clock: Clock, wait: Wait) -> Source:
    """Open a file, a folder of images, `rtsp://…`, a USB camera's number or a drawn scene's name.

    Raises:
        BrokenSource: A clip that cannot be read. Cameras that are away are waited for.
    """
    if source.isdecimal() or "://" in source:
        return Live(_shown(source), lambda: _camera(source), rate.fps, clock, wait)
    return Film(open_clip(source, rate.source_fps), rate.fps, loop=loop, clock=clock, wait=wait)


class Film:
    """A clip that plays in real time. In a loop it is one stream whose time goes on."""

    def __init__(self, clip: Clip, fps: float, *, loop: bool, clock: Clock, wait: Wait) -> None:
        self._clip = clip
        self._fps = fps
        self._loop = loop
        self._clock = clock
        self._wait = wait
        self.name = clip.name

    def pictures(self) -> Iterator[Picture]:
        """Give each picture when its time has come; those that there is no time for are skipped."""
        period = timedelta(seconds=1 / self._fps)
        begin = self._clock.now()
        for shot in at_rate(self._shots(), self._fps):
            early = begin + shot.time - self._clock.now()
            if abs(early) > _PATIENCE + 2 * period:
                # The machine slept or is too slow for the film, or its clock was set: go on from now.
                begin -= early
                early = timedelta(0)
            if early < -period:
                continue
            if early > timedelta(0) and self._wait(early.total_seconds()):
                return
            yield Picture(begin + shot.time, shot.see())

    def _shots(self) -> Iterator[Shot]:
        offset = timedelta(0)
        while True:
            end = timedelta(0)
            for shot in self._clip.shots():
                end = shot.time + timedelta(seconds=1 / self._clip.fps)
                yield shot._replace(time=offset + shot.time)
            if not self._loop:
                return
            offset += end


class Live:
    """A camera. It is read in a thread of its own; the newest picture wins, and a camera that is lost is sought."""

    def __init__(self, name: str, connect: Callable[[], Video], fps: float, clock: Clock, wait: Wait) -> None:
        self.name = name
        self._connect = connect
        self._fps = fps
        self._clock = clock
        self._wait = wait
        self._newest: Picture | None = None
        self._changed = threading.Condition()
        self._over = False

    def pictures(self) -> Iterator[Picture]:
        """Give the newest picture, again and again, each once."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._read,), name="camera", daemon=True).start()
        while (picture := self.newest()) is not None:
            yield picture

    def newest(self) -> Picture | None:
        """Wait for a picture that was not given yet; None when it is time to stop."""
        with self._changed:
            # Asked every so often: the reading thread may hang in the camera when it is time to stop.
            while not self._changed.wait_for(lambda: self._newest is not None or self._over, _ASK_EVERY):
                if self._wait(0):
                    return None
            picture, self._newest = self._newest, None
            return picture

    def keep(self, picture: Picture) -> None:
        """Let a picture take the place of one that nobody has taken."""
        with self._changed:
            self._newest = picture
            self._changed.notify()

    def _read(self) -> None:
        try:
            for picture in self.unbuffered():
                self.keep(picture)
        finally:
            with self._changed:
                self._over = True
                self._changed.notify()

    def unbuffered(self) -> Iterator[Picture]:
        """Give pictures as they come, at the target rate at most; reach for the camera again when it is lost."""
        attempt, stop = 0, False
        while not stop:
            video = self._connect()
            if video.isOpened():
                for picture in self._grabbed(video):
                    attempt = 0
                    yield picture
            video.release()
            pause = BACKOFF[min(attempt, len(BACKOFF) - 1)]
            attempt += 1
            stop = self._wait(0)
            if not stop:
                log().warning("camera is away", address=self.name, attempt=attempt, seconds=pause)
                stop = self._wait(pause)

    def _grabbed(self, video: Video) -> Iterator[Picture]:
        last = -1
        while not self._wait(0) and video.grab():
            time = self._clock.now()
            tick = tick_of(timedelta(seconds=self._clock.monotonic()), self._fps)
            if tick > last:
                last = tick
                there, bgr = video.retrieve()
                if there:
                    yield Picture(time, bgr)


def _camera(source: str) -> cv2.VideoCapture:
    if source.isdecimal():
        return cv2.VideoCapture(int(source))
    # Over TCP: a lost UDP packet smears a picture for seconds.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]
    return cv2.VideoCapture(source, cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1])


def _shown(source: str) -> str:
    """The address without user, password and query, or the camera's number."""
    if source.isdecimal():
        return f"camera {source}"
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
