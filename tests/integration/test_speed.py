"""`make speed`, the version that takes under a minute: it measures, saves, and keeps the limits."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give one of the measure's modules by its name: they lie in a folder of their own."""
    monkeypatch.syspath_prepend(str(ROOT / "load-tests" / "speed"))
    return importlib.import_module


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_who_sleeps_takes_as_long_as_by_the_wall(part: Any) -> None:
    spent = part("measured").Spent
    before = spent.of()
    time.sleep(0.3)

    assert spent.of().since(before).own > 0.25


def test_the_naive_pipeline_is_compared_at_the_load_that_ours_ran_at(part: Any) -> None:
    runs = part("naive_runs")
    naive = runs.Naive(alone=runs.Cost(40.0, {}), everywhere=runs.Cost(60.0, {}))

    assert [naive.at(busy, 2) for busy in (0.5, 1, 1.5, 2)] == [40, 40, 50, 60]
    assert naive.at(1, 1) == 60


def test_the_most_that_is_lost_on_a_kind_of_clips_counts(part: Any) -> None:
    same = part("same")
    good, bad = same.Ids(9, 10, 10), same.Ids(8, 10, 10)
    well, badly = same.Seen(good, good, {"in": 2}, {"in": 2}), same.Seen(good, bad, {"in": 2}, {"in": 2})
    scores = [same.Score("real", "footage", badly, well), *(same.Score("other", "drawn", well, well) for _ in range(9))]

    assert same.losses(scores)["drawn"] == same.Loss(0, 0, 0)
    assert same.loss(scores) == pytest.approx(0.1)


def test_the_noise_of_a_picture_where_nothing_moves_makes_no_frame(part: Any) -> None:
    pictures, fleet = part("pictures"), part("fleet")
    (picture,) = pictures.drawn_clip(1, 1, since=27.0).pictures

    sent = fleet.played(pictures.noisy(picture, number) for number in range(1, 40))

    assert len([each for each in sent if hasattr(each, "jpeg")]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_vault_keeps_its_limits_of_speed(tmp_path: Path) -> None:
    argv = [sys.executable, str(ROOT / "load-tests/speed/run.py"), "--quick", "--only", "leases", "destruction"]
    argv += ["--pictures", str(tmp_path / "published")]

    ended = subprocess.run(
        argv, cwd=ROOT, env=os.environ | {"MIMAMORI_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr[-3000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    assert result["leases_per_second"] >= 1000
    assert result["destroy_slot_of_10000_keys_s"] <= 5
    part = "speed-quick-leases-destruction"
    assert json.loads((tmp_path / "results" / f"{part}.json").read_text()) == result
    for folder in ("results", "published"):
        assert (tmp_path / folder / f"{part}.png").stat().st_size > 10_000
    assert not list((tmp_path / "results").glob("speed.*"))
    assert not list((tmp_path / "run").glob("speed-*"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_whole_system_and_the_naive_pipeline_see_the_same_and_what_both_cost_is_told(tmp_path: Path) -> None:
    """Few cameras for few seconds say nothing of the ratio; the full version holds it against its limits."""
    home = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    for each in ("kafka", "models", "java"):
        if (home / each).exists():
            (tmp_path / each).symlink_to(home / each)
    argv = [sys.executable, str(ROOT / "load-tests/speed/run.py"), "--quick", "--only", "whole"]

    ended = subprocess.run(
        argv, cwd=ROOT, env=os.environ | {"MIMAMORI_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr[-3000:]
    found = json.loads(ended.stdout.splitlines()[-1])["whole"]
    busy = found["busy_drawn"]
    assert busy["frames"] == busy["cameras"] * busy["seconds"] * 5
    assert busy["cpu_ms_a_camera_second"] == pytest.approx(sum(busy["by_process"].values()), rel=0.01)
    assert busy["by_process"]["detecting"] > 0
    for stages in (each["stages"] for each in busy["naive"].values()):
        assert stages["nanodet_fp32_416"] > stages["yunet_640x384"] > stages["decode"] > 0
    assert 0 < busy["utilisation"] <= 1
    assert min(busy["ratios"].values()) <= busy["ratio"] <= max(busy["ratios"].values())
    cameras = {way: each["cameras_a_core"]["busy"] for way, each in found["policies"]["drawn"].items()}
    assert cameras["every second frame at the tuned size"] > cameras["every frame at the tuned size"]
    assert min(cameras, key=cameras.__getitem__).startswith("2×2 tiles")
    (seen,) = found["accuracy"].values()
    for score in ("idf1", "idf1_of_looked_at"):
        assert seen["ours"][score] >= seen["naive"][score] - 0.05
    assert seen["ours"]["crossed"] == seen["ours"]["truth"]
