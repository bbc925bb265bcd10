"""The vault's commands find their folder."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import signing
from pipeline.clock import SystemClock
from pipeline.errors import Misconfigured
from pipeline.settings import settings
from pipeline.vault import cli
from pipeline.vault.confirming import FILE, confirmation
from pipeline.vault.guard import HostClock
from pipeline.vault.ledger import Fact, FileLedger, Kind
from pipeline.vault.ring import FileRing
from pipeline.vault.vault import Limits
from tests.unit.pipeline.test_opening import ESTATE
from tests.unit.pipeline.vault.building import POLICY


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MIMAMORI_HOME", str(tmp_path))
    monkeypatch.setattr(cli, "load_estate", lambda _: ESTATE)
    monkeypatch.setattr(cli, "_people", lambda *_: (None, None))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_without_a_folder_it_is_the_vaults_own_below_the_home(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli.app, ["tokens"])

    assert shown.exit_code == 0
    assert str(tmp_path / "vault" / "tokens" / "detecting") in shown.output.splitlines()


def test_a_token_is_renewed_by_name(tmp_path: Path) -> None:
    CliRunner().invoke(cli.app, ["tokens"])
    own = tmp_path / "vault" / "tokens" / "detecting"
    before = own.read_text()

    shown = CliRunner().invoke(cli.app, ["tokens", "--renew", "detecting"])

    assert shown.output.splitlines() == [str(own)]
    assert own.read_text() != before
    assert isinstance(CliRunner().invoke(cli.app, ["tokens", "--renew", "x"]).exception, Misconfigured)


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "loopback only"),
        (("--key-table", "postgresql://vault:hunter2@127.0.0.1/vault"), "MIMAMORI_KEYS__TABLE"),
        (("--key-table", "postgresql://127.0.0.1/vault?password=hunter2"), "MIMAMORI_KEYS__TABLE"),
        (("--key-table", "postgresql://[hunter2"), "postgresql://user@host/database"),
        (("--key-table", "mysql://127.0.0.1/vault"), "postgresql://user@host/database"),
        (("--ring", "http://bao.example:8200/transit"), "https alone"),
        (("--ring", "https://127.0.0.1:1/transit"), "RING_TOKEN_FILE"),
        (("--tls-cert", "cert.pem"), "belong together"),
        (("--tls-cert", "never.pem", "--tls-key", "never.key"), "no certificate and key"),
    ],
)
def test_what_cannot_be_is_said(monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str) -> None:
    monkeypatch.setattr(cli, "_policy", lambda *_: POLICY)
    monkeypatch.setattr(cli, "keep_memory_private", lambda: None)
    monkeypatch.setattr(cli, "configure", lambda *_: None)

    ended = CliRunner().invoke(cli.app, ["serve", *options])

    assert isinstance(ended.exception, Misconfigured)
    assert said in str(ended.exception)
    assert "hunter2" not in str(ended.exception) + ended.output


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


def test_r20_slot_keys_that_expired_die_at_the_start_though_the_key_table_is_damaged(tmp_path: Path) -> None:
    now, folder = HostClock().now(), tmp_path / "vault"
    names = [f"{now + timedelta(minutes=minutes):%Y%m%dT%H%M%S.%fZ}-x" for minutes in (-5, 5)]
    with closing(FileRing(folder / "ring" / "slot-keys")) as ring:
        ring.create(names)
    with closing(FileLedger(folder / "ledger.jsonl", signing.load_or_create(folder / "ledger.key"))) as ledger:
        ledger.append([Fact(Kind.LEASES, {"leases": []})], now - timedelta(minutes=30))
    (folder / "keys.db").write_bytes(b"not a database" * 100)

    with pytest.raises(Misconfigured, match=r"keys\.db"):
        cli._keeper(folder, POLICY, Limits())

    content = (folder / "ring" / "slot-keys").read_bytes()
    assert [name.encode() in content for name in names] == [False, True]
