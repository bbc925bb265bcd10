"""Two workers of detecting against one: CPU time for a frame, and how long a pile of frames takes to drain."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fleet
import pictures
from fleet import Fleet
from measured import Measured
from system import System, system

from schemas.estate import Profile

CAMERAS: Final = 8
SECONDS: Final = 25.0
QUICK_SECONDS: Final = 3.0
RATIO: Final = "two_workers_cpu_per_frame_ratio"


@dataclass(frozen=True)
class Drained:
    """One pile."""

    workers: int
    frames: int
    cpu: float
    seconds: float

    @property
    def ms(self) -> float:
        return self.cpu / self.frames * 1e3

    def as_dict(self) -> dict[str, Any]:
        return {
            "frames": self.frames, "cpu_ms_a_frame": round(self.ms, 3), "drain_s": round(self.seconds, 2),
            "frames_per_second": round(self.frames / self.seconds, 1),
        }  # fmt: skip


def measure(place: Path, *, quick: bool) -> Measured:
    """Let one worker drain a pile, then two; in turn, several times where there is time for it."""
    found = asyncio.run(_all(place, QUICK_SECONDS if quick else SECONDS, 1 if quick else 2))
    one, two = (_sum(found, workers) for workers in (1, 2))
    shown = [
        (
            f"{each.workers} worker{'s' if each.workers > 1 else ''}",
            f"{each.ms:.2f} ms a frame, {each.seconds:.1f} s to drain",
        )
        for each in (one, two)
    ]
    ratio = two.ms / one.ms
    faster = one.seconds / two.seconds
    return Measured(
        title="Two workers against one",
        shown=[*shown, ("CPU for a frame, two to one", f"{ratio:.3f}"), ("drained faster", f"{faster:.2f} times")],
        limited={} if quick else {RATIO: ratio},
        details={
            "one": one.as_dict(),
            "two": two.as_dict(),
            "ratio": round(ratio, 4),
            "drain_speed_up": round(faster, 3),
        },
        plots=[lambda axes: _plot(axes, (one, two))],
    )


def _plot(axes: Any, found: Sequence[Drained]) -> None:
    axes.bar(
        [f"{each.workers} worker{'s' if each.workers > 1 else ''}" for each in found], [each.seconds for each in found]
    )
    axes.set(title=f"Draining {found[0].frames} frames", ylabel="seconds")


def _sum(found: Sequence[Drained], workers: int) -> Drained:
    mine = [each for each in found if each.workers == workers]
    return Drained(workers, *(sum(getattr(each, name) for each in mine) for name in ("frames", "cpu", "seconds")))


async def _all(place: Path, seconds: float, times: int) -> list[Drained]:
    clip = pictures.drawn_clip(1, 20, since=30.0)
    found = []
    for number in range(times):
        for workers in (1, 2):
            async with system(place / f"{number}-{workers}", [Profile()] * CAMERAS, workers=workers) as running:
                sender = await running.fleet([fleet.story(clip, 1.0, phase / 4, seconds) for phase in range(4)])
                found.append(await _drain(running, sender, workers, seconds))
    return found


async def _drain(running: System, sender: Fleet, workers: int, seconds: float) -> Drained:
    # The first after an assignment are handled singly: they come before what is measured.
    await sender.publish(min(seconds, 8.0), paced=False)
    await running.drained(within=600)
    names = ["detecting", *(f"detecting-{number}" for number in range(2, workers + 1))]
    before = _cpu(running, names)
    began = time.monotonic()
    sent = await sender.publish(seconds, paced=False)
    await running.drained(within=600, groups=("mimamori-detecting",))
    took = time.monotonic() - began
    used = _cpu(running, names) - before
    running.require_no_deaths()
    return Drained(workers, sent.frames, used, took)


def _cpu(running: System, names: Sequence[str]) -> float:
    used = running.cpu(*names[1:])
    return sum(used[name] for name in names)
