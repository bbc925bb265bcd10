"""After its time nothing identifying and no key is anywhere, on disk or in memory; the search is shown to see."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from schemas.topics import Lives, topics

ROOT: Final = Path(__file__).resolve().parents[2]
WHEN: Final = ("at work", "at rest")

PLACES: Final = frozenset({
    *(f"Kafka: {name}" for name in topics(Lives(timedelta(seconds=12)))),
    *(f"memory of {name}, {when}" for name in ("vault", "detecting", "cutting", "console") for when in WHEN),
    "Kafka: __consumer_offsets", "Kafka: __cluster_metadata", "Kafka: checkpoints", "ClickHouse",
    "key ring", "key store, ledger, checkpoints, tokens", "evidence objects, alive", "evidence objects",
    "spool, Kafka down", "spool and device state", "logs", "temporary files", "unnamed files of processes",
    "metrics and status pages", "all other files", "memory of a process that holds a key (control)",
})  # fmt: skip
"""By name, so that none falls out of the search unseen."""

EMPTY: Final = {"evidence objects", "temporary files"}
"""Nothing has to be left there."""

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
    assert (result["places_missing"], result["bytes_not_decoded"]) == ([], 0)
    assert result["evidence_canaries"] > 0
    assert result["evidence_opens_after"] == 0
    rows = {row["place"]: row for row in result["rows"]}
    assert rows.keys() >= PLACES
    assert all(row["control"] for row in rows.values())
    assert all(rows[place]["files"] > 0 for place in PLACES if not place.startswith("memory") and place not in EMPTY)
    assert all(row["scanned"] > 0 for row in rows.values())
