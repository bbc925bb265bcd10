"""`mimamori ledger`: check the ledger offline, and give out the receipt of one key."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from pipeline.errors import Misconfigured
from pipeline.settings import settings
from pipeline.vault import verify
from pipeline.vault.checkpoints import Checkpoint, read_checkpoints
from pipeline.vault.ledger import Entry, Kind
from pipeline.vault.proofs import proved

app = typer.Typer(no_args_is_help=True, help="The ledger: what happened to every key, and the proof of it.")


@app.command(
    "verify",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
)
def verify_(context: typer.Context) -> None:
    """Check a ledger or a receipt offline; `--help` lists what it takes. As `python pipeline/vault/verify.py` does."""
    sys.exit(verify.main(context.args, "mimamori ledger verify"))


@app.command()
def receipt(
    key_id: str,
    folder: Annotated[Path | None, typer.Option("--dir", help="The vault's; default: vault in MIMAMORI_HOME")] = None,
    since: Annotated[
        Path | None, typer.Option(help="A checkpoint kept elsewhere: prove that this ledger is its")
    ] = None,
) -> None:
    """Print the receipt of a key's destruction, with the proof that a signed checkpoint holds it."""
    home = settings().home / "vault" if folder is None else folder
    known = () if since is None else (_kept(since),)
    entries = _entries(home / "ledger.jsonl")
    typer.echo(json.dumps(receipt_of(key_id, entries, read_checkpoints(home / "checkpoints.jsonl"), known), indent=1))


def receipt_of(
    key_id: str, entries: Sequence[Entry], made: Sequence[Checkpoint], since: Sequence[Checkpoint] = ()
) -> dict[str, Any]:
    """Put together the receipt of a key, as `verify.py --receipt` checks it, out of the whole ledger.

    Raises:
        Misconfigured: The key is not destroyed, or no checkpoint tells of it yet.
    """
    found = [entry for entry in entries if entry.kind is Kind.KEY_DESTROYED and entry.body["key_id"] == key_id]
    if not found:
        raise Misconfigured(f"the ledger has no receipt of key {key_id}: it is alive, or there never was one")
    (entry, *_), checkpoint = found, _last_within(made, len(entries))
    if checkpoint is None or checkpoint.size <= entry.index:
        raise Misconfigured("no checkpoint tells of this receipt yet: ask again in a minute")
    leaves = [bytes.fromhex(each.hash) for each in entries[: checkpoint.size]]
    return proved(entry, leaves, checkpoint, since).model_dump(mode="json")


def _kept(path: Path) -> Checkpoint:
    """Read what somebody kept: one checkpoint, or a witness's file, of which the last counts."""
    try:
        return Checkpoint.model_validate_json(path.read_bytes().strip().rpartition(b"\n")[2])
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError:
        raise Misconfigured(f"{path}: its last line is no checkpoint") from None


def _last_within(made: Sequence[Checkpoint], length: int) -> Checkpoint | None:
    # One that was made while the ledger was being read knows more than we do.
    return max((each for each in made if each.size <= length), key=lambda each: each.size, default=None)


def _entries(path: Path) -> list[Entry]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from None
    try:
        return [Entry.model_validate_json(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
    except ValidationError:
        raise Misconfigured(f"{path}: there is a line in it that is no entry of a ledger") from None
