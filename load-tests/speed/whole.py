"""CPU time of the whole system for a camera-second, against the naive pipeline's, and how well both see.

The system is what the demo starts, without devices and console; a fleet of cameras publishes what real devices' core
made of the same pictures, at 5 a second. There are as many cameras as a core of the machine bears, so that what is
spent whether anything comes or not is shared by as many as it would be. All that the server processes use from the
first frame until the last one is handled counts; nothing is taken off.

The same work takes more CPU time the more cores are busy. So the naive pipeline is run alone, and on every core at
once, before and after; what counts is its cost at the load that ours ran at, fleet included: between both, in
proportion.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fleet
import naive_runs
import pictures
import policies
import same
from fleet import Fleet, Mix, Sent
from measured import Measured
from naive_runs import Naive
from pictures import FPS, Clip
from policies import Policy
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
LOAD: Final = 0.7
"""How much of a core may be used, where cameras to a core are told."""


@dataclass(frozen=True)
class Found:
    """One mix of one kind of pictures."""

    mix: Mix
    kind: str
    sent: Sent
    spent: Mapping[str, float]
    busy: float
    """Cores that were in use on average: by the server processes, and by the fleet in this one."""
    drained: float
    naive: Naive
    looked: float
    """CPU-milliseconds of detecting for a frame that was sent, measured apart, in this process."""

    @property
    def ms(self) -> float:
        """CPU-milliseconds of all server processes for one camera-second."""
        return sum(self.spent.values()) / self.sent.camera_seconds * 1e3

    @property
    def naive_ms(self) -> float:
        """Those of the naive pipeline, at the like load."""
        return self.naive.at(self.busy, naive_runs.cores()) * FPS

    @property
    def ratio(self) -> float:
        return self.naive_ms / self.ms

    @property
    def ratios(self) -> dict[str, float]:
        """Against the naive pipeline alone, at the like load, and on every core."""
        alone, everywhere = self.naive.alone.ms * FPS / self.ms, self.naive.everywhere.ms * FPS / self.ms
        return {"alone": alone, "like load": self.ratio, "everywhere": everywhere}

    @property
    def frames(self) -> float:
        """Frames that were sent in a camera-second."""
        return self.sent.frames / self.sent.camera_seconds

    def cameras(self, policy: Policy) -> float:
        """Return cameras to a core if frames were looked at by another policy, and all else cost what it does."""
        rest = sum(cpu for name, cpu in self.spent.items() if name != "detecting") / self.sent.camera_seconds * 1e3
        # What detecting does besides looking: Kafka, leases, opening, messages.
        own = self.spent["detecting"] / self.sent.camera_seconds * 1e3 - self.frames * self.looked
        return LOAD * 1e3 / (rest + max(0.0, own) + self.frames * policy.ms)

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
            "cores_busy": round(self.busy, 3),
            "utilisation": round(self.busy / naive_runs.cores(), 3),
            "naive_cpu_ms_a_camera_second": round(self.naive_ms, 2),
            "naive": self.naive.as_dict(),
            "ratio": round(self.ratio, 3),
            "ratios": {name: round(ratio, 3) for name, ratio in self.ratios.items()},
            "cameras_a_core": round(LOAD * 1e3 / self.ms, 1),
            "naive_cameras_a_core": round(LOAD * 1e3 / self.naive_ms, 1),
            "drained_after_s": round(self.drained, 1),
        }


def measure(place: Path, *, quick: bool) -> Measured:
    """Run every mix; where it should be quick, the busy one alone, with few cameras, for some seconds."""
    kinds = clips(quick=quick)
    mixes = (Mix("busy", 1.0, 4),) if quick else MIXES
    compared = same.clips(quick=quick)
    detector = _detector()
    profiles = profiles_of([*(clip for seen in kinds.values() for clip in seen), *compared], detector)
    ways = {kind: policies.measure(seen, profiles, detector, quick=quick) for kind, seen in kinds.items()}
    found = asyncio.run(_all(place, mixes, kinds, profiles, ways, quick=quick))
    scores = asyncio.run(_compared(place, compared, profiles))
    shown = [line for each in found for line in _shown(each)]
    shown += [line for kind, some in ways.items() for line in _by_policy(kind, some, found)]
    shown += [("profiles, as tuned on each clip", ", ".join(map(_named, profiles, profiles.values())))]
    shown += [(f"{each.clip}: IDF1, of looked at, counting", _both(each)) for each in scores]
    shown += [(f"lost to naive, {kind}", _lost(lost)) for kind, lost in same.losses(scores).items()]
    naive = naive_runs.mean([each.naive for each in found])
    limited = {} if quick else _limited(found, scores)
    return Measured(
        title="The whole system against the naive pipeline",
        shown=[*shown, *_stages(naive)],
        limited=limited,
        details={
            **{f"{each.mix.name}_{each.kind}": each.as_dict() for each in found},
            "accuracy": {each.clip: each.as_dict() for each in scores},
            "lost": {kind: lost._asdict() for kind, lost in same.losses(scores).items()},
            "policies": {kind: _of_policies(kind, some, found) for kind, some in ways.items()},
            "profiles": {clip: profile.model_dump() for clip, profile in profiles.items()},
            "naive_stage_shares_off": naive_runs.stages_off(naive.alone),
            "naive_stage_shares_off_everywhere": naive_runs.stages_off(naive.everywhere),
        },
        plots=[
            lambda axes: _plot(axes, found),
            lambda axes: _plot_parts(axes, found),
            lambda axes: _plot_policies(axes, ways, found),
        ],
    )


def clips(*, quick: bool) -> dict[str, list[Clip]]:
    """Return what is seen, by kind: real footage where there is any, and drawn scenes."""
    drawn = [pictures.drawn_clip(seed, 20 if quick else 70, since=27.0) for seed in ((1,) if quick else (1, 2))]
    real = [] if quick or pictures.footage() is None else [pictures.labelled(name) for name in pictures.LABELLED]
    return ({"footage": real} if real else {}) | {"drawn": drawn}


def _detector() -> Detector:
    models = Path(os.environ.get("MIMAMORI_HOME", Path(__file__).parents[2] / ".local")) / "models"
    return open_eyes(models, eyes_of(Settings().detector))


def profiles_of(seen: Sequence[Clip], detector: Detector) -> dict[str, Profile]:
    """Derive each camera's profile from what it sees, as `mimamori camera tune` does; no truth is looked at."""
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
    ways: Mapping[str, Sequence[Policy]],
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
                looked = next(each.ms for each in ways[kind] if each.name == policies.AS_RUN)
                found.append(await _one(running, one, mix, kind, seen, looked=looked, seconds=seconds, warm=warm))
                running.require_no_deaths()
    return found


