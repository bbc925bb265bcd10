"""What every network that finds people does, whatever family it is of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.networks.letterbox import Picture

Floats = npt.NDArray[np.float32]
Found = tuple[Floats, Floats]
"""Boxes (n, 4) in pixels of a canvas, left top right bottom, and likelihoods (n,): likeliest first."""


class Runs(Protocol):
    """A loaded network: `models.session.Session`."""

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
        """Give every output by its name."""
        ...


Opened = Callable[[bytes], Runs]
"""Loads a network; which processor runs it is settled."""


class Finder(Protocol):
    """One file in `models/networks/` implements this for one family. Keeps nothing of a picture."""

    @property
    def multiple(self) -> int:
        """A canvas's sides are multiples of it."""
        ...

    @property
    def side(self) -> int | None:
        """Of the square canvas, where the network takes no other; else None, and the profile says how large."""
        ...

    def find(self, canvases: Sequence[Picture], *, at_least: float) -> list[Found]:
        """Find people in canvases (height, width, 3), blue green red, all of one size: for each what was found.

        The picture fills a canvas's top left; the rest is black. Boxes of one person are one box.
        """
        ...
