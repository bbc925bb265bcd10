"""What the demo and the tests need below `.local/`, brought once, checked every time."""

import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.errors import Misconfigured
from pipeline.local import java, kafka


async def provision(home: Path, console: Console) -> None:
    """Bring Java where there is none, Kafka's jars and the weights.

    Raises:
        Misconfigured: One could not be brought, or is not what it should be; the message names it.
    """
    java.provision(home)
    with Progress(
        TextColumn("Kafka"), BarColumn(), MofNCompleteColumn(), TextColumn("jars"), TimeElapsedColumn(),
        console=console, transient=True,
    ) as progress:  # fmt: skip
        task = progress.add_task("jars", total=None)
        await asyncio.to_thread(
            kafka.provision, home, lambda there, all_: progress.update(task, completed=there, total=all_)
        )
    # The weights' own command shows its own bars; a process of its own keeps the floors apart.
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "pipeline", "models", "fetch")
    if await child.wait():
        raise Misconfigured("the weights could not be fetched: see above, then run `mimamori models fetch` again")
    console.print("[green]✓[/green] Kafka and weights are here, and are what they should be")
