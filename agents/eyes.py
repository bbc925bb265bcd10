"""The detector, loaded; weights that are not as they must be are said in one line."""

from pathlib import Path

from models.detector import Detector, DetectorSettings
from models.errors import ModelError
from pipeline.errors import Misconfigured


def open_eyes(weights: Path, settings: DetectorSettings) -> Detector:
    """Load the detector.

    Raises:
        Misconfigured: A file is missing or another than it should be; the message says what to run.
    """
    try:
        return Detector.load(weights, settings)
    except ModelError as error:
        raise Misconfigured(f"{error} (weights are looked for in {weights.absolute()}; see MIMAMORI_HOME)") from None
