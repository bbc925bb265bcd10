"""What was erased before its time, so that it is never made anew: alerts by name, and spans of cameras."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from pipeline.vault.keys import Span
from pipeline.vault.ledger import Body
from pipeline.vault.records import Record, RecordKind, Records
from schemas.ids import AlertId, CameraId, StoreId

LIVES: Final = timedelta(days=30)
"""No regulation keeps evidence longer."""

REMEMBERED: Final = LIVES + timedelta(days=30)
"""How long after the decision: whatever it was about has expired a month before it is forgotten."""


@dataclass(frozen=True)
class Decision:
    """One decision: all of a camera from `start` to `end`, as far as it lay in the past when it was decided."""

    store: StoreId
    camera: CameraId
    start: datetime
    end: datetime
    decided_at: datetime
    alert: AlertId | None

    @classmethod
    def of(cls, body: Body) -> Self:
        return cls(
            store=StoreId(body["store_id"]),
            camera=CameraId(body["camera_id"]),
            start=datetime.fromisoformat(body["start"]),
            end=datetime.fromisoformat(body["end"]),
            decided_at=datetime.fromisoformat(body["at"]),
            alert=None if "alert_id" not in body else AlertId(body["alert_id"]),
        )

    def bars(self, span: Span) -> bool:
        """Say whether a bucket must not be made: it meets what was erased, and had begun when that was decided."""
        return span.start < self.decided_at and span.start <= self.end and self.start < span.end

    def covers(self, alert: AlertId, start: datetime, end: datetime) -> bool:
        """Say whether an alert's evidence must not be made: it was named, or lies in a span that was erased whole."""
        if self.alert is not None:
            return self.alert == alert
        return start < self.decided_at and start <= self.end and self.start <= end


class Erasures:
    """All decisions that are remembered: read from the table once, for every device asks for them with every key."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: _Known | None = None

    def of_camera(self, store: StoreId, camera: CameraId) -> tuple[Decision, ...]:
        """Return those of one camera."""
        return tuple(self._read().cameras.get((store, camera), ()))

    def of_alert(self, alert: AlertId) -> bool:
        """Say whether an alert's evidence was erased by name."""
        return alert in self._read().alerts

    def read_anew(self) -> None:
        """Forget what was read: the table has learnt something, or may have."""
        self._known = None

    def _read(self) -> "_Known":
        if self._known is None:
            # Kept only once all of it could be read: half of it would bar half of what it must.
            self._known = _known_of(self._records.records(RecordKind.ERASURE))
        return self._known


@dataclass(frozen=True)
class _Known:
    cameras: dict[tuple[StoreId, CameraId], list[Decision]]
    alerts: set[AlertId]


def _known_of(records: Iterable[Record]) -> _Known:
    # The end of a hold takes the hold's key, and nothing that could be asked for again.
    decisions = [Decision.of(record.body) for record in records if "hold_id" not in record.body]
    cameras: dict[tuple[StoreId, CameraId], list[Decision]] = {}
    for each in decisions:
        cameras.setdefault((each.store, each.camera), []).append(each)
    return _Known(cameras, {each.alert for each in decisions if each.alert is not None})
