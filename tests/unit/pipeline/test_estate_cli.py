"""`mimamori estate check`."""

from pathlib import Path

from typer.testing import CliRunner

from pipeline.estate_cli import app
from pipeline.local.estate import choose_scene, write_estate


def check(path: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", "--estate", str(path)])
    return result.exit_code, result.output


def test_a_demo_estate_is_in_order(tmp_path: Path) -> None:
    code, said = check(write_estate(choose_scene("0", None), tmp_path))

    assert code == 0
    assert said.count("may start") == 3


def test_r13_what_is_missing_is_named_for_every_camera(tmp_path: Path) -> None:
    path = write_estate(choose_scene("0", None), tmp_path)
    rules = tmp_path / "rules.toml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("[deputy]", "[manager.deputy]"), encoding="utf-8")
    code, said = check(path)
    assert code == 1

    rules.write_text('version = "1"\npurposes = []\n', encoding="utf-8")
    code, said = check(path)

    assert code == 1
    assert said.count("R13: name a deputy") == 3
