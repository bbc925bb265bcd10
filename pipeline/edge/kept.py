"""Public keys of coming buckets, kept on the device's disk: started again without the vault, it goes on sealing.

Only public halves are here: who reads the file can seal, and open nothing. What the vault says goes before what is
kept.
"""

import contextlib
import hashlib
import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from pipeline.edge.disk import Disk
from pipeline.errors import Refused, Unavailable
from pipeline.logs import log
from pipeline.vault.api import PublicKey, PublicKeys
from pipeline.vault.keys import Owner


class Fetching(Protocol):
    """Keys from the vault; pipeline.vault.client.DeviceKeys, or a fake."""

    @property
    def keys(self) -> tuple[PublicKey, ...]: ...

    async def refresh(self, now: datetime, /) -> None: ...


class KeptKeys:
    """The keys of one camera: fetched, or else kept from before."""

    def __init__(self, fetching: Fetching, owner: Owner, path: Path, disk: Disk) -> None:
        self._fetching = fetching
        self._path = path
        self._disk = disk
        self._kept = load(path, owner)

    def key_at(self, time: datetime, /) -> PublicKey | None:
        """Return the key for a frame of this time, in whatever thread; None where there is none: it must be dropped."""
        # Of a tuple that is replaced and never changed: what fetches may be changing its own.
        return next((key for key in self._kept if key.bucket_start <= time < key.bucket_end), None)

    async def refresh(self, now: datetime, /) -> None:
        """Fetch what is missing, and keep it.

        Raises:
            Unavailable: The vault is away; what was fetched and what is kept stays.
            Refused: This device gets no keys for this camera; what was kept is removed.
        """
        try:
            await self._fetching.refresh(now)
        except Refused:
            self._kept = ()
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            raise
        except Unavailable:
            fetched = self._fetching.keys
            await self._keep(fetched + tuple(key for key in self._kept if _after(key, fetched)))
            raise
        await self._keep(self._fetching.keys or self._kept)

    async def _keep(self, keys: tuple[PublicKey, ...]) -> None:
        if keys != self._kept:
            self._kept = keys
            await self._disk.run(partial(_save_if_possible, self._path, keys))


def _after(key: PublicKey, fetched: tuple[PublicKey, ...]) -> bool:
    return not fetched or key.bucket_start >= fetched[-1].bucket_end


def load(path: Path, owner: Owner) -> tuple[PublicKey, ...]:
    """Read the keys that are kept for this camera; none, where they are damaged or another's."""
    try:
        keys = _parsed(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        log().warning("kept keys cannot be read", path=path.name, error=type(error).__name__)
        return ()
    return tuple(key for key in keys if Owner(key.store_id, key.camera_id, key.purpose) == owner)


def _parsed(content: bytes) -> tuple[PublicKey, ...]:
    digest, _, body = content.partition(b"\n")
    if digest != hashlib.sha256(body).hexdigest().encode():
        raise ValueError("no longer what was written")
    return PublicKeys.model_validate_json(body).keys


def save(path: Path, keys: tuple[PublicKey, ...]) -> None:
    """Keep keys in place of those before, whole or not at all. Raises OSError."""
    body = PublicKeys(keys=keys).model_dump_json().encode()
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _save_if_possible(path: Path, keys: tuple[PublicKey, ...]) -> None:
    try:
        save(path, keys)
    except OSError as error:
        log().warning("keys cannot be kept", path=path.name, detail=str(error.strerror))
