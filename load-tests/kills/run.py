"""`make kills`: kills, stops and rebalances; nothing may be lost, doubled or wrong.

First a real stage alone on real Kafka, in variants; then the whole path, over one recorded `frames.v1` of three
cameras.
"""

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

import whole  # noqa: E402 (the path comes first)
from harness import Found, Run, Variant, summary  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from pipeline.local import java, kafka  # noqa: E402

FULL: Final = (
    Variant("one-worker", 1, (("kill", 10), ("term", 4), ("stop", 2)), milliseconds=1.0, rate=50),
    Variant("two-workers", 2, (("kill", 6), ("term", 4), ("stop", 6), ("join", 3)), milliseconds=2.0, rate=60),
    Variant("two-workers-compacting", 2, (("kill", 6), ("term", 3), ("stop", 6), ("join", 3)), compacting=True),
    Variant("seated", 2, (("kill", 6), ("term", 2), ("stop", 3), ("twin", 3)), compacting=True, seated=True),
    Variant("broker", 2, (("kill", 2), ("stop", 1), ("broker", 3)), compacting=True),
)
_SHORT: Final = (("kill", 2), ("term", 1), ("stop", 1), ("join", 1))
QUICK: Final = (Variant("quick", 2, _SHORT, compacting=True, rate=40, pause=(0.2, 0.8)),)

WHOLE: Final = "whole-path"

console: Final = Console(stderr=True, width=max(150, Console().width))


def main() -> int:
    """Run the variants, show what came of them, and compare with the limits."""
    # While the broker is down its clients say so, four times a second.
    logging.basicConfig(level=logging.CRITICAL)
    options = _options()
    variants = _chosen(options)
    found = [_run(variant, options.seed) for variant in variants]
    result: dict[str, Any] = {"seed": options.seed, "limits_missed": []}
    missed: list[str] = []
    if found:
        console.print(table(found))
        result |= summary(found)
        missed += _missed(result, complete=variants == list(FULL))
    if not options.only or WHOLE in options.only:
        path = _run_whole(whole.QUICK if options.quick else whole.FULL, options.seed)
        console.print(table_of_whole(path))
        result[WHOLE] = path.as_dict()
        missed += _missed_by_whole(path, complete=not options.quick)
    result["limits_missed"] = missed
    _save(result)
    print(json.dumps(result))
    return 1 if missed else 0


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=2026)
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser.add_argument("--quick", action="store_true", default=quick, help="one short variant; also QUICK=1")
    names = [*(each.name for each in (*FULL, *QUICK)), WHOLE]
    parser.add_argument("--only", nargs="*", choices=names, help="names of variants")
    return parser.parse_args()


def _chosen(options: Any) -> list[Variant]:
    if options.only:
        return [each for each in (*FULL, *QUICK) if each.name in options.only]
    return list(QUICK if options.quick else FULL)


def _home() -> Path:
    return Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local"))


def _run(variant: Variant, seed: int) -> Found:
    console.print(
        f"{variant.name}: {variant.workers} workers, {sum(n for _, n in variant.disturbances)} disturbances …"
    )
    place = _home() / "run" / "kills" / variant.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    port, controller_port = kafka.free_ports(2)
    libs, runtime = kafka.provision(_home()), java.provision(_home())
    broker = kafka.Process(kafka.Kafka(place / "kafka", libs, runtime, port, controller_port, cleaner_backoff_ms=200))
    broker.start()
    try:
        return asyncio.run(Run(variant, broker, seed, place).run())
    finally:
        broker.stop()


def table(found: list[Found]) -> Table:
    """Show one line a variant."""
    columns: dict[str, Callable[[Found], str]] = {
        "variant": lambda each: each.variant,
        "messages": lambda each: str(each.messages),
        "disturbed": lambda each: " ".join(f"{kind} {count}" for kind, count in each.done.items()),
        "ended itself": lambda each: str(each.exits["70"]),
        "wrong states": lambda each: str(each.wrong_states),
        "outputs missing / wrong": lambda each: f"{each.missing_outputs} / {each.wrong_outputs}",
        "unhandled": lambda each: str(each.unhandled),
        "sent twice": lambda each: str(each.duplicate_outputs),
        "zombie states": lambda each: str(each.late_states),
        "state records (cleaned)": lambda each: f"{each.state_records} ({each.compacted_away})",
        "s": lambda each: f"{each.seconds:.0f}",
    }
    shown = Table(*columns, title="Kills, stops and rebalances")
    for each in found:
        shown.add_row(*(cell(each) for cell in columns.values()))
    return shown


def _run_whole(plan: whole.Plan, seed: int) -> whole.Found:
    console.print(
        f"{WHOLE}: {plan.span.total_seconds():g} s of three cameras, played twice, {len(plan.victims)} kills …"
    )
    place = _home().absolute() / "run" / f"kills-{os.getpid()}"
    try:
        return asyncio.run(whole.replay_killed(place, plan, seed))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def table_of_whole(found: whole.Found) -> Table:
    """Show who was killed with how much before them, and what differed."""
    shown = Table("killed", "records in flight", title="The whole path, killed during a replay")
    for each in found.kills:
        shown.add_row(each.victim, "?" if each.lag is None else str(each.lag))
    rows = ", ".join(f"{name} {count} ({found.differ[name]} differ)" for name, count in found.rows.items())
    shown.caption = (
        f"{found.records} records; rows: {rows}; spoilt on purpose, {found.control} differ\n"
        f"crossings: {found.crossings} true, {found.crossings_missed} missed left alone, "
        f"{found.crossings_missed_when_killed} missed when killed; {found.seconds[0]:g} s and {found.seconds[1]:g} s"
    )
    return shown


def _missed_by_whole(found: whole.Found, *, complete: bool) -> list[str]:
    limits = tomllib.loads((ROOT / "load-tests" / "limits.toml").read_text())["kills"]
    missed = []
    if found.difference > limits["aggregate_difference_max"]:
        missed.append(f"{WHOLE}: difference {found.difference} > {limits['aggregate_difference_max']}")
    if not found.control or not min(found.rows.values()):
        missed.append(f"{WHOLE}: there was nothing to compare")
    if complete and len(found.kills) < limits["kills_min"]:
        missed.append(f"{WHOLE}: {len(found.kills)} kills < {limits['kills_min']}")
    if complete and 2 * found.in_flight < len(found.kills):
        missed.append(f"{WHOLE}: only {found.in_flight} of {len(found.kills)} kills met messages in flight")
    return missed


def _missed(result: dict[str, Any], *, complete: bool) -> list[str]:
    limits = tomllib.loads((ROOT / "load-tests" / "limits.toml").read_text())["kills"]
    missed = []
    if result["aggregate_difference"] > limits["aggregate_difference_max"]:
        missed.append(f"aggregate_difference {result['aggregate_difference']} > {limits['aggregate_difference_max']}")
    if complete and result["kills"] < limits["kills_min"]:
        missed.append(f"kills {result['kills']} < {limits['kills_min']}")
    return missed


def _save(result: dict[str, Any]) -> None:
    results = _home() / "results"
    results.mkdir(parents=True, exist_ok=True)
    (results / "kills.json").write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    sys.exit(main())
