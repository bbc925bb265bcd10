"""What the estate calls its stores, cameras, lines and zones."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.console.lexicon import accusing
from pipeline.errors import Misconfigured
from pipeline.vault.api import Person
from schemas.estate import Camera, Estate, Store
from schemas.ids import CameraId, StoreId

_INSTANT: Final = timedelta(microseconds=1)
FAR: Final = timedelta(days=3653)


class Names:
    """What people call the places of one store; its id where a name is not given, or the place left the estate."""

    def __init__(self, estate: Estate, store: str) -> None:
        self._id = StoreId(store)
        self._estate = estate

    def store(self) -> str:
        found = self._estate.store(self._id)
        return (found.name if found else "") or self._id

    def camera(self, camera: str) -> str:
        found = self._camera(camera)
        return (found.name if found else "") or camera

    def line(self, camera: str, line: str) -> str:
        found = self._camera(camera)
        return next((each.name for each in (found.lines if found else ()) if each.id == line and each.name), line)

    def zone(self, camera: str, zone: str) -> str:
        found = self._camera(camera)
        return next((each.name for each in (found.zones if found else ()) if each.id == zone and each.name), zone)

    def _camera(self, camera: str) -> Camera | None:
        return self._estate.camera(self._id, CameraId(camera))


def timezone(estate: Estate, store: str) -> ZoneInfo:
    """The store's own; UTC for a store that left the estate while its rows still live."""
    found = estate.store(StoreId(store))
    return ZoneInfo(found.timezone if found else "UTC")


def zone_of(estate: Estate, person: Person) -> ZoneInfo:
    """The zone in which somebody's dates are said: that of the first store of theirs."""
    own = (store for grant in person.grants if grant.stores != "*" for store in grant.stores)
    return timezone(estate, next(own, estate.stores[0].id))


def end_of(day: date, zone: tzinfo) -> datetime:
    """A date counts to its end."""
    return datetime.combine(day + timedelta(days=1), time(), zone)


def last_day(until: datetime, zone: tzinfo) -> date:
    """The last day that counts."""
    return (until - _INSTANT).astimezone(zone).date()


def near(day: date, now: datetime) -> bool:
    """Say whether a day lies within ten years of now: what lies further off was not meant, and is no date to reckon."""
    return abs(day - now.date()) <= FAR


def cameras(estate: Estate) -> Iterator[tuple[Store, Camera]]:
    return ((store, camera) for store in estate.stores for camera in store.cameras)


def names(estate: Estate) -> Iterator[str]:
    """Every name that people gave and that the console shows."""
    for store in estate.stores:
        yield store.name or store.id
        for camera in store.cameras:
            yield camera.name or camera.id
            yield from (line.name or line.id for line in camera.lines)
            yield from (zone.name or zone.id for zone in camera.zones)


def refuse_accusing_names(estate: Estate) -> None:
    """A zone called for what people might do there would accuse whoever stands in it (R41).

    Raises:
        Misconfigured: Naming the names and the words.
    """
    if found := [f"{name!r} ({', '.join(words)})" for name in names(estate) if (words := accusing(name))]:
        raise Misconfigured(f"R41: names in the estate must not accuse; rename {'; '.join(found)}")
