"""How long the vault was away, by a clock that nobody sets: that of the machine since it was switched on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from pipeline.clock import Clock
from schemas.frozen import Frozen, UtcTime

FILE: Final = "uptime.json"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")

Note = Callable[[datetime], None]
"""Called every so often with the time as it is believed."""


class Mark(Frozen):
    """What the time was when the machine had been on for so many seconds, and since which start."""

    now: UtcTime
    monotonic: float
    boot: str


def boot_id() -> str:
    """Name this start of the machine; nothing where it does not tell."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def noting(folder: Path, clock: Clock, boot: str) -> Note:
    """Keep the last mark in this folder. A mark that cannot be kept is none: the wall clock has to do then."""

    def note(now: datetime) -> None:
        new = folder / f"{FILE}.new"
        try:
            new.write_text(Mark(now=now, monotonic=clock.monotonic(), boot=boot).model_dump_json())
            new.replace(folder / FILE)
        except OSError:
            return

    return note


def time_by_uptime(folder: Path, clock: Clock, boot: str) -> datetime | None:
    """Say what the time is by the last mark, if the machine has been on ever since."""
    try:
        mark = Mark.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    elapsed = clock.monotonic() - mark.monotonic
    return mark.now + timedelta(seconds=elapsed) if boot and mark.boot == boot and elapsed >= 0 else None
