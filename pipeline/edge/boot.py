"""How often a device has started: kept on its disk, counted up before anything is sent."""

import os
from pathlib import Path

from pipeline.errors import Misconfigured


def count_boot(folder: Path) -> int:
    """Count this start and return its number, from 1.

    Written and synced before it is used: two starts with one number would make the second's messages look repeated.

    Raises:
        Misconfigured: The count cannot be read or written.
    """
    path = folder / "boot"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = int(path.read_text()) + 1 if path.exists() else 1
        fresh = path.with_suffix(".new")
        with fresh.open("w") as file:
            file.write(str(number))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync(folder)
    except (OSError, ValueError) as error:
        raise Misconfigured(
            f"the boot count in {path} cannot be kept ({error}): write a number into it, higher than any before"
        ) from None
    return number


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
