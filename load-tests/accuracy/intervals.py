"""How sure a mean is: the bootstrap of Efron (1979), paired where two ways saw the same scenes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_DRAWS = 4000


class Mean(NamedTuple):
    """A mean, and the interval in which it lies with 95 %."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Mean:
    """By how much ours is above theirs, scene by scene."""
    margins = np.array(ours) - np.array(theirs)
    places = np.random.default_rng(0).integers(0, len(margins), (_DRAWS, len(margins)))
    low, high = np.quantile(margins[places].mean(axis=1), (0.025, 0.975))
    return Mean(float(margins.mean()), float(low), float(high))
