"""A float32 network in, one with 8-bit convolutions out, from activation ranges that were measured once.

Convolutions only: anything more costs NanoDet all its detections. Activations are unsigned with a zero point, weights
signed and per output channel, biases 32-bit (the scheme of Jacob et al. 2018, arXiv:1712.05877). Nothing here runs the
network, so every machine gives the same bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, helper, numpy_helper

Range = tuple[float, float]
"""Smallest and largest value that a tensor takes."""
Ranges = Mapping[str, Range]

Constants = dict[str, npt.NDArray[Any]]

WEIGHT_MAX = 63
"""Seven bits: with eight, processors without VNNI overflow where they add two products, and would see other people than
the rest. Where there is VNNI, seven cost .003 of average precision and no time."""


def read_ranges(file: Path) -> dict[str, Range]:
    """Read `{"tensor": [smallest, largest]}`."""
    return {name: (float(low), float(high)) for name, (low, high) in json.loads(file.read_text("utf-8")).items()}


def convolution_tensors(model: ModelProto) -> list[str]:
    """Names of the tensors whose ranges `quantised` needs: what convolutions read and write."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    return sorted({name for node in convolutions for name in (node.input[0], node.output[0])})


def quantised(model: ModelProto, ranges: Ranges) -> ModelProto:
    """Give a copy of the model with 8-bit convolutions."""
    constants: Constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    written = {node.output[0] for node in model.graph.node if node.op_type == "Conv"}
    scales = {tensor: _scale(ranges[tensor]) for tensor in convolution_tensors(model)}
    nodes: list[NodeProto] = []
    rounded = {tensor: f"{tensor}/rounded" for tensor in scales}
    for tensor in (value.name for value in model.graph.input if value.name in scales):
        nodes += _rounding(tensor, constants, scales[tensor])
    for node in model.graph.node:
        copy = NodeProto.FromString(node.SerializeToString())
        if node.op_type == "Conv":
            nodes += _weights(copy, constants, scales)
        reads = scales if node.op_type == "Conv" else written
        copy.input[:] = [rounded[name] if name in reads else name for name in copy.input]
        nodes.append(copy)
        for tensor in (name for name in node.output if name in scales):
            nodes += _rounding(tensor, constants, scales[tensor])
    return _model(model, nodes, constants)


def _scale(between: Range) -> tuple[np.float32, np.uint8]:
    """Step and zero point of the 256 levels from smallest to largest; zero is always a level."""
    low, high = min(between[0], 0.0), max(between[1], 0.0)
    step = np.float32((high - low) / 255)
    return step, np.uint8(round(-low / float(step)))


def _rounding(tensor: str, constants: Constants, scale: tuple[np.float32, np.uint8]) -> list[NodeProto]:
    step, zero = f"{tensor}/step", f"{tensor}/zero"
    constants[step], constants[zero] = np.asarray(scale[0]), np.asarray(scale[1])
    return [
        _node("QuantizeLinear", [tensor, step, zero], f"{tensor}/levels"),
        _node("DequantizeLinear", [f"{tensor}/levels", step, zero], f"{tensor}/rounded"),
    ]


def _weights(
    convolution: NodeProto,
    constants: Constants,
    scales: Mapping[str, tuple[np.float32, np.uint8]],
) -> list[NodeProto]:
    """Round a convolution's weights and bias in place; give the nodes that read them back."""
    kernel = convolution.input[1]
    weights = constants[kernel].astype(np.float32)
    largest = np.abs(weights).max(axis=(1, 2, 3))
    steps = np.where(largest > 0, largest / np.float32(WEIGHT_MAX), np.float32(1)).astype(np.float32)
    levels = np.rint(weights / steps[:, None, None, None]).astype(np.int8)
    nodes = [_read_back(kernel, levels, steps, constants)]
    convolution.input[1] = f"{kernel}/rounded"
    if len(convolution.input) > 2:
        bias = convolution.input[2]
        bias_steps = (steps * scales[convolution.input[0]][0]).astype(np.float32)
        bias_levels = np.rint(constants[bias] / bias_steps).astype(np.int32)
        nodes.append(_read_back(bias, bias_levels, bias_steps, constants))
        convolution.input[2] = f"{bias}/rounded"
    return nodes


def _read_back(
    name: str,
    levels: npt.NDArray[Any],
    steps: npt.NDArray[np.float32],
    constants: Constants,
) -> NodeProto:
    constants[f"{name}/levels"], constants[f"{name}/step"] = levels, steps
    constants[f"{name}/zero"] = np.zeros(steps.shape, levels.dtype)
    return _node("DequantizeLinear", [f"{name}/levels", f"{name}/step", f"{name}/zero"], f"{name}/rounded", axis=0)


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, inputs, [output], name=output, **attributes)


def _model(model: ModelProto, nodes: list[NodeProto], constants: Constants) -> ModelProto:
    read = {name for node in nodes for name in node.input}
    kept = [numpy_helper.from_array(value, name) for name, value in sorted(constants.items()) if name in read]
    body = helper.make_graph(nodes, f"{model.graph.name} 8 bit", model.graph.input, model.graph.output, kept)
    return helper.make_model(
        body, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name=model.producer_name
    )
