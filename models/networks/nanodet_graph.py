"""NanoDet's graph, fitted when it is loaded: any size, people only, pixels in. The same numbers for less work.

The file stays as the manifest vouches for it. Measured on one 416 × 256 picture: 5 parts in 9 of the time of the file's
own 416 × 416, half of that by the size; every likelihood and box equal to the last bit (a test compares them).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

SIDE = 416
"""Of the picture that the file declares."""
CLASSES, SIDES = 80, 44
PEOPLE_AND_SIDES = np.array([0, *range(CLASSES, CLASSES + SIDES)])
"""Of the channels that a level gives, the ones that we read."""
BLOCK = 2
"""Pixels, each way, that are given together."""

Array = npt.NDArray[Any]


class _Graph:
    """A graph under the knife: constants by name, nodes by what they give."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {each.name: each for each in graph.initializer}

    def constant(self, name: str) -> Array:
        value: Array = numpy_helper.to_array(self.constants[name])
        return value

    def put(self, name: str, value: Array) -> str:
        if name not in self.constants:
            self.constants[name] = self.graph.initializer.add()
        self.constants[name].CopyFrom(numpy_helper.from_array(value, name))
        return name

    def of(self, kind: str) -> list[NodeProto]:
        return [node for node in self.graph.node if node.op_type == kind]

    def maker(self, name: str) -> NodeProto:
        maker: NodeProto
        (maker,) = (node for node in self.graph.node if name in node.output)
        return maker

    def convolution_before(self, name: str) -> NodeProto:
        node = self.maker(name)
        while node.op_type != "Conv":
            node = self.maker(node.input[0])
        return node

    def before(self, node: NodeProto, *fresh: NodeProto) -> None:
        place = list(self.graph.node).index(node)
        for offset, each in enumerate(fresh):
            self.graph.node.insert(place + offset, each)


def fitted(model: bytes) -> bytes:
    """Give the network for pictures of any size, sides being multiples of 32, and any number of them at once.

    One in 8 bits takes levels in blocks (n, height / 2, width / 2, 12), each of two by two pixels, row by row; another
    what it took before (n, 3, height, width). The outputs keep their names; the likelihoods are of people alone.
    """
    proto = onnx.load_model_from_string(model)
    graph = _Graph(proto.graph)
    _any_size(graph)
    _people_only(graph)
    _pad_in_the_pool(graph)
    if levels_of(proto) is not None:
        _share_no_activation(graph)
        _take_levels(graph)
    return bytes(proto.SerializeToString())


def levels_of(model: ModelProto) -> tuple[float, int] | None:
    """Step and zero of the levels that an 8-bit network brings its input to; None of one that is not in 8 bits."""
    graph = _Graph(model.graph)
    step, zero = (f"{model.graph.input[0].name}/{what}" for what in ("step", "zero"))
    return (float(graph.constant(step)), int(graph.constant(zero))) if step in graph.constants else None


def _any_size(graph: _Graph) -> None:
    # From level to level and back: each takes up where the one before ended.
    cells = SIDE // 32
    for node in graph.of("Resize"):
        wanted = int(graph.constant(node.input[3])[2])
        node.input[2] = graph.put(f"{node.name}/scales", np.array([1, 1, wanted / cells, wanted / cells], np.float32))
        del node.input[3:]
        cells = wanted
    for node in graph.of("Reshape"):
        # 0: as many pictures as come.
        graph.put(node.input[1], np.array([0, *graph.constant(node.input[1])[1:]], np.int64))
    for value in graph.graph.output:
        _free(value, channels=2)
    _free(graph.graph.input[0], channels=1)
    del graph.graph.value_info[:]


def _free(value: ValueInfoProto, *, channels: int) -> None:
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        if axis != channels:
            dim.dim_param = f"{value.name}_{axis}"


def _people_only(graph: _Graph) -> None:
    """Take out of each level's last convolution what 79 classes would cost, up to their sigmoids."""
    for split in graph.of("Split"):
        graph.put(split.input[1], np.array([1, SIDES], np.int64))
        for name in _constants_of(graph, graph.convolution_before(split.input[0])):
            value = graph.constant(name)
            if value.ndim and len(value) == CLASSES + SIDES:
                graph.put(name, value[PEOPLE_AND_SIDES])
    for node in graph.of("Reshape"):
        shape = graph.constant(node.input[1])
        if shape[1] == CLASSES:
            graph.put(node.input[1], np.array([0, 1, -1], np.int64))
    for value in graph.graph.output:
        dim = value.type.tensor_type.shape.dim[2]
        dim.dim_value = 1 if dim.dim_value == CLASSES else dim.dim_value


