"""What a measure of speed gives: numbers to show, and those that `limits.toml` bounds.

A measure is a file beside this one with `measure(place, *, quick)`, where `place` is an empty folder of its own on a
real disk; `run.py` lists it in MEASURES.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Measured:
    """One measure's outcome.

    `shown` is the table's lines; `limited` the values by their names in limits.toml's [speed], without _min or _max;
    `details` is what the JSON file holds besides; `plots` are drawn into axes of matplotlib.
    """

    title: str
    shown: Sequence[tuple[str, str]]
    limited: Mapping[str, float]
    details: Mapping[str, Any] = field(default_factory=dict)
    plots: Sequence[Callable[[Any], None]] = ()


class Measure(Protocol):
    """Measure in `place`, in a few seconds where it should be quick."""

    def __call__(self, place: Path, *, quick: bool) -> Measured: ...


@dataclass(frozen=True)
class Spent:
    """What a process's threads have used of a core so far, and how long they had to wait for one, in seconds."""

    at: float
    cpu: float
    waited: float

    @classmethod
    def of(cls, process: int | str = "self") -> "Spent":
        threads = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/schedstat")]
        cpu, waited = (sum(int(each[column]) for each in threads) / 1e9 for column in (0, 1))
        return cls(time.monotonic(), cpu, waited)

    def since(self, before: "Spent") -> "Spent":
        return Spent(self.at - before.at, self.cpu - before.cpu, self.waited - before.waited)

    @property
    def own(self) -> float:
        """The time in which nobody else had the core: what it would have taken on one of its own."""
        return self.at - self.waited


def missed(limited: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """Name what is over its upper bound or under its lower one. What no limit bounds is an error: a name is wrong."""
    found = []
    for name, value in limited.items():
        bounds = {bound: limits[bound] for bound in (f"{name}_min", f"{name}_max") if bound in limits}
        if not bounds:
            raise LookupError(f"limits.toml does not bound {name}")
        for bound, limit in bounds.items():
            if not (value >= limit if bound.endswith("_min") else value <= limit):
                found.append(f"{name} {value:g}: {bound} is {limit:g}")
    return found
