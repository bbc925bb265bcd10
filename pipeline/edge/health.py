"""A camera's health from the gate's small grey pictures: well, covered, defocused, moved, frozen or silent.

Every two seconds the picture's edges are compared with the usual ones, which are learnt while nothing ails the camera.
People hide edges for a while; a cover, a blur or another view takes them all and keeps them (facts/motion-and-flow
§4b; the family is that of Lee et al. 2015, edges that disappear). All is measured against the picture's own contrast,
so that another light is no ailment.

What cannot be told: a shop that goes entirely dark looks as a covered lens does. And what the camera sees in its
first twenty seconds is the usual: after the view was changed on purpose, and the lines and zones with it, start the
publisher anew.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.edge.gate import Gray
from schemas.health import CameraState, Picture

Often: TypeAlias = npt.NDArray[np.float32]
"""Shares from 0 to 1: float32 of (height, width)."""

EVERY: Final = timedelta(seconds=2)
"""So often a picture is measured, and compared with the one that was measured before it."""
AGAIN: Final = timedelta(minutes=1)
"""So often a state is told that has not changed: who begins to listen knows it soon."""

_WIDE: Final = 192
_TILES: Final = (8, 6)
_OVERVIEW: Final = (16, 12)
_SLOPE: Final = 1.6
"""An edge is this much steeper than the picture's standard deviation …"""
_NOISE: Final = 24.0
"""… and than this, in grey levels as Sobel counts them."""
_EMPTY: Final = 0.002
"""With so small a share of edges there is nothing to learn from."""
_PART: Final = 0.02
"""A part of the picture with a smaller share of edges says nothing."""
_AROUND: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Rules:
    """From when on something ails a camera."""

    edges: float = 0.2
    """Share of the usual edges: with fewer there is something before the lens."""
    bare: float = 0.28
    """Share of the picture's parts that have edges usually and now have none."""
    sharpness: float = 0.2
    alike: float = 0.65
    """Correlation of the picture's rough overview with the usual: out of focus it stays, under a cover it does not."""
    shift: float = 1.0
    """Pixels of what is measured, 192 wide; the median of some looks: a camera that shakes has not moved."""
    response: float = 0.2
    fits: float = 0.65
    """Share of the picture's parts that fit better where the view has gone to: a person moves one part, not most."""
    gain: float = 0.06
    """And so much better they fit all in all."""
    as_many: float = 0.75
    """Of as many edges as usual: with so many the lens is not covered."""
    elsewhere: float = 0.34
    """Of the usual edges, beyond what chance would leave: below it the view is another one."""
    learns: int = 10
    """Looks before the first judgement."""
    memory: int = 60
    """Looks: what has been otherwise for so many is usual."""
    shifts: int = 7
    looks: int = 6
    """A state is told when all but one of so many looks say so: after 10 to 20 seconds."""
    frozen_after: timedelta = timedelta(seconds=20)
    silent_after: timedelta = timedelta(seconds=20)


RULES: Final = Rules()


class Health(NamedTuple):
    """How a camera is, since when, and what was measured last."""

    state: CameraState
    since: datetime
    time: datetime
    numbers: Picture | None


@dataclass(frozen=True)
class Usual:
    """How a camera sees when nothing ails it."""

    often: Often
    """How often there is an edge."""
    overview: Often
    sharpness: float
    looks: int = 1


@dataclass(frozen=True)
class State:
    """What a device remembers of how its camera sees. In memory alone: it comes of pictures."""

    usual: Usual | None = None
    last: Gray | None = None
    changed: datetime | None = None
    """Since when the very same picture has come, look after look."""
    arrived: datetime | None = None
    measured: datetime | None = None
    numbers: Picture | None = None
    seen: tuple[tuple[datetime, CameraState], ...] = ()
    """The newest looks."""
    shifts: tuple[tuple[float, float], ...] = ()
    """Where the view had gone at the newest looks."""
    told: Health | None = None


class _Sight(NamedTuple):
    """One picture, worked out."""

    edges: npt.NDArray[np.uint8]
    overview: Often
    sharpness: float
    brightness: float


def look(state: State, gray: Gray, time: datetime, rules: Rules = RULES) -> tuple[State, Health | None]:
    """Take a picture in, and say how the camera is when that has changed, or was not said for a minute.

    Args:
        state: What was seen before.
        gray: From `gate.small`; masks are painted in it.
        time: When it was taken.
        rules: What counts as an ailment.
    """
    if _within(state.measured, time, EVERY):
        return replace(state, arrived=time), None
    same = state.last is not None and state.changed is not None and _equal(state.last, gray)
    state = replace(state, last=gray, changed=state.changed if same else time, arrived=time)
    state, found = _judged(state, _sight(_reduced(gray)), time, rules)
    if found is not None:
        state = replace(state, seen=(*state.seen, (time, found))[-rules.looks :])
    return _told(replace(state, measured=time), time, rules)


