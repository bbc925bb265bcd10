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
    """What each of a process's threads has used of a core so far, and how long it had to wait for one, in seconds.

    A thread that has ended is no longer told of: read it before.
    """

    at: float
    threads: Mapping[int, tuple[float, float]]

    @classmethod
    def of(cls, *processes: int | str) -> "Spent":
        """Read those of some processes; of this one where none is named."""
        found = {}
        for process in processes or ("self",):
            for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
                cpu, waited, _ = path.read_text().split()
                found[int(path.parent.name)] = int(cpu) / 1e9, int(waited) / 1e9
        return cls(time.monotonic(), found)

    def since(self, before: "Spent") -> "Spent":
        nothing = 0.0, 0.0
        told = {
            thread: (cpu - before.threads.get(thread, nothing)[0], waited - before.threads.get(thread, nothing)[1])
            for thread, (cpu, waited) in self.threads.items()
        }
        return Spent(self.at - before.at, told)

    @property
    def cpu(self) -> float:
        return sum(cpu for cpu, _ in self.threads.values())

    @property
    def own(self) -> float:
        """What it would have taken at most, had nobody else wanted the cores: the time by the wall, less that in which
        the thread that waited longest for a core did so. Sleeping, and waiting for a disk or an answer, stays in it.

        Threads wait one after the other too; only one's waiting is taken off, as together they may wait at one time.
        """
        return self.at - max((waited for _, waited in self.threads.values()), default=0.0)
