"""What tests share: footage, weights and a clock."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import structlog

from pipeline.clock import ManualClock

# How long an example takes says something of the machine, nothing of a law.
hypothesis.settings.register_profile("mimamori", deadline=None)
hypothesis.settings.load_profile("mimamori")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a command that ran inside a test set up: it would go on writing to that test's own output."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def footage() -> Path:
    """Real footage with ground truth, where this machine has it."""
    found = os.environ.get("MIMAMORI_FOOTAGE")
    if not found or not Path(found).is_dir():
        pytest.skip("needs footage: set MIMAMORI_FOOTAGE to a folder of it")
    return Path(found)


@pytest.fixture(scope="session")
def weights() -> Path:
    """Weights as `make provision` fetched them. Missing weights fail: every machine can fetch them."""
    folder = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")) / "models"
    assert folder.is_dir(), "no weights: run `make provision` (or `mimamori models fetch`)"
    return folder


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at noon until it is moved."""
    return ManualClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
