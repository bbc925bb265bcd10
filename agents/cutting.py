"""Alerts in, sealed clips out: the few frames that an alert names, with everybody else's head hidden."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from faust.types.tuples import TP

from agents.app import App, create_app
from agents.backdrops import Backdrops
from agents.detecting import LIMITS
from agents.dying import die
from agents.eyes import open_face_finder
from agents.handling import Result
from agents.stage import Stage
from agents.wire import AHEAD_MAX
from models.images import BadImage, decode_jpeg
from pipeline.clock import Clock, SystemClock
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.evidence.clip import pack
from pipeline.evidence.hide import LIKELY, FaceFinder, Hidden, Moment, Picture, Shot, hide_clip, moment_of, region
from pipeline.evidence.jpeg import encoded
from pipeline.evidence.keep import Keeper
from pipeline.evidence.log import Found, KafkaLog, Log
from pipeline.evidence.share import Share
from pipeline.logs import log
from pipeline.objects import open_objects
from pipeline.opening import open_frame, require_authentic
from pipeline.received import Received
from pipeline.settings import Settings
from pipeline.vault.access import WrongRole
from pipeline.vault.api import ObjectKey, ObjectRequest
from pipeline.vault.backdrops import is_backdrop
from pipeline.vault.client import Leases, VaultClient
from schemas.alert import Alert, AlertFrame
from schemas.aside import SetAside
from schemas.detections import FrameDetections, FrameRef
from schemas.envelope import Invalid, Purpose
from schemas.estate import Estate
from schemas.evidence import EvidenceFrame
from schemas.topics import Topic, topics
from schemas.wire import Sealed, decode

SOURCE: Final = "alerts.v1"
_AT_ONCE: Final = 4
_DRAW_EVERY: Final = 2.0
_RESEAL_EVERY: Final = 5.0
_TELL_EVERY: Final = 60.0

T = TypeVar("T")


class Bounds(Protocol):
    """What frames may be shown: of this camera, for this purpose, from `start` to `end`."""

    @property
    def key(self) -> str: ...
    @property
    def purpose(self) -> Purpose: ...
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


class Cutting:
    """Cuts the evidence of alerts. Done again, it finds what was done, and makes nothing anew.

    Args:
        estate: Whose devices sign, and how long frames live.
        vault: Gives the key of an alert's evidence; none anew once that was erased or has expired.
        leases: The keys of frames, each for a minute.
        keeper: Where clips go.
        record: Where frames and detections lie.
        finder: Looks for faces.
        clock: The time.
    """

    def __init__(
        self,
        estate: Estate,
        *,
        vault: VaultClient,
        leases: Leases,
        keeper: Keeper,
        record: Log,
        finder: FaceFinder,
        clock: Clock,
    ) -> None:
        self._estate = estate
        self._vault = vault
        self._leases = leases
        self._keeper = keeper
        self._record = record
        self._finder = finder
        self._clock = clock
        self._topics = topics(estate.lives)
        self._share = Share()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cut")
        self.counts: Counter[str] = Counter()

    async def work(self, items: Sequence[Received[Alert | SetAside]]) -> list[Result]:
        """Cut the evidence of each alert.

        Raises:
            Unavailable: The vault, Kafka or the object storage is away.
        """
        # What is set aside names no frames: it is looked at over a backdrop.
        return [
            await self._one(item.message, item.taken or self._clock.now()) if isinstance(item.message, Alert) else ()
            for item in items
        ]

    async def _one(self, alert: Alert, taken: datetime) -> Result:
        if self._estate.camera(alert.store_id, alert.camera_id) is None:
            # Recording reads the same alerts, and sends the dead letter.
            return self._did("unknown_camera")
        if (wrong := _wrong(alert, taken)) is not None:
            return wrong
        if not alert.frame_refs or alert.utc_time + self._estate.frame_ttl <= self._clock.now():
            # Not one of its frames can be opened any more: a replay makes no keys for nothing.
            return self._did("too_late")
        try:
            key = await self._key(alert)
            return self._did("too_many" if key is None else await self._cut(alert, key))
        except Erased:
            return self._did("erased")
        except Rejected as why:
            return why

    async def _cut(self, alert: Alert, key: ObjectKey) -> str:
        if key.stored or await self._keeper.known(key):
            return "known"
        clip = await self._clip(alert)
        if clip is None:
            return "nothing_left"
        await self._keeper.put(key, clip)
        log().info("evidence stored", alert_id=alert.alert_id, key_id=key.key_id, bytes=len(clip))
        return "stored"

    def _did(self, what: str) -> Result:
        self.counts[what] += 1
        return ()

    async def _has_room(self, alert: Alert) -> bool:
        """Say whether one more clip of the camera may be made, or this one is among those that were."""
        if not self._share.knows(alert.key):
            made = [each for each in await self._vault.objects(alert.store_id) if each.camera_id == alert.camera_id]
            self._share.learn(alert.key, {each.alert_id: each.created_at for each in made})
        return self._share.has_room(alert.key, alert.alert_id, self._clock.now())

    async def _key(self, alert: Alert) -> ObjectKey | None:
        """Return the key of an alert's evidence; None where its camera has had its share."""
        try:
            if not await self._has_room(alert):
                log().warning("too many alerts for evidence", store=alert.store_id, camera=alert.camera_id)
                return None
            key = await self._vault.object_key(asked_for(alert))
        except WrongRole as error:
            # No alert is at fault for it.
            raise Unavailable(str(error)) from None
        except Refused:
            raise Rejected("no_key_for_this") from None
        self._share.take(alert.key, alert.alert_id, self._clock.now())
        return key

    async def _clip(self, alert: Alert) -> bytes | None:
        """Put an alert's clip together, in memory only; None where not one of its frames is left."""
        found = await self._record.fetch(
            [each.frame for each in alert.frame_refs], [each.detections for each in alert.frame_refs]
        )
        told = detections_of(found, self._topics, alert)
        named = {each.frame: each for each in alert.frame_refs}.values()
        shots = [await self._shot(alert, each, found.frames.get(each.frame), told) for each in named]
        left = sorted((each for each in shots if each is not None), key=lambda shot: shot.time)
        if not left:
            return None
        between = [moment_of(each, LIKELY) for each in told.values()]
        return await self.in_thread(self._packed, alert, left, between)

    async def _shot(
        self, alert: Alert, named: AlertFrame, record: Any, told: Mapping[FrameRef, FrameDetections]
    ) -> Shot | None:
        """Open one frame that was named; None where it is gone, or is none that this alert may show."""
        opened = await self.opened(alert, record)
        return None if opened is None else shot_of(*opened, named, told.get(named.detections))

    async def opened(self, of: Bounds, record: Any) -> tuple[Sealed, Picture] | None:
        """Open one frame; None where it is gone, or is none of these bounds.

        Raises:
            Unavailable: The vault is away.
        """
        if record is None:
            self.counts["frame_gone"] += 1
            return None
        try:
            sealed = self._sealed(of, record)
            return sealed, await self._picture(sealed)
        except Erased:
            self.counts["frame_expired"] += 1
        except (Refused, Rejected, Invalid, BadImage):
            self.counts["frame_unusable"] += 1
        return None

    def _sealed(self, alert: Bounds, record: Any) -> Sealed:
        """Read a frame that an alert may show: of its camera, and of its own span, which is all that is erased with it.

        Nobody signs alerts: else whoever writes one could have any frame kept for as long as evidence is.
        """
        sealed = decode(self._topics[record.topic], record.key, record.headers, record.value or b"")
        if not isinstance(sealed, Sealed) or sealed.frame.key != alert.key or sealed.frame.purpose != alert.purpose:
            raise Rejected("bad_content", "no frame of the alert's camera")
        if not alert.start <= sealed.frame.utc_time <= alert.end:
            raise Rejected("bad_content", "no frame of the alert's time")
        require_authentic(self._estate, sealed, record.headers, record.value)
        return sealed

    async def _picture(self, sealed: Sealed) -> Picture:
        opener = await self._leases.opener(sealed.frame.key_id, sealed.frame.purpose)
        # Opened before the next await, after which the key may be wiped.
        jpeg = open_frame(sealed, opener)
        return await self.in_thread(decode_jpeg, jpeg, LIMITS)

    def _packed(self, alert: Alert, shots: Sequence[Shot], between: Sequence[Moment]) -> bytes:
        """Hide, and put together. No picture leaves this thread but with its heads hidden."""
        hidden = hide_clip(shots, between, self._finder)
        pictures = [encoded(each.picture) for each in hidden]
        frames = [frame_of(*each) for each in zip(shots, hidden, pictures, strict=True)]
        self.counts["frame_whole"] += sum(each.whole for each in hidden)
        return pack(alert.alert_id, frames, pictures)

    async def in_thread(self, what: Callable[..., T], *about: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, what, *about)


