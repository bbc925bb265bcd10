"""After its time nothing identifying and no key is anywhere, on disk or in memory; the search is shown to see."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if os.geteuid() != 0:
    pytest.skip("needs root, to read the memory of processes that hold keys", allow_module_level=True)


@pytest.mark.timeout(280)
def test_r20_after_its_time_nothing_identifying_and_no_key_is_anywhere() -> None:
    command = [sys.executable, str(ROOT / "load-tests" / "forgetting" / "run.py")]

    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "QUICK": "1"})

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["limits_missed"] == []
    assert result["canaries_planted"] >= 200
    assert result["opened"] > 0
    assert result["kills_done"] >= 3
    assert (result["canaries_found"], result["destroyed_keys_found"], result["controls_missing"]) == (0, 0, 0)
    places = {row["place"] for row in result["rows"]}
    assert {"Kafka: frames.v1", "ClickHouse", "key ring", "memory of vault, at rest", "logs"} <= places
