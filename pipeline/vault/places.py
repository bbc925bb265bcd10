"""Where keys lie: key table and key ring, opened as the settings say."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from pipeline.errors import Misconfigured
from pipeline.settings import Keys
from pipeline.vault.ring import FileRing, Ring
from pipeline.vault.store import KeyTable, SqliteKeyTable
from pipeline.vault.tls import verifying
from pipeline.vault.transit import TIMEOUT, TransitRing

_POSTGRES: Final = ("postgresql://", "postgres://")
_LOCK: Final = "lock"


def open_ring(folder: Path, keys: Keys) -> Ring:
    """Open the ring: a transit engine where one is named, else a file. Whoever has it is the only vault of the folder.

    Raises:
        Misconfigured: Another vault has it, or the settings are wrong.
        Unavailable: The transit engine is away.
    """
    if not keys.ring:
        return FileRing(folder / "ring" / "slot-keys")
    _hold_alone(folder / _LOCK)
    client = httpx.Client(timeout=TIMEOUT, verify=verifying(keys.ring, keys.ring_ca))
    return TransitRing(keys.ring, _token(keys), prefix=keys.ring_prefix, namespace=keys.ring_namespace, client=client)


def open_table(folder: Path, keys: Keys) -> KeyTable:
    """Open the key table: in PostgreSQL where it is named, else in a file.

    Raises:
        Misconfigured: Another vault has it, or the settings are wrong.
        Unavailable: The database is away.
    """
    url = keys.table.get_secret_value()
    if not url:
        return SqliteKeyTable(folder / "keys.db")
    if not url.startswith(_POSTGRES):
        raise Misconfigured("the key table's address is none: postgresql://user@host/database")
    try:
        from pipeline.vault.postgres import PostgresKeyTable  # noqa: PLC0415 (an extra of its own)
    except ImportError:
        raise Misconfigured("a key table in PostgreSQL needs psycopg: pip install 'mimamori[postgres]'") from None
    return PostgresKeyTable(url)


def has_password(url: str) -> bool:
    """Say whether an address has a password in it: it must not become an argument, which everybody can list."""
    try:
        return httpx.URL(url).password != "" or "password=" in url
    except httpx.InvalidURL:
        # Whatever it is, a password may be in it.
        return True


def _token(keys: Keys) -> Callable[[], str]:
    def token() -> str:
        if keys.ring_token_file is None:
            found = keys.ring_token.get_secret_value()
        else:
            try:
                # Each time anew: an agent renews it there.
                found = keys.ring_token_file.read_text()
            except OSError as error:
                raise Misconfigured(f"{keys.ring_token_file} cannot be read: {error.strerror}") from None
        if not found.strip():
            raise Misconfigured("the transit engine takes a token: MIMAMORI_KEYS__RING_TOKEN_FILE names its file")
        return found.strip()

    return token


def _hold_alone(path: Path) -> None:
    # Kept open for as long as the process lives.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Misconfigured(f"another vault holds {path}: stop it first") from None
