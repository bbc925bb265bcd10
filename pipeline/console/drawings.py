"""Where the places of a camera lie that people draw: the overlays beside the estate's file."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pipeline.overlay import change_overlay
from schemas.estate import Camera, Estate, Overlay, load_estate
from schemas.ids import CameraId, StoreId

DRAWN = ("zones", "lines", "masks", "not_people", "people_here")
"""What the editor draws of a camera."""

Drawn = Mapping[str, Any]
"""Some of these, as values."""


class Drawings(Protocol):
    """The drawn places of every camera, as they are written; what is written is in force once a part starts again."""

    def camera(self, store: StoreId, camera: CameraId) -> Camera | None:
        """Return a camera as it is written now. Raises FileError where the files cannot be read."""
        ...

    def write(self, store: StoreId, camera: CameraId, drawn: Drawn, now: datetime) -> None:
        """Write what is drawn of a camera. Raises FileError where it does not go together, OSError as files do."""
        ...


class FileDrawings:
    """Overlays as files."""

    def __init__(self, estate: Path) -> None:
        self._estate = estate

    def camera(self, store: StoreId, camera: CameraId) -> Camera | None:
        return load_estate(self._estate).camera(store, camera)

    def write(self, store: StoreId, camera: CameraId, drawn: Drawn, now: datetime) -> None:
        change_overlay(self._estate, store, camera, now, **drawn)


class MemoryDrawings:
    """Overlays that nobody writes anywhere."""

    def __init__(self, estate: Estate | None = None) -> None:
        self._estate = estate
        self.written: dict[tuple[StoreId, CameraId], Overlay] = {}

    def camera(self, store: StoreId, camera: CameraId) -> Camera | None:
        found = None if self._estate is None else self._estate.camera(store, camera)
        overlay = self.written.get((store, camera))
        return found if found is None or overlay is None else overlay.over(found)

    def write(self, store: StoreId, camera: CameraId, drawn: Drawn, now: datetime) -> None:
        del now
        before = self.written.get((store, camera), Overlay(store=store, camera=camera))
        self.written[store, camera] = before.model_copy(update=dict(drawn))
