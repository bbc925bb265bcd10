"""Runs of the naive pipeline, each in a process of its own: one alone, or one on each core together."""

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
from pictures import Clip

STAGES_TOLD: Final = {"decode": 3.0, "yunet_640x384": 5.0, "nanodet_fp32_416": 27.9}
"""Milliseconds that the stages took where they were measured first; how they stand to each other counts."""
STAGES_WITHIN: Final = 0.15
_QUALITY: Final = 80


@dataclass(frozen=True)
class Cost:
    """CPU-milliseconds of a frame, in all and by stage."""

    ms: float
    stages: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        return {"ms": round(self.ms, 2), "stages": {stage: round(ms, 2) for stage, ms in self.stages.items()}}


@dataclass(frozen=True)
class Naive:
    """What a frame costs while the machine is otherwise as it is: with one core busy, and with all of them.

    A busy core slows its neighbours: they share caches, memory and what power there is.
    """

    alone: Cost
    everywhere: Cost

    def at(self, busy: float, cores: int) -> float:
        """Return CPU-milliseconds of a frame where so many cores are busy: on the straight line between one and all."""
        share = min(max((busy - 1) / (cores - 1), 0.0), 1.0) if cores > 1 else 1.0
        return self.alone.ms + share * (self.everywhere.ms - self.alone.ms)

    def as_dict(self) -> dict[str, Any]:
        return {"alone": self.alone.as_dict(), "everywhere": self.everywhere.as_dict()}


def cores() -> int:
    """Return how many cores there are for us."""
    return len(os.sched_getaffinity(0))


def encoded(seen: Sequence[Clip], count: int) -> list[bytes]:
    """Return so many pictures, some of each clip, as JPEGs, as its devices write them."""
    each = count // len(seen)
    chosen = [one.pictures[number % len(one.pictures)] for one in seen for number in range(each)]
    return [bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]) for picture in chosen]


def run(jpegs: Sequence[bytes]) -> Naive:
    """Run it over pictures alone, then on each core together."""
    alone = _cost([_ended(_started(), jpegs)])
    return Naive(alone, _cost(_everywhere(jpegs)))


def mean(runs: Sequence[Naive]) -> Naive:
    """Return the mean of some runs."""
    return Naive(_mean([each.alone for each in runs]), _mean([each.everywhere for each in runs]))


def people(jpegs: Sequence[bytes]) -> list[Any]:
    """Return the boxes that it finds in each picture."""
    return list(_ended(_started(boxes=True), jpegs)["boxes"])


def stages_off(cost: Cost) -> dict[str, float]:
    """Say by how much each stage's share of all differs from where it was measured first, as a share of that."""
    told, all_ = sum(STAGES_TOLD.values()), sum(cost.stages.values())
    return {stage: round(cost.stages[stage] / all_ / (ms / told) - 1, 3) for stage, ms in STAGES_TOLD.items()}


def _everywhere(jpegs: Sequence[bytes]) -> list[dict[str, Any]]:
    processes = [_started() for _ in range(cores())]
    for each in processes:
        _feed(each, _framed(jpegs))
    return [_result(each) for each in processes]


def _cost(runs: Sequence[Mapping[str, Any]]) -> Cost:
    return _mean([Cost(float(each["process_ms_a_frame"]), each["ms"]) for each in runs])


def _mean(costs: Sequence[Cost]) -> Cost:
    stages = {stage: sum(each.stages[stage] for each in costs) / len(costs) for stage in costs[0].stages}
    return Cost(sum(each.ms for each in costs) / len(costs), stages)


def _started(*, boxes: bool = False) -> subprocess.Popen[bytes]:
    models = Path(os.environ.get("MIMAMORI_HOME", Path(__file__).parents[2] / ".local")) / "models"
    argv = [sys.executable, str(Path(__file__).with_name("naive.py")), "--models", str(models)]
    argv += ["--boxes"] if boxes else []
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _framed(jpegs: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack(">I", len(jpeg)) + jpeg for jpeg in jpegs)


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write in a thread: a pipe holds little, and the others must begin too."""

    def write() -> None:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()

    threading.Thread(target=write).start()


def _ended(process: subprocess.Popen[bytes], jpegs: Sequence[bytes]) -> dict[str, Any]:
    _feed(process, _framed(jpegs))
    return _result(process)


def _result(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    told = process.stdout.read()
    if process.wait():
        raise RuntimeError("the naive pipeline failed")
    return dict(json.loads(told))
