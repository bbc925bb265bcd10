"""`make accuracy`: how right we are, beside peers at their best, against the limits of limits.toml.

Trajectories and labelled clips are read from MIMAMORI_FOOTAGE; without it only what is drawn is measured.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "load-tests" / "common")]

import crossing  # noqa: E402 (the path comes first)
import dwelling  # noqa: E402
import following  # noqa: E402
import hiding  # noqa: E402
import limits  # noqa: E402
import plots  # noqa: E402
import precision  # noqa: E402
import stories  # noqa: E402
from following import Compared  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from search import Memory, Settings  # noqa: E402

console: Final = Console(stderr=True, width=max(120, Console().width))


@dataclass(frozen=True)
class Place:
    """What a measure works with."""

    home: Path
    run: Path
    footage: Path | None
    quick: bool
    settings: Mapping[float, Mapping[str, Settings]] = field(default_factory=dict)
    """Peers' best by rate, once they were sought."""

    @property
    def memory(self) -> Memory:
        """Return what searches found in earlier runs."""
        return Memory(self.home / "accuracy" / "searched")


@dataclass(frozen=True)
class Measured:
    """What one measure gave: rows of text, what limits.toml bounds, the rest, and a plot by name."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    limited: Mapping[str, float]
    details: Any
    pictures: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    settings: Mapping[float, Mapping[str, Settings]] | None = None


def main() -> int:
    """Measure, show, save, and compare with the limits."""
    options = _options()
    began = time.process_time()
    footage = os.environ.get("MIMAMORI_FOOTAGE")
    home = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    run = home / "run" / f"accuracy-{os.getpid()}"
    run.mkdir(parents=True)
    place = Place(home, run, Path(footage) if footage else None, options.quick)
    try:
        found = measured(place, options.only or list(MEASURES))
    finally:
        shutil.rmtree(run)
    bounds = limits.limits("accuracy")
    over = [each for one in found.values() for each in limits.missed(one.limited, bounds)]
    for name, one in found.items():
        console.print(_table(name, one))
    console.print("\n".join(over) or "within the limits")
    limited = {name: round(value, 4) for one in found.values() for name, value in one.limited.items()}
    result = limited | {
        "quick": options.quick,
        "footage": footage is not None,
        "limits_missed": over,
        "cpu_s": round(time.process_time() - began + _children(), 1),
        **{name: one.details for name, one in found.items()},
    }
    _save(found, result, home / "results", options.pictures)
    print(json.dumps(result))
    return 1 if over else 0


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser.add_argument("--quick", action="store_true", default=quick, help="under a minute of CPU; also QUICK=1")
    parser.add_argument("--only", nargs="*", choices=list(MEASURES), help="names of measures")
    parser.add_argument("--pictures", type=Path, help="a folder for the plots that are fit to be published")
    return parser.parse_args()


def measured(place: Place, names: Sequence[str]) -> dict[str, Measured]:
    """Measure one after the other. What needs footage is left out where there is none, and that is said."""
    found: dict[str, Measured] = {}
    for name in MEASURES:
        if name not in names:
            continue
        if name in NEED_FOOTAGE and place.footage is None:
            console.print(f"{name}: left out, MIMAMORI_FOOTAGE is not set")
            continue
        console.print(f"{name} …")
        found[name] = MEASURES[name](place)
        if (settings := found[name].settings) is not None:
            place = Place(place.home, place.run, place.footage, place.quick, settings)
    return found


def _following(place: Place) -> Measured:
    effort = following.QUICK if place.quick else following.FULL
    some = following.materials(place.footage, place.home, effort)
    compared = following.compare(some, place.run, place.memory, effort, _tell)
    whos = [following.OURS, *effort.kinds]
    rows = [
        (
            each.material.sort,
            f"{each.material.fps:.3g}",
            *(_cell(each, who) for who in whos),
            f"{each.best.who} {each.margin}",
        )
        for each in compared
    ]
    return Measured(
        ("IDF1 / MOTA / switches", "frames/s", *whos, "margin over the best peer [95 %]"),
        rows,
        following.limited(compared),
        [each.told() for each in compared],
        {"following": lambda path: plots.following(compared, path)},
        _settings(compared),
    )


def _tell(line: str) -> None:
    console.print(f"  {line}", highlight=False)


def _cell(compared: Compared, who: str) -> str:
    told = compared.told()["ways"][who]
    return f"{told['idf1']:.3f} / {told['mota']:.3f} / {told['switches']}"


def _settings(compared: Sequence[Compared]) -> dict[float, dict[str, Settings]]:
    return {
        each.material.fps: {who: own.found.settings for who, own in each.theirs.items() if own.found}
        for each in compared
        if each.material.sort == following.TRAJECTORIES
    }


def _crossing(place: Place) -> Measured:
    seeds, rates = (2, (2.33,)) if place.quick else (6, crossing.RATES)
    some = crossing.passages(place.footage, seeds)
    settings = {} if place.quick else place.settings
    counted = crossing.measure(some, settings, place.run, place.memory, rates)
    rows = [
        (each.sort, each.hung, f"{each.fps:g}", str(each.truth), *(f"{w} {each.accuracy(w):.3f}" for w in each.wrong))
        for each in counted
    ]
    return Measured(
        ("counting", "camera", "frames/s", "truth", "accuracy", *[""] * (len(counted[0].wrong) - 1)),
        rows,
        crossing.limited(counted),
        crossing.told(counted),
        {"crossing": lambda path: plots.crossing(counted, path)},
    )


def _dwelling(place: Place) -> Measured:
    seeds, rates = (4, (2.33,)) if place.quick else (12, dwelling.RATES)
    dwelt = dwelling.measure(dwelling.shops(seeds), rates)
    rows = [
        (
            f"{each.fps:g}",
            f"{each.truth:.1f} s",
            f"{each.found:.1f} s",
            f"{each.error:.3f}",
            f"{each.visits}, {each.lost}",
        )
        for each in dwelt
    ]
    return Measured(
        ("frames/s", "true median", "found", "error", "visits, of which lost"),
        rows,
        dwelling.limited(dwelt),
        dwelling.told(dwelt),
        {"dwelling": lambda path: plots.dwelling(dwelt, path)},
    )


def _precision(place: Place) -> Measured:
    assert place.footage is not None
    detected = precision.measure(place.footage, place.home / "models", 6 if place.quick else 1)
    rows = [(each.clip, each.profile, f"{each.ap50:.3f}", f"{each.cpu_ms:.1f} ms") for each in detected]
    return Measured(("clip", "profile", "AP50", "CPU a picture"), rows, {}, precision.told(detected))


def _drawn(place: Place) -> Measured:
    seeds, seconds, words = (1, 20, stories.WORDS[:1]) if place.quick else (2, 60, stories.WORDS)
    some = stories.measure(place.home / "models", seeds=seeds, seconds=seconds, words=words)
    rows: list[tuple[str, ...]] = [
        (each.name, f"{each.fps:g}", f"{each.idf1:.3f}", f"{each.crossed}, {each.wrong} wrong", _stay(each))
        for each in some
    ]
    rows += [
        ("all together", f"{fps:g}", *(f"{value:.3f}" for value in stories.together(some, fps)), "")
        for fps in dict.fromkeys(each.fps for each in some)
    ]
    heads = ("drawn story", "frames/s", "IDF1", "crossings", "median stay: true, found")
    return Measured(heads, rows, {}, stories.told(some), {"drawn": lambda path: plots.drawn(some, path)})


def _stay(told: stories.Told) -> str:
    return f"{told.true_stay:.1f} s, {told.stay:.1f} s"


def _hiding(place: Place) -> Measured:
    assert place.footage is not None
    names = ["shop aisle"] if place.quick else list(hiding.CLIPS)
    hid = hiding.measure(place.footage, place.home / "models", 6 if place.quick else 1, names)
    rows = [
        (
            each.clip,
            str(each.faces),
            f"{each.ours / max(1, each.faces):.3f}",
            f"{each.theirs / max(1, each.faces):.3f}",
            f"{each.our_ms:.0f} ms",
            f"{each.their_ms:.0f} ms",
            f"{each.ratio:.1f}",
        )
        for each in hid
    ]
    heads = ("clip", "faces", "hidden", "by deface", "CPU a picture", "of deface", "times as much")
    return Measured(heads, rows, hiding.limited(hid), hiding.told(hid))


MEASURES: Final[dict[str, Callable[[Place], Measured]]] = {
    "following": _following,
    "crossing": _crossing,
    "dwelling": _dwelling,
    "drawn": _drawn,
    "precision": _precision,
    "hiding": _hiding,
}
NEED_FOOTAGE: Final = ("precision", "hiding")


def _table(name: str, one: Measured) -> Table:
    shown = Table(*one.heads, title=name.capitalize())
    for row in one.rows:
        shown.add_row(*row)
    return shown


def _save(found: Mapping[str, Measured], result: Any, results: Path, published: Path | None) -> None:
    stem = limits.stem("accuracy", list(found), list(MEASURES), quick=result["quick"])
    for folder in (results, *([published] if published else [])):
        folder.mkdir(parents=True, exist_ok=True)
        for one in found.values():
            for name, draw in one.pictures.items():
                draw(folder / f"{stem}-{name}.png")
    (results / f"{stem}.json").write_text(json.dumps(result, indent=2))


def _children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


if __name__ == "__main__":
    sys.exit(main())
