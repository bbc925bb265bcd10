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

    ended = subprocess.run(
        argv, cwd=ROOT, env=os.environ | {"MIMAMORI_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr[-3000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    assert result["leases_per_second"] >= 1000
    assert result["destroy_slot_of_10000_keys_s"] <= 5
    assert json.loads((tmp_path / "results" / "speed.json").read_text()) == result
    assert (tmp_path / "results" / "speed.png").stat().st_size > 10_000
    assert not list((tmp_path / "run").glob("speed-*"))
