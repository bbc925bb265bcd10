"""Drawn shops, from picture to count: what the detector, the tracker and the counting make of scenes known exactly.

Nobody real is in them, so that they say nothing of how well people are found; they say what is counted of them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import ours
from scenes import Frame, Scene
from scoring import Judge

from models.detector import Detector, DetectorSettings
from pipeline.edge.drawn import ENTRANCE, FLOOR, Renderer, Truth, camera, named, truth
from pipeline.flow import dwell
from pipeline.motion.movements import Direction, net
from schemas.detections import Detection, ObjectType
from schemas.geometry import Box

WORDS: Final = (
    "crossings",
    "stops",
    "groups",
    "occlusion",
    "children&trolleys",
    "crossings&lights&shake&noise",
    "busy",
)
"""What happens in each: the first two can be counted to the last one, in the others people hide one another."""
FPS: Final = 5.0
STEPS: Final = (1, 2)
"""Every so many-th picture: 5 and 2.5 a second."""

_FROM: Final = 0.1
"""What the stage that detects passes on."""
_VISIBLE: Final = 0.5
"""Of whom less can be seen is not asked for."""
_WAYS: Final[tuple[Direction, ...]] = ("in", "out")


@dataclass(frozen=True)
class Told:
    """One story at one rate: what was made of it, and the truth."""

    name: str
    fps: float
    idf1: float
    crossed: int
    wrong: int
    """The differences of each direction."""
    stay: float
    """The median of visits to the open floor, in seconds; …"""
    true_stay: float
    """… not a number where nobody was in it."""

    @property
    def counting(self) -> float:
        return 1 - self.wrong / max(1, self.crossed)


def measure(folder: Path, *, seeds: int, seconds: int, words: Sequence[str]) -> list[Told]:
    """Draw stories, look at each picture once, and watch them at every rate."""
    detector = Detector.load(folder, DetectorSettings(people_from=_FROM, heads=0))
    names = [f"drawn:{seed}?{each}&seconds={seconds}" for each in words for seed in range(21, 21 + seeds)]
    return [told for name in names for told in _told(name, detector)]


def _told(name: str, detector: Detector) -> list[Told]:
    true = truth(named(name), camera(), fps=FPS)
    aspect = true.width / true.height
    frames = [_frame(each, aspect) for each in _looked_at(name, true, detector)]
    return [_watched(name, Scene(name, FPS / step, tuple(frames[::step]), aspect), true) for step in STEPS]


def _looked_at(name: str, true: Truth, detector: Detector) -> list[tuple[Any, Sequence[Detection]]]:
    renderer = Renderer(named(name))
    return [(each, detector.detect(renderer.picture(each.at))) for each in true.frames]


def _frame(looked: tuple[Any, Sequence[Detection]], aspect: float) -> Frame:
    true, found = looked
    there = [each for each in true.people if each.visible >= _VISIBLE]
    seen = [each for each in found if each.type is ObjectType.HUMAN]
    return Frame(
        true.at,
        np.array([each.person for each in there], np.int64),
        _boxes([each.bounding_box for each in there], aspect),
        _boxes([each.bounding_box for each in seen], aspect),
        np.array([each.likelihood for each in seen]),
    )


def _boxes(boxes: Sequence[Box], aspect: float) -> Any:
    shares = [(box.left * aspect, box.top, box.right * aspect, box.bottom) for box in boxes]
    return np.array(shares).reshape(-1, 4)


def _watched(name: str, scene: Scene, true: Truth) -> Told:
    places = camera()
    watched = ours.watch(scene, places.lines, places.zones)
    counts = net(watched.crossings)
    truths = {way: true.crossed(ENTRANCE, way) for way in _WAYS}
    ended, lost = Counter[int](), Counter[int]()
    for each in watched.counted:
        ended.update(each.dwells.get(FLOOR, {}))
        lost.update(each.lost.get(FLOOR, {}))
    stay = dwell.median(ended, lost)
    stays = [each for each in true.stayed(FLOOR) if each >= 0.5]
    return Told(
        name,
        scene.fps,
        Judge.of(scene).idf1(np.concatenate(watched.tracks)),
        sum(truths.values()),
        sum(abs(counts.get((ENTRANCE, way), 0) - truths[way]) for way in _WAYS),
        float("nan") if stay is None else stay,
        median(stays) if stays else float("nan"),
    )


def together(some: Sequence[Told], fps: float) -> tuple[float, float]:
    """Return mean IDF1, and the accuracy of counts, of all stories at a rate."""
    own = [each for each in some if each.fps == fps]
    wrong, crossed = sum(each.wrong for each in own), sum(each.crossed for each in own)
    return float(np.mean([each.idf1 for each in own])), 1 - wrong / max(1, crossed)


def told(some: Sequence[Told]) -> dict[str, Any]:
    """Return it for the results."""
    rates = sorted({each.fps for each in some}, reverse=True)
    return {
        "together": {f"{fps:g}": [round(value, 4) for value in together(some, fps)] for fps in rates},
        "stories": [
            {
                "name": each.name,
                "fps": each.fps,
                "idf1": round(each.idf1, 4),
                "crossings": each.crossed,
                "counting": round(each.counting, 4),
                "median_stay_s": None if np.isnan(each.stay) else round(each.stay, 2),
                "true_median_stay_s": None if np.isnan(each.true_stay) else round(each.true_stay, 2),
            }
            for each in some
        ],
    }
