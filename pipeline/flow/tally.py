"""What was counted, in whole numbers, so that sums are exact in any order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

from pipeline.flow import dwell
from schemas.ids import LineId, ZoneId

K = TypeVar("K")
Tracks = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted in a window or a part of it."""

    analysed: int = 0
    stills: int = 0
    """Captured pictures that stills stand for."""
    passed: int = 0
    """Pictures that the camera's profile passes over."""
    skipped: int = 0
    erased: int = 0
    late: int = 0
    missing: int = 0
    """Sequence numbers that did not come."""
    people: int = 0
    """Who became known in it."""
    watched: int = 0
    """Microseconds in which the camera saw."""
    came_in: Mapping[LineId, int] = field(default_factory=dict)
    went_out: Mapping[LineId, int] = field(default_factory=dict)
    present: Mapping[ZoneId, int] = field(default_factory=dict)
    """Microseconds that people were in a zone, summed over people."""
    visitors: Mapping[ZoneId, int] = field(default_factory=dict)
    """Who began a visit, or was in one when the published window began."""
    dwells: Mapping[ZoneId, Mapping[int, int]] = field(default_factory=dict)
    """Visits whose end was seen, by bin of `dwell.FINE`."""
    lost: Mapping[ZoneId, Mapping[int, int]] = field(default_factory=dict)
    """Visits of which the visitor was lost from sight, by how long they had lasted."""
    who: Tracks = field(default_factory=dict)
    """Different tracks behind a count, the first few: one person who goes to and fro is one person."""


NOTHING: Final = Tally()


def added(a: Tally, b: Tally, told_apart: int = 0) -> Tally:
    """Both together; of who is behind a count, so many are remembered."""
    return Tally(
        a.analysed + b.analysed,
        a.stills + b.stills,
        a.passed + b.passed,
        a.skipped + b.skipped,
        a.erased + b.erased,
        a.late + b.late,
        a.missing + b.missing,
        a.people + b.people,
        a.watched + b.watched,
        _sum(a.came_in, b.came_in),
        _sum(a.went_out, b.went_out),
        _sum(a.present, b.present),
        _sum(a.visitors, b.visitors),
        _sums(a.dwells, b.dwells),
        _sums(a.lost, b.lost),
        _union(a.who, b.who, told_apart),
    )


def _sum(a: Mapping[K, int], b: Mapping[K, int]) -> Mapping[K, int]:
    if not b:
        return a
    return {**a, **{key: a.get(key, 0) + value for key, value in b.items()}}


def _sums(a: Mapping[K, Mapping[int, int]], b: Mapping[K, Mapping[int, int]]) -> Mapping[K, Mapping[int, int]]:
    if not b:
        return a
    return {**a, **{key: _sum(a.get(key, {}), value) for key, value in b.items()}}


def _union(
    a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]], most: int
) -> Mapping[str, tuple[int, ...]]:
    if not b or not most:
        return a
    return {**a, **{key: tuple(dict.fromkeys((*a.get(key, ()), *some)))[:most] for key, some in b.items()}}


class Who(NamedTuple):
    """What the tracks behind a count are filed under."""

    metric: str
    place: str
    bin: int = 0

    def __str__(self) -> str:
        return f"{self.metric}/{self.place}/{self.bin}"


def crossed(line: LineId, direction: str, track: int) -> Tally:
    """Somebody went over a line."""
    who = {str(Who(direction, line)): (track,)}
    return Tally(came_in={line: 1}, who=who) if direction == "in" else Tally(went_out={line: 1}, who=who)


def took_back(line: LineId, direction: str) -> Tally:
    """Somebody who had gone over a line was at once back: it counts as if nobody had."""
    return Tally(came_in={line: -1}) if direction == "in" else Tally(went_out={line: -1})


class Stays:
    """Adds up who was in which zone, of all that one picture shows."""

    def __init__(self) -> None:
        self._present: dict[ZoneId, int] = {}
        self._visitors: dict[ZoneId, list[int]] = {}

    def add(self, zone: ZoneId, microseconds: int, track: int | None) -> None:
        """Somebody was in a zone; `track` where that is a visitor whom the published window has not counted yet."""
        self._present[zone] = self._present.get(zone, 0) + microseconds
        if track is not None:
            self._visitors.setdefault(zone, []).append(track)

    def tally(self) -> Tally:
        return Tally(
            present=self._present,
            visitors={zone: len(tracks) for zone, tracks in self._visitors.items()},
            who={str(Who("zone", zone)): tuple(tracks) for zone, tracks in self._visitors.items()},
        )


def ended(zone: ZoneId, lasted: timedelta, track: int, *, lost: bool = False) -> Tally:
    """A visit ended; or its visitor was lost from sight, and who knows how long it lasted."""
    fine = dwell.fine(lasted)
    if lost:
        return Tally(lost={zone: {fine: 1}}, who={str(Who("stay", zone)): (track,)})
    who = {str(Who("dwell", zone, dwell.coarse(fine))): (track,), str(Who("stay", zone)): (track,)}
    return Tally(dwells={zone: {fine: 1}}, who=who)
