"""What detecting costs by policy, in this process: the same frames of a busy shop, looked at in several ways."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import fleet
from pictures import Clip

from models.detector import Detector, Look
from models.images import DEFAULTS, decode_reduced
from pipeline.edge.device import Pixels
from schemas.estate import Profile

SECONDS: Final = 10.0
"""Of each clip: one of its fifty frames is a reference frame, as of all that a busy camera sends."""
QUICK_SECONDS: Final = 4.0
AS_RUN: Final = "as tuned (what was run)"
_WARM: Final = 3


@dataclass(frozen=True)
class Policy:
    """A way of looking at what cameras send, and what of it a frame that is sent costs, looked at or passed over."""

    name: str
    ms: float


def of(profile: Profile) -> dict[str, Profile]:
    """Return the ways of looking that are compared, for a camera that was tuned to this profile."""
    tuned = Profile(longest=profile.longest, tiles=profile.tiles)
    return {
        "every frame at 416": Profile(),
        "every frame at the tuned size": tuned,
        "every second frame at the tuned size": tuned.model_copy(update={"every": 2}),
        "regions that moved, at 416 at most": Profile(regions=True),
        "2×2 tiles and the whole, each at 416": Profile(tiles=2),
        AS_RUN: profile,
    }


def measure(seen: Sequence[Clip], profiles: Mapping[str, Profile], detector: Detector, *, quick: bool) -> list[Policy]:
    """Look at what a device sends of each clip while somebody moves all the time; the mean over clips counts."""
    costs = dict[str, list[float]]()
    for clip in seen:
        sent = fleet.story(clip, 1.0, 0.0, QUICK_SECONDS if quick else SECONDS)
        frames = [each for each in sent if isinstance(each, Pixels)]
        for name, ms in _looked(frames, of(profiles[clip.name]), detector).items():
            costs.setdefault(name, []).append(ms)
    return [Policy(name, sum(each) / len(each)) for name, each in costs.items()]


def _looked(frames: Sequence[Pixels], ways: Mapping[str, Profile], detector: Detector) -> dict[str, float]:
    """Return milliseconds of a frame; each is looked at in all ways in turn, so that a busier moment is all of theirs.

    The first frames come twice: a network's first run at a size is no measure.
    """
    spent = dict.fromkeys(ways, 0.0)
    for number, frame in enumerate([*frames[:_WARM], *frames]):
        for name, profile in ways.items():
            began = time.thread_time()
            _look(frame, profile, detector)
            spent[name] += (time.thread_time() - began) * (number >= _WARM)
    return {name: seconds / len(frames) * 1e3 for name, seconds in spent.items()}


def _look(frame: Pixels, profile: Profile, detector: Detector) -> None:
    if frame.reference or frame.sequence % profile.every == 0:
        longest = detector.longest(profile, reference=frame.reference)
        picture, _ = decode_reduced(frame.jpeg, DEFAULTS, longest=longest)
        detector.detect_all([Look(picture, profile, frame.motion_in_cells, frame.reference)])
