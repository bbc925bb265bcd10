"""Counting: how many people go over a line, by frame rate, where it is known exactly.

The promise is for a camera that is hung for counting: high and near, looking down across the flow, so that people hide
one another little. What a camera does that looks along a queue from afar is shown beside it.

Accuracy is one less the differences of each line and direction, over the truth. All tracks, ours and the peers', go
through the project's own movements; peers follow with the settings that gave them the best IDF1 at that rate.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import ours
import peers
import walks
from peers import Team
from scenes import ASPECT, Lens, Scene, Stage
from scoring import NOBODY, Tracks
from search import KINDS, Memory, Settings

from pipeline.motion.geometry import Segment, Spot, distance, signed_distance, spot
from pipeline.motion.movements import Border, Crossing, Direction, Movements, Side, cross, net
from pipeline.motion.tracking import Following, Sighting, Track, Tracker, follow
from schemas.estate import Line
from schemas.geometry import Point
from schemas.ids import LineId

RATES: Final = (7.0, 5.0, 3.5, 2.33, 1.75, 1.0)
PROMISED: Final = 2.3
"""Frames a second from which on counts must be right."""
LINE: Final = LineId("line")
HERMES: Final = {"hermes_uo-050-180-180": "corridor, one way", "hermes_bo-360-050-050": "corridor, both ways"}
DIRECTIONS: Final[tuple[Direction, ...]] = ("in", "out")

Counts = Mapping[Direction, int]
Hung = Literal["for counting", "along"]
"""How a camera is hung: high beside the flow, or as the camera of a room is, at the end of it."""
HUNG: Final[tuple[Hung, ...]] = ("for counting", "along")


@dataclass(frozen=True)
class Passage:
    """People, a camera, a line on the floor in metres, and how often people really go over it each way."""

    sort: str
    hung: Hung
    stage: Stage
    ends: tuple[walks.Floats, walks.Floats]

    @property
    def line(self) -> Line:
        """Return the line in the picture, which it may leave at the sides."""
        start, end = (self._seen(each) for each in self.ends)
        return Line(id=LINE, start=Point(x=start.x / ASPECT, y=start.y), end=Point(x=end.x / ASPECT, y=end.y))

    @property
    def truth(self) -> Counts:
        """Count the times at which somebody's way changes the side of the line."""
        counts: Counter[Direction] = Counter()
        for walk in self.stage.walks:
            sides = _sides(walk, self.ends)
            for after in sides[1:][sides[1:] != sides[:-1]]:
                counts["in" if after == self._within else "out"] += 1
        return counts

    @property
    def _within(self) -> float:
        """Say on which side of the line those are who went in."""
        line = Segment(*(self._seen(each) for each in self.ends))
        across = self.ends[1] - self.ends[0]
        beside = (self.ends[0] + self.ends[1]) / 2 + np.array([-across[1], across[0]]) / np.linalg.norm(across) / 2
        return float(np.sign(signed_distance(line, self._seen(beside))))

    def _seen(self, place: walks.Floats) -> Spot:
        pixel = self.stage.lens.pixel(place)
        assert pixel is not None
        return Spot(pixel[0], pixel[1])


def _sides(walk: walks.Walk, ends: tuple[walks.Floats, walks.Floats]) -> walks.Floats:
    """On which side of the line somebody is at each of their places."""
    across, there = ends[1] - ends[0], walk.places - ends[0]
    sides: walks.Floats = np.sign(across[0] * there[:, 1] - across[1] * there[:, 0])
    return sides


def passages(footage: Path | None, seeds: int) -> list[Passage]:
    """Make corridors where everyone goes through (HERMES: one way, and both ways at once), and shops with a door."""
    found = [_shop(seed, hung) for hung in HUNG for seed in range(seeds)]
    if footage is not None:
        for name in HERMES:
            ways = walks.of_hermes(footage / "traj" / f"{name}.txt")
            found += [_corridor(name, ways, seed, hung) for hung in HUNG for seed in range(seeds)]
    return found


def _corridor(name: str, ways: list[walks.Walk], seed: int, hung: Hung) -> Passage:
    places = np.concatenate([each.places for each in ways])
    middle = np.array([np.median(places[:, 0]), 0.0])
    ends = middle - np.array([2.3, 0.0]), middle + np.array([2.3, 0.0])
    seconds = max(each.times[-1] for each in ways)
    heading = (0.0 if seed % 2 == 0 else np.pi) + (np.pi / 2 if hung == "for counting" else 0.0)
    stage = Stage(f"{name}-{seed}", ways, _lens(middle, heading, seed, hung), 0.0, seconds, seed)
    return Passage(HERMES[name], hung, stage, ends)


def _shop(seed: int, hung: Hung) -> Passage:
    ways = walks.drawn(np.random.default_rng(seed), people=26, since=0, until=90)
    middle = np.array([0.0, walks.DOOR])
    ends = middle - np.array([6.0, 0.0]), middle + np.array([6.0, 0.0])
    seconds = max(each.times[-1] for each in ways)
    stage = Stage(f"door-{seed}", ways, _lens(middle, 0.0, seed, hung), 0.0, seconds, seed)
    return Passage("drawn door", hung, stage, ends)


def _lens(middle: walks.Floats, heading: float, seed: int, hung: Hung) -> Lens:
    rng = np.random.default_rng((seed, 1))
    high, far = ((3.8, 4.6), (3.0, 4.0)) if hung == "for counting" else ((3.2, 4.0), (5.0, 7.0))
    height, away = rng.uniform(*high), rng.uniform(*far)
    place = middle - away * np.array([np.sin(heading), np.cos(heading)])
    return Lens(place, heading, height, tilt=float(np.arctan2(height, away)))


# --- Tracks into counts ------------------------------------------------------------------------------------------


