"""Ranges are measured, and pictures found."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.calibration import measured, pictures_in
from models.errors import BadImage
from models.networks import nanodet


def test_ranges_span_all_pictures() -> None:
    """A convolution that only copies, so that the values are the pictures' own."""
    kernel = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    side = nanodet.SIDE
    graph = helper.make_graph(
        [helper.make_node("Conv", [nanodet.INPUT, "k"], ["y"]), helper.make_node("Relu", ["y"], ["z"])],
        "copy",
        [helper.make_tensor_value_info(nanodet.INPUT, TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 3, side, side])],
        [numpy_helper.from_array(kernel, "k")],
    )
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    pictures = [np.full((side, side, 3), value, np.uint8) for value in (0, 255)]
    ranges = measured(model, pictures)

    low, high = -nanodet.MEAN / nanodet.DEVIATION, (255 - nanodet.MEAN) / nanodet.DEVIATION
    assert set(ranges) == {nanodet.INPUT, "y"}
    np.testing.assert_allclose(ranges["y"], (low.min(), high.max()), rtol=1e-5)


def test_every_so_manyth_picture_of_a_folder_of_clips_and_pictures(tmp_path: Path) -> None:
    clip = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for value in range(7):
        clip.write(np.full((48, 64, 3), value * 30, np.uint8))
    clip.release()
    cv2.imwrite(str(tmp_path / "b.png"), np.full((10, 20, 3), 7, np.uint8))
    found = list(pictures_in(tmp_path, every=3))

    assert [picture.shape for picture in found] == [(48, 64, 3)] * 3 + [(10, 20, 3)]


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")

    with pytest.raises(BadImage, match=r"notes\.txt"):
        list(pictures_in(tmp_path, every=1))
