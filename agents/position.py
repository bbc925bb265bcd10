"""How far a stage has come: what lies in its state topic, how it is merged, where to begin again. Pure."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

POISON_KEPT: Final = 100
"""Poisonous offsets are remembered so that a redo does not die of them again; older ones have expired long since."""

_STATE: Final = struct.Struct(">qq")


class Place(NamedTuple):
    """A record's key in the state topic: what it is, of which source topic, and of which key there."""

    kind: str
    topic: str
    key: str = ""

    def dumps(self) -> bytes:
        return "|".join(self if self.key else self[:2]).encode()

    @classmethod
    def loads(cls, raw: bytes) -> "Place":
        return cls(*raw.decode().split("|", 2))


class Saved(NamedTuple):
    """A key's state, and the last message in it: its offset, and its event time in µs."""

    offset: int
    seen: int
    state: bytes

    def dumps(self) -> bytes:
        return _STATE.pack(self.offset, self.seen) + self.state

    @classmethod
    def loads(cls, raw: bytes) -> "Saved":
        offset, seen = _STATE.unpack_from(raw)
        return cls(offset, seen, raw[_STATE.size :])


@dataclass(frozen=True)
class Position:
    """Everything up to `offset`, and with it, is in the states. `keys` says which offset each key's state had then."""

    offset: int = -1
    keys: Mapping[str, int] = field(default_factory=dict)
    poison: tuple[int, ...] = ()

    def dumps(self) -> bytes:
        return json.dumps({"offset": self.offset, "keys": dict(self.keys), "poison": self.poison}).encode()

    @classmethod
    def loads(cls, raw: bytes) -> "Position":
        told = json.loads(raw)
        return cls(told["offset"], told["keys"], tuple(told["poison"]))


class Attempt(NamedTuple):
    """How often a message was begun and not ended, or a gap met. Written before it is begun, or the process ends."""

    offset: int = -1
    times: int = 0

    def dumps(self) -> bytes:
        return json.dumps(self).encode()

    @classmethod
    def loads(cls, raw: bytes) -> "Attempt":
        return cls(*json.loads(raw))


@dataclass
class Kept:
    """What the state topic holds for one partition of one source topic."""

    position: Position = field(default_factory=Position)
    attempt: Attempt = field(default_factory=Attempt)
    states: dict[str, Saved] = field(default_factory=dict)
    gap: Attempt = field(default_factory=Attempt)

    def merge(self, place: Place, value: bytes | None, removes: int = -1) -> None:
        """Take in one record, in the order of the log.

        The highest offset wins, not the last record: a worker that was stopped and woke up late writes old news.

        Args:
            place: The record's key.
            value: Its value; None takes a state away.
            removes: With None, the offset of the state that was taken away. A later state stays.
        """
        if place.kind == "position" and value is not None:
            # Of two with one offset max() takes the first that it is given: the later record.
            self.position = max(Position.loads(value), self.position, key=lambda position: position.offset)
        elif place.kind == "attempt" and value is not None:
            self.attempt = Attempt.loads(value)
        elif place.kind == "gap" and value is not None:
            self.gap = Attempt.loads(value)
        elif place.kind == "state":
            self._merge_state(place.key, value, removes)

    def _merge_state(self, key: str, value: bytes | None, removes: int) -> None:
        have = self.states.get(key)
        if value is None:
            if have is not None and have.offset <= removes:
                del self.states[key]
            return
        told = Saved.loads(value)
        if have is None or told.offset >= have.offset:
            self.states[key] = told


@dataclass(frozen=True)
class Plan:
    """Where to begin, and what was noticed on the way."""

    start: int
    position: Position
    states: Mapping[str, Saved]
    redo: frozenset[str] = frozenset()
    expired_unread: int = 0
    """Messages that retention took before they were read."""
    redo_expired: int = 0
    """Messages that a lost state would need again and that are gone."""
    rewound: int = 0
    """By how much the source is shorter than what was read of it: it was made anew, or lost its end."""


def plan(kept: Kept, begin: int, end: int) -> Plan:
    """Decide where to begin, given what the state topic holds and from where to where the source topic reaches."""
    position, states = kept.position, dict(kept.states)
    rewound = max(0, position.offset + 1 - end)
    if rewound:
        position, states = _shorten(position, states, end - 1)
    redo = frozenset(key for key, offset in position.keys.items() if key not in states or states[key].offset < offset)
    wanted = min([position.offset + 1, *(states[key].offset + 1 if key in states else 0 for key in redo)])
    due = position.offset + 1
    return Plan(
        start=min(max(wanted, begin), max(end, begin)),
        position=position,
        states=states,
        redo=redo,
        expired_unread=max(0, begin - due) if position.offset >= 0 else 0,
        redo_expired=max(0, min(begin, due) - wanted),
        rewound=rewound,
    )


def _shorten(position: Position, states: Mapping[str, Saved], last: int) -> tuple[Position, dict[str, Saved]]:
    keys = {key: min(offset, last) for key, offset in position.keys.items()}
    cut = {key: saved._replace(offset=min(saved.offset, last)) for key, saved in states.items()}
    return Position(last, keys, ()), cut
