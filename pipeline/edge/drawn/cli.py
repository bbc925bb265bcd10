"""`mimamori drawn SEED`: a drawn scene as files, with its truth and its camera beside it."""

from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.progress import track

from pipeline.edge.drawn.render import Renderer
from pipeline.edge.drawn.scene import ROUND, Scene, scene
from pipeline.edge.drawn.truth import truth
from pipeline.edge.drawn.view import camera, toml
from schemas.estate import load_camera

app = typer.Typer(help="A drawn scene as files: pictures, camera, and what is true of them.")

_QUALITY = 90


@app.command()
def drawn(
    seed: Annotated[int, typer.Argument(min=0, help="Which shop and which people")],
    out: Annotated[Path, typer.Option(help="Folder to write to", file_okay=False)],
    *,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long; a round has 45 s")] = ROUND.total_seconds(),
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="Pictures a second")] = 5,
    view: Annotated[
        Path | None, typer.Option("--camera", help="Camera file whose lines and zones the truth is about")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Write the pictures, or the truth alone")] = True,
) -> None:
    """Write truth.json, camera.toml and a folder of pictures, which `analyse` and `publish` read as a clip."""
    staged = scene(seed)
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
