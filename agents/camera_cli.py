"""`mimamori camera`: what is measured of one camera."""

import os
from pathlib import Path
from typing import Annotated

import cv2
import typer

from agents.calibrating import BadPoint, Measured, empty, measured, pictures, with_grid, with_rulers
from agents.eyes import open_eyes, open_face_finder
from agents.tuning_cli import tune
from models.detector import DetectorSettings
from pipeline.clock import SystemClock
from pipeline.errors import Misconfigured
from pipeline.evidence.hide import Picture
from pipeline.motion.floor import NoFloor
from pipeline.overlay import change_overlay
from pipeline.settings import settings
from schemas.estate import Camera, load_estate
from schemas.ids import CameraId, StoreId

app = typer.Typer(no_args_is_help=True, help="What is measured of one camera, and written over the estate.")

_LEAST_LIKELY = 0.1
"""Whoever may be somebody is left out of the picture."""


@app.callback()
def _root() -> None:
    """Keep each command a command of its own, though it may be the only one."""


app.command()(tune)


@app.command()
def calibrate(
    store: Annotated[str, typer.Argument(help="The store, as the estate names it.")],
    camera: Annotated[str, typer.Argument(help="The camera.")],
    *,
    point: Annotated[
        list[str] | None,
        typer.Option(help="A point of the picture and where it lies on the floor: 0.25,0.80=1.5,3.0. Four or more."),
    ] = None,
    source: Annotated[
        str, typer.Option(help="Where pictures come from: a clip, rtsp://…, a USB camera's number or drawn:SEED.")
    ] = "",
    picture: Annotated[Path | None, typer.Option(help="Where to write the picture (PNG).", dir_okay=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Write it over the estate.")] = False,
    estate: Annotated[Path | None, typer.Option(help="The estate; default: MIMAMORI_ESTATE")] = None,
) -> None:
    """Find a camera's floor in metres, from four points or more that were measured in the shop.

    Points are shares of the picture, from its left and its top, and metres from any corner of the floor; x and y as
    you like, at right angles. Corners of tiles do well. Without points the picture has rulers, to read points off.

    The picture is put together from several, of each only where nobody stands; masks are black in it. Nobody is asked
    before it is written where you say, so look whether anybody is left in it before you give it away. With a grid of
    metres in it you see at once whether the points were right.
    """
    path = estate or settings().estate
    found = load_estate(path).camera(StoreId(store), CameraId(camera))
    if found is None:
        raise Misconfigured(f"{path} has no camera {camera} in store {store}")
    fitted = _fitted(point or [])
    if fitted is not None:
        typer.echo("\n".join(fitted.lines()))
    if picture is not None:
        _draw(picture, _empty(source, found), fitted)
    if write:
        if fitted is None:
            raise Misconfigured("there is nothing to write: give points with --point")
        there = change_overlay(
            path, StoreId(store), CameraId(camera), SystemClock().now(), homography=fitted.homography
        )
        typer.echo(f"written: {there}; in force when the parts start again")


def _fitted(points: list[str]) -> Measured | None:
    try:
        return measured(points) if points else None
    except (BadPoint, NoFloor) as error:
        raise Misconfigured(str(error)) from None


def _empty(source: str, camera: Camera) -> Picture:
    if not source:
        raise Misconfigured("a picture needs --source: a clip, rtsp://…, a USB camera's number or drawn:SEED")
    weights = settings().weights
    eyes = open_eyes(weights, DetectorSettings(people_from=_LEAST_LIKELY))
    found = empty(pictures(source, camera), eyes, open_face_finder(weights))
    if found is None:
        raise Misconfigured(f"{source} has too few pictures to put one together in which nobody is")
    return found


def _draw(path: Path, picture: Picture, fitted: Measured | None) -> None:
    drawn = with_rulers(picture) if fitted is None else with_grid(picture, fitted)
    done, data = cv2.imencode(".png", drawn)
    if not done:
        raise Misconfigured("the picture cannot be written as a PNG")
    # For whoever asked alone.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data.tobytes())
    typer.echo(f"picture: {path}")