def _wrong(alert: Alert, taken: datetime) -> Rejected | None:
    if is_backdrop(alert.alert_id):
        # Nobody signs alerts: else whoever writes one would be shown in place of an empty shop.
        return Rejected("bad_content", "a backdrop is no alert")
    if not alert.start <= alert.end <= taken + AHEAD_MAX or alert.utc_time > taken + AHEAD_MAX:
        return Rejected("bad_content", "an alert is of what has been")
    return None


def asked_for(alert: Alert) -> ObjectRequest:
    """Ask for the key of an alert's evidence, for as long a span as the alert has: so far back it is erased."""
    return ObjectRequest(
        alert_id=alert.alert_id,
        store_id=alert.store_id,
        camera_id=alert.camera_id,
        purpose=alert.purpose,
        start=alert.start,
        end=alert.end,
    )


def detections_of(found: Found, known: Mapping[str, Topic], alert: Alert) -> dict[FrameRef, FrameDetections]:
    """Read what was found in frames of the alert's camera, by where it lies."""
    told = {}
    for ref, record in found.detections.items():
        with suppress(Invalid):
            message = decode(known[record.topic], record.key, record.headers, record.value or b"")
            if isinstance(message, FrameDetections) and message.key == alert.key:
                told[ref] = message
    return told


