"""`mimamori analyse` on real footage, against ground truth (data/README.md)."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.analyse import app

CAMERAS = Path(__file__).resolve().parent.parent / "cameras"
SHOP_FRONTS = ("EnterExitCrossingPaths1front", "OneLeaveShopReenter1front")


@pytest.fixture(autouse=True)
def _home(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.analyse.command.weights_folder", lambda: weights)


def movements(clip: Path, camera: str, out: Path, *options: str) -> list[dict[str, Any]]:
    arguments = [str(clip), "--camera", str(CAMERAS / camera), "--out", str(out), *options]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in (out / "movements.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("fps", ["2"])
def test_the_six_visits_at_the_table_are_found(footage: Path, tmp_path: Path, fps: str) -> None:
    truth = json.loads((footage / "gt" / "intel_one_by_one_visits.json").read_text())
    clip = footage / "video" / "intel_one-by-one-person-detection.mp4"

    found = movements(clip, "table.toml", tmp_path, "--fps", fps)

    visits = [(each["first_frame"], each["last_frame"]) for each in found if each["movement"] == "visit"]
    within = 2 * truth["fps"]
    assert len(visits) == len(truth["visits"]) == 6
    for (first, last), (begin, end) in zip(visits, truth["visits"], strict=True):
        assert abs(first - begin) <= within
        assert abs(last - end) <= within


@pytest.mark.parametrize("options", [[], ["--fps", "8"]], ids=["every frame", "8 fps"])
@pytest.mark.parametrize("clip", SHOP_FRONTS)
def test_every_doorway_crossing_is_found_in_its_direction_and_no_other(
    footage: Path, tmp_path: Path, clip: str, options: list[str]
) -> None:
    truth = json.loads((footage / "gt" / "caviar_front_events.json").read_text())[clip]["events"]

    found = movements(footage / "video" / f"caviar_{clip}.mpg", "shop-front.toml", tmp_path, *options)

    crossings = [(each["direction"], each["frame"]) for each in found if each["movement"] == "crossing"]
    assert [direction for direction, _ in crossings] == [direction for direction, _ in truth]
    # The labels are within 7 frames of what a person sees; a second of 25 frames is near enough for a count.
    assert all(abs(frame - label) <= 25 for (_, frame), (_, label) in zip(crossings, truth, strict=True))