def silence(state: State, now: datetime, rules: Rules = RULES) -> tuple[State, Health | None]:
    """Say that the camera is silent when no picture has come for long; to be asked every few seconds."""
    if state.arrived is None:
        return replace(state, arrived=now), None
    if _within(state.arrived, now, rules.silent_after):
        return state, None
    # The usual stays: a camera that comes back covered or moved is found to be so.
    return _say(replace(state, seen=(), numbers=None), state.arrived, CameraState.SILENT, now)


def _judged(state: State, sight: _Sight, time: datetime, rules: Rules) -> tuple[State, CameraState | None]:
    """Compare a picture with the usual ones; None while those are still being learnt."""
    same = max((time - (state.changed or time)).total_seconds(), 0.0)
    usual = state.usual
    if usual is None or usual.often.shape != sight.edges.shape:
        return _begun(state, sight, same)
    compared = _compared(usual, sight, same)
    state = replace(state, numbers=compared.numbers, shifts=(*state.shifts, compared.shift.by)[-rules.shifts :])
    found = _ailment(compared, _middle(state.shifts), rules)
    if found is CameraState.WELL and same >= rules.frozen_after.total_seconds():
        found = CameraState.FROZEN
    if usual.looks < rules.learns:
        # A camera that is looked at for the first time while it hangs is frozen; all else begins as usual.
        return replace(state, usual=_learnt(usual, sight, rules)), found if found is CameraState.FROZEN else None
    if found is CameraState.WELL and math.hypot(*compared.shift.by) < rules.shift:
        state = replace(state, usual=_learnt(usual, sight, rules))
    return state, found


def _begun(state: State, sight: _Sight, same: float) -> tuple[State, CameraState | None]:
    """Begin to learn, unless there is nothing to see."""
    numbers = Picture(
        edges_kept=0, bare=1, sharpness=0, moved=0, brightness=round(sight.brightness, 3), same_for=round(same, 1)
    )
    if sight.edges.mean() < _EMPTY:
        return replace(state, usual=None, numbers=numbers), CameraState.COVERED
    usual = Usual(sight.edges.astype(np.float32), sight.overview, sight.sharpness)
    return replace(state, usual=usual, numbers=None), None


def _told(state: State, time: datetime, rules: Rules) -> tuple[State, Health | None]:
    """Say what all but one of the newest looks say, else what was said before."""
    if not state.seen:
        return state, None
    newest = state.seen[-1][1]
    agreeing = [when for when, each in state.seen if each is newest]
    before = state.told
    if min(len(state.seen), len(agreeing) + 1) < rules.looks:
        if before is None or before.state is CameraState.SILENT:
            return state, None
        return _say(state, before.since, before.state, time)
    if before is not None and before.state is newest:
        return _say(state, before.since, newest, time)
    return _say(state, agreeing[0], newest, time)


def _say(state: State, since: datetime, which: CameraState, time: datetime) -> tuple[State, Health | None]:
    before = state.told
    if before is not None and before.state is which and _within(before.time, time, AGAIN):
        return state, None
    health = Health(which, since, time, state.numbers)
    return replace(state, told=health), health


def _reduced(gray: Gray) -> Gray:
    high, wide = gray.shape
    if wide <= _WIDE:
        return gray
    size = (_WIDE, max(round(high * _WIDE / wide), 1))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _sight(gray: Gray) -> _Sight:
    mean, deviation = (float(each[0, 0]) for each in cv2.meanStdDev(gray))
    across, down = cv2.spatialGradient(gray)
    slope = cv2.add(cv2.convertScaleAbs(across), cv2.convertScaleAbs(down))
    edges = cv2.threshold(slope, max(_NOISE, _SLOPE * deviation), 1, cv2.THRESH_BINARY)[1]
    _, ripple = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))
    overview = cv2.resize(gray, _OVERVIEW, interpolation=cv2.INTER_AREA)
    # By the square of the contrast, so that a dimmed picture is as sharp; the constant is for one without any.
    sharpness = float(ripple[0, 0]) ** 2 / (deviation**2 + 25)
    return _Sight(np.asarray(edges, np.uint8), np.asarray(overview, np.float32), sharpness, mean / 255)


def _learnt(usual: Usual, sight: _Sight, rules: Rules) -> Usual:
    weight = 1 / min(usual.looks + 1, rules.memory)
    return Usual(
        usual.often + weight * (sight.edges - usual.often),
        usual.overview + weight * (sight.overview - usual.overview),
        usual.sharpness + weight * (sight.sharpness - usual.sharpness),
        usual.looks + 1,
    )


