"""What limits.toml says, and what misses it: for every measure."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parents[1] / "limits.toml"


def limits(measure: str) -> dict[str, Any]:
    """Return the limits of one measure: its table of limits.toml."""
    return dict(tomllib.loads(FILE.read_text())[measure])


def missed(limited: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """Name what is over its upper bound or under its lower one. What no limit bounds is an error: a name is wrong."""
    found = []
    for name, value in limited.items():
        bounds = {bound: limits[bound] for bound in (f"{name}_min", f"{name}_max") if bound in limits}
        if not bounds:
            raise LookupError(f"limits.toml does not bound {name}")
        for bound, limit in bounds.items():
            if not (value >= limit if bound.endswith("_min") else value <= limit):
                found.append(f"{name} {value:g}: {bound} is {limit:g}")
    return found


def stem(measure: str, parts: Sequence[str], every: Sequence[str], *, quick: bool) -> str:
    """Name a result's files: what was measured quickly, or in part, does not take the place of what was in full."""
    some = [] if len(parts) == len(every) else parts
    return "-".join([measure, *(["quick"] if quick else []), *some])
