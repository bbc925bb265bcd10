"""Sealed frames in, detections out."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

from agents.app import GATHERED, App, create_app
from agents.eyes import open_eyes
from agents.handling import Result
from agents.stage import Stage
from models.detector import Detector, DetectorSettings
from models.images import BadImage, Limits, decode_jpeg
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Erased, Refused, Rejected
from pipeline.opening import open_frame, require_authentic
from pipeline.received import Received
from pipeline.settings import Settings
from pipeline.vault.client import Leases, VaultClient
from schemas import detections
from schemas.detections import FrameDetections, Skipped, Still
from schemas.estate import Estate
from schemas.frame import Frame
from schemas.ids import event_id
from schemas.topics import topics
from schemas.wire import Sealed

Told = Received[Sealed | Still]

_AT_ONCE: Final = 8
"""A fraction of a second: what is handled together is there together, and is redone together after a death."""

LIMITS: Final = Limits(bytes=2 << 20, longest=4096)


class Detecting:
    """Opens frames, in memory only, and says what is in them. Keeps nothing: the same frame, the same detections."""

    def __init__(self, estate: Estate, leases: Leases, detector: Detector, clock: Clock, *, shed: bool = True) -> None:
        self._estate = estate
        self._leases = leases
        self._detector = detector
        self._clock = clock
        self._late = estate.frame_ttl / 4 if shed else timedelta.max
        self._told = topics(estate.lives)["detections.v1"]
        # One thread: a worker is one core's worth, and heartbeats go on beside it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="detect")

    async def work(self, items: Sequence[Told]) -> list[Result]:
        """Detect in each frame; a still passes through.

        Raises:
            Unavailable: The vault is away.
        """
        return [await self._one(item) for item in items]

    async def _one(self, item: Told) -> Result:
        message = item.message
        try:
            require_authentic(self._estate, message, item.headers, item.value)
            if isinstance(message, Still):
                return (message,)
            return (await self._see(message, item),)
        except Rejected as why:
            return why

    async def _see(self, sealed: Sealed, item: Told) -> FrameDetections | detections.Erased | Skipped:
        frame = sealed.frame
        now = self._clock.now()
        # Since the broker has it: what a device had to spool is old, and we are not behind for it.
        behind = self._late < now - (item.taken or frame.utc_time)
        if (behind or self._told.in_time_until(frame.expires_at) <= now) and now < frame.expires_at:
            return skipped(frame, item)
        try:
            key = await self._leases.private_key(frame.key_id, frame.purpose)
        except Erased:
            return erased(frame, item)
        except Refused:
            raise Rejected("no_key_for_this") from None
        # Opened before the next await, after which the key may be wiped.
        jpeg = open_frame(sealed, key)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._detect, frame, jpeg, item)

    def _detect(self, frame: Frame, jpeg: bytes, item: Told) -> FrameDetections:
        try:
            picture = decode_jpeg(jpeg, LIMITS)
        except BadImage as error:
            raise Rejected("bad_image", str(error)[:100]) from None
        return FrameDetections(
            **common("detections", frame),
            module=self._detector.module,
            frame=item.ref,
            frame_width=picture.shape[1],
            frame_height=picture.shape[0],
            reference=frame.reference,
            motion_in_cells=frame.motion_in_cells,
            detections=self._detector.detect(picture),
        )


def erased(frame: Frame, item: Told) -> detections.Erased:
    """Say that a frame's key is gone."""
    return detections.Erased(**common("erased", frame), module=frame.module, frame=item.ref, key_id=frame.key_id)


def skipped(frame: Frame, item: Told) -> Skipped:
    """Say that a frame was shed: there are more than can be looked at, and what is new matters more."""
    return Skipped(**common("skipped", frame), module=frame.module, frame=item.ref, first_sequence=frame.sequence)


def common(what: str, frame: Frame) -> dict[str, Any]:
    """Return what a message about a frame takes over from it."""
    return {
        "event_id": event_id(what, frame.store_id, frame.camera_id, frame.device_id, frame.boot, frame.sequence),
        "store_id": frame.store_id,
        "camera_id": frame.camera_id,
        "utc_time": frame.utc_time,
        "purpose": frame.purpose,
        "expires_at": frame.expires_at,
        "notice_id": frame.notice_id,
        "device_id": frame.device_id,
        "boot": frame.boot,
        "sequence": frame.sequence,
    }


def unlikeliest(estate: Estate) -> float:
    """Return from which likelihood on boxes are passed on: watching goes on with tracks at half of a camera's own."""
    return min((camera.people_from for store in estate.stores for camera in store.cameras), default=0.5) / 2


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage.

    Raises:
        Misconfigured: It has no token for the vault: it would wait for ever.
    """
    vault = VaultClient(settings.vault.url, settings.vault.bearer(), ca=settings.vault.ca)
    app = create_app("detecting", settings.kafka, buffer=32, patience=GATHERED)
    stage = Stage(app, "detecting", topics=topics(estate.lives), sources=["frames.v1"], outputs=["detections.v1"])
    detecting = Detecting(
        estate,
        Leases(vault),
        open_eyes(settings.weights, DetectorSettings(people_from=unlikeliest(estate))),
        SystemClock(),
        shed=settings.shed,
    )

    @app.agent(stage.channel, concurrency=1)
    async def detect(stream: Any) -> None:
        """Open every frame, and say what is in it."""
        await stage.run_batches(stream, work=detecting.work, take=_AT_ONCE)

    return app
