"""`make forgetting`: canaries and keys are sought everywhere after their time; controls show that the search sees."""

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import time
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from harness import Found, Plan, forget  # noqa: E402 (the path comes first)
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

FULL: Final = Plan(
    ttl=timedelta(seconds=20), canaries=400, a_second=4.0,
    kills=("vault", "detecting", "watching", "console", "device-ginza-entrance", "recording", "kafka", "vault"),
    pause=3.0, kafka_down=timedelta(seconds=30), after=timedelta(seconds=30), ahead=timedelta(seconds=60),
    evidence=timedelta(minutes=2), pictures=200,
)  # fmt: skip
QUICK: Final = Plan(
    ttl=timedelta(seconds=12), canaries=200, a_second=20.0, kills=("vault", "detecting", "watching"), pause=0.3,
    kafka_down=timedelta(seconds=4), after=timedelta(seconds=1), ahead=timedelta(seconds=20), memory_of_all=False,
    evidence=timedelta(seconds=30), pictures=100, check_ms=500,
)  # fmt: skip

_OPENED_MIN: Final = 5
"""What was never opened could not leak; a slow machine opens few before they expire."""

LATENESS: Final = (
    "lateness",
    "lateness_vault_up",
    "lateness_on_disk",
    "lateness_on_disk_vault_up",
    "lateness_kafka_down",
)

_TOLD_EARLY_MAX: Final = 0.5
"""Seconds: the vault notes the time when it begins to destroy."""

console: Final = Console(stderr=True, width=max(150, Console().width))


def main() -> int:
    """Run, show what was found where, and compare with the limits."""
    options = _options()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it says a hundred times that Kafka is away
    home = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    place = home / "run" / f"forgetting-{os.getpid()}"
    found = asyncio.run(forget(place, QUICK if options.quick else FULL, _tell))
    console.print(table(found))
    result = as_dict(found)
    result["limits_missed"] = missed(result)
    (home / "results").mkdir(parents=True, exist_ok=True)
    (home / "results" / "forgetting.json").write_text(json.dumps(result, indent=2))
    print(json.dumps(result))
    if result["limits_missed"]:
        console.print("Missed: " + "; ".join(result["limits_missed"]))
        console.print(f"What there is to see lies in {place}")
        return 1
    shutil.rmtree(place)
    return 0


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser.add_argument("--quick", action="store_true", default=quick, help="a short run; also QUICK=1")
    return parser.parse_args()


_BEGAN: Final = time.monotonic()


def _tell(line: str) -> None:
    console.print(f"{time.monotonic() - _BEGAN:6.1f} s  {line}")


def table(found: Found) -> Table:
    """One line a place."""
    shown = Table("place", title="What was found after its time")
    for column in ("files", "MB scanned", "control", "canaries", "destroyed keys"):
        shown.add_column(column, justify="right")
    for row in found.rows:
        control = "found" if row.control else f"MISSING {', '.join(row.missing[:4])}"
        shown.add_row(
            row.place, str(row.files or ""), f"{row.scanned / 1e6:.1f}", control,
            str(row.canaries.total()), str(len(row.keys)),
        )  # fmt: skip
    told = {name: value for name, value in as_dict(found).items() if name != "rows"}
    shown.caption = "\n".join(
        [*(f"{name}: {value}" for name, value in told.items())] + [line for row in found.rows for line in row.where[:6]]
    )
    return shown


def as_dict(found: Found) -> dict[str, Any]:
    """Return what was found, for JSON."""
    return {
        "canaries_planted": found.planted,
        "canaries_found": sum(row.canaries.total() for row in found.rows),
        "destroyed_keys_found": len({key for row in found.rows for key in row.keys}),
        "controls_missing": sum(not row.control for row in found.rows),
        "bytes_not_decoded": sum(row.unread for row in found.rows),
        "bytes_scanned": sum(row.scanned for row in found.rows),
        **{name: value for name, value in vars(found).items() if name not in {"rows", "planted"}},
        "kills_done": len(found.kills),
        "rows": [row.as_dict() for row in found.rows],
    }


def missed(result: dict[str, Any]) -> list[str]:
    """Compare with load-tests/limits.toml, and with what makes the rest worth anything."""
    limits = tomllib.loads((ROOT / "load-tests" / "limits.toml").read_text())["forgetting"]
    p99, longest = "destruction_lateness_s_p99_max", "destruction_lateness_s_max"
    checks = {
        f"canaries planted {result['canaries_planted']}": result["canaries_planted"] >= limits["canaries_planted_min"],
        f"canaries found {result['canaries_found']}": result["canaries_found"] <= limits["canaries_found_max"],
        f"destroyed keys found {result['destroyed_keys_found']}": result["destroyed_keys_found"]
        <= limits["destroyed_keys_found_max"],
        f"controls missing {result['controls_missing']}": result["controls_missing"] <= limits["controls_missing_max"],
        f"kills {result['kills_done']}": result["kills_done"] >= limits["kills_min"],
        f"rebalances {result['rebalances']}": result["rebalances"] >= 1,
        f"broker restarts {result['broker_restarts']}": result["broker_restarts"] >= 1,
        **{f"p99 of {name} {result[name]['p99']} s": result[name]["p99"] <= limits[p99] for name in LATENESS},
        **{f"{name} {result[name]['max']} s": result[name]["max"] <= limits[longest] for name in LATENESS},
        **{f"{name} of {result[name]['keys']} keys": result[name]["keys"] > 0 for name in LATENESS},
        f"slot keys {result['in_ring_after_told_s']} s in the ring after they were told to be destroyed": result[
            "in_ring_after_told_s"
        ]
        <= _TOLD_EARLY_MAX,
        f"bytes not decoded {result['bytes_not_decoded']}": result["bytes_not_decoded"] == 0,
        f"places not read: {', '.join(result['places_missing'])}": not result["places_missing"],
        f"evidence {result['evidence']}": result["evidence"] > 0,
        f"{result['evidence_opens_after']} clips open after their time": result["evidence_opens_after"] == 0,
        f"no canary in {result['evidence']} clips": bool(result["evidence_canaries"]),
        f"{result['overdue']} keys overdue": result["overdue"] == 0,
        f"{result['opened']} canary frames opened": result["opened"] >= _OPENED_MIN,
    }
    return [what for what, good in checks.items() if not good]


if __name__ == "__main__":
    sys.exit(main())
