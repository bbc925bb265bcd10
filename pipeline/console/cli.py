"""`mimamori console`: serves the page at headquarters."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from pipeline.clock import SystemClock
from pipeline.console.adapters import ClickhouseWarehouse, HttpVault, KafkaBroker
from pipeline.console.app import create
from pipeline.console.drawings import FileDrawings
from pipeline.console.sources import Sources
from pipeline.governance.loopback import addresses, require_loopback
from pipeline.listening import bound
from pipeline.logs import configure, log
from pipeline.objects import open_objects
from pipeline.settings import Settings, settings
from pipeline.vault.client import VaultClient
from pipeline.vault.hardening import keep_memory_private
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import reader
from schemas.estate import Estate, load_estate, load_regulations
from schemas.topics import topics

app = typer.Typer(help="The console: what was noticed, how many came, what works, and what was forgotten.")

LOOPBACK: Final = "127.0.0.1"
STOPPING: Final = 2
"""Seconds that open connections, such as live pages, get when the console is stopped."""


@app.callback()
def _root() -> None:
    """Keep `serve` a command of its own, though it is the only one."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Where to listen, on loopback; 0 takes a free one.")] = 8080,
    clickhouse: Annotated[str, typer.Option(help="Address of ClickHouse.")] = "",
    vault: Annotated[str, typer.Option(help="Address of the vault.")] = "",
    bootstrap: Annotated[str, typer.Option(help="Kafka's bootstrap servers.")] = "",
    estate: Annotated[Path | None, typer.Option(help="The estate's file.")] = None,
) -> None:
    """Serve the console on loopback, until it is stopped. What is not given comes from MIMAMORI_…"""
    own = _settings(clickhouse, vault, bootstrap)
    configure(own.logs, "console")
    clock = SystemClock()
    known = load_estate(estate or own.estate)
    require_loopback(known, addresses(own))
    rules = load_regulations(estate or own.estate, known)

    async def run() -> None:
        # For the length of a look, keys and pictures are in this process's memory.
        keep_memory_private()
        people = VaultClient(own.vault.url, own.vault.bearer(), ca=own.vault.ca)
        sources = Sources(
            ClickhouseWarehouse(Warehouse(reader(own.clickhouse))),
            KafkaBroker(own.kafka.bootstrap, topics(known.lives), clock),
            HttpVault(people),
            people,
            open_objects(own.objects_url),
            rules,
            FileDrawings(estate or own.estate),
        )
        await listen(known, sources, port)

    asyncio.run(run())


def _settings(clickhouse: str, vault: str, bootstrap: str) -> Settings:
    """Return the settings with what the command line says in place of theirs."""
    own = settings()
    return own.model_copy(
        update={
            "clickhouse": own.clickhouse.model_copy(update={"url": clickhouse or own.clickhouse.url}),
            "vault": own.vault.model_copy(update={"url": vault or own.vault.url}),
            "kafka": own.kafka.model_copy(update={"bootstrap": bootstrap or own.kafka.bootstrap}),
        }
    )


async def listen(estate: Estate, sources: Sources, port: int) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        Exception: Whatever ended keeping up; the supervisor starts a fresh console.
    """
    deaths: list[BaseException] = []

    def died(error: BaseException) -> None:
        deaths.append(error)
        server.should_exit = True

    web = create(estate, sources, SystemClock(), died=died)
    # No access log: an address names an alert, and who looked is the ledger's business.
    config = uvicorn.Config(web, access_log=False, log_level="warning", timeout_graceful_shutdown=STOPPING)
    server = uvicorn.Server(config)
    own = bound(LOOPBACK, port)
    log().info("console listens", address=LOOPBACK, port=own.getsockname()[1])
    await server.serve(sockets=[own])
    if deaths:
        raise deaths[0]
