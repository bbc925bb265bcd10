"""A picture in, people and faces out."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import Field

from models import heads, nms, session, views, weights
from models.finders import OpenFinder, open_finder
from models.manifest import Network, Weights, manifest
from models.networks import yunet
from models.networks.finder import Floats, Found
from models.networks.letterbox import Letterbox, Picture
from models.session import Processor, Session
from models.tasks import Mode, Task, allow
from models.views import View
from schemas.detections import Detection, Likelihood, ObjectType
from schemas.envelope import Module
from schemas.estate import Profile
from schemas.frozen import Frozen
from schemas.geometry import Box

VERSION = "3"
"""Goes up when the same networks would give other boxes for the same picture."""
DIGITS = 5
"""Of a coordinate and a likelihood: a hundredth of a pixel. More would only make messages longer."""
FAR = 0.75
"""Of a far head's side: a part of the picture that is smaller is enlarged to it."""
AT_MOST = 200
"""Boxes of one type in one picture, the likeliest."""
WHOLE = Profile()


class DetectorSettings(Frozen):
    """Which networks look, what runs them, and how sure they must be."""

    people: str = "nanodet-g-416-int8"
    """A name in the manifest, or in users' own list (models/manifest.py)."""
    people_from: Likelihood = 0.3
    """Down to .05 for trackers that can use unlikely boxes. The best threshold differs by camera, from .3 to .5."""
    faces: str = "yunet-2023mar"
    faces_from: Likelihood = 0.6
    faces_longest: int = Field(default=640, ge=32, le=4096)
    """Whole pictures are shrunk to this longest side before faces are looked for in them."""
    heads: int = Field(default=8, ge=0, le=64)
    """Faces are looked for on the heads of so many people, the likeliest."""
    heads_from: Likelihood = 0.25
    """How likely they must be."""
    head: int = Field(default=96, ge=32, le=320, multiple_of=32)
    """Side to which each head's part of the picture is brought."""
    far_head: int = Field(default=64, ge=32, le=320, multiple_of=32)
    """The same where none of the parts is three quarters as large: no fewer faces are found, for half as much."""
    heads_longest: int = Field(default=416, ge=32, le=4096)
    """Pictures are not halved below this longest side, whatever people need: faces are smaller."""
    processor: Processor = Processor.CPU
    """Where there is no such device, the CPU."""
    batch: int = Field(default=1, ge=1, le=64)
    """Pictures of one size that the network gets at once: more than one pays on a GPU, not on a CPU (measured)."""


DEFAULTS = DetectorSettings()


@dataclass(frozen=True)
class Look:
    """A picture (height, width, 3), blue green red, and how it is to be looked at."""

    picture: Picture
    profile: Profile = WHOLE
    cells: str = ""
    """What moved in it, as its envelope says (schemas.frame.Cells)."""
    reference: bool = False
    """The whole of it is looked at, for faces too, whatever the profile says."""


@dataclass(frozen=True)
class Seen:
    """What was found, people before faces, each likeliest first."""

    detections: tuple[Detection, ...]
    regions: tuple[Box, ...] = ()
    """Where was looked in place of the whole, as the profile says; empty: everywhere."""