async def _compared(place: Path, clips: Sequence[Clip], profiles: Mapping[str, Profile]) -> list[same.Score]:
    async with system(place / "same", [profiles[each.name] for each in clips]) as running:
        scores = await same.compare(running, clips)
        running.require_no_deaths()
        return scores


async def _one(
    running: System,
    one: Fleet,
    mix: Mix,
    kind: str,
    seen: Sequence[Clip],
    *,
    looked: float,
    seconds: float,
    warm: float,
) -> Found:
    await one.publish(warm)
    await running.drained()
    jpegs = naive_runs.encoded(seen, NAIVE_FRAMES)
    first = await asyncio.to_thread(naive_runs.run, jpegs)
    before, own, began = running.cpu(), time.process_time(), time.monotonic()
    sent = await one.publish(seconds)
    drained = await running.drained(within=600)
    spent = {name: after - before[name] for name, after in running.cpu().items()}
    busy = (sum(spent.values()) + time.process_time() - own) / (time.monotonic() - began)
    second = await asyncio.to_thread(naive_runs.run, jpegs)
    return Found(mix, kind, sent, spent, busy, drained, naive_runs.mean([first, second]), looked)


def _stages(naive: Naive) -> list[tuple[str, str]]:
    """Say whether the stages stand to each other as where they were measured first."""
    shown = []
    for where, cost in (("alone", naive.alone), ("everywhere", naive.everywhere)):
        off = naive_runs.stages_off(cost)
        told = ", ".join(f"{stage} {ms:.2f} ms ({off[stage]:+.0%})" for stage, ms in cost.stages.items())
        within = all(abs(each) <= naive_runs.STAGES_WITHIN for each in off.values())
        how = "within" if within else "NOT WITHIN"
        shown.append((f"naive stages {where}", f"{told}: {how} {naive_runs.STAGES_WITHIN:.0%} of where first measured"))
    return shown


