"""`mimamori flow`: what the export of people flow needs."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.exported import make_secret

app = typer.Typer(no_args_is_help=True, help="People flow for outsiders: counts with noise.")


@app.callback()
def _flow() -> None:
    """Keep `secret` a subcommand though it is the only one."""


@app.command()
def secret(
    file: Annotated[Path, typer.Argument(help="Made, for its owner alone to read; never written over")],
) -> None:
    """Make the secret from which the noise of `flow.profile = "export"` is drawn.

    Every worker of the stage watching needs the same: MIMAMORI_FLOW__SECRET=FILE. Keep it out of backups of the
    counts: whoever has both can take the noise away. Another secret ends the export of the days that have begun.
    """
    make_secret(file)
    typer.echo(f"written: MIMAMORI_FLOW__SECRET={file}")
