"""The mend that a drift's error names mends it."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.broker import apply_topics, check_topics
from pipeline.errors import Misconfigured
from pipeline.local.estate import choose_scene, write_estate
from pipeline.local.kafka import Process
from schemas.estate import load_estate
from schemas.topics import Lives, topics

WEEK, QUARTER = timedelta(days=7), timedelta(days=90)


def mimamori(bootstrap: str, estate: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "MIMAMORI_KAFKA__BOOTSTRAP": bootstrap, "MIMAMORI_ESTATE": str(estate)}
    command = [sys.executable, "-m", "pipeline", "topics", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_r20_topics_that_keep_frames_too_long_are_mended_by_the_command_that_the_error_names(
    kafka_of_its_own: Process, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bootstrap = kafka_of_its_own.kafka.bootstrap
    estate = write_estate(choose_scene("0", None), tmp_path_factory.mktemp("estate"))
    ours = topics(load_estate(estate).lives).values()
    asyncio.run(apply_topics(bootstrap, topics(Lives(timedelta(hours=6))).values()))

    with pytest.raises(Misconfigured, match="mimamori topics apply"):
        asyncio.run(check_topics(bootstrap, ours))
    assert mimamori(bootstrap, estate, "check").returncode == 1
    assert mimamori(bootstrap, estate, "apply").returncode == 0

    assert mimamori(bootstrap, estate, "check").returncode == 0
    asyncio.run(check_topics(bootstrap, ours))


def test_r20_topics_that_keep_alerts_and_counts_too_long_are_told_and_mended(
    kafka_of_its_own: Process, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bootstrap = kafka_of_its_own.kafka.bootstrap
    estate = write_estate(choose_scene("0", None), tmp_path_factory.mktemp("estate"))
    asyncio.run(apply_topics(bootstrap, topics(load_estate(estate).lives).values()))
    estate.write_text(estate.read_text().replace("frame_ttl", 'alerts_ttl = "7d"\nflow_ttl = "90d"\nframe_ttl', 1))

    drifted = mimamori(bootstrap, estate, "check")
    assert drifted.returncode == 1
    assert all(f"{name}.v1: retention.ms" in drifted.stderr for name in ("alerts", "reviews", "flow"))
    assert "frames.v1" not in drifted.stderr

    assert mimamori(bootstrap, estate, "apply").returncode == 0
    assert mimamori(bootstrap, estate, "check").returncode == 0
    asyncio.run(check_topics(bootstrap, topics(Lives(load_estate(estate).frame_ttl, WEEK, QUARTER)).values()))
