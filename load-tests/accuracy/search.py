"""The best settings of a peer, sought on the very data that it is judged by.

First its own defaults and a draw from all that can be set; then what differs in one or two settings from the best so
far. The better the peers do, the more it says to be better.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

REQUIREMENTS: Final = Path(__file__).parents[1] / "peers" / "requirements"

Settings = Mapping[str, Any]
Grid = dict[str, tuple[Any, ...]]
Worth = Callable[[Settings, float], float]
"""What settings are worth, given the best so far: whoever is clearly behind that may be given up half-way."""

_TRACKERS: Final[Grid] = {
    "at_least": (0.0, 0.2, 0.3, 0.4, 0.5),
    "seconds_lost": (0.7, 1.0, 1.5, 2.0, 3.0),
    "minimum_consecutive_frames": (1, 2, 3),
    "state": ("xyxy", "xcycsr", "xcycwh"),
}
_OVERLAP: Final[Grid] = {
    "minimum_iou_threshold": (-0.5, -0.3, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3),
    "iou": ("iou", "giou", "diou", "biou0.3", "biou0.6", "biou1.0", "biou1.5"),
}
_BEGINS: Final[Grid] = {"track_activation_threshold": (0.3, 0.4, 0.5, 0.6, 0.7)}
_HIGH: Final[Grid] = {"high_conf_det_threshold": (0.3, 0.4, 0.5, 0.6)}


@dataclass(frozen=True)
class Kind:
    """A way of following that a peer offers, and what can be set of it."""

    environment: str
    grid: Grid
    defaults: Settings = field(default_factory=dict)

    @property
    def script(self) -> str:
        return f"follow_{self.environment}.py"


KINDS: Final[Mapping[str, Kind]] = {
    "bytetrack": Kind("trackers", _TRACKERS | _OVERLAP | _BEGINS | _HIGH),
    "sort": Kind("trackers", _TRACKERS | _OVERLAP | _BEGINS),
    "ocsort": Kind(
        "trackers",
        _TRACKERS | _OVERLAP | _HIGH | {"direction_consistency_weight": (0.0, 0.2, 0.4), "delta_t": (1, 2, 3)},
    ),
    "cbiou": Kind(
        "trackers",
        _TRACKERS
        | _BEGINS
        | _HIGH
        | {
            "minimum_iou_threshold_first_assoc": (0.001, 0.01, 0.05, 0.1, 0.2),
            "minimum_iou_threshold_second_assoc": (0.001, 0.01, 0.1, 0.3, 0.5),
            "minimum_iou_threshold_unconfirmed_assoc": (0.001, 0.01, 0.1, 0.3),
            "buffer_ratio_first": (0.1, 0.3, 0.6, 1.0, 1.5),
            "buffer_ratio_second": (0.3, 0.5, 0.8, 1.2, 2.0),
        },
    ),
    "norfair": Kind(
        "norfair",
        {
            "distance": ("iou", "frigate", "heights"),
            "threshold": (0.3, 0.5, 0.7, 0.9, 0.99, 1.5, 2.5, 4.0),
            "seconds_lost": (0.7, 1.0, 1.5, 2.0, 3.0),
            "delay": (0, 1, 2),
            "at_least": (0.0, 0.2, 0.3, 0.4, 0.5, 0.6),
        },
        {"distance": "iou", "threshold": 0.7, "seconds_lost": 2.0, "delay": 1, "at_least": 0.5},
    ),
}


@dataclass(frozen=True)
class Found:
    """The best settings, what they are worth, and how many were tried."""

    settings: Settings
    worth: float
    tried: int


@dataclass(frozen=True)
class Memory:
    """What searches found, by everything that they depend on: the same search over the same boxes finds the same."""

    folder: Path

    def recall(self, about: Any, search: Callable[[], Found]) -> Found:
        """Return what was found before, or search."""
        requirements = [file.read_text() for file in sorted(REQUIREMENTS.glob("*.txt"))]
        path = self.folder / f"{sha256(repr((about, requirements)).encode()).hexdigest()[:24]}.json"
        if path.is_file():
            return Found(**json.loads(path.read_text()))
        found = search()
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(found)))
        return found


def best_of(kind: Kind, worth: Worth, *, drawn: int, near: int, seed: int) -> Found:
    """Try the defaults, so many drawn settings, and so many that differ little from the best so far."""
    rng = random.Random(seed)
    tried = [kind.defaults]
    best = Found(kind.defaults, worth(kind.defaults, 0.0), 1)
    for number in range(drawn + near):
        settings = _new(kind, rng, tried, None if number < drawn else best.settings)
        value = worth(settings, best.worth)
        tried.append(settings)
        best = Found(settings, value, len(tried)) if value > best.worth else replace(best, tried=len(tried))
    return best


def _new(kind: Kind, rng: random.Random, tried: list[Settings], beside: Settings | None) -> Settings:
    """Draw settings that were not tried yet."""
    while True:
        settings = _draw(kind, rng) if beside is None else _beside(kind, beside, rng)
        if settings not in tried:
            return settings


def _draw(kind: Kind, rng: random.Random) -> Settings:
    return {name: rng.choice(values) for name, values in kind.grid.items()}


def _beside(kind: Kind, settings: Settings, rng: random.Random) -> Settings:
    some = rng.sample(list(kind.grid), rng.choice((1, 1, 2)))
    return {**settings, **{name: rng.choice(kind.grid[name]) for name in some}}
