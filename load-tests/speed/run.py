"""`make speed`: what a camera costs, against the naive pipeline and the floors; what vault and sealing bear; limits."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "load-tests" / "common")]

import destruction  # noqa: E402 (the path comes first)
import floors  # noqa: E402
import heads  # noqa: E402
import leases  # noqa: E402
import limits  # noqa: E402
import queries  # noqa: E402
import sealing  # noqa: E402
import sink  # noqa: E402
import whole  # noqa: E402
import workers  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from measured import Measure, Measured  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

_A_ROW: Final = 3
"""Plots beside each other."""
SHARE: Final = "sealing_share_of_full_frame"

console: Final = Console(stderr=True, width=max(120, Console().width))


def main() -> int:
    """Measure, show, save, and compare with the limits."""
    options = _options()
    found = {name: _measured(name, quick=options.quick) for name in options.only or MEASURES}
    bounds = limits.limits("speed")
    over = [each for one in found.values() for each in limits.missed(one.limited, bounds)]
    console.print(table(found, over))
    result = summary(found) | {"quick": options.quick, "limits_missed": over}
    _save(found, result, _home() / "results", options.pictures)
    print(json.dumps(result))
    return 1 if over else 0


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser.add_argument("--quick", action="store_true", default=quick, help="under a minute; also QUICK=1")
    parser.add_argument("--only", nargs="*", choices=list(MEASURES), help="names of measures")
    parser.add_argument("--pictures", type=Path, help="a folder for the plots that are fit to be published")
    return parser.parse_args()


def _measured(name: str, *, quick: bool) -> Measured:
    console.print(f"{name} …")
    place = _home() / "run" / f"speed-{os.getpid()}" / name
    place.mkdir(parents=True)
    try:
        return MEASURES[name](place, quick=quick)
    finally:
        shutil.rmtree(place.parent)


def _sealing(place: Path, *, quick: bool) -> Measured:
    del place  # it writes nothing
    found = sealing.measure(quick)
    steps = ("encode", "decode", "detect", "full_frame", "seal", "open", "sealing")
    shown = [(step.replace("_", " "), f"{found[f'{step}_ms']:.3f} ms") for step in steps]
    return Measured(
        title=f"Sealing a frame of {found['width']}x{found['height']}, CPU time",
        shown=[*shown, ("share of a full frame", f"{found[SHARE]:.2%}")],
        limited={SHARE: found[SHARE]},
        details=found,
    )


MEASURES: Final[dict[str, Measure]] = {
    "leases": leases.measure,
    "destruction": destruction.measure,
    "sealing": _sealing,
    "sink": sink.measure,
    "queries": queries.measure,
    "floors": floors.measure,
    "whole": whole.measure,
    "workers": workers.measure,
    "heads": heads.measure,
}


def table(found: dict[str, Measured], over: list[str]) -> Table:
    """Show each measure's lines, and below them the limits that were missed."""
    shown = Table("measure", "", "value", title="Speed")
    for one in found.values():
        for number, (what, value) in enumerate(one.shown):
            shown.add_row(one.title if number == 0 else "", what, value)
        shown.add_section()
    shown.caption = "\n".join(over) or "within the limits"
    return shown


def summary(found: dict[str, Measured]) -> dict[str, Any]:
    """Flatten what is bounded; keep the rest by measure."""
    limited = {name: round(value, 4) for one in found.values() for name, value in one.limited.items()}
    return limited | {name: dict(one.details) for name, one in found.items()}


def _save(found: dict[str, Measured], result: dict[str, Any], results: Path, published: Path | None) -> None:
    stem = limits.stem("speed", list(found), list(MEASURES), quick=bool(result["quick"]))
    plots = [plot for one in found.values() for plot in one.plots]
    for folder in (results, *([published] if published else [])):
        folder.mkdir(parents=True, exist_ok=True)
        if plots:
            _draw(plots, folder / f"{stem}.png")
    (results / f"{stem}.json").write_text(json.dumps(result, indent=2))


def _draw(plots: list[Any], path: Path) -> None:
    rows = -(-len(plots) // _A_ROW)
    figure = Figure(figsize=(6 * min(len(plots), _A_ROW), 4 * rows), layout="constrained")
    every = list(figure.subplots(rows, min(len(plots), _A_ROW), squeeze=False).flat)
    for axes in every[len(plots) :]:
        axes.set_visible(False)
    for axes, plot in zip(every, plots, strict=False):
        plot(axes)
    figure.savefig(path, dpi=120)


def _home() -> Path:
    return Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()


if __name__ == "__main__":
    sys.exit(main())
