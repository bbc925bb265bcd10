"""A camera's profile, from the sizes of people seen there: what each way of looking finds, and what it costs."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import tomli_w

from models import nms
from models.detector import Detector, Look
from models.images import DEFAULTS, decode_reduced
from models.networks.letterbox import Picture
from models.nms import overlap
from pipeline.edge.device import encode
from schemas.detections import Detection, ObjectType
from schemas.estate import Profile
from schemas.geometry import Box

CANDIDATES: Final = (
    *(Profile(longest=longest) for longest in (192, 224, 256, 288, 320, 352, 416, 512, 640)),
    Profile(longest=320, tiles=2),
    Profile(longest=416, tiles=2),
)
"""More is not better: a network trained at 416 loses near people at 640, and sees more that is nobody (measured on the
pavement, where people are 360 of 720 pixels tall: F1 .91 at 256, .67 at 416, .58 at 640)."""
REGIONS: Final = tuple(Profile(longest=longest, regions=True) for longest in (192, 224, 256, 288, 320, 416, 512))
"""Only what moved is looked at."""
PAYS: Final = 0.9
"""Of what another way costs, regions may cost no more: evidence and backdrops show less of what is around."""
LOOKED_AT: Final = 0.5
"""Of a box, in regions: then whoever stands there is missed, if nobody is found."""
SURE: Final = 0.5
"""Likelihood from which on somebody whom two ways of looking agree on counts as seen there. It is no truth: who is
too small for all of them stays unseen."""
FOUND: Final = 0.4
"""Likelihood from which on a way of looking has found somebody: between where following begins and where it is sure."""
SAME: Final = 0.5
"""Overlap of two boxes of one person."""
ENOUGH: Final = 0.99
"""Share of the best way's F1 with which a cheaper one will do. What is lost in finding people is lost several times
over in following them (walking group: F1 .973 of .986 took IDF1 from .93 to .85)."""
FEWEST: Final = 20
"""People, in all pictures together, from whom something can be learnt."""

Floats = npt.NDArray[np.float32]
Spent = Callable[[], float]
"""Seconds of CPU time so far."""


@dataclass(frozen=True)
class Tried:
    """What one way of looking came to."""

    profile: Profile
    f1: float
    """Of the people seen there, and of its boxes, how many are one another's (2 · pairs / (people + boxes))."""
    seconds: float
    """Of CPU time, a picture: decoding it as far as it is needed, people and faces."""


@dataclass(frozen=True)
class Tuned:
    """What was learnt of a camera."""

    pictures: int
    people: int
    heights: tuple[float, float, float]
    """Of people, as shares of the picture's height: a tenth are smaller than the first, half than the second, nine
    tenths than the third."""
    height: int
    """Of a picture, in pixels."""
    tried: tuple[Tried, ...]
    best: Profile
    """The cheapest that sees nearly as well as the best one."""


def tuned(
    pictures: Iterable[Picture | Look],
    detector: Detector,
    spent: Spent = time.process_time,
    ways: Sequence[Profile] = CANDIDATES,
) -> Tuned | None:
    """Look at pictures in every way; None when too few people are in them to learn from.

    Args:
        pictures: Of one camera. Only of looks it is known what moved in them.
        detector: What finds people.
        spent: Measures what it costs.
        ways: Those with regions after the others.
    """
    seen: list[Floats] = []
    found: dict[Profile, list[Floats]] = {way: [] for way in ways}
    seconds = dict.fromkeys(ways, 0.0)
    high = 0
    for each in pictures:
        look = each if isinstance(each, Look) else Look(each)
        high = look.picture.shape[0]
        jpeg = encode(look.picture)
        sure = []
        for way in ways:
            before = spent()
            picture, _ = decode_reduced(jpeg, DEFAULTS, longest=detector.longest(way))
            told = detector.detect_all([replace(look, picture=picture, profile=way)])[0]
            seconds[way] += spent() - before
            people = _people(told.detections, FOUND)
            if told.regions:
                people = with_held(people, told.regions, found[way.model_copy(update={"regions": False})][-1])
            found[way].append(people)
            # Regions of all sizes see the same: they would agree with themselves.
            sure += [] if way.regions else [_people(told.detections, SURE)]
        seen.append(agreed(sure))
    heights = np.array([box[3] - box[1] for boxes in seen for box in boxes])
    if len(heights) < FEWEST:
        return None
    tried = tuple(Tried(way, _f1(seen, found[way]), seconds[way] / len(seen)) for way in ways)
    low, middle, tall = np.quantile(heights, (0.1, 0.5, 0.9)).tolist()
    return Tuned(len(seen), len(heights), (low, middle, tall), high, tried, chosen(tried))


def with_held(people: Floats, regions: Sequence[Box], whole: Floats) -> Floats:
    """Add to those who were found in regions whoever the whole shows elsewhere: they are held where they were seen."""
    sides = np.array([(each.left, each.top, each.right, each.bottom) for each in regions], np.float32)
    corners = np.maximum(whole[:, None, :2], sides[:, :2]), np.minimum(whole[:, None, 2:], sides[:, 2:])
    inside = (corners[1] - corners[0]).clip(min=0).prod(axis=2).sum(axis=1)
    elsewhere = whole[inside < LOOKED_AT * (whole[:, 2:] - whole[:, :2]).prod(axis=1)]
    return np.concatenate([people, elsewhere])


def agreed(ways: Sequence[Floats]) -> Floats:
    """Give one box of each person whom at least two ways of looking found."""
    boxes = np.concatenate(ways)
    # The larger first: of two boxes of one person neither is surer than the other, and the order has to be some.
    kept = boxes[nms.keep(boxes, (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), at_most=SAME)]
    found = [overlap(kept, each).max(axis=1, initial=0) >= SAME for each in ways]
    sure: Floats = kept[np.sum(found, axis=0) >= 2]
    return sure


def chosen(tried: Sequence[Tried]) -> Profile:
    """Give the cheapest way of looking that sees nearly as well as the best one; regions where they pay."""
    most = max(each.f1 for each in tried)
    enough = (each for each in tried if each.f1 >= ENOUGH * most)
    return min(enough, key=lambda each: each.seconds / (PAYS if each.profile.regions else 1)).profile


def every(fps: float, enough: float) -> int:
    """Of how many moving frames one is looked at, when so many pictures a second are enough."""
    return min(60, max(1, int(fps / enough + 1e-9)))


def to_toml(profile: Profile) -> str:
    """Give a profile as the estate's file says it."""
    return tomli_w.dumps({"profile": profile.model_dump()})


def _people(detections: Sequence[Detection], at_least: float) -> Floats:
    sides = [
        (each.bounding_box.left, each.bounding_box.top, each.bounding_box.right, each.bounding_box.bottom)
        for each in detections
        if each.type is ObjectType.HUMAN and each.likelihood >= at_least
    ]
    return np.array(sides, np.float32).reshape(-1, 4)


def _f1(seen: Sequence[Floats], found: Sequence[Floats]) -> float:
    """Of the people seen and the boxes found, the share that are one another's."""
    both = sum(
        min(int((overlap(there, boxes).max(axis=1, initial=0) >= SAME).sum()), len(boxes))
        for there, boxes in zip(seen, found, strict=True)
    )
    return 2 * both / (sum(map(len, seen)) + sum(map(len, found)))
