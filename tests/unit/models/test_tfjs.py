"""A small graph of every operation, converted and run against numpy."""

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from models.errors import CannotConvert
from models.session import Session
from models.tfjs import convert

Array = npt.NDArray[Any]


class Graph:
    """A TensorFlow.js graph being written by hand."""

    def __init__(self, *shape: int) -> None:
        self.nodes: list[dict[str, Any]] = [node("input", "Placeholder")]
        self.entries: list[dict[str, Any]] = []
        self.weights = b""
        self.shape = shape

    def constant(self, name: str, value: Array, *, stored: str | None = None) -> str:
        entry: dict[str, Any] = {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}
        if stored:
            entry["quantization"] = {"dtype": stored}
        self.entries.append(entry)
        self.weights += value.astype(stored or value.dtype).tobytes()
        self.nodes.append(node(name, "Const"))
        return name

    def numbers(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, np.int32))

    def add(self, name: str, kind: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(node(name, kind, *inputs, **attributes))
        return name

    def topology(self, output: str) -> bytes:
        shape = [{"size": str(side)} for side in self.shape]
        declared = {"name": "input:0", "tensorShape": {"dim": shape}}
        return json.dumps(
            {
                "signature": {
                    "inputs": {"input:0": declared},
                    "outputs": {"out": {"name": f"{output}:0", "tensorShape": {"dim": []}}},
                },
                "modelTopology": {"node": self.nodes},
                "weightsManifest": [{"paths": ["w.bin"], "weights": self.entries}],
            }
        ).encode()

    def run(self, output: str, value: Array) -> Array:
        model = convert(self.topology(output), self.weights)
        del model.graph.output[0].type.tensor_type.shape.dim[:]
        model.graph.output[0].type.tensor_type.ClearField("shape")
        return Session(model.SerializeToString()).run({"input": value})[output]


def node(name: str, kind: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": kind, "input": list(inputs), "attr": attributes}


def text(value: str) -> dict[str, str]:
    return {"s": base64.b64encode(value.encode()).decode()}


def integers(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


CONVOLUTION = {"padding": text("VALID"), "data_format": text("NHWC"), "strides": integers(1, 2, 2, 1)}


def convolution(graph: Graph, kernel: Array) -> str:
    """Pad, transpose, convolve, add, transpose: as NanoDet's graph does."""
    graph.numbers("widths", *[0, 0, 0, 0, 1, 1, 1, 1])
    graph.nodes[-1]["name"] = "widths"
    graph.entries[-1]["shape"] = [4, 2]
    graph.add("pad", "Pad", "input", "widths")
    graph.add("last", "Transpose", "pad", graph.numbers("order", 0, 2, 3, 1))
    graph.add("conv", "Conv2D", "last", graph.constant("kernel", kernel, stored="float16"), **CONVOLUTION)
    bias = graph.constant("bias", np.array([1, -2, 3, -4], np.float32).reshape(1, 1, 1, 4))
    graph.add("biased", "Add", "conv", bias)
    return graph.add("first", "Transpose", "biased", graph.numbers("back", 0, 3, 1, 2))


@pytest.fixture
def picture() -> Array:
    return np.random.default_rng(1).normal(size=(1, 3, 6, 6)).astype(np.float32)


@pytest.fixture
def kernel() -> Array:
    return np.random.default_rng(2).normal(size=(3, 3, 3, 4)).astype(np.float16).astype(np.float32)


def convolved(picture: Array, kernel: Array) -> Array:
    padded = np.pad(picture, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    result: Array = np.einsum("nchwij,ijco->nohw", windows, kernel)
    result += np.array([1, -2, 3, -4]).reshape(1, 4, 1, 1)
    return result


def test_a_convolution_with_pad_and_bias_is_one_node(picture: Array, kernel: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    output = convolution(graph, kernel)
    model = convert(graph.topology(graph.add("out", "Identity", output)), graph.weights)

    assert [each.op_type for each in model.graph.node] == ["Conv", "Identity"]
    np.testing.assert_allclose(graph.run("out", picture), convolved(picture, kernel), rtol=1e-4, atol=1e-5)


def test_a_convolution_that_is_read_twice_keeps_its_bias_apart(picture: Array, kernel: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    convolution(graph, kernel)
    graph.add("both", "Add", "conv", "biased")
    both = np.moveaxis(convolved(picture, kernel), 1, 3) * 2 - np.array([1, -2, 3, -4])

    np.testing.assert_allclose(graph.run("both", picture), both, rtol=1e-4, atol=1e-5)


def test_leaky_relu_and_sigmoid_and_split_and_concat(picture: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    graph.add("leaky", "LeakyRelu", "input", alpha={"f": 0.25})
    graph.add("parts", "SplitV", "leaky", graph.numbers("lengths", 1, 2), graph.numbers("axis", 1))
    graph.add("likely", "Sigmoid", "parts:1")
    graph.add("out", "ConcatV2", "likely", "parts", graph.numbers("along", 1))
    leaky = np.where(picture > 0, picture, picture / 4)
    expected = np.concatenate([1 / (1 + np.exp(-leaky[:, 1:])), leaky[:, :1]], axis=1)

    np.testing.assert_allclose(graph.run("out", picture), expected, rtol=1e-4, atol=1e-6)


def test_the_largest_of_each_window(picture: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    graph.numbers("widths", 0, 0, 0, 0, 0, 2, 0, 0)
    graph.entries[-1]["shape"] = [4, 2]
    graph.add("pad", "PadV2", "input", "widths", graph.constant("lowest", np.array(-9, np.float32)))
    graph.add("last", "Transpose", "pad", graph.numbers("order", 0, 2, 3, 1))
    pooling = {"padding": text("VALID"), "ksize": integers(1, 2, 2, 1), "strides": integers(1, 2, 2, 1)}
    graph.add("out", "MaxPool", "last", **pooling)
    padded = np.pad(picture, ((0, 0), (0, 0), (0, 2), (0, 0)), constant_values=-9)
    expected = np.moveaxis(padded.reshape(1, 3, 4, 2, 3, 2).max(axis=(3, 5)), 1, 3)

    np.testing.assert_array_equal(graph.run("out", picture), expected)


def test_a_picture_is_enlarged_between_its_pixels(picture: Array, kernel: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    convolution(graph, kernel)
    size = graph.numbers("size", 6, 6)
    graph.add("out", "ResizeBilinear", "biased", size, half_pixel_centers={"b": True}, align_corners={"b": False})
    small = convolved(picture, kernel)

    larger = np.moveaxis(graph.run("out", picture), 3, 1)
    np.testing.assert_allclose(larger[:, :, 0, 0], small[:, :, 0, 0], rtol=1e-4, atol=1e-5)
    between = small[:, :, 0, 0] * 0.75 + small[:, :, 0, 1] * 0.25
    np.testing.assert_allclose(larger[:, :, 0, 1], between, rtol=1e-4, atol=1e-5)


def test_a_shape_made_of_sparse_constants_is_folded(picture: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    graph.constant("places", np.array([[1]], np.int32))
    graph.numbers("length", 3)
    graph.numbers("values", 30)
    graph.constant("zero", np.array(0, np.int32))
    graph.add("sparse", "SparseToDense", "places", "length", "values", "zero")
    graph.add("shape", "AddV2", "sparse", graph.numbers("rest", 1, 6, 3))
    out = graph.add("out", "Reshape", "input", "shape")

    assert graph.run(out, picture).shape == (1, 36, 3)


def test_what_no_output_needs_is_not_written(picture: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    graph.add("unused", "Erf", "input")
    model = convert(graph.topology(graph.add("out", "Sigmoid", "input")), graph.weights)

    assert [each.op_type for each in model.graph.node] == ["Sigmoid"]


def test_two_conversions_give_the_same_bytes(kernel: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    topology = graph.topology(graph.add("out", "Identity", convolution(graph, kernel)))
    first, second = (convert(topology, graph.weights).SerializeToString(deterministic=True) for _ in range(2))

    assert first == second
    assert onnx.load_model_from_string(first).opset_import[0].version == 17


def test_an_unknown_operation_is_named() -> None:
    graph = Graph(1, 3, 6, 6)

    with pytest.raises(CannotConvert, match="strange: no operation Erf"):
        convert(graph.topology(graph.add("strange", "Erf", "input")), b"")


def test_a_convolution_of_another_kind_is_named(kernel: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    graph.constant("kernel", kernel)
    graph.add("conv", "Conv2D", "input", "kernel", **(CONVOLUTION | {"padding": text("SAME")}))

    with pytest.raises(CannotConvert, match="conv: padding is SAME, not VALID"):
        convert(graph.topology("conv"), graph.weights)


def test_weights_of_another_length_are_refused(kernel: Array) -> None:
    graph = Graph(1, 3, 6, 6)
    output = convolution(graph, kernel)

    with pytest.raises(CannotConvert, match="bytes of weights"):
        convert(graph.topology(output), graph.weights + b"\0")


def test_weights_in_eight_bits_are_refused() -> None:
    graph = Graph(1, 3, 6, 6)
    graph.constant("k", np.zeros(3, np.float32), stored="uint8")
    graph.entries[-1]["quantization"] |= {"scale": 0.1, "min": 0}

    with pytest.raises(CannotConvert, match="k is stored in uint8"):
        convert(graph.topology("k"), graph.weights)
