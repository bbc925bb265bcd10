"""`mimamori camera tune`: a camera's profile from a clip of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agents.eyes import eyes_of, open_eyes
from agents.tuning import Tuned, every, to_toml, tuned
from models.networks.letterbox import Picture
from pipeline.clock import SystemClock
from pipeline.edge.clip import Clip, open_clip
from pipeline.errors import Misconfigured
from pipeline.overlay import change_overlay
from pipeline.settings import settings
from schemas.estate import load_estate
from schemas.ids import CameraId, StoreId


def tune(
    clip: Annotated[str, typer.Argument(help="A film, a folder of images, or drawn:SEED. Take a busy hour.")],
    *,
    pictures: Annotated[int, typer.Option(min=1, max=2000, help="So many pictures, spread over the clip.")] = 60,
    enough_fps: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=60,
            help="Pictures a second that are enough: of the camera's, every so-manyth moving one is then looked at. "
            "Lines are counted well from 2.3 on; following people gets worse with every step down.",
        ),
    ] = None,
    store: Annotated[str, typer.Option(help="The store, as the estate names it; for --write.")] = "",
    camera: Annotated[str, typer.Option(help="The camera; for --write, and for its pictures a second.")] = "",
    write: Annotated[bool, typer.Option("--write", help="Write it over the estate.")] = False,
    estate: Annotated[Path | None, typer.Option(help="The estate; default: MIMAMORI_ESTATE")] = None,
) -> None:
    """Find out how a camera's pictures are best looked at, from the sizes of people seen there.

    Prints how tall people are, how well each way of looking agrees with the others (F1) and what it costs,
    and the profile that follows: the cheapest that reaches 99 % of the best one. Nothing of a picture is kept.

    - longest  side of what the network gets: more finds smaller people, and sees more in large ones that is nobody

    - tiles  so many by so many parts at native resolution beside the whole: for cameras that are high up or far away

    - every  of the moving frames, one of so many is looked at, decided by their sequence; reference frames always

    - regions  only what moved is looked at, at native resolution: for large views in which little moves. Not chosen
      here: set it by hand

    What finds people is MIMAMORI_DETECTOR__PEOPLE. A larger network of your own (D-FINE, RT-DETR, YOLOX) is a file in
    the networks' folder and an entry in own.toml there; it is given squares of one size, so that only tiles and every
    change anything for it.
    """
    path = estate or settings().estate
    fps = _fps(path, store, camera) if camera else 5.0
    found = open_clip(clip)
    eyes = open_eyes(settings().weights, eyes_of(settings().detector))
    learnt = tuned(spread(found, pictures), eyes, every(fps, enough_fps))
    if learnt is None:
        raise Misconfigured(f"{clip} has too few people to learn from: take a busier hour, or more --pictures")
    Console().print(table(learnt))
    typer.echo(to_toml(learnt.best), nl=False)
    if write:
        if not (store and camera):
            raise Misconfigured("to write it, name the camera with --store and --camera")
        there = change_overlay(path, StoreId(store), CameraId(camera), SystemClock().now(), profile=learnt.best)
        typer.echo(f"# written: {there}; in force when the parts start again")


def spread(clip: Clip, count: int) -> Iterator[Picture]:
    """Give so many pictures of a clip, evenly over it; it is read twice, since containers do not know their length."""
    length = sum(1 for _ in clip.shots())
    wanted = {int((each + 0.5) * length / count) for each in range(count)}
    for place, shot in enumerate(clip.shots()):
        if place in wanted:
            yield shot.see()


def table(learnt: Tuned) -> Table:
    """Say what was learnt."""
    low, middle, tall = (f"{each:.0%} ({each * learnt.height:.0f} px)" for each in learnt.heights)
    shown = Table(
        title=f"{learnt.people} people in {learnt.pictures} pictures; their height: {low} · {middle} · {tall}",
        caption="A tenth are smaller than the first, half than the second, nine tenths than the third.",
    )
    for name in ("longest", "tiles", "F1", "CPU ms", ""):
        shown.add_column(name, justify="right")
    for each in learnt.tried:
        best = (each.profile.longest, each.profile.tiles) == (learnt.best.longest, learnt.best.tiles)
        shown.add_row(
            str(each.profile.longest),
            str(each.profile.tiles),
            f"{each.f1:.3f}",
            f"{each.seconds * 1e3:.1f}",
            "←" if best else "",
        )
    return shown


def _fps(path: Path, store: str, camera: str) -> float:
    found = load_estate(path).camera(StoreId(store), CameraId(camera))
    if found is None:
        raise Misconfigured(f"{path} has no camera {camera} in store {store}")
    return found.fps
