"""The command teaches, and refuses in plain words."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.edge.cli import app
from pipeline.errors import Misconfigured
from tests.estates import NOTICE, without
from tests.unit.pipeline.edge.test_start import house

__all__ = ["house"]


def test_the_help_has_an_example_of_each_kind_of_source() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output

    for example in ("rtsp://", "visit.mp4", "pictures/", "drawn:1"):
        assert f"mimamori publish {example}" in said


def test_r02_the_command_refuses_without_a_notice(house: Path) -> None:
    without(house, NOTICE)
    arguments = ["drawn:1", "--store", "ginza", "--camera", "door", "--estate", str(house / "estate.toml")]
    result = CliRunner().invoke(app, arguments)

    assert isinstance(result.exception, Misconfigured)
    assert "R02" in str(result.exception)


@pytest.mark.parametrize("option", [["--fps", "0"], ["--width", "5"]])
def test_senseless_options_are_refused(option: list[str]) -> None:
    assert CliRunner().invoke(app, ["drawn:1", "--store", "a", "--camera", "b", *option]).exit_code == 2
