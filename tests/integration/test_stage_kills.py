"""The kill harness, short: a real stage on real Kafka, and the whole path over one recording; nothing differs."""

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


@pytest.mark.timeout(400)
def test_a_replay_of_one_recording_counts_the_same_whatever_is_killed() -> None:
    command = [sys.executable, str(ROOT / "load-tests" / "kills" / "run.py"), "--only", "whole-path"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "QUICK": "1"})

    assert done.returncode == 0, done.stdout + done.stderr
    path = json.loads(done.stdout.splitlines()[-1])["whole-path"]
    assert set(path["kills"]) == {"detecting", "watching", "recording", "vault", "clickhouse", "kafka"}
    assert path["in_flight"] > 0
    assert path["crossings"] > 0
    assert path["crossings_missed"] == 0
    assert path["control"] == 2
    assert path["difference"] == 0
