"""The vault's commands find their folder."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.clock import SystemClock
from pipeline.errors import Misconfigured
from pipeline.settings import settings
from pipeline.vault import cli
from pipeline.vault.confirming import FILE, confirmation
from tests.unit.pipeline.test_opening import ESTATE


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MIMAMORI_HOME", str(tmp_path))
    monkeypatch.setattr(cli, "load_estate", lambda _: ESTATE)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_without_a_folder_it_is_the_vaults_own_below_the_home(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli.app, ["tokens"])

    assert shown.exit_code == 0
    assert str(tmp_path / "vault" / "tokens" / "detecting") in shown.output.splitlines()


def test_serve_takes_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []

    def keeper(folder: Path, *_: object) -> None:
        folders.append(folder)
        raise SystemExit(0)

    monkeypatch.setattr(cli, "_keeper", keeper)
    monkeypatch.setattr(cli, "_policy", lambda *_: None)
    monkeypatch.setattr(cli, "keep_memory_private", lambda: None)
    monkeypatch.setattr(cli, "configure", lambda *_: None)

    assert CliRunner().invoke(cli.app, ["serve"]).exit_code == 0
    assert folders == [tmp_path / "vault"]


def test_confirming_the_clock_leaves_word_for_the_vault(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "keys.db").touch()

    assert CliRunner().invoke(cli.app, ["confirm-clock"], input="n\n").exit_code == 1
    assert confirmation(tmp_path / "vault")() is None
    assert CliRunner().invoke(cli.app, ["confirm-clock"], input="y\n").exit_code == 0

    seen = confirmation(tmp_path / "vault")()
    assert seen is not None
    assert abs(seen - SystemClock().now()) < timedelta(minutes=1)
    assert confirmation(tmp_path / "vault")() is None


def test_confirming_the_clock_of_no_vault_is_an_error() -> None:
    ended = CliRunner().invoke(cli.app, ["confirm-clock", "--yes"])

    assert isinstance(ended.exception, Misconfigured)


def test_a_word_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("yesterday")

    assert confirmation(tmp_path)() is None
