"""Backdrops that were asked for: a camera's newest pictures in, one sealed picture of its place without anybody out."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from pipeline.clock import Clock
from pipeline.errors import Erased, Refused, Rejected
from pipeline.evidence.backdrop import Seen, backdrop
from pipeline.evidence.clip import pack
from pipeline.evidence.hide import FaceFinder, Picture, moment_of
from pipeline.evidence.jpeg import encoded
from pipeline.evidence.keep import Keeper
from pipeline.evidence.log import Recent
from pipeline.logs import log
from pipeline.vault.api import EvidenceObject, ObjectRequest
from pipeline.vault.client import VaultClient
from schemas.detections import FrameDetections
from schemas.envelope import Invalid, Purpose
from schemas.estate import Estate
from schemas.evidence import EvidenceFrame
from schemas.geometry import Box
from schemas.ids import AlertId
from schemas.topics import topics
from schemas.wire import Sealed, decode

T = TypeVar("T")

MOST: Final = 16
"""Of so many pictures it is put together."""
LONGEST_BACK: Final = timedelta(minutes=10)
_SHARE: Final = 0.75
"""Of a frame's life: what is older may be gone before it is opened."""
_AGAIN: Final = timedelta(seconds=5)
_WHOLE: Final = Box(left=0, top=0, right=1, bottom=1)


class Span(NamedTuple):
    """Which frames a backdrop may be made of."""

    key: str
    purpose: Purpose
    start: datetime
    end: datetime


class Pictures(Protocol):
    """Opens frames, and works on them where pictures may be: `agents.cutting.Cutting`."""

    counts: Counter[str]

    async def opened(self, of: Span, record: Any) -> tuple[Sealed, Picture] | None:
        """Open a frame of this span; None where it is gone, or is of another."""
        ...

    async def in_thread(self, what: Callable[..., T], *about: Any) -> T: ...


class Backdrops:
    """Makes the backdrops that the vault says were asked for. Done again, it makes none twice.

    Args:
        estate: How long frames live.
        pictures: Opens frames.
        vault: Says what was asked for, and gives keys.
        keeper: Where backdrops go.
        record: Where frames and detections lie.
        finder: Looks for faces in what was put together.
        clock: The time.
    """

    def __init__(
        self,
        estate: Estate,
        pictures: Pictures,
        *,
        vault: VaultClient,
        keeper: Keeper,
        record: Recent,
        finder: FaceFinder,
        clock: Clock,
    ) -> None:
        self._back = min(LONGEST_BACK, _SHARE * estate.frame_ttl)
        self._topics = topics(estate.lives)
        self._pictures = pictures
        self._vault = vault
        self._keeper = keeper
        self._record = record
        self._finder = finder
        self._clock = clock
        self._again: dict[AlertId, datetime] = {}

    async def make(self) -> None:
        """Make each that waits; one of whose camera there are too few pictures is tried again, a little later.

        Raises:
            Unavailable: The vault, Kafka or the object storage is away.
        """
        now = self._clock.now()
        waiting = await self._vault.backdrops()
        self._again = {each.alert_id: self._again.get(each.alert_id, now) for each in waiting}
        for each in waiting:
            if self._again[each.alert_id] <= now:
                self._again[each.alert_id] = now + _AGAIN
                with suppress(Erased, Refused, Rejected):
                    await self._one(each, now)

    async def _one(self, asked: EvidenceObject, now: datetime) -> None:
        key = await self._vault.object_key(_request(asked))
        if key.stored or await self._keeper.known(key):
            return
        made = await self._made(asked, now)
        if made is None:
            self._pictures.counts["backdrop_too_few"] += 1
            return
        await self._keeper.put(key, made)
        log().info("backdrop stored", store=key.store_id, camera=key.camera_id, key_id=key.key_id, bytes=len(made))

    async def _made(self, asked: EvidenceObject, now: datetime) -> bytes | None:
        """Put a backdrop together, in memory only."""
        span = Span(f"{asked.store_id}/{asked.camera_id}", asked.purpose, now - self._back, now)
        told = self._told(await self._record.newest(span.key, span.start), span)
        frames = [each.frame for each in told]
        found = await self._record.fetch(frames, [])
        seen = [await self._seen(span, each, found.frames.get(each.frame)) for each in told]
        return await self._pictures.in_thread(self._packed, asked.alert_id, now, [each for each in seen if each])

    def _told(self, records: Sequence[Any], span: Span) -> list[FrameDetections]:
        """Read what was found in the camera's frames, and choose some, from the first to the last of the span.

        Not of those of which only parts were looked at: who sits still outside of them was not found.
        """
        told = []
        for record in records:
            with suppress(Invalid):
                message = decode(self._topics[record.topic], record.key, record.headers, record.value or b"")
                if isinstance(message, FrameDetections) and message.key == span.key and not message.regions:
                    told.append(message)
        inside = sorted((each for each in told if span.start <= each.utc_time <= span.end), key=_time)
        step = max(1.0, (len(inside) - 1) / (MOST - 1))
        return [inside[round(number * step)] for number in range(min(len(inside), MOST))]

    async def _seen(self, span: Span, told: FrameDetections, record: Any) -> Seen | None:
        opened = await self._pictures.opened(span, record)
        if opened is None:
            return None
        _, picture = opened
        if picture.shape[:2] != (told.frame_height, told.frame_width):
            return None
        moment = moment_of(told)
        return Seen(picture, moment.people, moment.faces)

    def _packed(self, alert: AlertId, now: datetime, seen: Sequence[Seen]) -> bytes | None:
        picture = backdrop(seen, self._finder)
        if picture is None:
            return None
        jpeg = encoded(picture)
        return pack(alert, [EvidenceFrame(utc_time=now, size=len(jpeg), box=_WHOLE)], [jpeg])


def _time(told: FrameDetections) -> datetime:
    return told.utc_time


def _request(asked: EvidenceObject) -> ObjectRequest:
    return ObjectRequest(
        alert_id=asked.alert_id,
        store_id=asked.store_id,
        camera_id=asked.camera_id,
        purpose=asked.purpose,
        start=asked.start,
        end=asked.end,
    )
