"""`mimamori topics`: makes the broker's topics what `schemas/topics.py` says, or compares them."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from pipeline import broker
from pipeline.settings import settings
from schemas.topics import topics

app = typer.Typer(no_args_is_help=True, help="The broker's topics: what lies where, and for how long.")

FrameTtl = Annotated[float, typer.Option(help="How many seconds a frame lives", envvar="MIMAMORI_FRAME_TTL")]
Replication = Annotated[int, typer.Option(help="Copies of each partition; brokers needed")]


@app.command()
def apply(frame_ttl: FrameTtl = 3600, replication: Replication = 1) -> None:
    """Make missing topics and mend those that have drifted."""
    wanted = topics(timedelta(seconds=frame_ttl)).values()
    for line in asyncio.run(broker.apply_topics(settings().kafka.bootstrap, wanted, replication)):
        typer.echo(line)


@app.command()
def check(frame_ttl: FrameTtl = 3600) -> None:
    """Compare the broker's topics with ours; exits with 1 and says what to do when they differ."""
    asyncio.run(broker.check_topics(settings().kafka.bootstrap, topics(timedelta(seconds=frame_ttl)).values()))
    typer.echo("all topics are as they must be")
