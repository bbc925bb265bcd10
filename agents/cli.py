"""`mimamori worker`: one process of one stage."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from pipeline.broker import check_topics
from pipeline.logs import configure
from pipeline.settings import settings
from schemas.estate import load_estate
from schemas.topics import STAGES, topics

Stages = StrEnum("Stages", {name: name for name in STAGES})  # type: ignore[misc]  # made from the list of stages

app = typer.Typer(
    add_completion=False,
    help="Run one worker of a stage. More of them share its partitions; each takes its settings from MIMAMORI_….",
)


@app.command()
def worker(stage: Annotated[Stages, typer.Argument(help="Which stage")]) -> None:
    """Run a worker until it is told to stop. Its supervisor starts it again when it dies."""
    import asyncio  # noqa: PLC0415 (with what follows: only the stage that is run is loaded)

    from agents.app import work  # noqa: PLC0415

    configure(settings().logs, f"worker-{stage.value}")
    estate = load_estate(settings().estate)
    asyncio.run(check_topics(settings().kafka.bootstrap, topics(estate.frame_ttl).values()))
    work(import_module(f"agents.{stage.value}").create(settings(), estate))
