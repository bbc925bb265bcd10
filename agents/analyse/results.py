"""What is written down of an analysed clip: a file each for boxes, tracks, movements, flow, alerts and things."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from agents.analyse.analysis import Analysed, Analysis, frame_at
from pipeline.edge.clip import Clip
from pipeline.motion.floor import Floor, fit
from pipeline.motion.movements import Crossing, Visit, net
from pipeline.motion.tracking import Track
from pipeline.watching import Noticed
from schemas.aside import Thing
from schemas.detections import Detection, FrameDetections, ObjectType
from schemas.frozen import iso
from schemas.geometry import Point

_FILES = ("detections.jsonl", "tracks.mot.txt", "movements.jsonl", "flow.jsonl", "alerts.jsonl", "aside.jsonl")


class Results:
    """The files of one run. Whatever ends it, they hold what had been analysed by then."""

    def __init__(self, folder: Path, analysis: Analysis, clip: Clip) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._analysis = analysis
        self._clip = clip
        self._stack = ExitStack()
        self._files: dict[str, TextIO] = {}
        self.crossings: Counter[tuple[str, str]] = Counter()
        self.visits: Counter[str] = Counter()
        self.alerts = 0
        self.things: tuple[Thing, ...] = ()
        measured = analysis.view.camera.homography
        self._floor = None if measured is None else fit(measured)

    def __enter__(self) -> Self:
        for name in _FILES:
            file = (self._folder / name).open("w", encoding="utf-8")
            self._files[name] = self._stack.enter_context(file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def write(self, analysed: Analysed) -> None:
        """Write one picture down."""
        self._line("detections.jsonl", analysed.message.model_dump_json())
        for line in mot_lines(analysed, self._floor):
            self._line("tracks.mot.txt", line)
        self.noticed(analysed.noticed)

    def noticed(self, noticed: Noticed) -> None:
        """Write down what came to light."""
        self.crossings.update(net(noticed.crossings))
        for crossing in noticed.crossings:
            self._line("movements.jsonl", json.dumps(self._crossing(crossing) | self._speed(crossing, noticed)))
        for visit in noticed.left:
            self.visit(visit, ended=True)
        for alert in noticed.alerts:
            self.alerts += 1
            self._line("alerts.jsonl", alert.model_dump_json())
        for aside in noticed.aside:
            self.things = aside.things
            self._line("aside.jsonl", aside.model_dump_json())
        for window in noticed.windows:
            self._line("flow.jsonl", window.model_dump_json())

    def visit(self, visit: Visit, *, ended: bool) -> None:
        """Write a visit down; at the clip's end some have not ended."""
        self.visits[visit.zone_id] += 1
        self._line("movements.jsonl", json.dumps(self._visit(visit, ended=ended)))

    def summary(self, broken: str | None) -> dict[str, Any]:
        """Write and return the summary."""
        camera, analysis = self._analysis.view.camera, self._analysis
        summary = {
            "clip": Path(self._clip.name).name,
            "fps": round(self._clip.fps, 3),
            "frames_read": analysis.read,
            "frames_analysed": analysis.analysed,
            "stills": 0,
            "people_tracked": analysis.state.following.people,
            "crossings": {
                line.id: {way: self.crossings[line.id, way] for way in ("in", "out")} for line in camera.lines
            },
            "visits": {zone.id: self.visits[zone.id] for zone in camera.zones},
            "alerts": self.alerts,
            "set_aside": [each.model_dump(mode="json") for each in self.things],
            "milliseconds": {stage: quantiles(times) for stage, times in analysis.milliseconds.items()},
            "broken": broken,
        }
        (self._folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
        return summary

    def _line(self, name: str, line: str) -> None:
        self._files[name].write(line + "\n")

    def _frame(self, when: Any) -> int:
        return frame_at(self._analysis.start, self._clip.fps, when)

    def _crossing(self, crossing: Crossing) -> dict[str, Any]:
        aspect = self._analysis.state.aspect
        return {
            "movement": "crossing",
            "line_id": crossing.line_id,
            "direction": crossing.direction,
            "object_id": crossing.track,
            "frame": self._frame(crossing.moment),
            "utc_time": iso(crossing.moment),
            "noticed_at": iso(crossing.time),
            "takes_back": None if crossing.takes_back is None else iso(crossing.takes_back),
            "place": {"x": round(crossing.place.x / aspect, 4), "y": round(crossing.place.y, 4)},
        }

    def _speed(self, crossing: Crossing, noticed: Noticed) -> dict[str, float]:
        """How fast somebody went over, in metres a second as ONVIF has it, where the floor was measured."""
        track = next((each.track for each in noticed.seen if each.track.id == crossing.track), None)
        if self._floor is None or track is None:
            return {}
        found = speed(track, self._floor, self._analysis.state.aspect)
        return {} if found is None else {"speed": round(found, 2)}

    def _visit(self, visit: Visit, *, ended: bool) -> dict[str, Any]:
        return {
            "movement": "visit",
            "zone_id": visit.zone_id,
            "object_id": visit.first,
            "first_frame": self._frame(visit.since),
            "last_frame": self._frame(visit.until),
            "start": iso(visit.since),
            "end": iso(visit.until),
            "seconds": visit.lasted.total_seconds(),
            "ended": ended,
        }


def mot_lines(analysed: Analysed, floor: Floor | None = None) -> Iterator[str]:
    """Write tracks as MOTChallenge does: frame, id, left, top, width, height in pixels, likelihood, and x, y, z.

    The last three are where the feet are on the floor, in metres, where that was measured; else -1.
    """
    people = people_of(analysed.message)
    width, height = analysed.message.frame_width, analysed.message.frame_height
    for track, index in analysed.noticed.seen:
        box, likelihood = people[index].bounding_box, people[index].likelihood
        numbers = (box.left * width, box.top * height, box.width * width, box.height * height)
        place = None if floor is None else floor.place(box.foot)
        where = "-1,-1,-1" if place is None else f"{place.x:.2f},{place.y:.2f},0"
        yield f"{analysed.frame},{track.id},{','.join(f'{each:.2f}' for each in numbers)},{likelihood:.3f},{where}"


def speed(track: Track, floor: Floor, aspect: float) -> float | None:
    """Return how fast somebody goes over the floor, in metres a second; None where they are not on it."""
    moment = 0.1
    here = _point(track.foot.x / aspect, track.foot.y)
    there = _point((track.foot.x + track.speed.x * moment) / aspect, track.foot.y + track.speed.y * moment)
    return floor.speed(here, there, moment)


def _point(x: float, y: float) -> Point:
    # Whose feet are hidden is taken to stand below the picture, at times farther than points may lie.
    return Point(x=min(max(x, -0.5), 1.5), y=min(max(y, -0.5), 1.5))


def people_of(message: FrameDetections) -> list[Detection]:
    """Return the people among the detections, in order."""
    return [each for each in message.detections if each.type is ObjectType.HUMAN]


def quantiles(times: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile (nearest rank)."""
    ranked = sorted(times)
    return {
        f"p{percent}": round(ranked[math.ceil(Fraction(percent, 100) * len(ranked)) - 1], 3) if ranked else 0.0
        for percent in (50, 95)
    }
