"""CPU time of the whole system for a camera-second, against the naive pipeline's, and how well both see.

The system is what the demo starts, without devices and console; a fleet of cameras publishes what real devices' core
made of the same pictures, at 5 a second. There are as many cameras as a core of the machine bears, so that what is
spent whether anything comes or not is shared by as many as it would be. All that the server processes use from the
first frame until the last one is handled counts; nothing is taken off.
"""

import asyncio
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
import fleet
import pictures
import same
from fleet import Fleet, Mix, Sent
from measured import Measured
from pictures import FPS, Clip
from system import System, system

from agents.eyes import eyes_of, open_eyes
from agents.pacing import enough, paced
from agents.tuning import tuned
from models.detector import Detector
from pipeline.settings import Settings
from schemas.estate import Profile

MIXES: Final = (Mix("busy", 1.0, 10), Mix("active40", 0.4, 24), Mix("active10", 0.1, 60))
TUNED_ON: Final = 30
"""Pictures of what a camera sees, from which its profile is derived."""
WARM: Final = 22.0
"""A window closes in it: whoever writes the first rows loads its libraries for it."""
SECONDS: Final = 40.0
NAIVE_FRAMES: Final = 40
STAGES_TOLD: Final = {"decode": 3.0, "yunet_640x384": 5.0, "nanodet_fp32_416": 27.9}
"""Milliseconds that the naive stages took where they were measured first; how they stand to each other counts."""
LOAD: Final = 0.7
"""How much of a core may be used, where cameras to a core are told."""
_QUALITY: Final = 80


@dataclass(frozen=True)
class Found:
    """One mix of one kind of pictures."""

    mix: Mix
    kind: str
    sent: Sent
    spent: Mapping[str, float]
    drained: float
    naive: Mapping[str, Any]

    @property
    def ms(self) -> float:
        """CPU-milliseconds of all server processes for one camera-second."""
        return sum(self.spent.values()) / self.sent.camera_seconds * 1e3

    @property
    def naive_ms(self) -> float:
        return float(self.naive["process_ms_a_frame"]) * FPS

    @property
    def ratio(self) -> float:
        return self.naive_ms / self.ms

    def as_dict(self) -> dict[str, Any]:
        each = {name: round(cpu / self.sent.camera_seconds * 1e3, 3) for name, cpu in self.spent.items()}
        return {
            "cameras": self.sent.cameras,
            "seconds": self.sent.seconds,
            "frames": self.sent.frames,
            "stills": self.sent.stills,
            "share_of_frames": round(self.sent.frames / (self.sent.camera_seconds * FPS), 3),
            "kilobytes_a_frame": round(self.sent.bytes / max(1, self.sent.frames) / 1e3, 1),
            "cpu_ms_a_camera_second": round(self.ms, 2),
            "by_process": each,
            "naive_cpu_ms_a_camera_second": round(self.naive_ms, 2),
            "naive_ms": {stage: round(ms, 2) for stage, ms in self.naive["ms"].items()},
            "ratio": round(self.ratio, 3),
            "cameras_a_core": round(LOAD * 1e3 / self.ms, 1),
            "naive_cameras_a_core": round(LOAD * 1e3 / self.naive_ms, 1),
            "drained_after_s": round(self.drained, 1),
        }


def measure(place: Path, *, quick: bool) -> Measured:
    """Run every mix; where it should be quick, the busy one alone, with few cameras, for some seconds."""
    kinds = clips(quick=quick)
    mixes = (Mix("busy", 1.0, 4),) if quick else MIXES
    compared = same.clips(quick=quick)
    profiles = profiles_of([*(clip for seen in kinds.values() for clip in seen), *compared])
    found = asyncio.run(_all(place, mixes, kinds, profiles, quick=quick))
    scores = asyncio.run(_compared(place, compared, profiles))
    shown = [line for each in found for line in _shown(each)]
    shown += [("profiles, as tuned on each clip", ", ".join(map(_named, profiles, profiles.values())))]
    shown += [(f"{each.clip}: IDF1, counting", _both(each)) for each in scores]
    limited = {} if quick else _limited(found, scores)
    return Measured(
        title="The whole system against the naive pipeline",
        shown=[*shown, ("naive stages against where first measured", _stages(found))],
        limited=limited,
        details={
            **{f"{each.mix.name}_{each.kind}": each.as_dict() for each in found},
            "accuracy": {each.clip: each.as_dict() for each in scores},
            "profiles": {clip: profile.model_dump() for clip, profile in profiles.items()},
            "naive_stage_shares_off": stages_off(found),
        },
        plots=[lambda axes: _plot(axes, found), lambda axes: _plot_parts(axes, found)],
    )


