"""Bearer tokens: random, one a principal. The vault keeps their hashes; each principal keeps its own file."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import Misconfigured
from pipeline.vault.access import Principal, Role
from schemas.estate import Estate

HASHES: Final = "tokens.json"
FOLDER: Final = "tokens"

_FILE: Final = TypeAdapter(dict[str, Principal])


class Tokens:
    """Who holds which token."""

    def __init__(self, by_hash: Mapping[str, Principal]) -> None:
        self._by_hash = by_hash

    def principal(self, token: str) -> Principal | None:
        # A look-up by the hash of a 256-bit random token: its timing tells nothing of use.
        return self._by_hash.get(sha256(token.encode()).hexdigest())


def principals_of(estate: Estate) -> tuple[Principal, ...]:
    """Name the stages, the console, and every device of the estate."""
    roles = (Role.DETECTING, Role.RECORDING, Role.ERASING, Role.CONSOLE)
    return (
        *(Principal(name=role.value, role=role) for role in roles),
        *(
            Principal(name=f"device-{device.id}", role=Role.DEVICE, store=store.id)
            for store in estate.stores
            for device in store.devices
        ),
    )


def load(folder: Path) -> Tokens:
    """Read the hashes.

    Raises:
        Misconfigured: They are open to other users, or no token file.
    """
    return Tokens(_read(folder / HASHES))


def issue(folder: Path, principals: Iterable[Principal]) -> Tokens:
    """Make a token for every principal that has none, in FOLDER/tokens/NAME, and forget those of nobody."""
    known = {each.name: (digest, each) for digest, each in _read(folder / HASHES).items()}
    by_hash: dict[str, Principal] = {}
    for principal in principals:
        own = folder / FOLDER / principal.name
        if principal.name in known and own.exists():
            by_hash[known[principal.name][0]] = principal
        else:
            token = secrets.token_urlsafe(32)
            _write(own, token)
            by_hash[sha256(token.encode()).hexdigest()] = principal
    _write(folder / HASHES, _FILE.dump_json(by_hash, indent=1).decode())
    return Tokens(by_hash)


def _read(path: Path) -> dict[str, Principal]:
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"{path} is open to other users: chmod 600 {path}")
    try:
        return _FILE.validate_json(path.read_bytes())
    except (ValidationError, json.JSONDecodeError):
        raise Misconfigured(f"{path} is no token file: remove it, and new tokens are made") from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
