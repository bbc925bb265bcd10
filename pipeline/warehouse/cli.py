"""`mimamori warehouse`: the tables that the warehouse needs, and what of them has expired."""

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from pipeline.clock import SystemClock
from pipeline.settings import Clickhouse, settings
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.expiry import Dropper, Found, expire
from pipeline.warehouse.login import dropper, eraser, owner
from pipeline.warehouse.migrations import FOLDER, migrate
from pipeline.warehouse.users import USERS, users

app = typer.Typer(help="The warehouse: its tables in ClickHouse.", no_args_is_help=True)


@app.command("migrate")
def migrate_command(folder: Annotated[Path, typer.Option(help="Numbered .sql files.")] = FOLDER) -> None:
    """Make the tables, or bring them up to date, as MIMAMORI_CLICKHOUSE__OWNER. Safe to run again."""
    clickhouse = settings().clickhouse
    applied = asyncio.run(migrate(owner(clickhouse), folder, replicated=clickhouse.replicated))
    for migration in applied:
        typer.echo(f"applied {migration.number:04} {migration.name}")
    typer.echo(f"{len(applied)} applied; the tables are up to date")


@app.command("users")
def users_command() -> None:
    """Print SQL that makes the users of a server of your own, what each may do, and its limits; passwords as hashes.

    Passwords are those of MIMAMORI_CLICKHOUSE__<USER>_PASSWORD; who has none there is made, and cannot log in until
    somebody gives them one. Run it as an administrator; safe to run again.
    """
    clickhouse = settings().clickhouse
    known = {user.name: getattr(clickhouse, f"{user.name}_password", SecretStr("")) for user in USERS}
    hashes = {name: sha256(secret.get_secret_value().encode()).hexdigest() for name, secret in known.items() if secret}
    typer.echo(";\n".join((*users(hashes, replicated=clickhouse.replicated), "")), nl=False)


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
