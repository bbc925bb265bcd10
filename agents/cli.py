"""`mimamori worker`: one process of one stage."""

import asyncio
import sys
from collections.abc import Collection
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Final

import typer

from pipeline.broker import check_topics
from pipeline.errors import Unavailable
from pipeline.governance.loopback import addresses, require_loopback
from pipeline.logs import configure, log
from pipeline.settings import settings
from pipeline.vault.hardening import keep_memory_private
from schemas.estate import load_estate
from schemas.topics import STAGES, Topic, topics

Stages = StrEnum("Stages", {name: name for name in STAGES})  # type: ignore[misc]  # made from the list of stages

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)

app = typer.Typer(
    add_completion=False,
    help="Run one worker of a stage. More of them share its partitions; each takes its settings from MIMAMORI_….",
)


@app.command()
def worker(stage: Annotated[Stages, typer.Argument(help="Which stage")]) -> None:
    """Run a worker until it is told to stop. Its supervisor starts it again when it dies."""
    from agents.app import work  # noqa: PLC0415 (with what follows: only the stage that is run is loaded)

    estate = load_estate(settings().estate)
    require_loopback(estate, addresses(settings()))
    keep_memory_private()
    configure(settings().logs, f"worker-{stage.value}")
    asyncio.run(_until_checked(stage.value, settings().kafka.bootstrap, list(topics(estate.lives).values())))
    work(import_module(f"agents.{stage.value}").create(settings(), estate))


async def _until_checked(stage: str, bootstrap: str, wanted: Collection[Topic]) -> None:
    """Check the topics; while the broker is away, wait for it: dying would only wear out who starts us again."""
    for attempt in range(sys.maxsize):
        try:
            await check_topics(bootstrap, wanted)
        except Unavailable as away:
            log().warning("waiting", stage=stage, error=str(away), attempt=attempt)
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        else:
            return