def clips(*, quick: bool) -> dict[str, list[Clip]]:
    """Return what is seen, by kind: real footage where there is any, and drawn scenes."""
    drawn = [pictures.drawn_clip(seed, 20 if quick else 70, since=27.0) for seed in ((1,) if quick else (1, 2))]
    real = [] if quick or pictures.footage() is None else [pictures.labelled(name) for name in pictures.LABELLED]
    return ({"footage": real} if real else {}) | {"drawn": drawn}


def profiles_of(seen: Sequence[Clip]) -> dict[str, Profile]:
    """Derive each camera's profile from what it sees, as `mimamori camera tune` does; no truth is looked at."""
    models = Path(os.environ.get("MIMAMORI_HOME", Path(__file__).parents[2] / ".local")) / "models"
    detector = open_eyes(models, eyes_of(Settings().detector))
    return {clip.name: _profile(clip, detector) for clip in seen}


def _profile(clip: Clip, detector: Detector) -> Profile:
    apart = max(1, len(clip.pictures) // TUNED_ON)
    learnt = tuned(clip.pictures[::apart], detector)
    if learnt is None:
        return Profile()
    return learnt.best.model_copy(update={"every": enough(paced(clip.pictures, detector, learnt.best, FPS))})


def _named(clip: str, profile: Profile) -> str:
    return f"{clip} {profile.longest}" + (f" every {profile.every}" if profile.every > 1 else "")


async def _all(
    place: Path,
    mixes: Sequence[Mix],
    kinds: Mapping[str, Sequence[Clip]],
    profiles: Mapping[str, Profile],
    *,
    quick: bool,
) -> list[Found]:
    found = []
    seconds, warm = (6.0, 3.0) if quick else (SECONDS, WARM)
    for mix in mixes:
        for kind, seen in kinds.items():
            # A camera plays one of the clips: fleet.stories and fleet.enrolled go through them in turn.
            each = [profiles[seen[number % len(seen)].name] for number in range(mix.cameras)]
            async with system(place / f"{mix.name}-{kind}", each) as running:
                one = await running.fleet(fleet.stories(seen, mix.active, seconds))
                found.append(await _one(running, one, mix, kind, seen, seconds=seconds, warm=warm))
                running.require_no_deaths()
    return found


async def _compared(place: Path, clips: Sequence[Clip], profiles: Mapping[str, Profile]) -> list[same.Score]:
    async with system(place / "same", [profiles[each.name] for each in clips]) as running:
        scores = await same.compare(running, clips, naive=naive)
        running.require_no_deaths()
        return scores


async def _one(
    running: System, one: Fleet, mix: Mix, kind: str, seen: Sequence[Clip], *, seconds: float, warm: float
) -> Found:
    await one.publish(warm)
    await running.drained()
    jpegs = encoded(seen)
    first = await asyncio.to_thread(naive_everywhere, jpegs)
    before = running.cpu()
    sent = await one.publish(seconds)
    drained = await running.drained(within=600)
    spent = {name: after - before[name] for name, after in running.cpu().items()}
    second = await asyncio.to_thread(naive_everywhere, jpegs)
    return Found(mix, kind, sent, spent, drained, _mean([*first, *second]))


def encoded(seen: Sequence[Clip]) -> list[bytes]:
    """Return some pictures of each clip as JPEGs, as its devices write them."""
    each = NAIVE_FRAMES // len(seen)
    chosen = [one.pictures[number % len(one.pictures)] for one in seen for number in range(each)]
    return [bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]) for picture in chosen]


