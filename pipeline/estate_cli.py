"""`mimamori estate`: whether the estate's files are in order."""

import base64
from pathlib import Path
from typing import Annotated

import typer

from pipeline import signing
from pipeline.clock import SystemClock
from pipeline.governance.starting import reasons_not_to_start
from pipeline.settings import settings
from schemas.estate import load_estate, load_regulations

app = typer.Typer(no_args_is_help=True, help="The estate: stores, devices, cameras and their rules.")


@app.command()
def check(
    estate: Annotated[Path | None, typer.Option(help="The estate; default: MIMAMORI_ESTATE")] = None,
) -> None:
    """Read the estate and every regulation, and say of each camera whether it may start, and if not, why.

    Exits with 1 when a file is wrong or a camera may not start.
    """
    path = estate or settings().estate
    found = load_estate(path)
    rules = load_regulations(path, found)
    now, stopped = SystemClock().now(), 0
    for store in found.stores:
        for camera in store.cameras:
            reasons = reasons_not_to_start(found, rules[store.id], store.id, camera.id, now)
            typer.echo(f"{store.id}/{camera.id}: {'may start' if not reasons else 'does not start'}")
            for reason in reasons:
                typer.echo(f"  - {reason}")
            stopped += bool(reasons)
    if stopped:
        raise typer.Exit(1)


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The device's signing key; made if it is not there")],
) -> None:
    """Print a device's public key, as [[stores.devices]] wants it, and make its signing key where there is none.

    Run it on the device: the signing key never leaves it. `mimamori publish --key FILE` signs with it.
    """
    typer.echo(base64.b64encode(signing.public_bytes(signing.load_or_create(file))).decode())
