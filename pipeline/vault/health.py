"""Whether the vault is well: alive (else start it anew), and ready (else ask later). Why not is said in plain words.

A vault whose disk, key table or ledger is away is alive: starting it anew would mend nothing and lose what it has to
tell. One whose timer stands still is not: keys would outlive their time.
"""

from collections.abc import Callable
from typing import Final

from pipeline.errors import Unavailable
from pipeline.vault.api import Status
from pipeline.vault.metrics import overdue

TIMER_MAY_REST: Final = 10.0
"""The timer goes round every second at least; a database that is away holds it up for a few."""

LATE: Final = 5.0
"""So many seconds after its end a slot is late."""


class Health:
    """What the timer last met, and how things are."""

    def __init__(self, status: Callable[[], Status], idle: Callable[[], float]) -> None:
        self._status = status
        self._idle = idle
        self._trouble = ""

    def met(self, trouble: str) -> None:
        """Note what stopped the timer's last round; nothing where nothing did."""
        self._trouble = trouble

    def not_alive(self) -> str:
        """Say why the vault should be started anew; nothing where it should not."""
        idle = self._idle()
        return f"the timer has not gone round for {idle:.0f} s" if idle > TIMER_MAY_REST else ""

    def not_ready(self) -> str:
        """Say why nothing should be asked just now; nothing where all is well."""
        why = self.not_alive() or self._trouble
        if why:
            return why
        try:
            late = overdue(self._status())
        except Unavailable as error:
            return str(error)
        return f"destruction is {late:.0f} s late" if late > LATE else ""
