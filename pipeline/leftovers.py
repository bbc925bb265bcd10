"""Evidence objects that no living key opens: noise, to be taken away.

Keys die on the vault's timer, whether anybody is there or not; the objects that they sealed are taken away afterwards,
by the erasing stage alone. Those whose destruction the ledger tells go at once. Any other that the vault does not know
as living waits for a while: whoever re-seals a clip for a hold puts the new object first, and says so then.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pipeline.objects import Objects

PREFIX: Final = "evidence/"
PATIENCE: Final = timedelta(minutes=15)

Living = Callable[[], Awaitable[Collection[str]]]
"""Asks the vault for the ids of the keys whose objects live."""


class Choice(NamedTuple):
    """What to do about the objects there are: which go now, and since when which others have belonged to no key."""

    remove: tuple[str, ...]
    strays: Mapping[str, datetime]


@dataclass(frozen=True)
class Swept:
    """What a sweep did: whose objects it took away, how many were there, and how long the oldest stray had waited."""

    removed: tuple[str, ...] = ()
    seen: int = 0
    waiting: int = 0
    overdue: timedelta = timedelta(0)


def key_of(name: str) -> str:
    """Return the id of the key that sealed an object: the last part of its name."""
    return name.rpartition("/")[2]


def choose(
    names: Iterable[str],
    living: Collection[str],
    destroyed: Collection[str],
    strays: Mapping[str, datetime],
    now: datetime,
) -> Choice:
    """Choose what goes. What lives stays, whatever else is said of it."""
    lost = {name: strays.get(name, now) for name in names if key_of(name) not in living}
    remove = [name for name, since in lost.items() if key_of(name) in destroyed or now - since >= PATIENCE]
    return Choice(tuple(remove), {name: since for name, since in lost.items() if name not in remove})


@dataclass
class Leftovers:
    """Sweeps one object storage. What it could not take away it tries again at the next turn."""

    objects: Objects
    _destroyed: set[str] = field(default_factory=set)
    _strays: Mapping[str, datetime] = field(default_factory=dict)

    def destroyed(self, key_ids: Iterable[str]) -> None:
        """Take note of keys that the ledger says are gone."""
        self._destroyed.update(key_ids)

    async def sweep(self, living: Living, now: datetime) -> Swept:
        """Take away what no living key opens.

        The storage is asked first: an object that is there has had a key before, so a key that the vault does not name
        afterwards is none that is only coming.

        Raises:
            Unavailable: The vault or the storage is away.
        """
        told, names = set(self._destroyed), await self.objects.names(PREFIX)
        choice = choose(names, frozenset(await living()), told, self._strays, now)
        # Kept before anything is taken away: should that fail, they have been strays since then all the same.
        self._strays = {**choice.strays, **{name: self._strays.get(name, now) for name in choice.remove}}
        overdue = max((now - since for since in self._strays.values()), default=timedelta(0))
        for name in choice.remove:
            await self.objects.delete(name)
        self._strays = choice.strays
        self._destroyed -= told
        removed = tuple(key_of(name) for name in choice.remove)
        return Swept(removed, len(names), len(choice.strays), overdue)
