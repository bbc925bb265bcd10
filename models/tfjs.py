"""A TensorFlow.js graph model in, an ONNX model out: the operations of NanoDet, and no others.

Needs only numpy and onnx, takes half a second, and gives the same bytes each time. TensorFlow keeps channels last, ONNX
first; each operation is written with transposes around it, and a transpose that undoes the one before it is not
written at all, so that almost none remain.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from models.errors import CannotConvert

OPSET = 17
IR_VERSION = 8
LAST_TO_FIRST = (0, 3, 1, 2)
FIRST_TO_LAST = (0, 2, 3, 1)

Array = npt.NDArray[Any]
Node = dict[str, Any]


def convert(topology: bytes, weights: bytes) -> ModelProto:
    """Convert `model.json` and its one weight file.

    Raises CannotConvert, naming the node, for an operation or an attribute that NanoDet does not use.
    """
    model = json.loads(topology)
    graph = _Graph.read(model, weights)
    signature = model["signature"]
    inputs = [_declared(tensor) for tensor in signature["inputs"].values()]
    outputs = sorted((_declared(tensor) for tensor in signature["outputs"].values()), key=lambda output: output.name)
    for node in _in_order(graph.nodes, [output.name for output in outputs]):
        _emit(graph, node)
    return _model(graph, inputs, outputs)


@dataclass
class _Graph:
    """What was read, and what has been written so far."""

    nodes: dict[str, Node]
    constants: dict[str, Array]
    uses: Counter[str]
    """How many nodes read each tensor."""
    written: list[NodeProto] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    """TensorFlow's name of a tensor → ours, where no node of ours writes that name."""

    @classmethod
    def read(cls, model: dict[str, Any], weights: bytes) -> "_Graph":
        nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        uses = Counter(_tensor(name) for node in nodes.values() for name in node.get("input", []))
        return cls(nodes, _constants(model["weightsManifest"], weights), uses)

    def name(self, tensor: str) -> str:
        """Our name of a tensor of TensorFlow."""
        return self.aliases.get(_tensor(tensor), _tensor(tensor))

    def value(self, tensor: str) -> Array:
        """Value of a tensor that must be constant."""
        try:
            return self.constants[_tensor(tensor)]
        except KeyError:
            raise CannotConvert(f"{tensor} is not constant") from None

    def numbers(self, tensor: str) -> list[int]:
        return [int(number) for number in self.value(tensor).reshape(-1)]

    def constant(self, name: str, value: npt.ArrayLike, kind: npt.DTypeLike) -> str:
        self.constants[name] = np.ascontiguousarray(value, kind)
        return name

    def write(self, kind: str, inputs: Iterable[str], *outputs: str, **attributes: Any) -> str:
        self.written.append(helper.make_node(kind, list(inputs), list(outputs), name=outputs[0], **attributes))
        return outputs[0]

    def writer(self, tensor: str) -> NodeProto | None:
        return next((node for node in reversed(self.written) if tensor in node.output), None)

    def transpose(self, tensor: str, order: tuple[int, ...], output: str) -> str:
        """Give the transposed tensor's name; writes a node only where it does not undo the one before."""
        before = self.writer(tensor)
        if before is not None and before.op_type == "Transpose":
            earlier = tuple(before.attribute[0].ints)
            if [earlier[axis] for axis in order] == sorted(order):
                return str(before.input[0])
        return self.write("Transpose", [tensor], output, perm=list(order))


def _declared(tensor: dict[str, Any]) -> Any:
    shape = [int(dim["size"]) for dim in tensor["tensorShape"]["dim"]]
    return helper.make_tensor_value_info(_tensor(tensor["name"]), TensorProto.FLOAT, shape)


def _tensor(name: str) -> str:
    """Drop the `:0` of a first output."""
    return name.removesuffix(":0")


def _constants(manifest: list[dict[str, Any]], weights: bytes) -> dict[str, Array]:
    arrays, offset = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        stored = np.dtype(entry.get("quantization", entry)["dtype"])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(weights, stored, count, offset)
        offset += count * stored.itemsize
        arrays[entry["name"]] = _dequantised(values, entry).reshape(entry["shape"])
    if offset != len(weights):
        raise CannotConvert(f"{len(weights)} bytes of weights where the graph has {offset}")
    return arrays


def _dequantised(values: Array, entry: dict[str, Any]) -> Array:
    quantisation = entry.get("quantization", {})
    if "scale" in quantisation:
        raise CannotConvert(f"{entry['name']} is stored in {quantisation['dtype']}")
    return values.astype(entry["dtype"])


