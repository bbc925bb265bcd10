"""What looks, as the settings say."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agents.eyes import PASSED_ON, eyes_of, open_eyes
from models.session import Processor
from pipeline.errors import Misconfigured
from pipeline.settings import Detector


def test_unless_said_the_cpu_looks_at_one_picture_at_a_time_and_passes_on_the_unlikely() -> None:
    eyes = eyes_of(Detector())

    assert (eyes.people, eyes.processor, eyes.batch) == ("nanodet-g-416-int8", Processor.CPU, 1)
    assert eyes.people_from == PASSED_ON


def test_a_gpu_gets_many_at_once_and_a_network_in_floats() -> None:
    eyes = eyes_of(Detector(processor="cuda", batch=32))

    assert (eyes.people, eyes.processor, eyes.batch) == ("nanodet-g-416", Processor.CUDA, 32)


def test_a_network_that_was_named_is_taken() -> None:
    assert eyes_of(Detector(people="d-fine-s", processor="cuda")).people == "d-fine-s"


def test_without_the_gpu_that_was_asked_for_the_cpu_looks_and_one_line_says_so(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.session.ort.get_available_providers", lambda: ["CPUExecutionProvider"])
    with capture_logs() as lines:
        detector = open_eyes(weights, eyes_of(Detector(processor="cuda")))

    assert detector.processor is Processor.CPU
    assert [line["event"] for line in lines] == ["processor missing"]


def test_weights_that_are_not_there_are_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="mimamori models fetch"):
        open_eyes(tmp_path, eyes_of(Detector()))
