"""`make chaos`: every part of the running system is killed, again and again; nothing may be lost, doubled or wrong."""

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from chaos import VICTIMS, Found, Plan, disturb  # noqa: E402 (the path comes first)
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

FULL: Final = Plan(rounds=4, pause=(2.0, 9.0), together=4)
QUICK: Final = Plan(rounds=1, pause=(3.0, 5.0))

console: Final = Console(stderr=True, width=max(120, Console().width))


def main() -> int:
    """Run, show what came of it, and fail where anything differs."""
    options = _options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it says a hundred times that Kafka is away
    home = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    place = home / "run" / f"chaos-{os.getpid()}"
    plan = QUICK if options.quick else FULL
    console.print(
        f"Starting everything; then {plan.rounds * len(VICTIMS) + plan.together * 2} kills, seed {options.seed} …"
    )
    found = asyncio.run(disturb(place, plan, options.seed))
    console.print(table(found))
    result = as_dict(found) | {"seed": options.seed}
    (home / "results").mkdir(parents=True, exist_ok=True)
    (home / "results" / "chaos.json").write_text(json.dumps(result, indent=2))
    print(json.dumps(result))
    if found.difference or found.dead_letters or not found.control:
        console.print(f"What there is to see lies in {place}")
        return 1
    shutil.rmtree(place)
    return 0


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--quick", action="store_true", help="kill everyone once")
    return parser.parse_args()


def table(found: Found) -> Table:
    """One line a kill, then what was compared."""
    shown = Table("killed", "ready again, s", "works again, s", title="Kills")
    for each in found.kills:
        shown.add_row(each.victim, f"{each.ready:g}", f"{each.works:g}")
    shown.caption = "\n".join(f"{name}: {value}" for name, value in as_dict(found).items() if name != "kills")
    return shown


def as_dict(found: Found) -> dict[str, Any]:
    """Return what was found, for JSON."""
    return vars(found) | {"kills": [each._asdict() for each in found.kills], "difference": found.difference}


if __name__ == "__main__":
    sys.exit(main())
