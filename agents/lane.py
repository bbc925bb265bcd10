"""One partition of one source topic, while it is ours: how far it has come, and its states."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from faust.types import TP

from agents.position import POISON_KEPT, Attempt, Position
from agents.wire import Item
from pipeline.received import Received
from schemas.envelope import Message
from schemas.wire import Sealed, key_of

DEATHS: Final = 3
"""So many recorded deaths inside a step make a message poison."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Held(NamedTuple):
    """A key's state in memory, with the offset and the event time of the last message in it."""

    offset: int
    seen: datetime
    state: Any


@dataclass
class Lane:
    """One partition of one source topic, while it is ours."""

    tp: TP
    next: int
    position: Position
    states: dict[str, Held]
    redo: frozenset[str]
    attempt: Attempt
    gap: Attempt
    careful_until: int
    written: datetime = _EPOCH
    """When something of it last went to the state topic."""
    held_by: asyncio.Lock = field(default_factory=asyncio.Lock)
    """By whoever writes its states: a portion of messages, or the sweep."""

    def wants(self, item: Item) -> bool:
        """Say whether a message has not been handled; below the position only what a lost state needs is."""
        return item.ref.offset > self.position.offset or (isinstance(item, Received) and key(item) in self.redo)

    def careful(self, item: Item) -> bool:
        return item.ref.offset < self.careful_until

    def is_poison(self, item: Item) -> bool:
        offset = item.ref.offset
        died = self.attempt.offset == offset and self.attempt.times >= DEATHS
        return died or offset in self.position.poison

    def silent(self, since: datetime) -> dict[str, Held]:
        """Return the states that no message has reached since then."""
        return {each: held for each, held in self.states.items() if held.seen < since and each not in self.redo}

    def moved(self, last: int, states: Mapping[str, Held], poison: Iterable[int]) -> Position:
        """Return the position after a portion. Of a state that is being redone it says what that has to reach."""
        offsets = {each: held.offset for each, held in states.items()}
        keys = {each: max(offset, self.position.keys.get(each, -1)) for each, offset in offsets.items()}
        known = dict.fromkeys([*self.position.poison, *poison])
        return Position(max(last, self.position.offset), {**self.position.keys, **keys}, tuple(known)[-POISON_KEPT:])


def key(item: Received[Any]) -> str:
    """Return whose state a message concerns."""
    return key_of(inner(item)).decode()


def time_of(item: Received[Any]) -> datetime:
    """Return a message's event time."""
    return inner(item).utc_time


def inner(item: Received[Any]) -> Message:
    """Return the message, which for a frame lies beside its picture."""
    told = item.message
    return told.frame if isinstance(told, Sealed) else told


def micros(time: datetime) -> int:
    """Return microseconds since 1970."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """Return the time so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)
