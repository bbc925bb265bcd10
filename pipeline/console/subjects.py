"""Whose alert something is about: store, camera and time, and how such a time is said."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.console import spoken
from pipeline.console.desk import Console, in_store
from pipeline.console.sessions import Visit
from pipeline.console.words import Words
from pipeline.governance.roles import Action
from schemas.ids import AlertId, CameraId, StoreId


class Subject(NamedTuple):
    """Whose alert, and when it was: so that pictures of it which were never cut can be erased as well."""

    store: StoreId
    camera: CameraId
    start: datetime
    end: datetime


async def subject_of(at: Console, by: Visit, alert_id: str, action: Action, words: Words) -> Subject:
    """Say whose alert it is: by the board, or for older ones by what is kept of it; refuse another store's."""
    alert = at.feed.board.alerts.get(alert_id)
    if alert is not None:
        found = Subject(StoreId(alert.store_id), CameraId(alert.camera_id), alert.start, alert.end)
    else:
        kept = await at.sources.people.object_of(AlertId(alert_id), session=by.token)
        found = Subject(kept.store_id, kept.camera_id, kept.start, kept.end)
    in_store(by, action, found.store, words)
    return found


def when(time_: datetime, zone: ZoneInfo) -> str:
    return f"{spoken.date(time_, zone)} {spoken.hour(time_, zone)}"
