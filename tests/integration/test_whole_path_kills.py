"""Every part of the running system is killed once; it goes on by itself, and nothing is lost or doubled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)
def test_no_frame_alert_window_or_receipt_is_lost_or_doubled_whatever_is_killed() -> None:
    command = [sys.executable, str(ROOT / "load-tests" / "chaos" / "run.py")]

    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "QUICK": "1"})

    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert {each["victim"] for each in result["kills"]} == {
        "detecting", "watching", "recording", "cutting", "erasing", "vault", "clickhouse", "kafka",
    }  # fmt: skip
    assert result["frames"] > 100
    assert result["alerts"] > 0
    assert result["keys_destroyed"] > 0
    assert result["difference"] == 0
    assert result["dead_letters"] == {}
