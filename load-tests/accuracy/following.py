"""Following: IDF1, MOTA and switches by frame rate, ours and of the peers at their best."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import intervals
import labelled
import numpy as np
import ours
import peers
import search
from intervals import Mean
from peers import Peer, Team
from scenes import Scene, crowd
from scoring import Judge, Score, Tracks
from search import Found

RATES: Final = (7.0, 5.0, 3.5, 2.33, 1.75, 1.0)
SLOW: Final = 3.6
"""Frames a second up to which ours must be above every peer."""
TRAJECTORIES: Final = "trajectories"
OURS: Final = "mimamori"

_BEHIND: Final = 0.05
"""Settings that after a third of the scenes are so far behind the best are given up; twice as far after a seventh."""


@dataclass(frozen=True)
class Effort:
    """How much is looked at, and how hard peers' settings are searched."""

    seeds: int
    rates: tuple[float, ...]
    kinds: tuple[str, ...]
    drawn: int
    near: int
    labelled: bool


FULL: Final = Effort(21, RATES, tuple(search.KINDS), drawn=31, near=20, labelled=True)
QUICK: Final = Effort(6, (5.0, 1.75), ("sort", "bytetrack"), drawn=4, near=2, labelled=True)


@dataclass(frozen=True)
class Material:
    """Scenes of one sort at one rate, which all are judged by together."""

    sort: str
    fps: float
    scenes: Sequence[Scene]

    @cached_property
    def judges(self) -> list[Judge]:
        """Return one for each scene."""
        return [Judge.of(scene) for scene in self.scenes]

    @property
    def slow(self) -> bool:
        return self.fps <= SLOW


@dataclass(frozen=True)
class Followed:
    """How one way of following did, scene by scene."""

    who: str
    scores: Sequence[Score]
    tracks: Sequence[Tracks]
    found: Found | None = None
    """A peer's settings."""

    @property
    def idf1(self) -> float:
        return float(np.mean([each.idf1 for each in self.scores]))


@dataclass(frozen=True)
class Compared:
    """All ways on the same material."""

    material: Material
    ours: Followed
    theirs: Mapping[str, Followed]

    @property
    def best(self) -> Followed:
        """The best peer."""
        return max(self.theirs.values(), key=lambda each: each.idf1)

    @property
    def margin(self) -> Mean:
        """By how much ours is above the best peer."""
        return intervals.paired(*([score.idf1 for score in each.scores] for each in (self.ours, self.best)))

    def told(self) -> dict[str, Any]:
        """Return it for the results."""
        return {
            "sort": self.material.sort,
            "fps": round(self.material.fps, 2),
            "scenes": len(self.material.scenes),
            "margin": self.margin._asdict(),
            "best_peer": self.best.who,
            "idf1_by_scene": {each.who: [round(s.idf1, 4) for s in each.scores] for each in (self.ours, self.best)},
            "ways": {each.who: _told(each) for each in (self.ours, *self.theirs.values())},
        }


def _told(followed: Followed) -> dict[str, Any]:
    return {
        "idf1": round(followed.idf1, 4),
        "mota": round(float(np.mean([each.mota for each in followed.scores])), 4),
        "switches": sum(each.switches for each in followed.scores),
        **({"settings": dict(followed.found.settings), "tried": followed.found.tried} if followed.found else {}),
    }


def materials(footage: Path | None, home: Path, effort: Effort) -> list[Material]:
    """Make or read what is followed."""
    found = [
        Material(TRAJECTORIES, fps, [crowd(footage, seed).at(fps) for seed in range(effort.seeds)])
        for fps in effort.rates
    ]
    if footage is not None and effort.labelled:
        for clip in labelled.CLIPS:
            read = labelled.load(footage, home / "models", home / "accuracy", clip)
            found += [Material(clip.name, clip.fps / step, read.at(step)) for step in clip.steps]
    return found


