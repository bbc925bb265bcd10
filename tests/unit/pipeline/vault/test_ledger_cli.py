"""`mimamori ledger`: a receipt that can be checked without the ledger."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.errors import Misconfigured
from pipeline.sealing import SealSuite
from pipeline.vault.cli import _keeper
from pipeline.vault.ledger_cli import app
from pipeline.vault.vault import Limits
from pipeline.vault.verify import What
from schemas.frozen import iso
from tests.unit.pipeline.vault.building import POLICY, keys_for
from tests.unit.pipeline.vault.test_verify import END, PUBLIC, Files, checked, whats, write_history


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_history(tmp_path_factory.mktemp("history"))


def _destroyed(files: Files) -> str:
    return str(next(each for each in files.entries() if each["kind"] == "key_destroyed")["body"]["key_id"])


def _receipt(files: Files, *more: str) -> dict[str, Any]:
    ended = CliRunner().invoke(app, ["receipt", _destroyed(files), "--dir", str(files.folder), *more])
    assert ended.exit_code == 0, ended.output
    return dict(json.loads(ended.stdout))


def _check(folder: Path, receipt: dict[str, Any], *more: str) -> dict[str, Any]:
    (folder / "receipt.json").write_text(json.dumps(receipt))
    return checked(folder / "receipt.json", "--receipt", *more)


def test_r20_a_receipt_holds_by_itself(files: Files, tmp_path: Path) -> None:
    report = _check(tmp_path, _receipt(files))

    assert (report["status"], report["faults"]) == (0, [])
    assert report["each_key"][0]["key_id"] == _destroyed(files)
    assert report["lateness_max_seconds"] == 1.0


def test_r20_a_receipt_is_said_in_words(files: Files, tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text(json.dumps(_receipt(files)))
    arguments = ["verify", str(tmp_path / "receipt.json"), "--receipt", "--public-key", PUBLIC, "--lang", "en"]

    ended = CliRunner().invoke(app, arguments)

    assert ended.exit_code == 0
    assert f"Receipt: key {_destroyed(files)} (ginza, door) was to be destroyed at" in ended.stdout


def _other_key(receipt: dict[str, Any]) -> None:
    receipt["entry"]["body"]["key_id"] = "0" * 32


def _other_place(receipt: dict[str, Any]) -> None:
    receipt["inclusion"] = receipt["inclusion"][::-1]


def _other_checkpoint(receipt: dict[str, Any]) -> None:
    receipt["checkpoint"]["root"] = "0" * 64


def _other_signature(receipt: dict[str, Any]) -> None:
    receipt["entry"]["signature"] = receipt["checkpoint"]["signature"]


def _other_kind(receipt: dict[str, Any]) -> None:
    receipt["entry"]["kind"] = "key_created"


def _no_hash(receipt: dict[str, Any]) -> None:
    receipt["inclusion"] = ["x"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_other_key, {What.CHANGED, What.NOT_INCLUDED}),
        (_other_place, {What.NOT_INCLUDED}),
        (_other_checkpoint, {What.CHECKPOINT_NOT_SIGNED, What.NOT_INCLUDED}),
        (_other_signature, {What.NOT_SIGNED}),
        (_other_kind, {What.NOT_A_RECEIPT}),
        (_no_hash, {What.NOT_A_RECEIPT}),
        (dict.clear, {What.NOT_A_RECEIPT}),
    ],
)
def test_r20_a_receipt_that_was_changed_shows(files: Files, tmp_path: Path, change: Any, found: set[What]) -> None:
    receipt = _receipt(files)
    change(receipt)

    report = _check(tmp_path, receipt)

    assert (report["status"], whats(report)) == (1, found)


def test_r20_a_receipt_is_shown_to_come_from_the_ledger_of_a_checkpoint_that_was_kept(
    files: Files, tmp_path: Path
) -> None:
    for number, line in enumerate(files.checkpoints.read_text().splitlines()):
        kept = tmp_path / f"kept-{number}"
        kept.write_text(line)

        proved, unproved = _receipt(files, "--since", str(kept)), _receipt(files)

        assert _check(tmp_path, proved, "--since", str(kept))["status"] == 0
        last = number == len(files.checkpoints.read_text().splitlines()) - 1
        assert whats(_check(tmp_path, unproved, "--since", str(kept))) == (set() if last else {What.NOT_CONSISTENT})


def test_r20_the_vault_makes_checkpoints_and_tells_its_witness(tmp_path: Path) -> None:
    keeper = _keeper(tmp_path / "vault", POLICY, Limits(suite=SealSuite.X25519), tmp_path / "witness")
    keys_for(keeper.vault, keeper.now())
    keeper.tick()

    own = tmp_path / "vault" / "checkpoints.jsonl"
    public = str(tmp_path / "vault" / "ledger.pub")
    ledger = str(tmp_path / "vault" / "ledger.jsonl")
    assert (tmp_path / "witness").read_bytes() == own.read_bytes() != b""
    checked = CliRunner().invoke(app, ["verify", ledger, "--public-key", public, "--since", str(tmp_path / "witness")])
    assert checked.exit_code == 0


def test_a_key_that_is_alive_has_no_receipt(files: Files) -> None:
    alive = next(each for each in files.check()["each_key"] if each["state"] == "alive")

    ended = CliRunner().invoke(app, ["receipt", alive["key_id"], "--dir", str(files.folder)])

    assert isinstance(ended.exception, Misconfigured)
    assert "no receipt" in str(ended.exception)


def test_a_receipt_waits_for_its_checkpoint(files: Files, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(files.ledger.read_bytes())
    (tmp_path / "checkpoints.jsonl").write_text(files.checkpoints.read_text().splitlines(keepends=True)[0])

    ended = CliRunner().invoke(app, ["receipt", _destroyed(files), "--dir", str(tmp_path)])

    assert "ask again in a minute" in str(ended.exception)


@pytest.mark.parametrize("text", [None, "{}\n"])
def test_files_that_are_none_are_named(files: Files, tmp_path: Path, text: str | None) -> None:
    folder, kept = tmp_path / "vault", tmp_path / "kept"
    folder.mkdir()
    if text is not None:
        (folder / "ledger.jsonl").write_text(text)
        kept.write_text(text)

    without = CliRunner().invoke(app, ["receipt", "k1", "--dir", str(folder)])
    since = CliRunner().invoke(app, ["receipt", "k1", "--dir", str(files.folder), "--since", str(kept)])

    assert isinstance(without.exception, Misconfigured)
    assert isinstance(since.exception, Misconfigured)


def test_r20_verify_is_the_standalone_check(files: Files) -> None:
    ended = CliRunner().invoke(app, ["verify", str(files.ledger), "--public-key", PUBLIC, "--now", iso(END), "--json"])
    asked = CliRunner().invoke(app, ["verify", "--help"])

    assert (ended.exit_code, json.loads(ended.stdout)["holds"]) == (0, True)
    assert "usage: mimamori ledger verify" in asked.stdout
