"""`make speed`, the version that takes under a minute: it measures, saves, and keeps the limits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
    assert busy["naive_ms"]["nanodet_fp32_416"] > busy["naive_ms"]["yunet_640x384"] > 0
    (seen,) = found["accuracy"].values()
    assert seen["ours"]["idf1"] >= seen["naive"]["idf1"] - 0.05
    assert seen["ours"]["crossed"] == seen["ours"]["truth"]