def _in_order(nodes: dict[str, Node], outputs: list[str]) -> list[Node]:
    """What the outputs need, each node after what it reads."""
    order: dict[str, Node] = {}
    waiting = list(reversed(outputs))
    while waiting:
        name = waiting[-1]
        missing = [source for source in map(_node, nodes[name].get("input", [])) if source not in order]
        waiting.extend(reversed(missing))
        if not missing:
            order.setdefault(name, nodes[name])
            waiting.pop()
    return list(order.values())


def _node(tensor: str) -> str:
    return tensor.lstrip("^").partition(":")[0]


def _emit(graph: _Graph, node: Node) -> None:
    try:
        operation = _OPERATIONS[node["op"]]
    except KeyError:
        raise CannotConvert(f"{node['name']}: no operation {node['op']}") from None
    operation(graph, node)


def _attribute(node: Node, name: str, default: Any = None) -> Any:
    """Read one attribute: TF.js writes integers as strings and strings in base64."""
    attribute = node.get("attr", {}).get(name)
    match attribute:
        case None:
            return default
        case {"list": {"i": integers}}:
            return [int(integer) for integer in integers]
        case {"s": text}:
            return base64.b64decode(text).decode()
        case {"i": integer}:
            return int(integer)
        case {"f": value} | {"b": value}:
            return value
    raise CannotConvert(f"{node['name']}: attribute {name} is {attribute}")


def _nothing(graph: _Graph, node: Node) -> None:
    """Constants and the input: nothing to compute."""


def _same(kind: str, graph: _Graph, node: Node) -> None:
    graph.write(kind, map(graph.name, node["input"]), node["name"])


def _leaky(graph: _Graph, node: Node) -> None:
    graph.write("LeakyRelu", [graph.name(node["input"][0])], node["name"], alpha=_attribute(node, "alpha", 0.2))


def _convolution(graph: _Graph, node: Node) -> None:
    _expect(node, "data_format", "NHWC")
    _expect(node, "padding", "VALID")
    picture, kernel = node["input"]
    weights = graph.value(kernel).transpose(3, 2, 0, 1)
    source, pads = _without_pad(graph, graph.transpose(graph.name(picture), LAST_TO_FIRST, f"{node['name']}/first"))
    graph.write(
        "Conv",
        [source, graph.constant(f"{node['name']}/kernel", weights, np.float32)],
        f"{node['name']}/conv",
        dilations=_attribute(node, "dilations", [1, 1, 1, 1])[1:3],
        group=1,
        kernel_shape=list(weights.shape[2:]),
        pads=pads,
        strides=_attribute(node, "strides")[1:3],
    )
    graph.transpose(f"{node['name']}/conv", FIRST_TO_LAST, node["name"])


def _without_pad(graph: _Graph, tensor: str) -> tuple[str, list[int]]:
    """What a convolution reads, and its pads: zeros put around the picture beforehand become the convolution's own."""
    pad = graph.writer(tensor)
    if pad is None or pad.op_type != "Pad" or len(pad.input) > 2:
        return tensor, [0, 0, 0, 0]
    pads = graph.numbers(pad.input[1])
    if any(pads[axis] for axis in (0, 1, 4, 5)):
        return tensor, [0, 0, 0, 0]
    return pad.input[0], [pads[2], pads[3], pads[6], pads[7]]


def _add(graph: _Graph, node: Node) -> None:
    """Add two tensors; a constant after a convolution becomes its bias, and two constants a third."""
    left, right = node["input"]
    if _tensor(left) in graph.constants and _tensor(right) in graph.constants:
        graph.constants[node["name"]] = graph.value(left) + graph.value(right)
    elif not _add_bias(graph, left, right, node["name"]):
        _same("Add", graph, node)


def _add_bias(graph: _Graph, left: str, right: str, output: str) -> bool:
    last = graph.writer(graph.name(left))
    convolution = graph.writer(last.input[0]) if last is not None and last.op_type == "Transpose" else None
    bias = graph.constants.get(_tensor(right))
    if convolution is None or convolution.op_type != "Conv" or bias is None or graph.uses[_tensor(left)] != 1:
        return False
    if len(convolution.input) > 2 or bias.size != bias.shape[-1]:
        return False
    convolution.input.append(graph.constant(f"{output}/bias", bias.reshape(-1), np.float32))
    graph.aliases[output] = graph.name(left)
    return True


def _transpose(graph: _Graph, node: Node) -> None:
    tensor, order = node["input"]
    result = graph.transpose(graph.name(tensor), tuple(graph.numbers(order)), node["name"])
    if result != node["name"]:
        graph.aliases[node["name"]] = result


