"""Somebody's word that the clock is right: a file in the vault's folder, good once."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import Misconfigured
from schemas.frozen import UtcTime, iso

FILE: Final = "clock-confirmed"

_TIME: Final[TypeAdapter[datetime]] = TypeAdapter(UtcTime)

Confirmation = Callable[[], datetime | None]
"""Returns the time that somebody saw and found right, once; else None."""


def confirm(folder: Path, seen: datetime) -> None:
    """Leave word for the vault of this folder, whether or not it runs.

    Raises:
        Misconfigured: There is no vault.
    """
    if not (folder / "keys.db").exists():
        raise Misconfigured(f"{folder} is no vault's folder: name it with --dir")
    new = folder / f"{FILE}.new"
    new.write_text(iso(seen))
    new.replace(folder / FILE)


def confirmation(folder: Path) -> Confirmation:
    """Look for word in this folder."""

    def take() -> datetime | None:
        try:
            said = (folder / FILE).read_text()
            (folder / FILE).unlink()
        except OSError:
            return None
        try:
            return _TIME.validate_python(said)
        except ValidationError:
            return None

    return take


def nobody() -> datetime | None:
    """Nobody confirms anything."""
    return None
