"""The detector and the face finder, loaded; weights that are not as they must be are said in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from models.detector import Detector, DetectorSettings
from models.errors import ModelError
from models.faces import Faces
from pipeline.errors import Misconfigured

T = TypeVar("T")


def open_eyes(weights: Path, settings: DetectorSettings) -> Detector:
    """Load the detector.

    Raises:
        Misconfigured: A file is missing or another than it should be; the message says what to run.
    """
    return _loaded(weights, lambda: Detector.load(weights, settings))


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