class Detector:
    """Finds people and faces. Keeps nothing of a picture, so the same picture gives the same detections."""

    def __init__(self, people: OpenFinder, faces: Session, face_entry: Weights, settings: DetectorSettings) -> None:
        self._people = people
        self._faces = faces
        self._settings = settings
        self._of_profile = lru_cache(maxsize=1024)(lambda profile: _module(people.entry, face_entry, settings, profile))
        self.processor = people.processor
        """What really runs it: the CPU, where what was asked for is not there."""

    @classmethod
    def load(cls, folder: Path, settings: DetectorSettings = DEFAULTS, mode: Mode = Mode.CONVENTIONAL) -> "Detector":
        """Load from `MIMAMORI_HOME/models`.

        Raises Missing or WrongHash for a file, NotAllowed for a network of another task.
        """
        people = open_finder(folder, settings.people, mode, settings.processor)
        faces = manifest()[settings.faces]
        allow(faces.task, mode)
        file = weights.path(folder, faces.of_task(Task.FACES))
        return cls(people, session.load(file, sizes_vary=True, processor=settings.processor), faces, settings)

    @property
    def module(self) -> Module:
        """Which networks with which settings, for a camera with the usual profile."""
        return self.module_of(WHOLE)

    def module_of(self, profile: Profile) -> Module:
        """Which networks with which settings, for a camera with this profile."""
        return self._of_profile(profile)

    def longest(self, profile: Profile, *, reference: bool = False) -> int | None:
        """How long a picture's longest side has to be for this profile; None: as it came, nothing may be halved."""
        native = profile.tiles > 1 or (profile.regions and not reference)
        if native:
            return None
        faces = self._settings.faces_longest if reference else self._settings.heads_longest
        return max(self._people.finder.side or profile.longest, faces)

    def detect(self, bgr: Picture) -> tuple[Detection, ...]:
        """Find people, then faces, in a picture (height, width, 3), each likeliest first."""
        return self.detect_all([Look(bgr)])[0].detections

    def detect_all(self, looks: Sequence[Look]) -> list[Seen]:
        """As `detect`, for pictures of several cameras together: each has what it would have by itself."""
        parts = [_views(look) for look in looks]
        found = self._find_people(looks, parts)
        return [self._seen(*each) for each in zip(looks, parts, found, strict=True)]

    def _seen(self, look: Look, parts: Sequence[View], people: Found) -> Seen:
        detections = (
            *_detections(ObjectType.HUMAN, *people, look.picture),
            *_detections(ObjectType.HUMAN_FACE, *self._find_faces(look, people), look.picture),
        )
        return Seen(detections, views.shares(parts, *look.picture.shape[:2]))

    def _find_people(self, looks: Sequence[Look], parts: Sequence[Sequence[View]]) -> Iterator[Found]:
        wanted = [(place, view) for place, each in enumerate(parts) for view in each]
        finder = self._people.finder
        boxes = [
            views.canvas(looks[place].picture, view, looks[place].profile, finder.multiple, finder.side)
            for place, view in wanted
        ]
        found: dict[int, list[tuple[View, Letterbox, Found]]] = defaultdict(list)
        for (place, view), box, each in zip(wanted, boxes, self._run(boxes), strict=True):
            found[place].append((view, box, each))
        for place, look in enumerate(looks):
            yield views.together(found[place], *look.picture.shape[:2])

    def _run(self, boxes: Sequence[Letterbox]) -> list[Found]:
        """Give each canvas to the network, those of one size together, a batch at a time."""
        found: dict[int, Found] = {}
        sizes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, box in enumerate(boxes):
            sizes[box.canvas.shape].append(place)
        for places in sizes.values():
            for start in range(0, len(places), self._settings.batch):
                batch = places[start : start + self._settings.batch]
                canvases = [boxes[place].canvas for place in batch]
                results = self._people.finder.find(canvases, at_least=self._settings.people_from)
                found.update(zip(batch, results, strict=True))
        return [found[place] for place in range(len(boxes))]

    def _find_faces(self, look: Look, people: Found) -> Found:
        boxes, likelihoods = people
        likely = likelihoods >= self._settings.heads_from
        squares = heads.regions(boxes[likely], likelihoods[likely], most=self._settings.heads)
        found = [self._faces_on(look.picture, squares)] if len(squares) else []
        if look.reference:
            found.append(self._faces_in(look.picture))
        if not found:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return _once(found)

    def _faces_on(self, picture: Picture, squares: Floats) -> Found:
        far = (squares[:, 2] - squares[:, 0]).max() < FAR * self._settings.far_head
        mosaic = heads.mosaic(picture, squares, cell=self._settings.far_head if far else self._settings.head)
        boxes, likelihoods = self._faces_of(mosaic.canvas)
        back, within = mosaic.back(boxes)
        return back, likelihoods[within]

    def _faces_in(self, picture: Picture) -> Found:
        box = yunet.shrunk(picture, longest=self._settings.faces_longest)
        boxes, likelihoods = self._faces_of(box.canvas)
        return boxes / np.float32(box.scale), likelihoods

    def _faces_of(self, canvas: Picture) -> Found:
        outputs = self._faces.run({yunet.INPUT: yunet.tensor(canvas)})
        return yunet.faces(outputs, width=canvas.shape[1], at_least=self._settings.faces_from)


def _views(look: Look) -> tuple[View, ...]:
    height, width = look.picture.shape[:2]
    return views.views(height, width, look.profile, None if look.reference else views.moved(look.cells))


def _once(found: Sequence[Found]) -> Found:
    """Of a face that was found twice, on the heads of two people or also in the whole, give the likelier box."""
    boxes, likelihoods = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = nms.keep(boxes, likelihoods, at_most=yunet.SAME_FACE)
    return boxes[kept], likelihoods[kept]


def _module(people: Network, faces: Network, settings: DetectorSettings, profile: Profile) -> Module:
    said = settings.model_dump_json() + ("" if profile == WHOLE else profile.model_dump_json())
    return Module(
        name=f"{people.name}+{faces.name}"[:64],
        version=VERSION,
        model_digest=hashlib.sha256(f"{people.sha256} {faces.sha256}".encode()).hexdigest(),
        config_digest=hashlib.sha256(said.encode()).hexdigest(),
    )


def _detections(kind: ObjectType, boxes: Floats, likelihoods: Floats, bgr: Picture) -> tuple[Detection, ...]:
    """Normalise boxes in pixels of the picture, cut to it; those outside of it are no boxes."""
    height, width = bgr.shape[:2]
    sides = (boxes / np.array([width, height, width, height], np.float32)).clip(0, 1).astype(np.float64).round(DIGITS)
    inside = (sides[:, 2:] > sides[:, :2]).all(axis=1)
    return tuple(
        Detection(
            type=kind,
            likelihood=round(float(likelihood), DIGITS),
            bounding_box=Box(left=left, top=top, right=right, bottom=bottom),
        )
        for (left, top, right, bottom), likelihood in zip(
            sides[inside][:AT_MOST].tolist(), likelihoods[inside][:AT_MOST], strict=True
        )
    )