def compare(
    some: Sequence[Material], place: Path, memory: search.Memory, effort: Effort, tell: Callable[[str], None]
) -> list[Compared]:
    """Follow all of it with everybody; two peers at a time, in processes of their own."""
    # What is quick first: what was found is remembered.
    by_length = sorted(range(len(some)), key=lambda number: some[number].fps * len(some[number].scenes))
    jobs = [(number, who) for number in by_length for who in effort.kinds]
    for number, each in enumerate(some):
        peers.write(each.scenes, place / f"{number}.json")
    found: dict[tuple[int, str], Followed] = {}
    free = SimpleQueue[Team]()

    def one(job: tuple[int, str]) -> None:
        number, who = job
        team = free.get()
        found[job] = _theirs(who, some[number], place / f"{number}.json", effort, team)
        free.put(team)
        tell(f"{len(found)}/{len(jobs)} {some[number].sort} {some[number].fps:.3g}/s {who} {found[job].idf1:.3f}")

    with Team(memory) as first, Team(memory) as second, ThreadPoolExecutor(2) as pool:
        own = [_ours(each, first.judge) for each in some]
        free.put(first)
        free.put(second)
        list(pool.map(one, jobs))
    return [
        Compared(each, own[number], {who: found[number, who] for who in effort.kinds})
        for number, each in enumerate(some)
    ]


def _ours(material: Material, judge: Peer) -> Followed:
    tracks = [ours.watch(scene).tracks for scene in material.scenes]
    return Followed(OURS, _judged(judge, material, tracks), tracks)


def _judged(judge: Peer, material: Material, tracks: Sequence[Tracks]) -> list[Score]:
    return [peers.judged(judge, scene, own) for scene, own in zip(material.scenes, tracks, strict=True)]


def _theirs(who: str, material: Material, path: Path, effort: Effort, team: Team) -> Followed:
    kind, scenes = search.KINDS[who], material.scenes
    parts = list(pairwise((0, len(scenes) // 7, len(scenes) // 3, len(scenes))))
    peer = team.peer(kind.environment, kind.script)

    def ask(settings: search.Settings, part: tuple[int, int]) -> list[list[int]]:
        question = {"scenes": str(path), "kind": who, "settings": dict(settings), "part": part}
        answer: list[list[int]] = peer.ask(question)
        return answer

    # What each that was best so far was worth, scene by scene.
    bests: dict[float, list[float]] = {0.0: [0.0] * len(scenes)}

    def worth(settings: search.Settings, best: float) -> float:
        values: list[float] = []
        for first, last in parts:
            told = ask(settings, (first, last))
            values += [each.idf1(np.array(own)) for each, own in zip(material.judges[first:last], told, strict=True)]
            if _is_behind(values, bests[best]):
                return 0.0
        value = float(np.mean(values))
        bests.setdefault(value, values)
        return value

    found = team.memory.recall(
        (who, kind.grid, path.read_text(), effort.drawn, effort.near),
        lambda: search.best_of(kind, worth, drawn=effort.drawn, near=effort.near, seed=7),
    )
    told = ask(found.settings, (0, len(scenes)))
    tracks = [peers.apart(own, scene) for own, scene in zip(told, scenes, strict=True)]
    return Followed(who, _judged(team.judge, material, tracks), tracks, found)


def _is_behind(values: Sequence[float], best: Sequence[float]) -> bool:
    """Say whether settings are so far behind the best, over the scenes until now, that the rest is not needed."""
    if not values:
        return False
    apart = _BEHIND * (1 + (len(values) < len(best) // 3))
    return float(np.mean(values)) < float(np.mean(best[: len(values)])) - apart


def limited(compared: Sequence[Compared]) -> dict[str, float]:
    """Return what the limits bound: the smallest margins over the best peer, at low rates and at high ones."""
    slow = [each.margin.value for each in compared if each.material.slow]
    fast = [each.margin.value for each in compared if not each.material.slow]
    return {"idf1_margin_over_best_peer_at_low_fps": min(slow), "idf1_margin_over_best_peer_at_high_fps": min(fast)}
