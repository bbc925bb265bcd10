"""Runs in the environment of the peer `deface`: finds faces in a clip as its command does, and says what it would hide.

Pictures are read here from the clip itself and written nowhere.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from deface.centerface import CenterFace  # type: ignore[import-not-found]  # only in the peer's environment
from deface.deface import anonymize_frame, scale_bb  # type: ignore[import-not-found]  # only there
from skimage.draw import ellipse  # type: ignore[import-not-found]  # only there

THRESHOLD, MASK_SCALE = 0.2, 1.3
"""What its command takes unless it is told otherwise."""


def pictures(path: str, every: int, size: tuple[int, int]) -> Iterator[Any]:
    """Read every so many-th picture of a clip, as red, green and blue, at this size."""
    clip, number = cv2.VideoCapture(path), 0
    while True:
        there, picture = clip.read()
        if not there:
            return
        if number % every == 0:
            yield cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2RGB)
        number += 1


def hidden(found: Any, shape: tuple[int, int]) -> Any:
    """Say which pixels its blurred ellipses cover, as its command draws them."""
    covered = np.zeros(shape, bool)
    for each in found:
        left, top, right, bottom = scale_bb(*each[:4].astype(int), MASK_SCALE)
        top, bottom = max(0, top), min(shape[0] - 1, bottom)
        left, right = max(0, left), min(shape[1] - 1, right)
        if top < bottom and left < right:
            half = (bottom - top) // 2, (right - left) // 2
            rows, columns = ellipse(*half, *half)
            covered[top:bottom, left:right][rows, columns] = True
    return covered


def share(covered: Any, box: list[float]) -> float:
    """Say how much of a box is covered."""
    left, top, right, bottom = (round(side) for side in box)
    within = covered[max(0, top) : bottom, max(0, left) : right]
    return float(within.mean()) if within.size else 1.0


def answer(network: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Find faces in each picture: boxes and likelihoods, the shares of asked boxes that are hidden, CPU seconds."""
    faces, shares, spent, blank = [], [], 0.0, 0.0
    for number, picture in enumerate(pictures(asked["clip"], asked["every"], tuple(asked["size"]))):
        began = time.process_time()
        found, _ = network(picture, threshold=THRESHOLD)
        anonymize_frame(found, picture, MASK_SCALE, "blur", True, False, None, 20)
        spent += time.process_time() - began
        blank += 1
        faces.append(found.tolist())
        boxes = asked["boxes"][number] if asked["boxes"] else []
        covered = hidden(found, picture.shape[:2])
        shares.append([share(covered, box) for box in boxes])
    return {"faces": faces, "shares": shares, "cpu_ms": 1000 * spent / max(1, blank)}


def main() -> None:
    """Answer each line `{"clip": path, "every": 2, "size": [1280, 720], "boxes": boxes of each picture or none}`."""
    network = CenterFace(in_shape=None, backend="auto")
    for line in sys.stdin:
        print(json.dumps(answer(network, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
