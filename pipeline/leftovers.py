"""Evidence objects whose key is gone: noise, to be taken away.

Keys die on the vault's timer, whether anybody is there or not; the objects that they sealed are taken away afterwards,
by the erasing stage alone. Those whose destruction the ledger tells go at once. Others that the vault does not list
wait for a while, since whoever seals a clip anew for a hold puts it first and says so then; after that they go if there
is a receipt, or if by their own first line they have expired. What is neither is a clip beside its held one: its key
lives, and counts again should the hold end early.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from pydantic import ValidationError

from pipeline.errors import Unavailable
from pipeline.objects import Objects
from schemas.evidence import EvidenceHeader

PREFIX: Final = "evidence/"
PATIENCE: Final = timedelta(minutes=15)

_OURS: Final = re.compile(r"evidence(/[a-z0-9][a-z0-9._-]{0,62}){3}")
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Keys(Protocol):
    """What the vault says of keys. Methods raise Unavailable while it is away."""

    async def living(self) -> Collection[str]:
        """Return the ids of the keys whose objects it lists."""
        ...

    async def has_receipt(self, key_id: str) -> bool:
        """Say whether a key was destroyed, by the ledger."""
        ...


@dataclass(frozen=True)
class Swept:
    """What a sweep did: the keys of what it took away, how many objects there were, how many of them are unlisted.

    `overdue`: for how long that which could not be taken away has been known as noise. `foreign`: what lies there under
    names that are none of ours, which nothing here removes.
    """

    removed: tuple[str, ...] = ()
    seen: int = 0
    unlisted: int = 0
    overdue: timedelta = timedelta(0)
    foreign: int = 0


def key_of(name: str) -> str:
    """Return the id of the key that sealed an object: the last part of its name."""
    return name.rpartition("/")[2]


def expiry_of(sealed: bytes | None) -> datetime:
    """Return when an object expires by its own first line. What has none is none of ours: it expired long ago."""
    try:
        return EvidenceHeader.model_validate_json((sealed or b"").partition(b"\n")[0]).expires_at
    except ValidationError:
        return _LONG_AGO


@dataclass
class Leftovers:
    """Sweeps one object storage. What it could not take away it tries again at the next turn."""

    objects: Objects
    _told: set[str] = field(default_factory=set)
    """Keys that are gone, says the ledger."""
    _unlisted: Mapping[str, datetime] = field(default_factory=dict)
    """Objects of keys that the vault does not list, and since when."""
    _expiries: dict[str, datetime] = field(default_factory=dict)
    _noise: dict[str, datetime] = field(default_factory=dict)
    """What is to be taken away, and since when we know."""

    def destroyed(self, key_ids: Iterable[str]) -> None:
        """Take note of keys that the ledger says are gone."""
        self._told.update(key_ids)

    async def sweep(self, keys: Keys, now: datetime) -> Swept:
        """Take away what no living key opens.

        The storage is asked first: an object that is there has had a key before, so a key that the vault does not list
        afterwards is none that is only coming.

        Raises:
            Unavailable: The vault is away, or the storage does not say what is there.
        """
        told, there = set(self._told), await self.objects.names(PREFIX)
        names = [name for name in there if _OURS.fullmatch(name)]
        living = frozenset(await keys.living())
        self._unlisted = {name: self._unlisted.get(name, now) for name in names if key_of(name) not in living}
        for name, since in self._unlisted.items():
            waited = now - since >= PATIENCE
            if key_of(name) in told or (waited and await self._is_noise(name, keys, now)):
                self._noise.setdefault(name, now)
        self._told -= told
        removed = [name for name in list(self._noise) if await self._remove(name)]
        overdue = max((now - since for since in self._noise.values()), default=timedelta(0))
        unlisted = len(self._unlisted) - len(removed)
        return Swept(tuple(map(key_of, removed)), len(names), unlisted, overdue, len(there) - len(names))

    async def _is_noise(self, name: str, keys: Keys, now: datetime) -> bool:
        if await keys.has_receipt(key_of(name)):
            return True
        if name not in self._expiries:
            self._expiries[name] = expiry_of(await self.objects.get(name))
        return self._expiries[name] <= now

    async def _remove(self, name: str) -> bool:
        try:
            await self.objects.delete(name)
        except Unavailable:
            return False
        del self._noise[name]
        self._expiries.pop(name, None)
        return True
