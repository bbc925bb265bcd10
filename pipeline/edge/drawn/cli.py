"""`mimamori drawn SCENE`: a drawn scene as files, with its truth and its camera beside it."""

from pathlib import Path
from typing import Annotated, Final

import cv2
import typer
from rich.progress import track

from pipeline.edge.drawn.name import NUMBERS, PEOPLE, PICTURE, PREFIX, TAMPER
from pipeline.edge.drawn.render import Renderer
from pipeline.edge.drawn.scene import Scene
from pipeline.edge.drawn.story import named
from pipeline.edge.drawn.truth import truth
from pipeline.edge.drawn.view import camera, toml
from schemas.estate import load_camera


def _list(words: dict[str, str]) -> str:
    return "\n\n".join(f"- [bold]{word}[/bold]: {what}" for word, what in words.items())


_HELP: Final = f"""
A drawn scene as files: pictures, camera, and what is true of them.

Nobody real is in it; every picture says that it is drawn. The same name gives the same bytes and the same truth on
every machine. Wherever a clip is read (publish, analyse), drawn:SCENE plays it without any files.

SCENE is a shop's number, and after a question mark what happens there, joined by &. Without words about people it is
the shop's round of 45 s. Write the name in quotes: the shell has uses of its own for ? and &.

[bold]Who comes[/bold]

{_list(PEOPLE)}

[bold]How it is seen[/bold]

{_list(PICTURE)}

[bold]What is done to the camera[/bold], from a second on (covered=30) or from one to another (covered=30-60)

{_list(TAMPER)}

[bold]How long, how much[/bold]

{_list(NUMBERS)}

[bold]Examples[/bold]

    mimamori drawn 3 --out round

    mimamori drawn "7?groups&stops&seconds=120" --out story

    mimamori drawn "7?crossings&occlusion&seconds=600" --out truth --no-pictures

    mimamori drawn "2?lights&shake&moved=40" --out tampered

    mimamori analyse "drawn:7?groups&stops" --camera story/camera.toml

truth.json holds each crossing (line, person, direction, second), each visit to a zone from when to when, and for every
picture the whole box of each person with the share that can be seen: hidden by the picture's edge, by somebody nearer,
by a trolley, by what covers the lens. What is done to the camera stands there, too.
"""

app = typer.Typer(rich_markup_mode="rich")

_QUALITY = 90


@app.command(help=_HELP)
def drawn(
    name: Annotated[str, typer.Argument(metavar="SCENE", help="Such as 3, or 7?groups&shake&seconds=120")],
    out: Annotated[Path, typer.Option(help="Folder to write to", file_okay=False)],
    *,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How much of it; it repeats. Default: the whole, once")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="Pictures a second")] = 5,
    view: Annotated[
        Path | None, typer.Option("--camera", help="Camera file whose lines and zones the truth is about")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Write the pictures, or the truth alone")] = True,
) -> None:
    staged = named(f"{PREFIX}{name.removeprefix(PREFIX)}")
    asked = camera() if view is None else load_camera(view)
    out.mkdir(parents=True, exist_ok=True)
    (out / "camera.toml").write_text(toml(asked), encoding="utf-8")
    told = truth(staged, asked, seconds, fps=fps)
    (out / "truth.json").write_text(told.model_dump_json(indent=1), encoding="utf-8")
    if pictures:
        write_pictures(staged, out / "pictures", [frame.at for frame in told.frames])
    typer.echo(f"{out}: {len(told.frames)} pictures, {told.people} people, {len(told.crossings)} crossings")


def write_pictures(staged: Scene, folder: Path, moments: list[float]) -> None:
    """Write one JPEG for each moment, numbered from 1."""
    folder.mkdir(exist_ok=True)
    draw = Renderer(staged)
    for number, at in enumerate(track(moments, description="Drawing", transient=True), start=1):
        cv2.imwrite(str(folder / f"{number:06}.jpg"), draw.picture(at), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
