"""Networks run on one core, by the names of their outputs."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.manifest import manifest
from models.session import Processor, Session, any_size, load, usable


def doubling() -> bytes:
    """Doubles a picture of 4 × 4, and flattens it into a table."""
    nodes = [
        helper.make_node("Add", ["x", "x"], ["twice"]),
        helper.make_node("Identity", ["twice"], ["again"]),
    ]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in ("x", "twice", "again")]
    graph = helper.make_graph(nodes, "doubling", tensors[:1], tensors[1:])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_outputs_are_given_by_name() -> None:
    outputs = Session(doubling()).run({"x": np.ones((1, 3, 4, 4), np.float32)})

    assert set(outputs) == {"twice", "again"}
    assert (outputs["twice"] == 2).all()


def test_a_run_uses_one_core() -> None:
    options = Session(doubling())._session.get_session_options()

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_a_fixed_size_is_freed_and_channels_are_kept() -> None:
    free = any_size(doubling())
    sides = onnx.load_model_from_string(free).graph.input[0].type.tensor_type.shape.dim

    assert [side.dim_value for side in sides] == [0, 3, 0, 0]
    assert Session(free).run({"x": np.ones((2, 3, 5, 6), np.float32)})["twice"].shape == (2, 3, 5, 6)


@pytest.mark.parametrize(("height", "width"), [(384, 640), (640, 640), (32, 96)])
def test_yunet_computes_any_size(weights: Path, height: int, width: int) -> None:
    session = load(weights / manifest()["yunet-2023mar"].file, sizes_vary=True)
    outputs = session.run({"input": np.zeros((1, 3, height, width), np.float32)})

    assert outputs["cls_8"].shape == (1, height * width // 64, 1)


def test_without_cuda_the_cpu_runs_it_and_says_so(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    monkeypatch.setattr("models.session.ort.get_available_providers", lambda: ["CPUExecutionProvider"])
    file = weights / manifest()["yunet-2023mar"].file

    assert usable(Processor.CUDA) is Processor.CPU
    assert load(file, processor=Processor.CUDA).processor is Processor.CPU


def test_where_onnxruntime_is_built_for_cuda_it_is_asked_first_and_the_cpu_does_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    class Opened:
        def __init__(self, _model: bytes, _options: object, providers: list[str]) -> None:
            asked.append(providers)

        def get_providers(self) -> list[str]:
            return asked[0]

        def get_outputs(self) -> list[object]:
            return []

    monkeypatch.setattr("models.session.ort.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("models.session.ort.InferenceSession", Opened)

    assert Session(b"", Processor.CUDA).processor is Processor.CUDA
    assert asked == [["CUDAExecutionProvider", "CPUExecutionProvider"]]
