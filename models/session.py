"""Run a network: the one place that knows onnxruntime."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

Floats = npt.NDArray[np.float32]

ort: Any = onnxruntime
"""Untyped: onnxruntime makes its names at run time."""


class Processor(StrEnum):
    """What runs networks."""

    CPU = "cpu"
    CUDA = "cuda"


_PROVIDERS = {Processor.CPU: "CPUExecutionProvider", Processor.CUDA: "CUDAExecutionProvider"}


def usable(wanted: Processor) -> Processor:
    """Give the processor that is wanted, or the CPU where this onnxruntime was not built for it."""
    return wanted if _PROVIDERS[wanted] in ort.get_available_providers() else Processor.CPU


class Session:
    """A loaded network. Safe to run from several threads; each run uses one core."""

    def __init__(self, model: bytes, processor: Processor = Processor.CPU) -> None:
        # What the processor cannot do, the CPU does; onnxruntime also falls back to it when there is no such device.
        providers = list(dict.fromkeys([_PROVIDERS[usable(processor)], _PROVIDERS[Processor.CPU]]))
        self._session = ort.InferenceSession(model, _options(), providers=providers)
        first = self._session.get_providers()[0]
        self.processor = next(each for each, name in _PROVIDERS.items() if name == first)
        """What really runs it."""
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
        """Give every output by its name."""
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))


def any_size(model: bytes) -> bytes:
    """Free batch, height and width of every input and output that declares them as fixed.

    YuNet's file declares 640 × 640, but computes any multiple of 32.
    """
    proto = onnx.load_model_from_string(model)
    for place, value in enumerate([*proto.graph.input, *proto.graph.output]):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if axis not in _channels(value):
                dim.dim_param = f"free_{place}_{axis}"
    return bytes(proto.SerializeToString())


def load(path: Path, *, sizes_vary: bool = False, processor: Processor = Processor.CPU) -> Session:
    """Load a network from a file of `MIMAMORI_HOME/models` that the manifest vouches for."""
    model = path.read_bytes()
    return Session(any_size(model) if sizes_vary else model, processor)


def _channels(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Axes of a tensor whose length is the network's own: channels, first in a picture and last in a table."""
    rank = len(value.type.tensor_type.shape.dim)
    return (1,) if rank == 4 else (rank - 1,)


def _options() -> Any:
    options = ort.SessionOptions()
    # More workers, not more threads: two sessions of one thread do more pictures than one of two.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    return options
