"""`mimamori warehouse`: the tables that the warehouse needs."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pipeline.settings import settings
from pipeline.warehouse.login import owner
from pipeline.warehouse.migrations import FOLDER, migrate

app = typer.Typer(help="The warehouse: its tables in ClickHouse.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Keep `migrate` a command of its own, though it is the only one."""


@app.command("migrate")
def migrate_command(folder: Annotated[Path, typer.Option(help="Numbered .sql files.")] = FOLDER) -> None:
    """Make the tables, or bring them up to date, as MIMAMORI_CLICKHOUSE__OWNER. Safe to run again."""
    applied = asyncio.run(migrate(owner(settings().clickhouse), folder))
    for migration in applied:
        typer.echo(f"applied {migration.number:04} {migration.name}")
    typer.echo(f"{len(applied)} applied; the tables are up to date")
