"""`mimamori contracts`: write the contracts' documents."""

from pathlib import Path
from typing import Annotated

import typer

from schemas.documents import documents

app = typer.Typer(no_args_is_help=True, help="The message contracts as JSON Schema and AsyncAPI.")


@app.callback()
def _contracts() -> None:
    """Keep `write` a subcommand though it is the only one."""


@app.command()
def write(
    out: Annotated[Path, typer.Option(help="Folder to write to")] = Path("schemas/generated"),
) -> None:
    """Write schemas/generated anew; run it after changing a message."""
    out.mkdir(parents=True, exist_ok=True)
    texts = documents()
    for stale in {each.name for each in out.glob("*.json")} - texts.keys():
        (out / stale).unlink()
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
    typer.echo(f"{len(texts)} documents written to {out}")
