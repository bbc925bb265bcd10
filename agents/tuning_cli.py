"""`mimamori camera tune`: a camera's profile from a clip of it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from agents.eyes import eyes_of, open_eyes
from agents.pacing import ALIKE, SLOWEST, Paced, enough, paced
from agents.tuning import CANDIDATES, REGIONS, Tuned, every, to_toml, tuned
from models.detector import Look
from models.networks.letterbox import Picture
from pipeline.clock import SystemClock
from pipeline.edge import gate
from pipeline.edge.clip import Clip, at_rate, open_clip
from pipeline.edge.device import shrink
from pipeline.errors import Misconfigured
from pipeline.overlay import change_overlay
from pipeline.settings import settings
from schemas.estate import Camera, load_estate
from schemas.ids import CameraId, StoreId

FOLLOWED: Final = 60.0
"""Seconds of a clip in which people are followed."""


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
            "Unless said, as few as say the same of who is who; lines are counted well from 2.3 on.",
        ),
    ] = None,
    store: Annotated[str, typer.Option(help="The store, as the estate names it; for --write.")] = "",
    camera: Annotated[
        str, typer.Option(help="The camera; for --write, its pictures a second, and who is followed.")
    ] = "",
    write: Annotated[bool, typer.Option("--write", help="Write it over the estate.")] = False,
    estate: Annotated[Path | None, typer.Option(help="The estate; default: MIMAMORI_ESTATE")] = None,
) -> None:
    """Find out how a camera's pictures are best looked at, from the sizes of people seen there.

    Prints how tall people are, how well each way of looking agrees with the others (F1) and what it costs,
    how far following people at fewer pictures says the same of who is who, and the profile that follows: the cheapest
    that reaches 99 % of the best one, at the fewest pictures that are 99 % alike. Nothing of a picture is kept.

    - longest  side of what the network gets: more finds smaller people, and sees more in large ones that is nobody

    - tiles  so many by so many parts at native resolution beside the whole: for cameras that are high up or far away

    - every  of the moving frames, one of so many is looked at, decided by their sequence; reference frames always

    - regions  only what moved is looked at, at native resolution, between reference frames: for views in which people
      are small and few of them move. Chosen where it is a tenth cheaper than what else sees well enough, since evidence
      of such a camera shows whom the alert concerns on grey, and nothing around. Whoever is outside is taken to stay
      where the whole showed them. It seldom pays: of nine clips it was tried on, on one, and there not for every choice
      of pictures (walking group: F1 to the truth .933 for 10.0 ms, the whole .931 for 12.5)

    What finds people is MIMAMORI_DETECTOR__PEOPLE. A larger network of your own (D-FINE, RT-DETR, YOLOX) is a file in
    the networks' folder and an entry in own.toml there; it is given squares of one size, so that only tiles and every
    change anything for it.
    """
    path = estate or settings().estate
    known = _camera(path, store, camera) if camera else None
    fps, width = (known.fps, known.width) if known else (5.0, Camera.model_fields["width"].default)
    found = open_clip(clip)
    eyes = open_eyes(settings().weights, eyes_of(settings().detector))
    rate = min(fps, found.fps)
    learnt = tuned(spread(found, pictures, rate, width), eyes, ways=(*CANDIDATES, *REGIONS))
    if learnt is None:
        raise Misconfigured(f"{clip} has too few people to learn from: take a busier hour, or more --pictures")
    Console().print(table(learnt))
    if enough_fps is None:
        fewer = paced(stretch(found, rate), eyes, learnt.best, rate, known)
        typer.echo(said_of(fewer, rate))
        best = learnt.best.model_copy(update={"every": enough(fewer)})
    else:
        best = learnt.best.model_copy(update={"every": every(fps, enough_fps)})
    typer.echo(to_toml(best), nl=False)
    if write:
        if not (store and camera):
            raise Misconfigured("to write it, name the camera with --store and --camera")
        there = change_overlay(path, StoreId(store), CameraId(camera), SystemClock().now(), profile=best)
        typer.echo(f"# written: {there}; in force when the parts start again")


def spread(clip: Clip, count: int, fps: float, width: int) -> Iterator[Look]:
    """Give so many pictures of a clip, evenly over it, as a device sends them at this rate, and what moved in each.

    The clip is read twice, since containers do not know their length.
    """
    length = sum(1 for _ in at_rate(clip.shots(), fps))
    wanted = {int((each + 0.5) * length / count) for each in range(count)}
    before = None
    for place, shot in enumerate(at_rate(clip.shots(), fps)):
        if not wanted & {place, place + 1}:
            continue
        picture = shrink(shot.see(), width)
        now = gate.small(picture)
        if place in wanted:
            yield Look(picture, cells=gate.changed(before, now, gate.How()).text)
        before = now


def stretch(clip: Clip, fps: float) -> Iterator[Picture]:
    """Give pictures one after the other, so many a second, from the middle of a clip; at most a minute of them."""
    length = sum(1 for _ in at_rate(clip.shots(), fps))
    count = int(FOLLOWED * fps)
    first = max(0, (length - count) // 2)
    for shot in islice(at_rate(clip.shots(), fps), first, first + count):
        yield shot.see()


def said_of(tried: Sequence[Paced], fps: float) -> str:
    """Say how far following at fewer pictures is following at all of them."""
    if not tried:
        few = fps < 2 * SLOWEST
        return f"# every picture: of {fps:g} a second " + ("none can be left out" if few else "too few show people")
    shares = ", ".join(f"1 of {each.every}: {each.alike:.3f}" for each in tried)
    return f"# followed at fewer of {fps:g} pictures a second, people are the same (IDF1; enough: {ALIKE:g}): {shares}"


def table(learnt: Tuned) -> Table:
    """Say what was learnt."""
    low, middle, tall = (f"{each:.0%} ({each * learnt.height:.0f} px)" for each in learnt.heights)
    shown = Table(
        title=f"{learnt.people} people in {learnt.pictures} pictures; their height: {low} · {middle} · {tall}",
        caption="A tenth are smaller than the first, half than the second, nine tenths than the third.",
    )
    for name in ("longest", "tiles", "regions", "F1", "CPU ms", ""):
        shown.add_column(name, justify="right")
    for each in learnt.tried:
        shown.add_row(
            str(each.profile.longest),
            str(each.profile.tiles),
            "yes" if each.profile.regions else "",
            f"{each.f1:.3f}",
            f"{each.seconds * 1e3:.1f}",
            "←" if each.profile == learnt.best else "",
        )
    return shown


def _camera(path: Path, store: str, camera: str) -> Camera:
    found = load_estate(path).camera(StoreId(store), CameraId(camera))
    if found is None:
        raise Misconfigured(f"{path} has no camera {camera} in store {store}")
    return found