def by_us(scene: Scene, line: Line) -> Counts:
    """Count with the step that watches cameras in the shop."""
    return _by_direction(ours.watch(scene, [line]).crossings)


def _by_direction(crossings: Sequence[Crossing]) -> Counts:
    return {direction: count for (_, direction), count in net(crossings).items()}


def by_them(scene: Scene, tracks: Tracks, line: Line) -> Counts:
    """Count a peer's tracks; nobody is forgotten."""
    borders = {LINE: Border(Segment(spot(line.start, scene.aspect), spot(line.end, scene.aspect)), line.band)}
    sides: tuple[Side, ...] = ()
    known: dict[int, Track] = {}
    found: list[Crossing] = []
    for frame, own in zip(scene.frames, tracks, strict=True):
        time = ours.when(frame.time)
        seen = [
            _track(known.get(int(own[place]) + 1), int(own[place]) + 1, frame.seen[place].tolist(), time)
            for place in np.flatnonzero(own != NOBODY)
        ]
        known |= {each.id: each for each in seen}
        sides, crossings = cross(sides, borders, known.values(), seen, time=time, how=Movements())
        found += crossings
    return _by_direction(found)


def _track(before: Track | None, number: int, box: list[float], time: datetime) -> Track:
    """Make one of our tracks of what a peer says: its way so far tells how fast it is, and how steady."""
    left, top, right, bottom = box
    foot = Spot((left + right) / 2, bottom)
    if before is None:
        new = replace(_anybody(), id=number, known=True, born=time, hits=0, began=foot, foot=foot, seen=time)
        before = replace(new, speed=Spot(0.0, 0.0), doubt=Tracker().fastest)
    passed = max(0.02, (time - before.seen).total_seconds())
    speed = Spot((foot.x - before.foot.x) / passed, (foot.y - before.foot.y) / passed)
    off = distance(speed, before.speed) / (bottom - top)
    return replace(
        before,
        seen=time,
        hits=before.hits + 1,
        foot=foot,
        place=foot,
        width=right - left,
        height=bottom - top,
        speed=speed,
        doubt=off if before.hits > 1 else before.doubt,
    )


@cache
def _anybody() -> Track:
    """Return a track of the project's, to be filled with a peer's."""
    following, _ = follow(Following(), [Sighting(Spot(0.5, 0.5), 0.1, 0.3, 0.9)], ours.BEGIN, Tracker(), wide=ASPECT)
    return following.tracks[0]


# --- Accuracy ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """One sort of passages at one rate: what everybody counted, and the truth."""

    sort: str
    hung: Hung
    fps: float
    truth: int
    wrong: Mapping[str, int]
    """By whom: the differences of each line and direction."""

    def accuracy(self, who: str) -> float:
        """Return one less the share that is wrong."""
        return 1 - self.wrong[who] / self.truth


def measure(
    some: Sequence[Passage],
    settings: Mapping[float, Mapping[str, Settings]],
    place: Path,
    memory: Memory,
    rates: Sequence[float],
) -> list[Counted]:
    """Count all passages at all rates; `settings` are the peers' best by rate."""
    found = []
    with Team(memory) as team:
        for fps in rates:
            scenes = [each.stage.at(fps) for each in some]
            counts = {"mimamori": [by_us(scene, each.line) for scene, each in zip(scenes, some, strict=True)]}
            # A file for each rate: peers keep what they have read, by its name.
            path = place / f"passages-{fps:g}.json"
            peers.write(scenes, path)
            for who, chosen in settings.get(fps, {}).items():
                tracks = _theirs(team, who, chosen, path, scenes)
                counts[who] = [by_them(*each) for each in zip(scenes, tracks, [e.line for e in some], strict=True)]
            sorts = dict.fromkeys((each.sort, each.hung) for each in some)
            found += [_counted(*sort, fps, some, counts) for sort in sorts]
    return found


def _theirs(team: Team, who: str, settings: Settings, path: Path, scenes: Sequence[Scene]) -> list[Tracks]:
    kind = KINDS[who]
    question = {"scenes": str(path), "kind": who, "settings": dict(settings), "part": [0, len(scenes)]}
    told = team.peer(kind.environment, kind.script).ask(question)
    return [peers.apart(own, scene) for own, scene in zip(told, scenes, strict=True)]


def _counted(
    sort: str, hung: Hung, fps: float, some: Sequence[Passage], counts: Mapping[str, Sequence[Counts]]
) -> Counted:
    places = [place for place, each in enumerate(some) if (each.sort, each.hung) == (sort, hung)]
    truths = [some[place].truth for place in places]
    wrong = {
        who: sum(_difference(own[place], truth) for place, truth in zip(places, truths, strict=True))
        for who, own in counts.items()
    }
    return Counted(sort, hung, fps, sum(map(_total, truths)), wrong)


def _difference(counts: Counts, truth: Counts) -> int:
    return sum(abs(counts.get(way, 0) - truth.get(way, 0)) for way in DIRECTIONS)


def _total(counts: Counts) -> int:
    return sum(counts.values())


def limited(counted: Sequence[Counted]) -> dict[str, float]:
    """Return what the limits bound: the worst of all sorts at the rates for which counts are promised."""
    promised = [each for each in counted if each.fps >= PROMISED and each.hung == "for counting"]
    return {"crossings_at_2_3_fps": min(each.accuracy("mimamori") for each in promised)}


def told(counted: Sequence[Counted]) -> list[dict[str, Any]]:
    """Return it for the results."""
    return [
        {
            "sort": each.sort,
            "hung": each.hung,
            "fps": each.fps,
            "truth": each.truth,
            "accuracy": {who: round(each.accuracy(who), 4) for who in each.wrong},
        }
        for each in counted
    ]