class _Compared(NamedTuple):
    """One look against the usual."""

    numbers: Picture
    shift: "_Shift"
    alike: float
    many: float
    """Edges, in shares of how many there are usually."""
    by_chance: float
    """Share of the usual edges that another picture with as many edges would have kept."""


def _compared(usual: Usual, sight: _Sight, same: float) -> _Compared:
    steady = (usual.often > 0.5).astype(np.uint8)
    near = np.asarray(cv2.dilate(sight.edges, _AROUND), np.uint8)
    usually, kept, now = _tiles(steady), _tiles(steady & near), _tiles(sight.edges)
    parts = usually > _PART
    bare = (kept < 0.2 * usually) & (now < 0.3 * usually) & parts
    shift = _shift(usual.often, steady, sight.edges, usually)
    numbers = Picture(
        edges_kept=round(min(_part(kept, usually), 1.0), 3),
        bare=round(float(bare.sum() / max(parts.sum(), 1)), 3),
        sharpness=round(sight.sharpness / max(usual.sharpness, 1e-6), 3),
        moved=round(math.hypot(*shift.by) / steady.shape[1], 4),
        brightness=round(min(sight.brightness, 1.0), 3),
        same_for=round(same, 1),
    )
    alike = _alike(usual.overview, sight.overview)
    return _Compared(numbers, shift, alike, _part(now, usually), float(near.mean()))


def _ailment(now: _Compared, gone: tuple[float, float], rules: Rules) -> CameraState:
    """Say what ails the camera by one look; `gone` is where the view had gone in the middle of some."""
    numbers, shift, other = now.numbers, now.shift, now.alike < rules.alike
    if numbers.sharpness < rules.sharpness and not other:
        return CameraState.DEFOCUSED
    fits = shift.response > rules.response and shift.fits >= rules.fits and shift.gain >= rules.gain
    if fits and math.hypot(*gone) >= rules.shift:
        return CameraState.MOVED
    if numbers.bare >= rules.bare or numbers.edges_kept < rules.edges:
        return CameraState.MOVED if other and now.many >= rules.as_many else CameraState.COVERED
    beyond_chance = (numbers.edges_kept - now.by_chance) / max(1 - now.by_chance, 1e-6)
    return CameraState.MOVED if other and beyond_chance < rules.elsewhere else CameraState.WELL


def _middle(shifts: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    return float(np.median([x for x, _ in shifts])), float(np.median([y for _, y in shifts]))


class _Shift(NamedTuple):
    """Where the view has gone, in pixels, and how much better it fits there."""

    by: tuple[float, float]
    response: float
    fits: float
    gain: float


def _shift(often: Often, steady: Gray, edges: Gray, usually: Often) -> _Shift:
    high, wide = steady.shape
    # A copy: phaseCorrelate multiplies the window into what it is given.
    (x, y), response = cv2.phaseCorrelate(often.copy(), edges.astype(np.float32), _window(wide, high))
    if not math.hypot(x, y) < min(high, wide) / 2:
        return _Shift((0, 0), 0, 0, 0)
    moves = np.array([[1, 0, round(x)], [0, 1, round(y)]], np.float32)
    there = np.asarray(cv2.warpAffine(steady, moves, (wide, high), flags=cv2.INTER_NEAREST), np.uint8)
    here_fits, there_fits, there_all = _tiles(steady & edges), _tiles(there & edges), _tiles(there)
    parts = usually > _PART
    better = (there_fits * usually > here_fits * there_all) & parts
    gain = _part(there_fits, there_all) - _part(here_fits, usually)
    return _Shift((x, y), float(response), float(better.sum() / max(parts.sum(), 1)), gain)


def _part(some: Often, whole: Often) -> float:
    return float(some.sum() / max(float(whole.sum()), 1e-6))


def _tiles(edges: npt.NDArray[np.uint8]) -> Often:
    return np.asarray(cv2.resize(edges.astype(np.float32), _TILES, interpolation=cv2.INTER_AREA), np.float32)


@lru_cache(maxsize=4)
def _window(wide: int, high: int) -> Often:
    return np.asarray(cv2.createHanningWindow((wide, high), cv2.CV_32F), np.float32)


def _alike(usual: Often, now: Often) -> float:
    """Correlate two overviews: 1 whatever the light, about 0 for another picture."""
    one, other = usual - usual.mean(), now - now.mean()
    return float((one * other).sum() / max(float(np.sqrt((one**2).sum() * (other**2).sum())), 1e-6))


def _equal(one: Gray, other: Gray) -> bool:
    # A few rows first: they tell almost always.
    return one.shape == other.shape and np.array_equal(one[::16], other[::16]) and np.array_equal(one, other)


def _within(since: datetime | None, time: datetime, length: timedelta) -> bool:
    """Say whether less than `length` has passed; a clock that was set back has passed it."""
    return since is not None and timedelta(0) <= time - since < length
