"""Evidence that somebody looks at right now: in memory only, each picture given out once, all of it wiped soon."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pipeline.clock import Clock

LONGEST: Final = timedelta(minutes=10)
"""No address works, and no picture stays here, for longer."""


class Whose(NamedTuple):
    """What somebody looks at: the alert, and the key that its evidence is sealed to."""

    alert_id: str
    key_id: str


@dataclass
class Viewing:
    """One look by one person. `pictures` shrinks as they are fetched."""

    viewing_id: str
    alert_id: str
    key_id: str
    session: str
    ends: float
    ends_at: datetime
    pictures: dict[str, bytearray] = field(default_factory=dict, repr=False)

    def wipe(self) -> None:
        """Overwrite what was not fetched."""
        for jpeg in self.pictures.values():
            jpeg[:] = bytes(len(jpeg))
        self.pictures.clear()


class Viewings:
    """All looks that go on. One a session: a new one ends the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: dict[str, Viewing] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def begin(
        self, session: str, whose: Whose, pictures: Iterable[bytearray], until: datetime
    ) -> tuple[Viewing, tuple[str, ...]]:
        """Keep pictures for a session until they are fetched or ten minutes are over, and never longer than `until`.

        Returns:
            The look, and the address of each picture in order.
        """
        self.end_session(session)
        ends_at = min(self._clock.now() + LONGEST, until)
        ends = self._clock.monotonic() + (ends_at - self._clock.now()).total_seconds()
        held = {secrets.token_urlsafe(32): each for each in pictures}
        viewing = Viewing(secrets.token_urlsafe(16), *whose, session, ends, ends_at, held)
        self._by_id[viewing.viewing_id] = viewing
        return viewing, tuple(held)

    def take(self, session: str, viewing_id: str, address: str) -> bytearray | None:
        """Give a picture out, once, to the session that looks; None to anybody else, or afterwards."""
        self.sweep()
        viewing = self._by_id.get(viewing_id)
        if viewing is None or viewing.session != session:
            return None
        return viewing.pictures.pop(address, None)

    def end(self, session: str, viewing_id: str) -> None:
        """End one look, where it is this session's."""
        viewing = self._by_id.get(viewing_id)
        if viewing is not None and viewing.session == session:
            self._drop(viewing)

    def end_session(self, session: str) -> None:
        """End what a session looks at."""
        self._drop(*(each for each in self._by_id.values() if each.session == session))

    def end_alerts(self, alert_ids: Iterable[str]) -> None:
        """End every look at these: they were erased."""
        gone = frozenset(alert_ids)
        self._drop(*(each for each in self._by_id.values() if each.alert_id in gone))

    def end_keys(self, key_ids: Iterable[str]) -> None:
        """End every look at what these keys opened: they are destroyed."""
        gone = frozenset(key_ids)
        self._drop(*(each for each in self._by_id.values() if each.key_id in gone))

    def goes_on(self, session: str, viewing_id: str) -> bool:
        """Say whether a look of this session is still one."""
        self.sweep()
        viewing = self._by_id.get(viewing_id)
        return viewing is not None and viewing.session == session

    def sweep(self) -> None:
        """End what is over."""
        now = self._clock.monotonic()
        self._drop(*(each for each in self._by_id.values() if each.ends <= now))

    def close(self) -> None:
        """End everything."""
        self._drop(*self._by_id.values())

    def _drop(self, *viewings: Viewing) -> None:
        for viewing in tuple(viewings):
            viewing.wipe()
            self._by_id.pop(viewing.viewing_id, None)
