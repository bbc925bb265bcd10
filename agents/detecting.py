"""Sealed frames in, detections out."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple

from agents.app import GATHERED, App, create_app
from agents.eyes import eyes_of, open_eyes
from agents.handling import Result
from agents.looking import Looking
from agents.stage import Stage
from models.detector import Detector, Look, Seen
from models.images import BadImage, Limits, Size, decode_reduced
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Erased, Refused, Rejected
from pipeline.opening import open_frame, require_authentic
from pipeline.received import Received
from pipeline.settings import Settings
from pipeline.vault.client import Leases, VaultClient
from schemas import detections
from schemas.detections import FrameDetections, Skipped, Still
from schemas.envelope import Message
from schemas.estate import Estate, Profile
from schemas.frame import Frame
from schemas.ids import event_id
from schemas.topics import topics
from schemas.wire import Sealed

Told = Received[Sealed | Still]

AT_ONCE: Final = 8
"""A fraction of a second: what is handled together is there together, and is redone together after a death."""

LIMITS: Final = Limits(bytes=2 << 20, longest=4096)


class Opened(NamedTuple):
    """A frame that is open, in memory only."""

    frame: Frame
    jpeg: bytes
    item: Told
    profile: Profile


class Detecting:
    """Opens frames, in memory only, and says what is in them. Keeps nothing: the same frame, the same detections."""

    def __init__(
        self,
        estate: Estate,
        leases: Leases,
        detector: Detector,
        clock: Clock,
        *,
        shed: bool = True,
        most: int = AT_ONCE,
    ) -> None:
        self._estate = estate
        self._leases = leases
        self._detector = detector
        self._clock = clock
        self._late = estate.frame_ttl / 4 if shed else timedelta.max
        self._told = topics(estate.lives)["detections.v1"]
        self._looking = Looking(self._look, most=most)

    async def work(self, items: Sequence[Told]) -> list[Result]:
        """Detect in each frame; a still passes through, and so does the news that a frame is not looked at.

        Raises:
            Unavailable: The vault is away.
        """
        met = [await self._one(item) for item in items]
        found = iter(await self._looking([each for each in met if isinstance(each, Opened)]))
        return [_result(next(found) if isinstance(each, Opened) else each) for each in met]

    async def _one(self, item: Told) -> Opened | Message | Rejected:
        message = item.message
        try:
            require_authentic(self._estate, message, item.headers, item.value)
            return message if isinstance(message, Still) else await self._open(message, item)
        except Rejected as why:
            return why

    async def _open(self, sealed: Sealed, item: Told) -> Opened | detections.Erased | Skipped:
        frame = sealed.frame
        camera = self._estate.camera(frame.store_id, frame.camera_id)
        profile = Profile() if camera is None else camera.profile
        now = self._clock.now()
        # Since the broker has it: what a device had to spool is old, and we are not behind for it.
        behind = self._late < now - (item.taken or frame.utc_time)
        if (behind or self._told.in_time_until(frame.expires_at) <= now) and now < frame.expires_at:
            return skipped(frame, item, "shed")
        if passed_over(frame, profile):
            return skipped(frame, item, "profile")
        try:
            opener = await self._leases.opener(frame.key_id, frame.purpose)
        except Erased:
            return erased(frame, item)
        except Refused:
            raise Rejected("no_key_for_this") from None
        # Opened before the next await, after which the key may be wiped.
        return Opened(frame, open_frame(sealed, opener), item, profile)

    def _look(self, opened: Sequence[Opened]) -> list[FrameDetections | Rejected]:
        decoded = [self._decoded(each) for each in opened]
        looks = [each[0] for each in decoded if not isinstance(each, Rejected)]
        seen = iter(self._detector.detect_all(looks))
        return [
            size if isinstance(size, Rejected) else self._told_of(each, size[1], next(seen))
            for each, size in zip(opened, decoded, strict=True)
        ]

    def _decoded(self, opened: Opened) -> tuple[Look, Size] | Rejected:
        frame, profile = opened.frame, opened.profile
        longest = self._detector.longest(profile, reference=frame.reference)
        try:
            picture, size = decode_reduced(opened.jpeg, LIMITS, longest=longest)
        except BadImage as error:
            return Rejected("bad_image", str(error)[:100])
        return Look(picture, profile, frame.motion_in_cells, frame.reference), size

    def _told_of(self, opened: Opened, size: Size, seen: Seen) -> FrameDetections:
        frame = opened.frame
        return FrameDetections(
            **common("detections", frame),
            module=self._detector.module_of(opened.profile),
            frame=opened.item.ref,
            frame_width=size.width,
            frame_height=size.height,
            reference=frame.reference,
            motion_in_cells=frame.motion_in_cells,
            regions=seen.regions,
            detections=seen.detections,
        )


def passed_over(frame: Frame, profile: Profile) -> bool:
    """Say whether the camera's profile has this frame passed over: by its sequence alone, so that a replay agrees."""
    return not frame.reference and frame.sequence % profile.every != 0


def _result(met: Message | Rejected) -> Result:
    return met if isinstance(met, Rejected) else (met,)


def erased(frame: Frame, item: Told) -> detections.Erased:
    """Say that a frame's key is gone."""
    return detections.Erased(**common("erased", frame), module=frame.module, frame=item.ref, key_id=frame.key_id)


def skipped(frame: Frame, item: Told, reason: Literal["shed", "profile"]) -> Skipped:
    """Say that nobody looked at a frame: there are too many, or its camera's profile passes it over."""
    return Skipped(
        **common("skipped", frame),
        module=frame.module,
        frame=item.ref,
        first_sequence=frame.sequence,
        reason=reason,
    )


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
        open_eyes(settings.weights, eyes_of(settings.detector)),
        SystemClock(),
        shed=settings.shed,
        most=max(AT_ONCE, settings.detector.batch),
    )

    @app.agent(stage.channel, concurrency=1)
    async def detect(stream: Any) -> None:
        """Open every frame, and say what is in it."""
        await stage.run_batches(stream, work=detecting.work, take=AT_ONCE)

    return app
