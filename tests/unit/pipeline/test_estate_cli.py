"""`mimamori estate check`."""

import re
from pathlib import Path

from typer.testing import CliRunner

from pipeline.estate_cli import app
from pipeline.local.estate import choose_scene, write_estate
from schemas.estate import Device
from tests.conftest import ROOT

README = ROOT / "README.md"


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


def test_a_devices_key_is_made_once_and_its_public_half_is_what_an_estate_takes(tmp_path: Path) -> None:
    said = [CliRunner().invoke(app, ["key", str(tmp_path / "device.key")]).output.strip() for _ in range(2)]

    assert said[0] == said[1]
    assert Device(id="gateway-1", public_key=said[0])
    assert (tmp_path / "device.key").stat().st_mode & 0o777 == 0o600


def test_the_readmes_tour_is_an_estate_that_may_start(tmp_path: Path) -> None:
    estate, rules = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[:2]
    key = CliRunner().invoke(app, ["key", str(tmp_path / "device.key")]).output.strip()
    (tmp_path / "estate.toml").write_text(estate.replace('public_key = "…"', f'public_key = "{key}"'), encoding="utf-8")
    (tmp_path / "ginza-rules.toml").write_text(rules, encoding="utf-8")

    code, said = check(tmp_path / "estate.toml")
    assert (code, said) == (0, "ginza/entrance: may start\n")