def _constants_of(graph: _Graph, convolution: NodeProto) -> Iterator[str]:
    """Names of a convolution's weights and bias, or of what they are read back from."""
    for name in convolution.input[1:]:
        if name in graph.constants:
            yield name
        else:
            yield from graph.maker(name).input


def _pad_in_the_pool(graph: _Graph) -> None:
    """Let a pool pad by itself: it leaves out what is not there, which is what padding with -inf comes to."""
    for pool in graph.of("MaxPool"):
        pad = graph.maker(pool.input[0])
        if pad.op_type == "Pad":
            sides = graph.constant(pad.input[1])
            pool.attribute.append(helper.make_attribute("pads", [int(sides[axis]) for axis in (2, 3, 6, 7)]))
            pool.input[0] = pad.input[0]
            graph.graph.node.remove(pad)
            _round(graph, pool, 0, like=pool.output[0])


def _share_no_activation(graph: _Graph) -> None:
    """Give each concatenation activations of its own, rounded as its result is.

    Shared with a convolution, which rounds by another range, they would be worked out in floats for both.
    """
    for joined in graph.of("Concat"):
        for place, name in enumerate(joined.input):
            own = NodeProto.FromString(graph.maker(name).SerializeToString())
            own.name = own.output[0] = joined.input[place] = f"{name}/in/{joined.name}"
            graph.before(joined, own)
            _round(graph, joined, place, like=joined.output[0])


def _round(graph: _Graph, node: NodeProto, place: int, *, like: str) -> None:
    """Round what a node reads, by the range of another tensor; nothing where that one is not rounded."""
    name, step, zero = node.input[place], f"{like}/step", f"{like}/zero"
    if step not in graph.constants:
        return
    graph.before(
        node,
        helper.make_node("QuantizeLinear", [name, step, zero], [f"{name}/levels"]),
        helper.make_node("DequantizeLinear", [f"{name}/levels", step, zero], [f"{name}/rounded"]),
    )
    node.input[place] = f"{name}/rounded"


def _take_levels(graph: _Graph) -> None:
    """Take levels, channels last: pixels are rounded to those anyway, and a table does it for nearly nothing.

    In blocks of two by two pixels: the first convolution, which looks at every other pixel of three channels, becomes
    one that looks at every block of twelve, for half the time.
    """
    value = graph.graph.input[0]
    value.type.tensor_type.elem_type = TensorProto.UINT8
    del value.type.tensor_type.shape.dim[:]
    for length in (f"{value.name}_n", f"{value.name}_h", f"{value.name}_w"):
        value.type.tensor_type.shape.dim.add().dim_param = length
    value.type.tensor_type.shape.dim.add().dim_value = BLOCK * BLOCK * 3
    (rounding,) = (node for node in graph.of("QuantizeLinear") if node.input[0] == value.name)
    moved = helper.make_node("Transpose", [value.name], [rounding.output[0]], perm=[0, 3, 1, 2])
    graph.before(rounding, moved)
    graph.graph.node.remove(rounding)
    (read,) = (node for node in graph.graph.node if rounding.output[0] in node.input)
    (first,) = (node for node in graph.of("Conv") if read.output[0] in node.input)
    _look_at_blocks(graph, first)


def _look_at_blocks(graph: _Graph, convolution: NodeProto) -> None:
    """Make of three by three pixels, two apart, two by two blocks, one apart: the rest of each block counts nothing."""
    kernel = graph.maker(convolution.input[1]).input[0]
    weights = graph.constant(kernel)
    blocks = np.zeros((len(weights), BLOCK, BLOCK, 3, 2, 2), weights.dtype)
    # Where a pixel of the kernel lies: in which block, and where in it.
    places = ((0, 1), (1, 0), (1, 1))
    for row, (down, y) in enumerate(places):
        for column, (right, x) in enumerate(places):
            blocks[:, y, x, :, down, right] = weights[:, :, row, column]
    graph.put(kernel, blocks.reshape(len(weights), BLOCK * BLOCK * 3, 2, 2))
    del convolution.attribute[:]
    wanted = {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0], "strides": [1, 1], "dilations": [1, 1], "group": 1}
    convolution.attribute.extend(helper.make_attribute(name, value) for name, value in wanted.items())
