"""`mimamori analyse`: its files, its clock, and what it says of a clip that breaks off."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from agents.analyse import app
from pipeline.edge.clip import BrokenSource
from schemas.detections import FrameDetections
from schemas.flow import CoverageWindow

FILES = {
    "detections.jsonl", "tracks.mot.txt", "movements.jsonl", "flow.jsonl", "alerts.jsonl", "aside.jsonl", "summary.json"
}  # fmt: skip


def analyse(clip: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(app, [str(clip), "--out", str(out), *options])


def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    """A folder of twelve grey pictures."""
    folder = tmp_path / "grey"
    folder.mkdir()
    for index in range(12):
        cv2.imwrite(str(folder / f"{index:03}.png"), np.full((90, 160, 3), 100 + index, np.uint8))
    return folder


@pytest.fixture(autouse=True)
def _home(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds the weights where the tests do."""
    monkeypatch.setattr("agents.analyse.command.weights_folder", lambda: weights)


def test_a_folder_of_images_is_a_clip(grey: Path, tmp_path: Path) -> None:
    result = analyse(grey, tmp_path / "out", "--source-fps", "4")

    assert result.exit_code == 0, result.output
    assert {each.name for each in (tmp_path / "out").iterdir()} == FILES
    assert summary(tmp_path / "out")["frames_read"] == summary(tmp_path / "out")["frames_analysed"] == 12
    assert summary(tmp_path / "out")["visits"] == {"picture": 0}


def test_boxes_are_messages_of_the_contract(grey: Path, tmp_path: Path) -> None:
    analyse(grey, tmp_path / "out", "--source-fps", "4")

    texts = (tmp_path / "out" / "detections.jsonl").read_text().splitlines()
    messages = [FrameDetections.model_validate_json(each) for each in texts]
    assert [each.frame.offset for each in messages] == list(range(1, 13))
    assert (messages[4].utc_time - messages[0].utc_time).total_seconds() == 1


def test_fewer_frames_are_the_first_at_or_after_each_tick(grey: Path, tmp_path: Path) -> None:
    analyse(grey, tmp_path / "out", "--source-fps", "4", "--fps", "1.5")

    frames = [each["frame"]["offset"] for each in lines(tmp_path / "out" / "detections.jsonl")]
    assert frames == [1, 4, 7, 9, 12]


def test_windows_say_how_much_was_seen(grey: Path, tmp_path: Path) -> None:
    analyse(grey, tmp_path / "out", "--source-fps", "4", "--window", "2")

    flow = [each for each in lines(tmp_path / "out" / "flow.jsonl") if "people_tracked" in each]
    windows = [CoverageWindow.model_validate(each) for each in flow]
    assert [(each.frames_analysed, each.frames_expected) for each in windows] == [(8, 8), (4, 8)]


def test_an_annotated_video_has_every_analysed_picture(grey: Path, tmp_path: Path) -> None:
    analyse(grey, tmp_path / "out", "--render")

    video = cv2.VideoCapture(str(tmp_path / "out" / "annotated.mp4"))
    count = 0
    while video.read()[0]:
        count += 1
    assert count == 12


def test_a_clip_that_breaks_off_is_named_and_what_was_read_is_kept(grey: Path, tmp_path: Path) -> None:
    (grey / "007.png").write_bytes(b"no picture")

    result = analyse(grey, tmp_path / "out")

    assert isinstance(result.exception, BrokenSource)
    assert "007.png" in str(result.exception)
    assert len(lines(tmp_path / "out" / "detections.jsonl")) == 7
    assert summary(tmp_path / "out")["frames_read"] == 7
    assert "007.png" in summary(tmp_path / "out")["broken"]


@pytest.mark.parametrize("content", [None, b"", b"not a video at all" * 100])
def test_what_is_no_clip_is_named(content: bytes | None, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    if content is not None:
        clip.write_bytes(content)

    result = analyse(clip, tmp_path / "out")

    assert isinstance(result.exception, BrokenSource)
    assert "clip.mp4" in str(result.exception)


def test_help_teaches() -> None:
    text = CliRunner().invoke(app, ["--help"]).output

    assert all(name in text for name in FILES)
    assert "first picture at or after each tick" in " ".join(text.split())
