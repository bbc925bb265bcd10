"""The detector and the face finder, loaded; weights that are not as they must be are said in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import cv2

from models.detector import Detector, DetectorSettings
from models.errors import ModelError
from models.faces import Faces
from models.session import Processor
from pipeline.errors import Misconfigured
from pipeline.logs import log
from pipeline.settings import Detector as Wanted

T = TypeVar("T")

PASSED_ON: Final = 0.1
"""Boxes of people from so likely on: which of them begin a track is watching's to say, camera by camera."""
_ON_A_GPU: Final = "nanodet-g-416"
"""In floats: 8 bits are for CPUs."""


def eyes_of(wanted: Wanted) -> DetectorSettings:
    """Return what detecting's settings mean."""
    processor = Processor(wanted.processor)
    usual = {"people": wanted.people} if wanted.people else {}
    if processor is Processor.CUDA:
        usual = {"people": _ON_A_GPU} | usual
    return DetectorSettings(
        people_from=PASSED_ON, processor=processor, batch=wanted.batch if processor is Processor.CUDA else 1, **usual
    )


def open_eyes(weights: Path, settings: DetectorSettings) -> Detector:
    """Load the detector. From then on one thread works on this process's pictures: a worker is one core's worth.

    Raises:
        Misconfigured: A file is missing or another than it should be; the message says what to run.
    """
    cv2.setNumThreads(1)
    detector = _loaded(weights, lambda: Detector.load(weights, settings))
    if detector.processor is not settings.processor:
        detail = f"there is no {settings.processor} here, or onnxruntime is not built for it; the CPU looks instead"
        log().warning("processor missing", detail=detail, model=settings.people)
    return detector


def open_face_finder(weights: Path) -> Faces:
    """Load what looks for faces that are to be hidden.

    Raises:
        Misconfigured: As of `open_eyes`.
    """
    return _loaded(weights, lambda: Faces.load(weights))


def _loaded(weights: Path, load: Callable[[], T]) -> T:
    try:
        return load()
    except ModelError as error:
        raise Misconfigured(f"{error} (weights are looked for in {weights.absolute()}; see MIMAMORI_HOME)") from None