def naive(jpegs: Sequence[bytes], *, boxes: bool = False) -> dict[str, Any]:
    """Run the naive pipeline over pictures, in a process of its own."""
    return _ended(_started(boxes=boxes), jpegs)


def naive_everywhere(jpegs: Sequence[bytes]) -> list[dict[str, Any]]:
    """Run the naive pipeline once on each core, together: the system too has neighbours on the machine."""
    processes = [_started() for _ in os.sched_getaffinity(0)]
    with_input = [(each, _framed(jpegs)) for each in processes]
    for process, data in with_input[1:]:
        _feed(process, data)
    first = _ended(processes[0], jpegs)
    return [first, *(_result(each) for each in processes[1:])]


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


def _mean(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    stages = {stage: sum(each["ms"][stage] for each in runs) / len(runs) for stage in runs[0]["ms"]}
    return {"ms": stages, "process_ms_a_frame": sum(each["process_ms_a_frame"] for each in runs) / len(runs)}


def stages_off(found: Sequence[Found]) -> dict[str, float]:
    """Say by how much each naive stage's share of all differs from where it was measured first, as a share of that."""
    told = sum(STAGES_TOLD.values())
    runs = _mean([each.naive for each in found])["ms"]
    return {stage: round(runs[stage] / sum(runs.values()) / (ms / told) - 1, 3) for stage, ms in STAGES_TOLD.items()}


def _stages(found: Sequence[Found]) -> str:
    return ", ".join(f"{stage} {off:+.0%}" for stage, off in stages_off(found).items())


def _limited(found: Sequence[Found], scores: Sequence[same.Score]) -> dict[str, float]:
    """The least favourable kind of pictures counts, and the clips together."""
    mixes = dict.fromkeys(each.mix.name for each in found)
    ratios = {f"cpu_ratio_to_naive_{mix}": min(each.ratio for each in found if each.mix.name == mix) for mix in mixes}
    return ratios | {"accuracy_loss_to_naive": same.loss(scores)}


def _shown(found: Found) -> list[tuple[str, str]]:
    cores = f"{LOAD * 1e3 / found.ms:.0f} cameras a core (naive {LOAD * 1e3 / found.naive_ms:.1f})"
    parts = sorted(found.spent.items(), key=lambda each: -each[1])[:3]
    most = ", ".join(f"{name} {cpu / found.sent.camera_seconds * 1e3:.1f}" for name, cpu in parts)
    return [
        (
            f"{found.mix.name}, {found.kind}, {found.mix.cameras} cameras",
            f"{found.ratio:.2f} times less: {found.ms:.1f} ms for a camera-second, naive {found.naive_ms:.0f}; {cores}",
        ),
        ("", f"most of it: {most} ms"),
    ]


def _both(score: same.Score) -> str:
    ours, naive = score.ours, score.naive
    return f"ours {ours.idf1:.3f}, {ours.counting:.2f}; naive {naive.idf1:.3f}, {naive.counting:.2f}"


def _plot(axes: Any, found: Sequence[Found]) -> None:
    names = [f"{each.mix.name}\n{each.kind}" for each in found]
    axes.bar(names, [each.naive_ms for each in found], color="lightgrey", label="naive")
    axes.bar(names, [each.ms for each in found], label="Mimamori, all server processes")
    for number, each in enumerate(found):
        axes.text(number, each.ms, f"{each.ratio:.1f}×", ha="center", va="bottom")
    axes.set(title="CPU for one camera at 5 fps, 1280×720", ylabel="CPU-milliseconds a second")
    axes.legend()


def _plot_parts(axes: Any, found: Sequence[Found]) -> None:
    names = [f"{each.mix.name}\n{each.kind}" for each in found]
    below = [0.0] * len(found)
    for process in found[0].spent:
        values = [each.spent[process] / each.sent.camera_seconds * 1e3 for each in found]
        axes.bar(names, values, bottom=below, label=process)
        below = [low + value for low, value in zip(below, values, strict=True)]
    axes.set(title="Where it goes", ylabel="CPU-milliseconds a camera-second")
    axes.legend(fontsize="small")
