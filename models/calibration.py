"""Measure which values a network's tensors take over many pictures: done once, kept in `ranges/`."""

from collections.abc import Iterable

import numpy as np
from onnx import ModelProto, TensorProto, helper

from models.networks import nanodet
from models.networks.letterbox import Picture
from models.quantise import Range, convolution_tensors
from models.session import Session


def measured(model: ModelProto, pictures: Iterable[Picture]) -> dict[str, Range]:
    """Smallest and largest value of every tensor that a convolution reads or writes. Keeps numbers only."""
    session = Session(_watched(model).SerializeToString())
    ranges: dict[str, Range] = {}
    for picture in pictures:
        _, tensor = nanodet.prepare(picture)
        for name, values in (session.run({nanodet.INPUT: tensor}) | {nanodet.INPUT: tensor}).items():
            low, high = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
    return {name: ranges[name] for name in convolution_tensors(model)}


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
