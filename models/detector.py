"""A picture in, people and faces out."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field

from models import session, weights
from models.manifest import Weights, manifest
from models.networks import nanodet, yunet
from models.networks.letterbox import Picture
from models.session import Session
from models.tasks import Mode, Task, allow
from schemas.detections import Detection, Likelihood, ObjectType
from schemas.envelope import Module
from schemas.frozen import Frozen
from schemas.geometry import Box

VERSION = "1"
"""Goes up when the same networks would give other boxes for the same picture."""
DIGITS = 5
"""Of a coordinate and a likelihood: a hundredth of a pixel. More would only make messages longer."""
AT_MOST = 200
"""Boxes of one type in one picture, the likeliest."""

Floats = npt.NDArray[np.float32]


class DetectorSettings(Frozen):
    """Which networks look, and how sure they must be."""

    people: str = "nanodet-g-416-int8"
    people_from: Likelihood = 0.3
    """Down to .05 for trackers that can use unlikely boxes. The best threshold differs by camera, from .3 to .5."""
    faces: str = "yunet-2023mar"
    faces_from: Likelihood = 0.6
    faces_longest: int = Field(default=640, ge=32, le=4096)
    """Pictures are shrunk to this longest side before faces are looked for."""


DEFAULTS = DetectorSettings()


class Detector:
    """Finds people and faces. Keeps nothing of a picture, so the same picture gives the same detections."""

    def __init__(self, people: Session, faces: Session, settings: DetectorSettings, module: Module) -> None:
        self._people = people
        self._faces = faces
        self._settings = settings
        self.module = module

    @classmethod
    def load(cls, folder: Path, settings: DetectorSettings = DEFAULTS, mode: Mode = Mode.CONVENTIONAL) -> "Detector":
        """Load from `MIMAMORI_HOME/models`.

        Raises Missing or WrongHash for a file, NotAllowed for a network of another task.
        """
        people, faces = _entry(settings.people, Task.PEOPLE, mode), _entry(settings.faces, Task.FACES, mode)
        return cls(
            session.load(weights.path(folder, people)),
            session.load(weights.path(folder, faces), sizes_vary=True),
            settings,
            _module(people, faces, settings),
        )

    def detect(self, bgr: Picture) -> tuple[Detection, ...]:
        """Find people, then faces, in a picture (height, width, 3), each likeliest first."""
        return (*self._find_people(bgr), *self._find_faces(bgr))

    def _find_people(self, bgr: Picture) -> tuple[Detection, ...]:
        box, tensor = nanodet.prepare(bgr)
        outputs = self._people.run({nanodet.INPUT: tensor})
        boxes, likelihoods = nanodet.people(outputs, at_least=self._settings.people_from)
        return _detections(ObjectType.HUMAN, boxes / box.scale, likelihoods, bgr)

    def _find_faces(self, bgr: Picture) -> tuple[Detection, ...]:
        box, tensor = yunet.prepare(bgr, longest=self._settings.faces_longest)
        outputs = self._faces.run({yunet.INPUT: tensor})
        boxes, likelihoods = yunet.faces(outputs, width=box.canvas.shape[1], at_least=self._settings.faces_from)
        return _detections(ObjectType.HUMAN_FACE, boxes / box.scale, likelihoods, bgr)


def _entry(name: str, task: Task, mode: Mode) -> Weights:
    entry = manifest()[name]
    allow(entry.task, mode)
    return entry.of_task(task)


def _module(people: Weights, faces: Weights, settings: DetectorSettings) -> Module:
    return Module(
        name=f"{people.name}+{faces.name}",
        version=VERSION,
        model_digest=hashlib.sha256(f"{people.sha256} {faces.sha256}".encode()).hexdigest(),
        config_digest=hashlib.sha256(settings.model_dump_json().encode()).hexdigest(),
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
