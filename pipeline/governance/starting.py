"""What must be in order before a camera's stream may start."""

from datetime import datetime, timedelta

from pipeline.errors import Misconfigured
from schemas.envelope import Purpose
from schemas.estate import Camera, Estate
from schemas.ids import CameraId, StoreId
from schemas.regulation import Regulation


def reasons_not_to_start(
    estate: Estate, regulation: Regulation, store: StoreId, camera: CameraId, now: datetime
) -> tuple[str, ...]:
    """Say all that keeps a stream from starting, each with its mend; none means that it may start."""
    found = estate.camera(store, camera)
    if found is None:
        return (f"the estate has no camera {store}/{camera}: add it under [[stores.cameras]]",)
    return (
        *_responsible(regulation),
        *_retention(estate, regulation),
        *_notice(regulation, found, now),
        *_proportionate(found),
    )


def require_start(estate: Estate, regulation: Regulation, store: StoreId, camera: CameraId, now: datetime) -> None:
    """Refuse a stream that may not start.

    Raises:
        Misconfigured: With every reason.
    """
    if reasons := reasons_not_to_start(estate, regulation, store, camera, now):
        raise Misconfigured("\n".join((f"{store}/{camera} does not start:", *(f"  - {each}" for each in reasons))))


def _responsible(regulation: Regulation) -> tuple[str, ...]:
    named = {"manager": regulation.manager, "deputy": regulation.deputy}
    return tuple(f"R13: name a {role} in the regulation: [{role}]" for role, who in named.items() if who is None)


def _retention(estate: Estate, regulation: Regulation) -> tuple[str, ...]:
    if regulation.retention is None:
        return ("R20: set how long frames live in the regulation: [retention] frames = '1h'",)
    allowed = regulation.retention
    kinds = (
        ("frames", estate.frame_ttl, allowed.frames, "frame_ttl"),
        ("alerts", estate.alerts_ttl, allowed.alerts, "alerts_ttl"),
        ("people flow", estate.flow_ttl, allowed.flow, "flow_ttl"),
    )
    return tuple(
        f"R20: the estate keeps {what} {_said(kept)}, the regulation allows {_said(longest)}: lower {key}"
        for what, kept, longest, key in kinds
        if kept > longest
    )


def _said(length: timedelta) -> str:
    return str(length).removesuffix(", 0:00:00")


def _notice(regulation: Regulation, camera: Camera, now: datetime) -> tuple[str, ...]:
    notice = regulation.notice(camera.notice)
    if camera.notice is None or notice is None:
        return (
            "R02: no notice is on record for the camera: add [[notices]] to the regulation and name it as its notice",
        )
    if not notice.active or notice.checked_on > now.date():
        return (f"R02: notice {notice.id} is not active: have it checked and set active = true",)
    if Purpose.CRIME_PREVENTION not in notice.purposes:
        return (f"R02: notice {notice.id} does not name the purpose {Purpose.CRIME_PREVENTION}",)
    return ()


def _proportionate(camera: Camera) -> tuple[str, ...]:
    decided = camera.proportionality
    reasons = []
    if camera.fps > decided.fps_max:
        reasons.append(f"R07: {camera.fps:g} frames/s are more than the {decided.fps_max:g} decided: lower fps")
    if camera.width > decided.width_max:
        reasons.append(f"R07: {camera.width} pixels are wider than the {decided.width_max} decided: lower width")
    return tuple(reasons)
