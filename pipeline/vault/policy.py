"""Whose keys there are at all: cameras that are in order, each with the purposes that rules and notice both name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.errors import Refused
from pipeline.governance.starting import reasons_not_to_start
from schemas.envelope import Purpose
from schemas.estate import Camera, Estate
from schemas.ids import CameraId, NoticeId, StoreId
from schemas.regulation import Regulation


@dataclass(frozen=True)
class Allowed:
    """What one camera's frames may be used for, the notice that says so at the door, and how long evidence lives."""

    purposes: frozenset[Purpose]
    notice: NoticeId
    evidence: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Policy:
    """What is not named here gets no key; there is no role that overrides it (R05)."""

    frame_ttl: timedelta
    cameras: Mapping[tuple[StoreId, CameraId], Allowed] = field(default_factory=dict)

    def require(self, store: StoreId, camera: CameraId, purpose: Purpose) -> Allowed:
        """Return what the camera's frames may be used for.

        Raises:
            Refused: Not for this purpose.
        """
        allowed = self.cameras.get((store, camera))
        if allowed is None:
            raise Refused(f"{store}/{camera} has no keys: it is not in the estate, or not in order")
        if purpose not in allowed.purposes:
            raise Refused(f"purpose_incompatible: rules and notice of {store}/{camera} do not name {purpose}")
        return allowed


def policy_of(estate: Estate, regulations: Mapping[StoreId, Regulation], now: datetime) -> Policy:
    """Read from the estate who gets keys. A camera that may not start gets none."""
    return Policy(
        frame_ttl=estate.frame_ttl,
        cameras={
            (store.id, camera.id): allowed
            for store in estate.stores
            for camera in store.cameras
            if not reasons_not_to_start(estate, regulations[store.id], store.id, camera.id, now)
            if (allowed := _allowed(regulations[store.id], camera)) is not None
        },
    )


def _allowed(regulation: Regulation, camera: Camera) -> Allowed | None:
    notice = regulation.notice(camera.notice)
    if notice is None:
        return None
    purposes = frozenset(regulation.purposes) & frozenset(notice.purposes)
    if regulation.retention is None:
        return Allowed(purposes, notice.id)
    return Allowed(purposes, notice.id, regulation.retention.evidence)
