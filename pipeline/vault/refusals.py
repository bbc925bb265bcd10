"""Refusals that the ledger has not heard yet: each told once, with how often; too many to keep are told together."""

from collections.abc import Mapping
from typing import Final

from pipeline.vault.ledger import Fact, Kind

AT_MOST: Final = 1000
"""So many different ones are kept apart while the ledger is away."""

FURTHER: Final = "further refusals while the ledger was away, not told apart"


class Refusals:
    """Counts; the principals are few, so it never grows beyond `AT_MOST` and a few more."""

    def __init__(self) -> None:
        self._times: dict[tuple[tuple[str, str], ...], int] = {}

    def add(self, body: Mapping[str, str]) -> None:
        """Take one down. It names `principal`, `action` and `reason`, and what was asked for."""
        each = tuple(sorted(body.items()))
        if each not in self._times and len(self._times) >= AT_MOST:
            each = (("action", body["action"]), ("principal", body["principal"]), ("reason", FURTHER))
        self._times[each] = self._times.get(each, 0) + 1

    def facts(self) -> list[Fact]:
        """Say them for the ledger."""
        return [
            Fact(Kind.REFUSED, dict(each) if times == 1 else {**dict(each), "times": times})
            for each, times in self._times.items()
        ]

    def clear(self) -> None:
        self._times.clear()

    def __len__(self) -> int:
        return sum(self._times.values())