def shot_of(sealed: Sealed, picture: Picture, named: AlertFrame, told: FrameDetections | None) -> Shot:
    """Put together what is known of a picture; nothing is, where the detections are not those of this very picture."""
    height, width = picture.shape[:2]
    concerned = region(named.bounding_box, width, height)
    fits = told is not None and told.frame == named.frame and (told.frame_width, told.frame_height) == (width, height)
    return Shot(sealed.frame.utc_time, picture, concerned, moment_of(told) if told is not None and fits else None)


def frame_of(shot: Shot, hidden: Hidden, jpeg: bytes) -> EvidenceFrame:
    """Say of one picture what a clip's manifest says."""
    height, width = shot.picture.shape[:2]
    return EvidenceFrame(
        utc_time=shot.time, size=len(jpeg), box=shot.concerned.shares_of(width, height), whole=hidden.whole
    )


class Rounds:
    """What is done beside the alerts, by the one worker that holds the first partition."""

    def __init__(self, stage: Stage, keeper: Keeper) -> None:
        self._stage = stage
        self._keeper = keeper

    async def reseal(self) -> None:
        """Seal anew what is to be held."""
        await self._alone(self._keeper.reseal)

    async def tell(self) -> None:
        """Tell the vault of clips that were put by somebody who died before telling."""
        await self._alone(self._keeper.tell)

    async def draw(self, backdrops: Backdrops) -> None:
        """Make the backdrops that were asked for."""
        await self._alone(backdrops.make)

    async def _alone(self, what: Callable[[], Any]) -> None:
        if TP(SOURCE, 0) not in self._stage.lanes:
            return
        try:
            await what()
        except (Unavailable, Refused) as away:
            log().warning("waiting", stage="cutting", error=str(away))
        except Exception as error:  # noqa: BLE001 (Faust would log it, and quote it)
            die("cutting", error)


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage.

    Raises:
        Misconfigured: It has no token for the vault, or no such object storage: it would wait for ever.
    """
    vault = VaultClient(settings.vault.url, settings.vault.bearer(), ca=settings.vault.ca)
    leases = Leases(vault)
    keeper = Keeper(vault, leases, open_objects(settings.objects_url))
    app = create_app("cutting", settings.kafka, buffer=16)
    stage = Stage(app, "cutting", topics=topics(estate.lives), sources=[SOURCE], tells_of_broken=False)
    record = KafkaLog(settings.kafka.bootstrap)
    finder = open_face_finder(settings.weights)
    cutting = Cutting(
        estate, vault=vault, leases=leases, keeper=keeper, record=record, finder=finder, clock=SystemClock()
    )
    rounds = Rounds(stage, keeper)
    backdrops = Backdrops(
        estate, cutting, vault=vault, keeper=keeper, record=record, finder=finder, clock=SystemClock()
    )

    @app.agent(stage.channel, concurrency=1)
    async def cut(stream: Any) -> None:
        """Cut the evidence of every alert."""
        await stage.run_batches(stream, work=cutting.work, take=_AT_ONCE)

    @app.timer(interval=_RESEAL_EVERY)  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def reseal() -> None:
        """Seal anew what is to be held."""
        await rounds.reseal()

    @app.timer(interval=_DRAW_EVERY)  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def draw() -> None:
        """Make the backdrops that were asked for."""
        await rounds.draw(backdrops)

    @app.timer(interval=_TELL_EVERY)  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def tell() -> None:
        """Tell the vault of clips that nobody told of."""
        await rounds.tell()

    return app
