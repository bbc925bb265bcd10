"""The command line and its parts."""

import pytest
from typer.testing import CliRunner

from pipeline import cli
from pipeline.cli import _absent, _parts, app
from pipeline.settings import settings

PARTS = sorted(_parts())


def test_help_names_every_part() -> None:
    shown = CliRunner().invoke(app, ["--help"])

    assert shown.exit_code == 0
    assert all(part in shown.output for part in PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_help_that_teaches(part: str) -> None:
    shown = CliRunner().invoke(app, [part, "--help"])

    assert shown.exit_code == 0, shown.output
    assert len(shown.output) > 200


def test_an_unknown_part_is_an_error() -> None:
    assert CliRunner().invoke(app, ["nothing"]).exit_code == 2


def test_a_setting_that_cannot_be_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIMAMORI_LOGS__LEVEL", "loud")
    settings.cache_clear()
    monkeypatch.setattr(cli, "app", settings)

    with pytest.raises(SystemExit) as ended:
        cli.main()

    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith("mimamori: MIMAMORI_LOGS__LEVEL")
    assert len(said.splitlines()) == 1


def test_a_part_that_is_not_installed_says_what_it_needs() -> None:
    absent = _absent("models", "onnxruntime")

    assert "needs onnxruntime" in str(absent.help)
    with pytest.raises(SystemExit) as ended:
        absent([])
    assert ended.value.code == 2
