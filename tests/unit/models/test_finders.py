"""Networks that users bring: named in a list beside them, checked, and read by their family."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from models.cli import app
from models.errors import Missing, UnknownModel, Unreadable, WrongHash
from models.finders import open_finder
from models.manifest import own
from models.session import Processor
from models.tasks import Mode

ENTRY = """
[[weights]]
name = "{name}"
family = "{family}"
file = "mine.onnx"
sha256 = "{sha256}"
licence = "Apache-2.0"
side = 64
"""


def network(inputs: dict[str, int], **outputs: npt.NDArray[np.float32]) -> bytes:
    """Give a network that always says the same, whatever it is shown."""
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"{name}/said"], [name]) for name in outputs],
        "made up",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, f"{name}/said") for name, value in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


DETR = network(
    {"images": TensorProto.FLOAT, "orig_target_sizes": TensorProto.INT64},
    labels=np.zeros((1, 1), np.float32),
    boxes=np.array([[[1, 2, 3, 4]]], np.float32),
    scores=np.array([[0.75]], np.float32),
)
YOLOX = network({"images": TensorProto.FLOAT}, output=np.full((1, 84, 6), 0.5, np.float32))


def brought(folder: Path, family: str, model: bytes) -> Path:
    (folder / "mine.onnx").write_bytes(model)
    entry = ENTRY.format(name="mine", family=family, sha256=hashlib.sha256(model).hexdigest())
    (folder / "own.toml").write_text(entry, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("family", "model", "likelihood"), [("d-fine", DETR, 0.75), ("rt-detr", DETR, 0.75), ("yolox", YOLOX, 0.25)]
)
def test_a_network_that_users_bring_finds_people(tmp_path: Path, family: str, model: bytes, likelihood: float) -> None:
    opened = open_finder(brought(tmp_path, family, model), "mine", Mode.CONVENTIONAL, Processor.CPU)
    ((boxes, likelihoods),) = opened.finder.find([np.zeros((64, 64, 3), np.uint8)], at_least=0.2)

    assert opened.finder.side == 64
    assert len(boxes)
    assert likelihoods[0] == pytest.approx(likelihood)


def test_what_users_bring_is_checked_and_never_removed(tmp_path: Path) -> None:
    brought(tmp_path, "d-fine", DETR)
    (tmp_path / "mine.onnx").write_bytes(b"another")

    with pytest.raises(WrongHash, match=r"own\.toml"):
        open_finder(tmp_path, "mine", Mode.CONVENTIONAL, Processor.CPU)
    assert (tmp_path / "mine.onnx").exists()


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    brought(tmp_path, "d-fine", DETR)
    (tmp_path / "mine.onnx").unlink()

    with pytest.raises(Missing):
        open_finder(tmp_path, "mine", Mode.CONVENTIONAL, Processor.CPU)


def test_a_name_that_stands_nowhere_is_unknown_and_those_that_do_are_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"nanodet-g-416-int8.*, mine"):
        open_finder(brought(tmp_path, "yolox", YOLOX), "yours", Mode.CONVENTIONAL, Processor.CPU)


@pytest.mark.parametrize(
    ("name", "value"), [("licence", '"AGPL-3.0"'), ("family", '"ultralytics"'), ("task", '"faces"'), ("file", '"../a"')]
)
def test_r12_a_list_with_what_may_not_be_is_refused_in_words(tmp_path: Path, name: str, value: str) -> None:
    entry = ENTRY.format(name="mine", family="d-fine", sha256="0" * 64)
    lines = [line for line in entry.splitlines() if not line.startswith(f"{name} ")]
    (tmp_path / "own.toml").write_text("\n".join([*lines, f"{name} = {value}"]), "utf-8")

    with pytest.raises(Unreadable, match=r"own\.toml"):
        own(tmp_path)


def test_the_list_shows_them_and_verify_checks_them(tmp_path: Path) -> None:
    folder = brought(tmp_path, "d-fine", DETR)
    listed = CliRunner().invoke(app, ["list", "--folder", str(folder)])
    verified = CliRunner().invoke(app, ["verify", "--folder", str(folder)])

    assert "mine  (people, Apache-2.0, your own)" in listed.stdout
    assert "mine: good" in verified.stdout
