"""`mimamori publish`: a camera's pictures, sealed, to Kafka."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import cv2
import typer
from rich.console import Console

from pipeline.clock import SystemClock
from pipeline.edge.capture import Rate, open_source
from pipeline.edge.run import Run, run
from pipeline.edge.start import Asked, identify, permit
from pipeline.governance.loopback import addresses, require_loopback
from pipeline.logs import configure
from pipeline.settings import Logs, Settings, settings
from pipeline.vault.hardening import keep_memory_private
from schemas.ids import CameraId, StoreId

app = typer.Typer(rich_markup_mode="rich")

_HELP: Final = """
Seal a camera's pictures and send them to Kafka.

What moves becomes a frame: masked, encoded, sealed to a key that dies on time, signed. What does not becomes a still
without pixels, once a second. Neither this command nor the device can open what it has sealed.

SOURCE is one of

- a film (any that OpenCV reads; GIF too) or a folder of images: plays in real time
- rtsp://… : a network camera; the newest picture wins, and a camera that is lost is sought again
- 0, 1, … : a USB camera
- drawn:SCENE : a shop that Mimamori draws itself; nobody real is in it (mimamori drawn --help)

[bold]Examples[/bold]

    mimamori publish rtsp://10.0.0.7/stream1 --store ginza --camera entrance

    mimamori publish visit.mp4 --store ginza --camera table --loop --fps 5

    mimamori publish pictures/ --source-fps 7 --store shibuya --camera passage

    mimamori publish drawn:1 --store ginza --camera shop --loop

    mimamori publish "drawn:7?groups&shake&seconds=120" --store ginza --camera shop

It does not start without an active notice, a retention, a manager and a deputy in the store's regulation, nor wider or
faster than was decided there. Where Kafka or the vault is: MIMAMORI_KAFKA__BOOTSTRAP, MIMAMORI_VAULT__URL and
MIMAMORI_VAULT__TOKEN. Ctrl-C stops it.

While Kafka is away, what was sealed waits on the disk (MIMAMORI_SPOOL__BYTES, 4 GiB if not set), over restarts too.
Once Kafka is back it is sent before all that is newer; what expires meanwhile is forgotten.
"""


@app.command(help=_HELP)
def publish(  # noqa: PLR0917 - the command line's own options, each by name
    source: Annotated[str, typer.Argument(help="A film, a folder of images, rtsp://…, a USB number or drawn:SCENE")],
    store: Annotated[str, typer.Option(help="The store, as the estate names it")],
    camera: Annotated[str, typer.Option(help="The camera, as the estate names it")],
    estate: Annotated[Path | None, typer.Option(help="The estate; default: MIMAMORI_ESTATE")] = None,
    key: Annotated[Path | None, typer.Option(help="The device's signing key, made if missing")] = None,
    state: Annotated[Path | None, typer.Option(help="The camera's own folder: boots, keys ahead, spool")] = None,
    fps: Annotated[float | None, typer.Option(min=0.1, max=60, help="Pictures a second, for the estate's")] = None,
    width: Annotated[int | None, typer.Option(min=64, max=4096, help="Pixels wide, for the estate's")] = None,
    source_fps: Annotated[float | None, typer.Option(min=0.1, help="How fast a film or folder was taken")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Play a film again and again, as one stream")] = False,
) -> None:
    cv2.setNumThreads(1)
    # Its warnings may name an address with its password.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    chosen, clock, stopped = settings(), SystemClock(), threading.Event()
    asked = Asked(StoreId(store), CameraId(camera), fps, width)
    allowed = permit(estate or chosen.estate, asked, clock)
    require_loopback(allowed.estate, addresses(chosen))
    keep_memory_private()
    rate = Rate(allowed.camera.fps, source_fps)
    opened = open_source(source, rate, loop=loop, clock=clock, wait=stopped.wait)
    home = chosen.home / "devices"
    folder = state or home / f"{store}-{camera}"
    who = identify(allowed, asked.store, key or home / allowed.device.id / "device.key", folder)
    with _screen(chosen, f"device-{store}-{camera}") as show:
        asyncio.run(run(Run(opened, allowed, who, chosen, folder), stopped, show))


@contextlib.contextmanager
def _screen(chosen: Settings, process: str) -> Iterator[Callable[[str], None]]:
    """Show one line that changes, on a terminal; elsewhere the log says it all."""
    if not sys.stderr.isatty():
        configure(chosen.logs, process)
        yield lambda _: None
        return
    console = Console(stderr=True)
    line = "starting …"
    with console.status(line) as status:

        def show(text: str) -> None:
            nonlocal line
            line = text
            status.update(text)

        # Set up only now: warnings then go above the line, not through it.
        configure(Logs(level="WARNING", json_lines=False), process)
        yield show
    console.print(line)
