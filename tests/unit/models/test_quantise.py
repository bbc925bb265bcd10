"""Eight-bit convolutions give nearly the same numbers, and the same bytes each time."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from models.calibration import write_ranges
from models.quantise import WEIGHT_MAX, Range, convolution_tensors, quantised, read_ranges
from models.session import Session

RANGES: dict[str, Range] = {"x": (-1, 1), "y": (-8, 8), "z": (-60, 60)}


@pytest.fixture
def model() -> ModelProto:
    """Two convolutions with a leaky rectifier between them."""
    rng = np.random.default_rng(3)
    constants = {
        "k": rng.normal(size=(5, 3, 3, 3)),
        "b": rng.normal(size=5),
        "k2": rng.normal(size=(2, 5, 1, 1)),
    }
    constants["k"][4] = 0
    nodes = [
        helper.make_node("Conv", ["x", "k", "b"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("LeakyRelu", ["y"], ["r"], alpha=0.1),
        helper.make_node("Conv", ["r", "k2"], ["z"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 2, 8, 8])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def ranges() -> dict[str, Range]:
    return RANGES | {"r": (-0.8, 8)}


def test_ranges_are_needed_of_what_convolutions_read_and_write(model: ModelProto) -> None:
    assert convolution_tensors(model) == ["r", "x", "y", "z"]


def test_the_numbers_stay_near(model: ModelProto) -> None:
    picture = np.random.default_rng(4).uniform(-1, 1, (1, 3, 8, 8)).astype(np.float32)
    exact = Session(model.SerializeToString()).run({"x": picture})["z"]
    rounded = Session(quantised(model, ranges()).SerializeToString()).run({"x": picture})["z"]

    assert np.abs(exact - rounded).max() < 0.03 * np.abs(exact).max()


def test_the_result_is_a_valid_network_of_small_weights(model: ModelProto) -> None:
    small = quantised(model, ranges())
    onnx.checker.check_model(small, full_check=True)
    levels = {constant.name: numpy_helper.to_array(constant) for constant in small.graph.initializer}

    assert levels["k/levels"].dtype == np.int8
    assert np.abs(levels["k/levels"]).max() == WEIGHT_MAX
    assert not levels["k/levels"][4].any()
    assert "k" not in levels


def test_zero_is_a_level_even_where_no_value_is_below_it(model: ModelProto) -> None:
    small = quantised(model, ranges() | {"r": (2, 10)})
    levels = {constant.name: numpy_helper.to_array(constant) for constant in small.graph.initializer}

    assert levels["r/zero"] == 0
    assert levels["r/step"] == np.float32(10 / 255)


def test_the_model_itself_is_left_as_it_is(model: ModelProto) -> None:
    before = model.SerializeToString(deterministic=True)
    quantised(model, ranges())

    assert model.SerializeToString(deterministic=True) == before


def test_twice_gives_the_same_bytes(model: ModelProto) -> None:
    first, second = (quantised(model, ranges()).SerializeToString(deterministic=True) for _ in range(2))

    assert first == second


def test_a_missing_range_is_named(model: ModelProto) -> None:
    with pytest.raises(KeyError, match="r"):
        quantised(model, RANGES)


def test_ranges_are_written_and_read(tmp_path: Path) -> None:
    write_ranges(tmp_path / "r.json", {"a/b": (-1.23456789, 2), "c": (0, 1e-7)})

    assert read_ranges(tmp_path / "r.json") == {"a/b": (-1.23457, 2), "c": (0, 1e-7)}
