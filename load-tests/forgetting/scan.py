"""Places scanned for canaries and destroyed keys, each beside a control: that shows that the scan sees."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from canaries import PIXELS, Canary, Mark, codes_in
from decode import CODECS, batch, kafka_file, plain_file
from keys import Hit, Index

Decode = Callable[[Path, bytes], tuple[list[bytes], int]]
"""What lies within a file, and how much of it could not be decoded."""

_TOLD: Final = 12
_READ_AGAIN: Final = 10
_AGAIN_AFTER: Final = 0.3
"""Seconds: what is being written just now is whole by then."""


@dataclass
class Row:
    """What was found in one place."""

    place: str
    files: int = 0
    scanned: int = 0
    """Bytes, as they lie there and decoded."""
    unread: int = 0
    """Bytes that could not be decoded: scanned as they lie there all the same."""
    control: bool = False
    missing: list[str] = field(default_factory=list)
    """Forms of the control that the scan did not see."""
    canaries: Counter[str] = field(default_factory=Counter)
    """By form."""
    keys: set[str] = field(default_factory=set)
    """Destroyed keys that were there."""
    where: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {"canaries": dict(self.canaries), "keys": sorted(self.keys)}


@dataclass(frozen=True)
class Sought:
    """What is looked for: canaries, controls, and keys that are destroyed."""

    planted: Mark
    control: Mark
    destroyed: Index

    @property
    def forms(self) -> frozenset[str]:
        return frozenset(self.control.needles) | {PIXELS}


def seen(data: bytes, mark: Mark, *, pixels: bool = True) -> Counter[str]:
    """Count a kind of canary in bytes, by form."""
    counts = {form: data.count(needle) for form, needle in mark.needles.items()}
    found = Counter({form: count for form, count in counts.items() if count})
    if pixels and (drawn := sum(code.startswith(mark.code) for code in codes_in(data))):
        found[PIXELS] = drawn
    return found


class Scan:
    """One place."""

    def __init__(self, place: str, sought: Sought, *, pixels: bool = True) -> None:
        self.row = Row(place)
        self._sought = sought
        self._pixels = pixels

    def files(self, paths: Iterable[Path], decode: Decode = plain_file) -> None:
        for path in paths:
            try:
                data, parts, unread = _read(path, decode)
            except FileNotFoundError:
                continue  # Retention or a merge took it just now.
            self.row.files += 1
            self.row.unread += unread
            if unread and len(self.row.where) < _TOLD:
                self.row.where.append(f"{path}: {unread} bytes not decoded")
            self.bytes(data, str(path))
            for part in parts:
                self.bytes(part, f"{path} (decoded)")

    def bytes(self, data: bytes, where: str) -> None:
        self.row.scanned += len(data)
        data = data.rstrip(b"\0")  # Indexes are files of zeros until they fill.
        canaries = seen(data, self._sought.planted, pixels=self._pixels)
        keys = list(self._sought.destroyed.find(data))
        self.row.canaries += canaries
        self.row.keys |= {hit.name for hit in keys}
        if (canaries or keys) and len(self.row.where) < _TOLD:
            self.row.where.append(f"{where}: {_told(canaries, keys)}")

    def hits(self, found: Iterable[Hit], where: str) -> None:
        """Note destroyed keys."""
        for hit in found:
            self.row.keys.add(hit.name)
            if len(self.row.where) < _TOLD:
                self.row.where.append(f"{where} +{hit.offset:#x}: key {hit.name} ({hit.form})")

    def controlled(self, found: Iterable[str], wanted: Iterable[str] | None = None) -> None:
        """Note which forms of a control were seen; all of them is a control found."""
        self.lacks(*sorted(frozenset(self._sought.forms if wanted is None else wanted) - frozenset(found)))

    def lacks(self, *what: str) -> None:
        """Note what a control, or the place itself, lacks; without a word nothing."""
        self.row.missing += what
        self.row.control = not self.row.missing


def _read(path: Path, decode: Decode) -> tuple[bytes, list[bytes], int]:
    for attempt in range(_READ_AGAIN):
        data = path.read_bytes()
        parts, unread = decode(path, data)
        if not unread or attempt == _READ_AGAIN - 1:
            break
        time.sleep(_AGAIN_AFTER)
    return data, parts, unread


def _told(canaries: Counter[str], keys: Sequence[Hit]) -> str:
    return ", ".join(
        [f"{form} x{count}" for form, count in canaries.items()]
        + [f"key {hit.name} ({hit.form} at {hit.offset:#x})" for hit in keys[:4]]
    )


def control_beside(paths: Sequence[Path], control: Canary, picture: bytes, decode: Decode) -> set[str]:
    """Plant a control in a copy of one of these files, as a file of its kind would hold it, and scan that.

    Without a file there is nothing to plant it in, and nothing is seen.
    """
    alike = [each for each in paths if decode is not kafka_file or each.suffix == ".log"]
    copied = next(_there(alike), None)
    if copied is None:
        return set()
    content = b"\n".join([b"", control.blob, picture])
    if decode is not kafka_file:
        return _scanned(copied + content, Path("control"), control.mark, decode)
    every = (_scanned(copied + batch(content, codec), Path("control.log"), control.mark, decode) for codec in CODECS)
    return set.intersection(*every)


def _there(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            yield path.read_bytes()


def _scanned(data: bytes, path: Path, mark: Mark, decode: Decode) -> set[str]:
    parts, _unread = decode(path, data)
    # What is plain to see without decoding is no control of the decoding.
    looked = parts if decode is kafka_file else [data, *parts]
    return {form for part in looked for form in seen(part, mark)}
