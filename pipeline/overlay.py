"""Overlays of the estate, written: what is drawn and measured for one camera, whole or not at all, the old one kept."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import tomli_w
from pydantic import ValidationError

from schemas.estate import Camera, Overlay, load_estate, load_overlay, overlay_path
from schemas.files import FileError
from schemas.ids import CameraId, StoreId

_HEAD: Final = "# Written by the console's editor and `mimamori camera`; laid over the estate's camera at a start.\n"
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
"""Upper case: no camera is called so, and no file of a camera's is taken for another's old one."""


def write_overlay(estate: Path, overlay: Overlay, now: datetime) -> Path:
    """Write a camera's overlay in place of the one that is there, which is kept beside it with the time.

    What reads the estate afterwards reads the old one or the new one, whole.

    Returns:
        Where it lies.

    Raises:
        FileError: The estate has no such camera, or the overlay does not go together with it; nothing is written.
        OSError: It cannot be written.
    """
    _checked(estate, overlay)
    path = overlay_path(estate, overlay.store, overlay.camera)
    path.parent.mkdir(exist_ok=True)
    _keep_old(path, now)
    _write(path, to_toml(overlay))
    return path


def change_overlay(estate: Path, store: StoreId, camera: CameraId, now: datetime, **said: object) -> Path:
    """Write some of a camera's overlay, and leave the rest of it as it is.

    Args:
        estate: The estate's file.
        store: The store.
        camera: The camera.
        now: What time it is.
        said: Fields of `Overlay`, as values; None takes the estate's own again.

    Raises:
        FileError: As `write_overlay`.
    """
    before = load_overlay(estate, store, camera)
    try:
        return write_overlay(estate, Overlay.model_validate({**dict(before), **said}), now)
    except ValidationError as error:
        raise FileError(_said(error)) from None


def to_toml(overlay: Overlay) -> str:
    """Return an overlay as a file says it."""
    return _HEAD + tomli_w.dumps(overlay.model_dump(mode="json", exclude_none=True, exclude_unset=True))


def _checked(estate: Path, overlay: Overlay) -> Camera:
    camera = load_estate(estate).camera(overlay.store, overlay.camera)
    if camera is None:
        raise FileError(f"{estate}: has no camera {overlay.camera} in store {overlay.store}")
    try:
        return overlay.over(camera)
    except ValidationError as error:
        raise FileError(_said(error)) from None


def _said(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'the camera'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    )


def _keep_old(path: Path, now: datetime) -> None:
    if path.exists():
        stamp = now.astimezone(UTC).strftime(_STAMP)
        path.with_name(f"{path.stem}.{stamp}.toml").write_bytes(path.read_bytes())


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o644)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """See that the new name, too, outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
