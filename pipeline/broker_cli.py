"""`mimamori topics`: makes the broker's topics what `schemas/topics.py` says, or compares them."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from pipeline import broker
from pipeline.settings import settings
from schemas.estate import load_estate
from schemas.topics import Topic, topics

app = typer.Typer(no_args_is_help=True, help="The broker's topics: what lies where, and for how long.")

Estate = Annotated[
    Path | None,
    typer.Option(help="It says how long frames, alerts and counts lie on the broker; default: MIMAMORI_ESTATE"),
]
Replication = Annotated[int, typer.Option(help="Copies of each partition; brokers needed")]


@app.command()
def apply(estate: Estate = None, replication: Replication = 1) -> None:
    """Make missing topics and mend those that have drifted."""
    for line in asyncio.run(broker.apply_topics(settings().kafka.bootstrap, _wanted(estate), replication)):
        typer.echo(line)


@app.command()
def check(estate: Estate = None) -> None:
    """Compare the broker's topics with ours; exits with 1 and says what to do when they differ."""
    asyncio.run(broker.check_topics(settings().kafka.bootstrap, _wanted(estate)))
    typer.echo("all topics are as they must be")


def _wanted(estate: Path | None) -> Collection[Topic]:
    """Return the topics as workers check them: by the same estate."""
    return topics(load_estate(estate or settings().estate).lives).values()
