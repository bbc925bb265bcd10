"""The kill harness, short: a real stage on real Kafka, killed, stopped, joined and cleaned behind; nothing differs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(150)
def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    command = [sys.executable, str(ROOT / "load-tests" / "kills" / "run.py"), "--only", "quick"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "QUICK": "1"})

    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills"] >= 5
    assert result["messages"] > 1000
    assert result["aggregate_difference"] == 0
