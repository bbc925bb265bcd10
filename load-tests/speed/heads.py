"""Hiding heads against `deface`: CPU time for a picture, on the clips and with the code of `make accuracy`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from measured import Measured

SCRIPT: Final = Path(__file__).parents[1] / "accuracy" / "run.py"
RATIO: Final = "hide_heads_cpu_ratio_to_deface"


def measure(place: Path, *, quick: bool) -> Measured:
    """Let both hide the heads of each clip; the clip on which ours does least better counts.

    Needs MIMAMORI_FOOTAGE; without it nothing is measured, and the table says so.
    """
    del place  # it writes nothing
    if not os.environ.get("MIMAMORI_FOOTAGE"):
        return Measured("Hiding heads", [("not measured", "MIMAMORI_FOOTAGE is not set")], {})
    clips = _told(quick=quick)
    shown = [
        (each["clip"], f"{each['cpu_ms']} ms a picture, deface {each['deface_cpu_ms']}: {each['cpu_ratio']} times less")
        for each in clips
    ]
    ratio = min(float(each["cpu_ratio"]) for each in clips)
    return Measured(
        title="Hiding heads, CPU time",
        shown=shown,
        limited={RATIO: ratio},
        details={"clips": clips},
        plots=[lambda axes: _plot(axes, clips)],
    )


def _told(*, quick: bool) -> list[dict[str, Any]]:
    argv = [sys.executable, str(SCRIPT), "--only", "hiding", *(["--quick"] if quick else [])]
    ended = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    # It ends with 1 where a limit of accuracy is missed: that is told there.
    if not ended.stdout.strip():
        raise RuntimeError(f"{SCRIPT} --only hiding said nothing")
    return _clips(json.loads(ended.stdout.splitlines()[-1]))


def _clips(told: Any) -> list[dict[str, Any]]:
    """Find the list of clips, wherever in what was told it lies."""
    if isinstance(told, list):
        return told if told and isinstance(told[0], dict) and "deface_cpu_ms" in told[0] else []
    values = told.values() if isinstance(told, dict) else ()
    return next((found for each in values if (found := _clips(each))), [])


def _plot(axes: Any, clips: list[dict[str, Any]]) -> None:
    names = [each["clip"].replace(" ", "\n") for each in clips]
    axes.bar(names, [each["deface_cpu_ms"] for each in clips], color="lightgrey", label="deface")
    axes.bar(names, [each["cpu_ms"] for each in clips], label="Mimamori")
    axes.set(title="Finding and hiding heads", ylabel="CPU-milliseconds a picture")
    axes.legend()
