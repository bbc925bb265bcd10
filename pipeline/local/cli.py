"""`mimamori demo`: the whole system on this machine."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.local import demo
from pipeline.local.estate import choose_scene
from pipeline.local.provision import provision as bring
from pipeline.settings import settings

app = typer.Typer(
    no_args_is_help=True, help="The whole system on this machine: Kafka, ClickHouse, vault, workers, console."
)


@app.command()
def run(
    seconds: Annotated[
        float | None, typer.Option(help="Stop after so long and print a JSON summary as the last line")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Open no browser")] = False,
    video: Annotated[
        str | None, typer.Option(help="Play this instead: a file, a folder of images, rtsp://…, a USB camera's number")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=4, help="Processes of each of detecting and watching")] = 1,
) -> None:
    """Bring what is needed, start everything, and show where it is; Ctrl-C stops it all.

    Without --video the cameras play the footage that MIMAMORI_FOOTAGE names, else shops that Mimamori draws itself.
    """
    footage = os.environ.get("MIMAMORI_FOOTAGE")
    scene = choose_scene(video, Path(footage) if footage else None)
    wish = demo.Wish(settings().home, scene, seconds, headless, workers)
    summary = asyncio.run(demo.run(wish, _console()))
    if summary is not None:
        typer.echo(json.dumps(summary.as_dict()))


@app.command()
def provision() -> None:
    """Bring Kafka, weights and what else is needed into .local; what is there already is only checked."""
    asyncio.run(bring(settings().home, _console()))


def _console() -> Console:
    """Give a console; into a file, lines are long enough that no address or path breaks."""
    return Console() if sys.stdout.isatty() else Console(width=240)
