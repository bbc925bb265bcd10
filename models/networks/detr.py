"""D-FINE (arXiv:2410.13842) and RT-DETR (arXiv:2304.08069): find people. For weights that users bring.

Both are exported alike, by their own tools: `images` and `orig_target_sizes` in, `labels`, `boxes` and `scores` out,
every box once. An export by Hugging Face's tools has `pixel_values` in, `logits` and `pred_boxes` out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.networks.finder import Floats, Found, Opened, Runs
from models.networks.letterbox import Picture


class Detr:
    """See `models.networks.finder.Finder`: red green blue, 0–1, in a square."""

    multiple = 32

    def __init__(self, session: Runs, side: int, person: int, *, logits: bool) -> None:
        self._session = session
        self.side = side
        self._person = person
        self._logits = logits

    @classmethod
    def load(cls, model: bytes, opened: Opened, *, side: int, person: int, logits: bool) -> "Detr":
        """Load an export for squares of this side; `person` is the label's place, `logits` says that HF made it."""
        return cls(opened(model), side, person, logits=logits)

    def find(self, canvases: Sequence[Picture], *, at_least: float) -> list[Found]:
        """Find people in canvases of the network's size; one at a time, as exports have a batch of one."""
        return [self._one(each, at_least) for each in canvases]

    def _one(self, canvas: Picture, at_least: float) -> Found:
        tensor = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)) / np.float32(255)
        if self._logits:
            outputs = self._session.run({"pixel_values": tensor})
            return from_logits(outputs, self.side, self._person, at_least)
        size = np.array([[self.side, self.side]], np.int64)
        return from_scores(self._session.run({"images": tensor, "orig_target_sizes": size}), self._person, at_least)


def from_scores(outputs: Mapping[str, npt.NDArray[np.float32]], person: int, at_least: float) -> Found:
    """Read labels (1, n), boxes (1, n, 4) in pixels and scores (1, n)."""
    labels, boxes, scores = (outputs[name][0] for name in ("labels", "boxes", "scores"))
    return _likeliest(boxes[labels == person], scores[labels == person], at_least)


def from_logits(outputs: Mapping[str, Floats], side: int, person: int, at_least: float) -> Found:
    """Read logits (1, n, classes) and boxes (1, n, 4): centre and size as shares of the side."""
    likelihoods = 1 / (1 + np.exp(-outputs["logits"][0][:, person].astype(np.float32)))
    centres, halves = np.split(outputs["pred_boxes"][0] * np.float32(side), 2, axis=1)
    boxes = np.concatenate([centres - halves / 2, centres + halves / 2], axis=1)
    return _likeliest(boxes, likelihoods.astype(np.float32), at_least)


def _likeliest(boxes: Floats, likelihoods: Floats, at_least: float) -> Found:
    order = np.argsort(-likelihoods, kind="stable")
    order = order[likelihoods[order] >= at_least]
    return boxes[order].astype(np.float32), likelihoods[order].astype(np.float32)
