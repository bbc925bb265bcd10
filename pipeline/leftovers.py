"""Evidence objects whose key is gone: noise, to be taken away.

Keys die on the vault's timer, whether anybody is there or not; the objects that they sealed are taken away afterwards,
by the erasing stage alone. Those whose destruction the ledger tells go at once. Others that the vault does not list
wait for a while, since whoever seals a clip anew for a hold puts it first and says so then; after that they go if there
is a receipt, or if by their own first line they have expired. What is neither is a clip beside its held one: its key
lives, and counts again should the hold end early.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from pydantic import ValidationError

from pipeline.errors import Unavailable
from pipeline.objects import Objects
from schemas.evidence import EvidenceHeader

PREFIX: Final = "evidence/"
PATIENCE: Final = timedelta(minutes=15)

_OURS: Final = re.compile(r"evidence(/[a-z0-9][a-z0-9._-]{0,62}){3}")


class Keys(Protocol):
    """What the vault says of keys. Methods raise Unavailable while it is away."""

    async def living(self) -> Collection[str]:
        """Return the ids of the keys whose objects it lists."""
        ...

    async def gone_since(self, key_id: str) -> datetime | None:
        """Return since when a key had to be gone that was destroyed; None where the ledger tells of no destruction."""
        ...


@dataclass(frozen=True)
class Swept:
    """What a sweep did: the keys of what it took away, how many objects there were, how many of them are unlisted.

    `overdue`: for how long that which could not be taken away has been noise. `unread`: of how many nobody could say
    whether they are noise. `foreign`: what lies there under names that are none of ours, which nothing here removes.
    """

    removed: tuple[str, ...] = ()
    seen: int = 0
    unlisted: int = 0
    overdue: timedelta = timedelta(0)
    foreign: int = 0
    unread: int = 0


def key_of(name: str) -> str:
    """Return the id of the key that sealed an object: the last part of its name."""
    return name.rpartition("/")[2]


def expiry_of(sealed: bytes | None) -> datetime | None:
    """Return when an object expires by its own first line; None where it has none, and so is none of ours."""
    try:
        return EvidenceHeader.model_validate_json((sealed or b"").partition(b"\n")[0]).expires_at
    except ValidationError:
        return None


@dataclass
class Leftovers:
    """Sweeps one object storage. What it could not take away it tries again at the next turn."""

    objects: Objects
    _told: dict[str, datetime] = field(default_factory=dict)
    """Keys that are gone, says the ledger, and since when."""
    _unlisted: Mapping[str, datetime] = field(default_factory=dict)
    """Objects of keys that the vault does not list, and since when we know."""
    _expiries: dict[str, datetime] = field(default_factory=dict)
    _noise: dict[str, datetime] = field(default_factory=dict)
    """What is to be taken away, and since when it is noise, whenever we learnt of it."""

    def destroyed(self, keys: Mapping[str, datetime]) -> None:
        """Take note of keys that the ledger says are gone, and since when."""
        self._told.update(keys)

    async def sweep(self, keys: Keys, now: datetime) -> Swept:
        """Take away what no living key opens.

        The storage is asked first: an object that is there has had a key before, so a key that the vault does not list
        afterwards is none that is only coming. What is known to be noise goes first: an object that cannot be read
        keeps no other waiting.

        Raises:
            Unavailable: The vault is away, or the storage does not say what is there.
        """
        told, there = dict(self._told), await self.objects.names(PREFIX)
        names = [name for name in there if _OURS.fullmatch(name)]
        living = frozenset(await keys.living())
        self._unlisted = {name: self._unlisted.get(name, now) for name in names if key_of(name) not in living}
        self._noise |= {name: told[key_of(name)] for name in self._unlisted if key_of(name) in told}
        removed = await self._remove_noise()
        self._told = {key: since for key, since in self._told.items() if key not in told}
        unread = await self._judge(self._unlisted.keys() - set(removed) - self._noise.keys(), keys, now)
        removed += await self._remove_noise()
        return Swept(
            removed=tuple(map(key_of, removed)),
            seen=len(names),
            unlisted=len(self._unlisted) - len(removed),
            overdue=now - min([now, *self._noise.values(), *(self._unlisted[name] for name in unread)]),
            foreign=len(there) - len(names),
            unread=len(unread),
        )

    async def _judge(self, names: Collection[str], keys: Keys, now: datetime) -> list[str]:
        """Find out which are noise. Returns those of which nobody could say."""
        unread = []
        for name in sorted(names):
            if now - self._unlisted[name] < PATIENCE:
                continue
            try:
                since = await self._noise_since(name, keys, now)
            except Unavailable:
                unread.append(name)
                continue
            if since is not None:
                self._noise[name] = since
        return unread

    async def _noise_since(self, name: str, keys: Keys, now: datetime) -> datetime | None:
        if (gone := await keys.gone_since(key_of(name))) is not None:
            return gone
        if name not in self._expiries:
            # What is none of ours has been noise for as long as we know of it.
            self._expiries[name] = expiry_of(await self.objects.get(name)) or self._unlisted[name]
        expiry = self._expiries[name]
        return expiry if expiry <= now else None

    async def _remove_noise(self) -> list[str]:
        return [name for name in list(self._noise) if await self._remove(name)]

    async def _remove(self, name: str) -> bool:
        try:
            await self.objects.delete(name)
        except Unavailable:
            return False
        del self._noise[name]
        self._expiries.pop(name, None)
        return True