def _pad(graph: _Graph, node: Node) -> None:
    tensor, widths, *fill = node["input"]
    pads = graph.constant(f"{node['name']}/pads", graph.value(widths).T.reshape(-1), np.int64)
    fills = [graph.constant(f"{node['name']}/fill", graph.value(fill[0]), np.float32)] if fill else []
    graph.write("Pad", [graph.name(tensor), pads, *fills], node["name"])


def _max_pool(graph: _Graph, node: Node) -> None:
    _expect(node, "data_format", "NHWC")
    _expect(node, "padding", "VALID")
    graph.write(
        "MaxPool",
        [graph.transpose(graph.name(node["input"][0]), LAST_TO_FIRST, f"{node['name']}/first")],
        f"{node['name']}/pool",
        kernel_shape=_attribute(node, "ksize")[1:3],
        strides=_attribute(node, "strides")[1:3],
    )
    graph.transpose(f"{node['name']}/pool", FIRST_TO_LAST, node["name"])


def _resize(graph: _Graph, node: Node) -> None:
    _expect(node, "half_pixel_centers", expected=True)
    _expect(node, "align_corners", expected=False)
    tensor, size = node["input"]
    picture = graph.transpose(graph.name(tensor), LAST_TO_FIRST, f"{node['name']}/first")
    channels = _channels(graph, picture)
    sizes = graph.constant(f"{node['name']}/sizes", [1, channels, *graph.numbers(size)], np.int64)
    graph.write(
        "Resize",
        [picture, "", "", sizes],
        f"{node['name']}/resized",
        coordinate_transformation_mode="half_pixel",
        mode="linear",
    )
    graph.transpose(f"{node['name']}/resized", FIRST_TO_LAST, node["name"])


def _channels(graph: _Graph, tensor: str) -> int:
    """Channels of a tensor that keeps those of a convolution before it."""
    writer = graph.writer(tensor)
    if writer is None:
        raise CannotConvert(f"{tensor}: channels unknown")
    return graph.value(writer.input[1]).shape[0] if writer.op_type == "Conv" else _channels(graph, writer.input[0])


def _concat(graph: _Graph, node: Node) -> None:
    *tensors, axis = node["input"]
    graph.write("Concat", map(graph.name, tensors), node["name"], axis=graph.numbers(axis)[0])


def _split(graph: _Graph, node: Node) -> None:
    tensor, sizes, axis = node["input"]
    lengths = graph.constant(f"{node['name']}/lengths", graph.value(sizes), np.int64)
    outputs = [node["name"], *(f"{node['name']}:{index}" for index in range(1, len(graph.numbers(sizes))))]
    graph.write("Split", [graph.name(tensor), lengths], *outputs, axis=graph.numbers(axis)[0])


def _reshape(graph: _Graph, node: Node) -> None:
    tensor, shape = node["input"]
    target = graph.constant(f"{node['name']}/shape", graph.value(shape), np.int64)
    graph.write("Reshape", [graph.name(tensor), target], node["name"])


def _sparse(graph: _Graph, node: Node) -> None:
    """A dense constant made of a sparse one: the shapes of NanoDet's reshapes are written so."""
    places, shape, values, default = map(graph.value, node["input"])
    dense = np.full(shape.reshape(-1), default)
    dense[tuple(places.T)] = values
    graph.constants[node["name"]] = dense


def _expect(node: Node, name: str, expected: object) -> None:
    if (found := _attribute(node, name, expected)) != expected:
        raise CannotConvert(f"{node['name']}: {name} is {found}, not {expected}")


_OPERATIONS: dict[str, Callable[[_Graph, Node], None]] = {
    "Add": _add,
    "AddV2": _add,
    "ConcatV2": _concat,
    "Const": _nothing,
    "Conv2D": _convolution,
    "Identity": partial(_same, "Identity"),
    "LeakyRelu": _leaky,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "PadV2": _pad,
    "Placeholder": _nothing,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Sigmoid": partial(_same, "Sigmoid"),
    "SparseToDense": _sparse,
    "SplitV": _split,
    "Transpose": _transpose,
}


def _model(graph: _Graph, inputs: list[Any], outputs: list[Any]) -> ModelProto:
    nodes = _needed(graph.written, {output.name for output in outputs})
    read = {tensor for node in nodes for tensor in node.input}
    constants = [
        numpy_helper.from_array(value, name) for name, value in sorted(graph.constants.items()) if name in read
    ]
    body = helper.make_graph(nodes, "converted", inputs, outputs, constants)
    return helper.make_model(
        body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="mimamori"
    )


def _needed(nodes: list[NodeProto], outputs: set[str]) -> list[NodeProto]:
    """Nodes that the outputs need, in the order in which they were written."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]
