"""The harness's own list of keys: slot keys read from the ring while they live, private keys leased as workers do."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from pipeline import sealing
from pipeline.errors import Erased, MimamoriError, Refused, Rejected
from pipeline.reading import reader
from pipeline.vault.api import lease_info
from pipeline.vault.client import VaultClient
from pipeline.vault.ledger import Entry, Kind
from schemas.detections import FrameDetections
from schemas.envelope import Invalid, Purpose
from schemas.ids import KeyId
from schemas.wire import decode
from tests.integration.house import House

EVERY: Final = 0.3
SETTLED: Final = timedelta(seconds=2)
Span = tuple[datetime, datetime]
ALWAYS: Final[tuple[Span, ...]] = ((datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),)

_RECORD: Final = 128
_MAGIC: Final = b"MSK1"
_NAME: Final = slice(4, 64)
_KEY: Final = slice(64, 96)


@dataclass
class Lateness:
    """When keys were destroyed, in seconds after they expired."""

    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        if not self.seconds:
            return 0.0
        ordered = sorted(self.seconds)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    def as_dict(self) -> dict[str, float]:
        largest = max(self.seconds, default=0.0)
        return {
            "keys": len(self.seconds),
            "p50": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "max": round(largest, 3),
        }


class Keys:
    """Follows a vault, and remembers every key that it ever saw."""

    def __init__(self, here: House) -> None:
        self._here = here
        self._pair = sealing.generate()
        self.entries: list[Entry] = []
        self.slot: dict[str, bytes] = {}
        self.private: dict[str, bytes] = {}
        self._unleased: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, datetime] = {}
        self._vanished: dict[str, datetime] = {}

    @property
    def ring(self) -> Path:
        return self._here.demo.run / "vault" / "ring" / "slot-keys"

    async def follow_ring(self) -> None:
        """Read the ring's file again and again, until cancelled: it shows when a slot key goes, whatever is told."""
        while True:
            began = datetime.now(UTC)
            living = self.living_slots()
            gone = {name: datetime.now(UTC) for name in self.slot if name not in living}
            self._vanished = gone | {name: when for name, when in self._vanished.items() if name in gone}
            self._seen |= dict.fromkeys(living, began)
            self.slot |= living
            await asyncio.sleep(EVERY)

    async def follow(self) -> None:
        """Ask the vault again and again, until cancelled; what is away is asked again."""
        async with self._here.vault("console") as reading, self._here.vault("detecting") as leasing:
            while True:
                with contextlib.suppress(MimamoriError):
                    await self.read_ledger(reading)
                    await self._lease(leasing)
                await asyncio.sleep(EVERY)

    def living_slots(self) -> dict[str, bytes]:
        """Return the slot keys that lie in the ring now."""
        try:
            content = self.ring.read_bytes()
        except FileNotFoundError:
            return {}
        records = (content[at : at + _RECORD] for at in range(0, len(content), _RECORD))
        return {
            each[_NAME].rstrip(b"\0").decode(): each[_KEY]
            for each in records
            if each.startswith(_MAGIC) and any(each[_KEY])
        }

    async def read_ledger(self, client: VaultClient) -> None:
        while (page := await client.ledger(len(self.entries))).entries:
            self.entries += page.entries
            for each in page.entries:
                if each.kind is Kind.KEY_CREATED:
                    self._unleased[each.body["key_id"]] = each.body

    async def _lease(self, client: VaultClient) -> None:
        for key_id, body in list(self._unleased.items()):
            try:
                lease = await client.lease(KeyId(key_id), Purpose(body["purpose"]), self._pair.public)
            except (Erased, Refused, Rejected):
                pass  # Not for a worker: a key of evidence.
            else:
                self.private[key_id] = sealing.open_(self._pair.private, lease_info(lease), lease.sealed)
            del self._unleased[key_id]

    def learn(self, key_id: str, private: bytes) -> None:
        """Take in a key that was lent to a person."""
        self.private[key_id] = private

    def destroyed(self) -> dict[str, bytes]:
        """Return the keys that have been no more for a moment, by name: a lease ends when its key does."""
        limit = datetime.now(UTC) - SETTLED
        gone = {
            each.body["key_id"]
            for each in self.entries
            if each.kind is Kind.KEY_DESTROYED and datetime.fromisoformat(each.body["destroyed_at"]) < limit
        }
        living = self.living_slots()
        return {f"private {name}": each for name, each in self.private.items() if name in gone} | {
            f"slot {name}": each for name, each in self.slot.items() if name not in living and _ended(name, limit)
        }

    def living(self) -> dict[str, bytes]:
        return {f"slot {name}": each for name, each in self.living_slots().items()}

    def living_private(self) -> dict[str, bytes]:
        gone = {each.body["key_id"] for each in self.entries if each.kind is Kind.KEY_DESTROYED}
        return {f"private {key_id}": each for key_id, each in self.private.items() if key_id not in gone}

    def lateness(self, during: Sequence[Span] = ALWAYS, but: Sequence[Span] = ()) -> Lateness:
        """Say how late keys died that expired within some spans and not within others, by the vault's own word."""
        return Lateness([
            (destroyed - expired).total_seconds()
            for expired, destroyed, _slot_key in self._told()
            if _within(expired, during) and not _within(expired, but)
        ])  # fmt: skip

    def lateness_on_disk(self, during: Sequence[Span] = ALWAYS, but: Sequence[Span] = ()) -> Lateness:
        """Say the same by when the slot key that wrapped a key was no longer seen in the ring's file."""
        return Lateness([
            (self._vanished[slot_key] - expired).total_seconds()
            for expired, _destroyed, slot_key in self._told()
            if slot_key in self._vanished and _within(expired, during) and not _within(expired, but)
        ])  # fmt: skip

    def seen_after_told(self) -> float:
        """Say for how many seconds at most a slot key lay in the ring's file after its keys were called destroyed."""
        told = [(self._seen[name], destroyed) for _expired, destroyed, name in self._told() if name in self._seen]
        return max(0.0, *((last - destroyed).total_seconds() for last, destroyed in told), 0.0)

    def _told(self) -> list[tuple[datetime, datetime, str]]:
        """Return when each key expired, when it was destroyed, and which slot key had wrapped it."""
        bodies = [each.body for each in self.entries if each.kind is Kind.KEY_DESTROYED]
        return [
            (datetime.fromisoformat(each["expires_at"]), datetime.fromisoformat(each["destroyed_at"]), each["slot_key"])
            for each in bodies
        ]

    def overdue(self, slack: timedelta) -> list[str]:
        """Name keys that the ledger still calls alive though they expired that long ago."""
        gone = {each.body["key_id"] for each in self.entries if each.kind is Kind.KEY_DESTROYED}
        created = [each.body for each in self.entries if each.kind is Kind.KEY_CREATED]
        limit = datetime.now(UTC) - slack
        return [
            each["key_id"]
            for each in created
            if each["key_id"] not in gone and datetime.fromisoformat(each["expires_at"]) < limit
        ]


