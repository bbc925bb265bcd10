"""`mimamori warehouse`: the tables that the warehouse needs, and what of them has expired."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from pipeline.clock import SystemClock
from pipeline.settings import Clickhouse, settings
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.expiry import Dropper, Found, expire
from pipeline.warehouse.login import dropper, eraser, owner
from pipeline.warehouse.migrations import FOLDER, migrate

app = typer.Typer(help="The warehouse: its tables in ClickHouse.", no_args_is_help=True)


@app.command("migrate")
def migrate_command(folder: Annotated[Path, typer.Option(help="Numbered .sql files.")] = FOLDER) -> None:
    """Make the tables, or bring them up to date, as MIMAMORI_CLICKHOUSE__OWNER. Safe to run again."""
    applied = asyncio.run(migrate(owner(settings().clickhouse), folder))
    for migration in applied:
        typer.echo(f"applied {migration.number:04} {migration.name}")
    typer.echo(f"{len(applied)} applied; the tables are up to date")


@app.command("expire")
def expire_command() -> None:
    """Drop partitions whose every row has expired, as MIMAMORI_CLICKHOUSE__ERASER and …__DROPPER.

    The erasing stage does the same every minute. Exits with 1 when expired rows are on the disk that had to be off it.
    """
    found = asyncio.run(_expire(settings().clickhouse))
    for partition in found.dropped:
        typer.echo(f"dropped {partition.table} {partition.id}")
    for partition in set(found.leaving):
        typer.echo(f"still on the disk: {partition.table} {partition.id} (its files go within a minute or two)")
    for table in found.late:
        typer.echo(f"late: {table} has rows on the disk {found.overdue[table]} after they expired", err=True)
    if found.detached:
        typer.echo(f"{found.detached} detached parts lie beside the tables: look at them, nothing here removes them")
    if found.late:
        raise typer.Exit(1)


async def _expire(clickhouse: Clickhouse) -> Found:
    async with Warehouse(eraser(clickhouse)) as warehouse, Dropper(dropper(clickhouse)) as drop:
        return await expire(warehouse, drop, SystemClock().now())
