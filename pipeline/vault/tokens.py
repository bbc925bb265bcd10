"""Bearer tokens: random, one a principal. The vault keeps their hashes; each principal keeps its own file."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.access import Principal, Role
from schemas.estate import Estate

HASHES: Final = "tokens.json"
FOLDER: Final = "tokens"

_FILE: Final = TypeAdapter(dict[str, Principal])


class Tokens:
    """Who holds which token. Given the file of the hashes, what is renewed or taken there holds from that moment."""

    def __init__(self, by_hash: Mapping[str, Principal], file: Path | None = None) -> None:
        self._by_hash = by_hash
        self._file = file
        self._seen = _version(file)

    def principal(self, token: str) -> Principal | None:
        """Say whose token it is.

        Raises:
            Unavailable: The file is open to others by now, or no token file any more: nobody is known.
        """
        if self._file is not None and (seen := _version(self._file)) != self._seen:
            try:
                self._by_hash, self._seen = _read(self._file), seen
            except Misconfigured as error:
                raise Unavailable(str(error)) from None
        # A look-up by the hash of a 256-bit random token: its timing tells nothing of use.
        return self._by_hash.get(sha256(token.encode()).hexdigest())


def principals_of(estate: Estate) -> tuple[Principal, ...]:
    """Name the stages that ask the vault, the console, and every device of the estate."""
    roles = (Role.DETECTING, Role.CUTTING, Role.ERASING, Role.CONSOLE)
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
    return Tokens(_read(folder / HASHES), folder / HASHES)


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
    return Tokens(by_hash, folder / HASHES)


def renew(folder: Path, name: str) -> Path:
    """Make a new token for a principal, and return its file. From then on a running vault knows the old one no more.

    Raises:
        Misconfigured: No principal is called so.
    """
    known = _read(folder / HASHES)
    principal = next((each for each in known.values() if each.name == name), None)
    if principal is None:
        raise Misconfigured(f"nobody called {name} has a token here: {', '.join(_names(known)) or 'nobody has'}")
    (folder / FOLDER / name).unlink(missing_ok=True)
    issue(folder, known.values())
    return folder / FOLDER / name


def _names(known: Mapping[str, Principal]) -> list[str]:
    return sorted(each.name for each in known.values())


def _version(file: Path | None) -> tuple[int, ...]:
    """Say which version of a file lies there: whoever writes it puts a new one in its place."""
    try:
        found = None if file is None else file.stat()
    except FileNotFoundError:
        return ()
    return () if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)


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
