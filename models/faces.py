"""Faces for hiding: looked for in whole pictures and in what is cut out around a head. Better one too many."""

from pathlib import Path

import cv2
import numpy as np
from pydantic import Field

from models import session, weights
from models.manifest import manifest
from models.networks import yunet
from models.networks.letterbox import Picture
from models.session import Session
from models.tasks import Mode, Task, allow
from schemas.detections import Likelihood
from schemas.frozen import Frozen
from schemas.geometry import Box


class FaceSettings(Frozen):
    """How sure it must be, and at which size it looks."""

    faces: str = "yunet-2023mar"
    faces_from: Likelihood = 0.3
    longest: int = Field(default=960, ge=32, le=4096)
    """Larger pictures are shrunk to this longest side. On three clips as many faces are hidden as at 1280 (all), for a
    quarter less time; at 800 there are some that are not."""
    shortest: int = Field(default=160, ge=32, le=640)
    """Smaller ones, as heads cut out of a picture are, are enlarged to this longest side: three to five times as many
    faces are found in them as in the whole picture (measured)."""


DEFAULTS = FaceSettings()


class Faces:
    """Finds faces. Keeps nothing of a picture."""

    def __init__(self, network: Session, settings: FaceSettings = DEFAULTS) -> None:
        self._network = network
        self._settings = settings

    @classmethod
    def load(cls, folder: Path, settings: FaceSettings = DEFAULTS, mode: Mode = Mode.CONVENTIONAL) -> "Faces":
        """Load from `MIMAMORI_HOME/models`.

        Raises Missing or WrongHash for a file, NotAllowed for a network of another task.
        """
        entry = manifest()[settings.faces]
        allow(entry.task, mode)
        path = weights.path(folder, entry.of_task(Task.FACES))
        return cls(session.load(path, sizes_vary=True), settings)

    def find_faces(self, bgr: Picture) -> tuple[Box, ...]:
        """Find faces in a picture (height, width, 3); boxes are shares of it, likeliest first."""
        enlarged = _enlarged(bgr, self._settings.shortest)
        letterbox, tensor = yunet.prepare(enlarged, longest=self._settings.longest)
        outputs = self._network.run({yunet.INPUT: tensor})
        found, _ = yunet.faces(outputs, width=letterbox.canvas.shape[1], at_least=self._settings.faces_from)
        height, width = enlarged.shape[:2]
        sides = (found / letterbox.scale / np.array([width, height, width, height], np.float32)).clip(0, 1)
        inside = (sides[:, 2:] > sides[:, :2]).all(axis=1)
        return tuple(
            Box(left=left, top=top, right=right, bottom=bottom) for left, top, right, bottom in sides[inside].tolist()
        )


def _enlarged(bgr: Picture, shortest: int) -> Picture:
    scale = shortest / max(bgr.shape[:2])
    if scale <= 1:
        return bgr
    size = max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_LINEAR), np.uint8)
