"""Object storage: sealed bytes by name, in a folder or wherever obstore can reach (S3, Google, Azure).

What is put here is ciphertext, and its name says nothing of what is in it. An object is put once and never changed, so
that whoever puts it a second time, late or after a death, finds the first one, and says the same of it.
"""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from obstore import delete_async, get_async, head_async, put_async
from obstore import list as list_objects
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import ObjectStore, from_url

from pipeline.errors import MimamoriError, Misconfigured, Unavailable

LARGEST: Final = 64 << 20
"""No object has more bytes: more is not read into memory."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62}){0,7}")
_LEFT: Final = re.compile(r"\.(.+)\.[0-9a-f]{16}\.new")
"""What a death leaves of an object that was being put: a file beside where it would lie."""

_RETRIES: Final[Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}


class Objects(Protocol):
    """Where objects lie. Names are short lower-case parts with slashes between them.

    Every method raises Unavailable while the storage cannot be reached or does not do as it is told.
    """

    async def put(self, name: str, data: bytes) -> bool:
        """Put an object where there is none: all of it or nothing, and for good when this returns.

        Returns:
            Whether it was put: False where there is one of that name, which stays as it is.
        """
        ...

    async def get(self, name: str) -> bytes | None:
        """Return an object, or None where there is none."""
        ...

    async def delete(self, name: str) -> None:
        """Take an object away, and look whether it is gone. One that is not there is gone."""
        ...

    async def names(self, prefix: str) -> list[str]:
        """Name the objects below a folder (`evidence/`), and what is left of some that were never put wholly."""
        ...


def open_objects(url: str) -> Objects:
    """Open the storage at an address: `file:///folder`, `s3://bucket/prefix`, `memory://` and what else obstore knows.

    Keys and endpoints of S3 come from its usual variables: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on.

    Raises:
        Misconfigured: There is no such kind of storage, or the folder is open to other users.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)))
    try:
        more = {} if parts.scheme == "memory" else {"retry_config": _RETRIES}
        return Remote(from_url(url if parts.netloc or parts.scheme != "memory" else "memory:///", **more))
    except (BaseError, ValueError, TypeError):
        # Not quoted: an address may hold a password.
        raise Misconfigured(
            "MIMAMORI_OBJECTS__URL is no address of an object storage: file:///folder, s3://bucket/prefix …"
        ) from None


class Folder:
    """Objects as files that only this user can read, each on the disk for good before it is said to be put."""

    def __init__(self, root: Path) -> None:
        if not root.is_absolute():
            raise Misconfigured(f"MIMAMORI_OBJECTS__URL: {root} is not a whole path")
        self._root = root
        try:
            _make(root)
        except OSError as error:
            raise Misconfigured(f"{root}: no objects can be put there ({error.strerror})") from None
        if root.stat().st_mode & 0o077:
            raise Misconfigured(f"{root} is open to other users: chmod 700 {root}")

    async def put(self, name: str, data: bytes) -> bool:
        return await asyncio.to_thread(self._put, self._path(name), data)

    async def get(self, name: str) -> bytes | None:
        return await asyncio.to_thread(self._get, self._path(name))

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._delete, self._path(name))

    async def names(self, prefix: str) -> list[str]:
        return await asyncio.to_thread(self._names, prefix)

    def _put(self, path: Path, data: bytes) -> bool:
        with _told(path):
            if path.exists():
                return False
            _make(path.parent)
            new = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
            try:
                _write(new, data)
                # A link, not a rename: it refuses where another put one meanwhile.
                os.link(new, path)
            except FileExistsError:
                return False
            finally:
                new.unlink(missing_ok=True)
                _to_disk(path.parent)
            return True

    def _get(self, path: Path) -> bytes | None:
        with _told(path):
            try:
                _require_small(path.stat().st_size)
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def _delete(self, path: Path) -> None:
        with _told(path):
            for each in (path, *_left_of(path)):
                each.unlink(missing_ok=True)
            if path.parent.exists():
                _to_disk(path.parent)
            if path.exists():
                raise Unavailable("an object that was deleted is there again")

    def _names(self, prefix: str) -> list[str]:
        with _told(self._root):
            return sorted({self._name(file) for file in (self._root / prefix).rglob("*") if file.is_file()})

    def _name(self, file: Path) -> str:
        left = _LEFT.fullmatch(file.name)
        whole = file if left is None else file.with_name(left[1])
        return whole.relative_to(self._root).as_posix()

    def _path(self, name: str) -> Path:
        return self._root / _named(name)


class Remote:
    """Objects in a storage that obstore reaches."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._keeps_versions = False

    async def put(self, name: str, data: bytes) -> bool:
        async with _answered():
            self._refuse_versions()
            try:
                done = await put_async(self._store, _named(name), data, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return False
            if done["version"] is not None:
                # It can only be learnt by putting something: once, not again with every attempt.
                self._keeps_versions = True
                await delete_async(self._store, _named(name))
            self._refuse_versions()
            return True

    def _refuse_versions(self) -> None:
        if self._keeps_versions:
            raise Unavailable(
                "the bucket keeps old versions, so nothing in it could be forgotten: turn that off, and start again"
            )

    async def get(self, name: str) -> bytes | None:
        async with _answered():
            try:
                found = await get_async(self._store, _named(name))
            except FileNotFoundError:
                return None
            _require_small(found.meta["size"])
            return bytes(await found.bytes_async())

    async def delete(self, name: str) -> None:
        async with _answered():
            try:
                await delete_async(self._store, _named(name))
                await head_async(self._store, name)
            except FileNotFoundError:
                return
            raise Unavailable("an object that was deleted is still there")

    async def names(self, prefix: str) -> list[str]:
        async with _answered():
            return sorted([each["path"] async for page in list_objects(self._store, prefix=prefix) for each in page])


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    """Say that the storage is away, and of what it says only what kind of thing: its messages quote addresses."""
    try:
        yield
    except MimamoriError:
        raise
    except (BaseError, OSError) as error:
        raise Unavailable(f"the object storage is away: {type(error).__name__}") from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the object storage is away: {path.parent}: {error.strerror}") from None


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("no object has such a name")
    return name


def _require_small(size: int) -> None:
    if size > LARGEST:
        raise Unavailable(f"an object of {size} bytes is none of ours")


def _left_of(path: Path) -> list[Path]:
    return list(path.parent.glob(f".{path.name}.*.new"))


def _make(folder: Path) -> None:
    """Make a folder and those above it, for this user alone, and for good."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _to_disk(folder.parent)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
