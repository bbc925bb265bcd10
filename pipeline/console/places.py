"""What the estate calls its stores, cameras, lines and zones."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from pipeline.console.lexicon import accusing
from pipeline.errors import Misconfigured
from schemas.estate import Camera, Estate, Store
from schemas.ids import CameraId, StoreId


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
