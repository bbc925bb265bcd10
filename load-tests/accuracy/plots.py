"""Plots over the frame rate: who follows, who counts, how far off the median of dwelling is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import following as _following
from crossing import Counted
from dwelling import Dwelt
from following import Compared
from matplotlib.figure import Figure
from stories import Told, together

_OURS: Final[dict[str, Any]] = {"color": "#0b6e4f", "linewidth": 2.5, "marker": "o", "zorder": 5}
_THEIRS: Final[dict[str, Any]] = {"linewidth": 1.2, "marker": ".", "alpha": 0.9}


def following(compared: Sequence[Compared], path: Path) -> None:
    """Draw IDF1 of everybody, one plot for each sort of material."""
    sorts = list(dict.fromkeys(each.material.sort for each in compared))
    figure = Figure(figsize=(5 * len(sorts), 4), layout="constrained")
    for axes, sort in zip(figure.subplots(1, len(sorts), squeeze=False)[0], sorts, strict=True):
        own = [each for each in compared if each.material.sort == sort]
        rates = [each.material.fps for each in own]
        for who in own[0].theirs:
            axes.plot(rates, [each.theirs[who].idf1 for each in own], label=f"{who}, best of settings", **_THEIRS)
        axes.plot(rates, [each.ours.idf1 for each in own], label=_following.OURS, **_OURS)
        _dress(
            axes, f"{sort} ({len(own[0].material.scenes)} scenes)" if sort == _following.TRAJECTORIES else sort, "IDF1"
        )
    figure.savefig(path, dpi=120)


def crossing(counted: Sequence[Counted], path: Path) -> None:
    """Draw the accuracy of counts, one plot for each sort, with cameras hung for counting."""
    own = [each for each in counted if each.hung == "for counting"]
    sorts = list(dict.fromkeys(each.sort for each in own))
    figure = Figure(figsize=(5 * len(sorts), 4), layout="constrained")
    for axes, sort in zip(figure.subplots(1, len(sorts), squeeze=False)[0], sorts, strict=True):
        some = [each for each in own if each.sort == sort]
        for who in dict.fromkeys(name for each in some for name in each.wrong):
            told = [(each.fps, each.accuracy(who)) for each in some if who in each.wrong]
            axes.plot(*zip(*told, strict=True), label=who, **(_OURS if who == _following.OURS else _THEIRS))
        axes.axhline(0.97, color="grey", linestyle=":")
        _dress(axes, f"{sort} ({some[0].truth} crossings)", "accuracy of counts")
    figure.savefig(path, dpi=120)


def dwelling(dwelt: Sequence[Dwelt], path: Path) -> None:
    """Draw the median of how long people stayed, and the truth."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([each.fps for each in dwelt], [each.found for each in dwelt], label=_following.OURS, **_OURS)
    axes.axhline(dwelt[0].truth, color="grey", linestyle=":", label="truth")
    axes.set_ylim(bottom=0)
    _dress(axes, f"drawn shops ({dwelt[0].true_visits} visits)", "median stay, seconds")
    figure.savefig(path, dpi=120)


def drawn(some: Sequence[Told], path: Path) -> None:
    """Draw IDF1 and the accuracy of counts of each kind of story, by rate."""
    rates = sorted({each.fps for each in some}, reverse=True)
    kinds = list(dict.fromkeys(_kind(each) for each in some))
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, place, what in zip(figure.subplots(1, 2), (0, 1), ("IDF1", "accuracy of counts"), strict=True):
        for number, fps in enumerate(rates):
            values = [together([each for each in some if _kind(each) == kind], fps)[place] for kind in kinds]
            axes.barh([at - 0.4 * number for at in range(len(kinds))], values, 0.36, label=f"{fps:g} frames/s")
        axes.set_yticks([at - 0.2 for at in range(len(kinds))], kinds if place == 0 else [""] * len(kinds))
        axes.set_xlim(0, 1)
        axes.set_title(f"drawn shops: {what}")
        axes.grid(axis="x", alpha=0.3)
        axes.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=120)


def _kind(told: Told) -> str:
    return told.name.partition("?")[2].partition("&seconds")[0].replace("&", ", ")


def _dress(axes: Any, title: str, what: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("frames a second")
    axes.set_ylabel(what)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
