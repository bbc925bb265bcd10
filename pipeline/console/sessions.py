"""Who is signed in: the vault's word for a token, believed for a few seconds and never longer."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from pipeline.clock import Clock
from pipeline.vault.api import Person

BELIEVED: Final = timedelta(seconds=15)
"""A grant that ended, or an account that was closed, is felt here no later than this."""

KEPT: Final = 2000


@dataclass(frozen=True)
class Visit:
    """One person's session. The token is the vault's, lives in their browser's cookie, and is written nowhere."""

    token: str
    person: Person

    def __repr__(self) -> str:
        return f"Visit({self.person.name})"


class Sessions:
    """What the vault said of each token, by the token's hash."""

    def __init__(self, clock: Clock, believed: timedelta = BELIEVED) -> None:
        self._clock = clock
        self._believed = believed.total_seconds()
        self._known: OrderedDict[str, tuple[float, Person]] = OrderedDict()

    async def visit(self, token: str, ask: Callable[[], Awaitable[Person]]) -> Visit:
        """Return whose the token is, asking where that is not known or was said too long ago.

        Whatever `ask` raises is raised: nobody is believed while the vault is away.
        """
        held = self._known.get(digest(token))
        if held is not None and self._clock.monotonic() - held[0] < self._believed:
            return Visit(token, held[1])
        self.forget(token)
        return self.learn(token, await ask())

    def learn(self, token: str, person: Person) -> Visit:
        """Take in what the vault said just now."""
        self._known[digest(token)] = (self._clock.monotonic(), person)
        self._known.move_to_end(digest(token))
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return Visit(token, person)

    def forget(self, token: str) -> None:
        self._known.pop(digest(token), None)


def digest(token: str) -> str:
    """Name a session by what gives nobody its rights."""
    return sha256(token.encode()).hexdigest()
