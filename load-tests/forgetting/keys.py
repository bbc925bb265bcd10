"""Many secrets sought at once in many bytes, wherever they lie and however they are written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from canaries import base64_of

_PIECE: Final = 32
_SHORTEST: Final = 12
_CHUNK: Final = 16 << 20
_STAGES: Final = (0, 2, 4, 6)
"""Where two bytes each are looked up before a place is compared in full."""


class Hit(NamedTuple):
    """A secret that was found."""

    name: str
    form: str
    offset: int


class Index:
    """Private and slot keys by name; each is sought piece by piece, raw, in hex and in base64.

    Of a piece the first and last byte are left out: a curve's key is also held with its ends' bits set.
    """

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._patterns = {
            pattern: (name, form) for name, secret in secrets.items() for form, pattern in _patterns(secret)
        }
        self._longest = max(map(len, self._patterns), default=0)
        self._by_start: dict[bytes, list[bytes]] = {}
        for pattern in self._patterns:
            self._by_start.setdefault(pattern[:8], []).append(pattern)
        starts = np.frombuffer(b"".join(self._by_start), np.uint8).reshape(-1, 8) if self._patterns else None
        self._tables = [] if starts is None else [_table(starts[:, at : at + 2]) for at in _STAGES]

    def __len__(self) -> int:
        return len(self._patterns)

    def find(self, data: bytes) -> Iterator[Hit]:
        """Give every secret that lies in these bytes."""
        if not self._patterns:
            return
        for begin in range(0, len(data), _CHUNK):
            yield from self._find(data[begin : begin + _CHUNK + self._longest], begin)

    def _find(self, data: bytes, begin: int) -> Iterator[Hit]:
        if len(data) < 8:
            return
        for place in self._candidates(data):
            for pattern in self._by_start.get(data[place : place + 8], ()):
                if place < _CHUNK and data.startswith(pattern, place):
                    yield Hit(*self._patterns[pattern], begin + int(place))

    def _candidates(self, data: bytes) -> list[int]:
        content = np.frombuffer(data, np.uint8)
        first = [np.flatnonzero(self._tables[0][pairs]) * 2 + odd for odd, pairs in enumerate(_both(data))]
        places = np.sort(np.concatenate(first))
        places = places[places <= len(content) - 8]
        for at, table in zip(_STAGES[1:], self._tables[1:], strict=True):
            pairs = content[places + at].astype(np.uint16) | (content[places + at + 1].astype(np.uint16) << 8)
            places = places[table[pairs]]
        return [int(each) for each in places]


def _both(data: bytes) -> Iterator[npt.NDArray[np.uint16]]:
    """Give all pairs of bytes, those at even places first."""
    for odd in (0, 1):
        yield np.frombuffer(data, "<u2", count=(len(data) - odd) // 2, offset=odd)


def _patterns(secret: bytes) -> Iterable[tuple[str, bytes]]:
    for at in range(0, len(secret), _PIECE):
        piece = secret[at : at + _PIECE][1:-1]
        if len(piece) < _SHORTEST:
            return
        yield "raw", piece
        yield "hex", piece.hex().encode()
        yield "HEX", piece.hex().upper().encode()
        for number, coded in enumerate(base64_of(piece)):
            yield f"base64+{number}", coded


def _table(pairs: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    table = np.zeros(1 << 16, np.bool_)
    table[pairs[:, 0].astype(np.uint16) | (pairs[:, 1].astype(np.uint16) << 8)] = True
    return table