def _within(time: datetime, spans: Sequence[Span]) -> bool:
    return any(begin <= time < end for begin, end in spans)


def _ended(slot_key: str, limit: datetime) -> bool:
    """Say whether a slot is over, by its key's name; one that is not was erased early."""
    return slot_key < f"{limit:%Y%m%dT%H%M%S}" or slot_key > f"{datetime.now(UTC):%Y%m%dT%H%M%S}"


class Opened:
    """Counts the frames of a camera that were opened and looked at, as it happens: retention leaves none to count."""

    def __init__(self, here: House, camera: str) -> None:
        self._here, self._camera = here, camera
        self._topic = here.topics["detections.v1"]
        self._seen: dict[TopicPartition, int] = {}
        self.frames: set[tuple[Any, ...]] = set()

    async def follow(self) -> None:
        """Read on for ever; while the broker is away, wait for it."""
        places = [TopicPartition(self._topic.name, number) for number in range(self._topic.partitions)]
        while True:
            with contextlib.suppress(KafkaError, OSError):
                async with reader(self._here.demo.bootstrap) as consumer:
                    consumer.assign(places)
                    for place in places:
                        consumer.seek(place, self._seen.get(place, 0))
                    while True:
                        for place, records in (await consumer.getmany(timeout_ms=200)).items():
                            for record in records:
                                self._seen[place] = record.offset + 1
                                self._take(record)
            await asyncio.sleep(0.2)

    def _take(self, record: Any) -> None:
        with contextlib.suppress(Invalid):
            message = decode(self._topic, record.key, record.headers, record.value or b"")
            if isinstance(message, FrameDetections) and message.camera_id == self._camera:
                self.frames.add((message.device_id, message.boot, message.sequence))
