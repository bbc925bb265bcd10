"""Measure which values a network's tensors take over many pictures: done once, kept in `ranges/`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from onnx import ModelProto, TensorProto, helper

from models.errors import BadImage
from models.networks import nanodet
from models.networks.letterbox import Picture
from models.quantise import Range, convolution_tensors
from models.session import Session

PERCENTILES = (0.01, 99.99)
"""Of the values in one picture: the one value in ten thousand beyond them is cut off rather than all others coarser."""
DIGITS = 6
"""Significant ones, in the file."""


def measured(model: ModelProto, pictures: Iterable[Picture]) -> dict[str, Range]:
    """Give the range of every tensor that a convolution reads or writes. Keeps numbers only, nothing of a picture."""
    session = Session(_watched(model).SerializeToString())
    ranges: dict[str, Range] = {}
    for picture in pictures:
        tensor = nanodet.prepare(picture)
        for name, values in (session.run({nanodet.INPUT: tensor}) | {nanodet.INPUT: tensor}).items():
            low, high = np.percentile(values, PERCENTILES)
            before = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = min(before[0], float(low)), max(before[1], float(high))
    return {name: ranges[name] for name in convolution_tensors(model)}


def pictures_in(path: Path, every: int) -> Iterator[Picture]:
    """Every so-manyth picture of a clip, a picture file, or a folder of both; raises BadImage for anything else."""
    if path.is_dir():
        for inside in sorted(path.iterdir()):
            yield from pictures_in(inside, every)
        return
    capture = cv2.VideoCapture(str(path))
    index = 0
    while capture.grab():
        if index % every == 0:
            yield np.asarray(capture.retrieve()[1], np.uint8)
        index += 1
    if not index:
        raise BadImage(f"{path} cannot be read")


def write_ranges(file: Path, ranges: dict[str, Range]) -> None:
    """Write `{"tensor": [smallest, largest]}`, one a line."""
    lines = (f"{json.dumps(name)}: [{low:.{DIGITS}g}, {high:.{DIGITS}g}]" for name, (low, high) in ranges.items())
    file.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n", "utf-8")


def _watched(model: ModelProto) -> ModelProto:
    """Give a copy whose outputs are the tensors to watch."""
    copy = ModelProto()
    copy.CopyFrom(model)
    made = {name for node in model.graph.node for name in node.output}
    del copy.graph.output[:]
    copy.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in convolution_tensors(model)
        if name in made
    )
    return copy
