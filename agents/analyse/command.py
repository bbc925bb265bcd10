"""The command line of `mimamori analyse`."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents.analyse.analysis import Analysis, analyse, finish, view, whole_picture
from agents.analyse.render import Rendering
from agents.analyse.results import Results
from agents.eyes import open_eyes
from models.detector import DetectorSettings
from pipeline.edge.clip import BrokenSource, Clip, open_clip
from pipeline.settings import settings
from schemas.estate import load_camera

app = typer.Typer(rich_markup_mode=None)


@app.command("analyse")
def command(
    clip: Annotated[str, typer.Argument(help="A video file, a folder of images in order of name, or drawn:SEED.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results; made where it is not there.", file_okay=False)],
    camera: Annotated[
        Path | None, typer.Option(help="One camera of the estate format (TOML): its zones, lines and settings.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.1, max=240, help="Analyse so many pictures a second. Default: every one.")
    ] = None,
    source_fps: Annotated[
        float | None,
        typer.Option(min=0.1, max=240, help="Pictures a second of the clip: for folders (default 10), or to correct."),
    ] = None,
    window: Annotated[float, typer.Option(min=1, max=86400, help="Length of the counting windows, in seconds.")] = 15,
    start: Annotated[
        datetime, typer.Option(help="When the clip begins (UTC); the hours of zones go by it.")
    ] = datetime(2026, 1, 1),  # noqa: DTZ001 - typer parses naive times, UTC is put on below
    render: Annotated[
        bool,
        typer.Option(
            "--render",
            help="Write annotated.mp4 too: boxes, ids, lines, zones; the heads of all who were found hidden. "
            "Who was missed stays visible: keep it as you keep footage.",
        ),
    ] = False,
) -> None:
    """Say what the cameras' stages would say of a clip, without Kafka.

    With --fps N the first picture at or after each tick of N a second is analysed, beginning with picture 1. Without
    --camera the whole picture is one zone.

    Files in the folder of --out:

    - detections.jsonl  boxes of people and faces, a message a picture

    - tracks.mot.txt    who was followed, as MOTChallenge writes it: frame from 1, pixels of the source

    - movements.jsonl   crossings of lines and visits of zones

    - flow.jsonl        counts in windows, and their coverage

    - alerts.jsonl      what a person should look at

    - aside.jsonl       what has not moved for half an hour, and is nobody from then on: its box, and since when

    - summary.json      all of it in numbers

    A camera file in short:

    id = "entrance"

    lines = [{id = "door", start = {x = 0.9, y = 0.5}, end = {x = 0.5, y = 0.5}}]

    zones = [{id = "till", kind = "restricted", polygon = [{x = 0, y = 0}, {x = 0.4, y = 0}, {x = 0, y = 1}]}]

    Places are shares of the picture, from its left and its top. Whoever goes over a line from its left to its right,
    seen from start to end, goes in. A clip that breaks off is an error, and what was read before it is kept.
    """
    found = open_clip(clip, source_fps)
    watched = whole_picture() if camera is None else load_camera(camera)
    rate = found.fps if fps is None else min(fps, found.fps)
    watched = watched.model_copy(update={"fps": rate})
    detector = open_eyes(weights_folder(), DetectorSettings(people_from=watched.people_from / 2))
    analysis = Analysis(view(watched, timedelta(seconds=window)), start.replace(tzinfo=UTC))
    broken: BrokenSource | None = None
    with ExitStack() as stack:
        results = stack.enter_context(Results(out, analysis, found))
        video = stack.enter_context(Rendering(out / "annotated.mp4", watched, rate)) if render else None
        with _bar(found) as told:
            try:
                for each in analyse(analysis, found, detector, fps, told):
                    results.write(each)
                    if video is not None:
                        video.write(each)
            except BrokenSource as error:
                broken = error
        results.noticed(finish(analysis))
        for visit in analysis.state.visits:
            if visit.entered:
                results.visit(visit, ended=False)
    summary = results.summary(str(broken) if broken else None)
    typer.echo(json.dumps(summary))
    if broken is not None:
        raise broken


def weights_folder() -> Path:
    """Where the networks lie."""
    return settings().weights


@contextmanager
def _bar(clip: Clip) -> Iterator[Callable[[int], None]]:
    """Show how far it is. Not of how much: what containers say of their length is a lie too often."""
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed} pictures"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(clip.name, total=None)
        yield lambda read: progress.update(task, completed=read)
