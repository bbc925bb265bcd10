"""`mimamori data-map`: where data lies, what for, how long, who answers for it, and how it is erased (R11)."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from pipeline.datamap import render
from pipeline.datamap.registry import registry
from pipeline.settings import settings
from schemas.estate import load_estate
from schemas.topics import Lives

_SHOWN: Final = Lives(timedelta(hours=1))


class Language(StrEnum):
    """In which language."""

    JA = "ja"
    EN = "en"


app = typer.Typer(help="Where data lies, what for, how long, and how it is erased (R11).")


@app.command()
def data_map(
    estate: Annotated[
        Path | None,
        typer.Option(
            help="It says how long frames, alerts and counts live; default: MIMAMORI_ESTATE, or 1 h for frames and the "
            "longest for the rest where there is none"
        ),
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language")] = Language.EN,
    json: Annotated[bool, typer.Option("--json", help="A JSON list instead of Markdown")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown; the default")] = False,
) -> None:
    """Print the data map. It is made from the topics, tables and places in the code; an incomplete entry is refused."""
    del markdown
    entries = registry(_lives(estate))
    typer.echo(render.as_json(entries, lang.value) if json else render.markdown(entries, lang.value))


def _lives(estate: Path | None) -> Lives:
    chosen = estate or settings().estate
    return load_estate(chosen).lives if estate is not None or chosen.exists() else _SHOWN
