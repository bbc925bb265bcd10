"""`mimamori drawn` writes pictures with their truth and their camera."""

from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner

from pipeline.edge.drawn import Truth, camera
from pipeline.edge.drawn.cli import app
from schemas.estate import load_camera


def test_a_scene_as_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["3", "--out", str(tmp_path), "--seconds", "2", "--fps", "5"])

    assert result.exit_code == 0, result.output
    told = Truth.model_validate_json((tmp_path / "truth.json").read_text(encoding="utf-8"))
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert load_camera(tmp_path / "camera.toml") == camera()
    assert len(pictures) == len(told.frames) == 10
    picture = cv2.imread(str(pictures[0]))
    assert picture is not None
    assert np.asarray(picture).shape == (told.height, told.width, 3)


def test_the_truth_alone(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["3", "--out", str(tmp_path), "--no-pictures"])

    assert result.exit_code == 0, result.output
    assert sorted(each.name for each in tmp_path.iterdir()) == ["camera.toml", "truth.json"]