def _limited(found: Sequence[Found], scores: Sequence[same.Score]) -> dict[str, float]:
    """The least favourable kind of pictures counts."""
    mixes = dict.fromkeys(each.mix.name for each in found)
    ratios = {f"cpu_ratio_to_naive_{mix}": min(each.ratio for each in found if each.mix.name == mix) for mix in mixes}
    return ratios | {"accuracy_loss_to_naive": same.loss(scores)}


def _shown(found: Found) -> list[tuple[str, str]]:
    cores = f"{LOAD * 1e3 / found.ms:.0f} cameras a core (naive {LOAD * 1e3 / found.naive_ms:.1f})"
    parts = sorted(found.spent.items(), key=lambda each: -each[1])[:3]
    most = ", ".join(f"{name} {cpu / found.sent.camera_seconds * 1e3:.1f}" for name, cpu in parts)
    naive = found.naive
    ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found.ratios.items())
    return [
        (
            f"{found.mix.name}, {found.kind}, {found.mix.cameras} cameras",
            f"{found.ratio:.2f} times less: {found.ms:.1f} ms for a camera-second, naive {found.naive_ms:.0f}; {cores}",
        ),
        ("", f"{found.busy:.2f} of {naive_runs.cores()} cores busy; times less than naive {ratios}"),
        ("", f"naive alone {naive.alone.ms * FPS:.0f} ms, everywhere {naive.everywhere.ms * FPS:.0f}"),
        ("", f"most of it: {most} ms"),
    ]


def _by_policy(kind: str, ways: Sequence[Policy], found: Sequence[Found]) -> list[tuple[str, str]]:
    """One line for each way of looking: what a frame costs, and cameras to a core by how busy it is."""
    mine = [each for each in found if each.kind == kind]
    return [
        (
            f"cameras a core, {kind}: {way.name}",
            f"{way.ms:.1f} ms a frame; " + ", ".join(f"{each.mix.name} {each.cameras(way):.0f}" for each in mine),
        )
        for way in ways
    ]


def _of_policies(kind: str, ways: Sequence[Policy], found: Sequence[Found]) -> dict[str, Any]:
    mine = [each for each in found if each.kind == kind]
    return {
        way.name: {
            "detecting_ms_a_frame": round(way.ms, 2),
            "cameras_a_core": {each.mix.name: round(each.cameras(way), 1) for each in mine},
        }
        for way in ways
    }


def _both(score: same.Score) -> str:
    return "; ".join(
        f"{name} {seen.everywhere.idf1:.3f}, {seen.looked_at.idf1:.3f}, {seen.counting:.2f}"
        for name, seen in (("ours", score.ours), ("naive", score.naive))
    )


def _lost(lost: same.Loss) -> str:
    return (
        f"IDF1 {lost.idf1:+.4f}, of looked at {lost.idf1_of_looked_at:+.4f}, counting {lost.counting:+.4f} "
        "(above 0: ours is worse)"
    )


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


def _plot_policies(axes: Any, ways: Mapping[str, Sequence[Policy]], found: Sequence[Found]) -> None:
    mixes = list(dict.fromkeys(each.mix.name for each in found))
    kind = found[0].kind
    mine = {each.mix.name: each for each in found if each.kind == kind}
    high = 0.8 / len(mixes)
    for place, mix in enumerate(mixes):
        rows = [number + place * high for number in range(len(ways[kind]))]
        axes.barh(rows, [mine[mix].cameras(way) for way in ways[kind]], height=high, label=mix)
    axes.set_yticks(range(len(ways[kind])), [way.name for way in ways[kind]], fontsize="small")
    axes.set(title=f"Cameras to a core ({LOAD:.0%} used), {kind}", xlabel="cameras")
    axes.legend(fontsize="small")
