"""How well two pipelines see the same pictures: IDF1 and line crossings, both followed by the same tracker.

Ours are the detections that the running system wrote to detections.v1 of the clip's frames; the naive ones are its own,
of every frame. IDF1 is told twice, and the worse of them counts:

- of all frames: where our device said that nothing had changed, what was seen last holds; where a profile passed over a
  frame, the boxes of who was seen before and after lie between. That is what is known of a frame once the next one was
  looked at: what stands in records afterwards, and not what the stage says while the frame is the newest;
- of the frames that ours looked at, both pipelines judged on just these, nothing put in between: what the stage says at
  the moment itself, whenever it says anything. What it missed by not looking is not in it.

Crossings are counted as everywhere: without those that were taken back (pipeline.motion.movements.net).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

import fleet
import naive_runs
import numpy as np
import numpy.typing as npt
import pictures
from pictures import FPS, HEIGHT, WIDTH, Boxes, Clip, Kind
from scipy.optimize import linear_sum_assignment
from system import System

from agents.watching import views_of
from pipeline import watching
from pipeline.edge import drawn
from pipeline.motion.movements import Crossing, net
from pipeline.reading import records
from pipeline.watching import CameraState, Noticed
from schemas.detections import Detection, DeviceMessage, FrameDetections, FrameRef, ObjectType, Still
from schemas.envelope import Module, Purpose
from schemas.estate import Line, load_regulations
from schemas.geometry import Box
from schemas.ids import DeviceId, event_id
from schemas.topics import topics
from schemas.wire import decode

Tracks = list[dict[int, npt.NDArray[np.float64]]]
"""For each picture, boxes in pixels by track."""

DRAWN_SEEDS: Final = (3, 4, 5, 6)
SKIPPED: Final = (0, 1, 2, 3, 4)
"""Pictures at the beginning of a labelled sequence: each time others of it are taken. Short as they are, one swapped
track in one of them says little."""
_SAME: Final = 0.5


class Ids(NamedTuple):
    """Boxes that are the same person's in truth and in what was said, boxes said, and boxes there (Ristani 2016)."""

    true: int
    said: int
    there: int

    @property
    def idf1(self) -> float:
        return 2 * self.true / max(1, self.said + self.there)


@dataclass(frozen=True)
class Seen:
    """What one pipeline made of a clip: who is who, and crossings by direction."""

    everywhere: Ids
    """In all frames."""
    looked_at: Ids
    """In those that ours looked at."""
    crossed: Mapping[str, int]
    truth: Mapping[str, int]

    @property
    def counting(self) -> float:
        """1 less the share of crossings that were counted too often or too seldom."""
        return 1 - self.off / max(1, sum(self.truth.values()))

    @property
    def off(self) -> int:
        return sum(abs(self.crossed.get(way, 0) - self.truth.get(way, 0)) for way in ("in", "out"))

    def as_dict(self) -> dict[str, Any]:
        return {
            "idf1": round(self.everywhere.idf1, 4), "idf1_of_looked_at": round(self.looked_at.idf1, 4),
            "counting": round(self.counting, 4), "crossed": dict(self.crossed), "truth": dict(self.truth),
        }  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One clip, seen by both."""

    clip: str
    kind: Kind
    ours: Seen
    naive: Seen

    def as_dict(self) -> dict[str, Any]:
        return {"ours": self.ours.as_dict(), "naive": self.naive.as_dict()}


class Loss(NamedTuple):
    """By how much ours is worse than the naive pipeline, over the clips of one kind together."""

    idf1: float
    idf1_of_looked_at: float
    counting: float


def losses(scores: Sequence[Score]) -> dict[Kind, Loss]:
    """Return what is lost on each kind of clips: few real ones are not to drown among many drawn, nor the other way."""
    kinds = dict.fromkeys(each.kind for each in scores)
    return {kind: _loss([each for each in scores if each.kind == kind]) for kind in kinds}


def loss(scores: Sequence[Score]) -> float:
    """Return the most that is lost, of anything, on any kind of clips."""
    return max(max(each) for each in losses(scores).values())


def _loss(scores: Sequence[Score]) -> Loss:
    ours, naive = [each.ours for each in scores], [each.naive for each in scores]
    return Loss(
        _idf1([each.everywhere for each in naive]) - _idf1([each.everywhere for each in ours]),
        _idf1([each.looked_at for each in naive]) - _idf1([each.looked_at for each in ours]),
        _counting(naive) - _counting(ours),
    )


def _idf1(seen: Sequence[Ids]) -> float:
    """The mean over clips: a long one is no more a camera than a short one."""
    return float(np.mean([each.idf1 for each in seen]))


def _counting(seen: Sequence[Seen]) -> float:
    return 1 - sum(each.off for each in seen) / max(1, sum(sum(each.truth.values()) for each in seen))


async def compare(running: System, clips: Sequence[Clip]) -> list[Score]:
    """Let the running system see clips with known truth, a camera each, and the naive pipeline the same pictures."""
    seconds = max(len(each.pictures) for each in clips) / FPS
    stories = [_story(each) for each in clips]
    sending = await running.fleet(stories)
    await sending.publish(seconds + 1, paced=False)
    await running.drained(within=300)
    messages = await _messages(running, sending.boots)
    scores = []
    for number, clip in enumerate(clips):
        name = fleet.names(running.cameras)[number]
        boxes = naive_runs.people(naive_runs.encoded([clip], len(clip.pictures)))
        ours, theirs = _ours(running, name, messages[name], clip), _naive(running, name, boxes, clip)
        crossings = _truth(clip, theirs.line)
        scores.append(
            Score(
                clip.name,
                clip.kind,
                _seen(clip, ours, ours.looked, crossings),
                _seen(clip, theirs, ours.looked, crossings),
            )
        )
    return scores


def clips(*, quick: bool) -> list[Clip]:
    """Return what both are to see: labelled footage where there is any, the same in a mirror, and drawn scenes."""
    if quick:
        return [pictures.drawn_clip(1, 20, since=27.0)]
    there = pictures.footage() is not None
    real = [pictures.labelled(name, skipped) for name in pictures.LABELLED for skipped in SKIPPED if there]
    # Mirrored, the same people give other boxes.
    real += [pictures.mirrored(each) for each in real]
    rounds = round(drawn.ROUND.total_seconds() * FPS)
    return [*real, *(pictures.drawn_clip(seed, rounds) for seed in DRAWN_SEEDS)]


def _story(clip: Clip) -> list[Any]:
    return fleet.played(clip.pictures)


async def _messages(running: System, boot: int) -> dict[tuple[Any, Any], list[tuple[DeviceMessage, FrameRef]]]:
    topic = topics(running.demo.estate.lives)["detections.v1"]
    found = defaultdict(list)
    async for record in records(running.demo.bootstrap, topic):
        message = decode(topic, record.key, record.headers, record.value or b"")
        if isinstance(message, DeviceMessage) and message.boot == boot:
            ref = FrameRef(topic=record.topic, partition=record.partition, offset=record.offset)
            found[message.store_id, message.camera_id].append((message, ref))
    return found


class Followed(NamedTuple):
    """What following came to: boxes by track in each picture, crossings by direction, and which pictures had boxes."""

    tracks: Tracks
    crossed: Mapping[str, int]
    looked: AbstractSet[int]
    line: Line


def _ours(running: System, name: Any, messages: Sequence[tuple[DeviceMessage, FrameRef]], clip: Clip) -> Followed:
    start = min(message.utc_time for message, _ in messages)
    return _followed(running, name, messages, start, clip)


def _naive(running: System, name: Any, boxes: Sequence[Sequence[Sequence[float]]], clip: Clip) -> Followed:
    start = datetime(2026, 1, 1, tzinfo=fleet.EPOCH.tzinfo)
    messages = [(_message(name, number, each, start), _ref(number)) for number, each in enumerate(boxes)]
    return _followed(running, name, messages, start, clip)


def _ref(number: int) -> FrameRef:
    return FrameRef(topic="detections.v1", partition=0, offset=number)


def _message(name: Any, number: int, boxes: Sequence[Sequence[float]], start: datetime) -> Any:
    store, camera = name
    time = start + timedelta(seconds=number / FPS)
    found = tuple(
        Detection(type=ObjectType.HUMAN, likelihood=round(likelihood, 5), bounding_box=box)
        for *sides, likelihood in boxes
        if (box := _box(sides)) is not None
    )
    return FrameDetections(
        event_id=event_id("naive", number), store_id=store, camera_id=camera, utc_time=time,
        purpose=Purpose.CRIME_PREVENTION, expires_at=time + timedelta(hours=1), notice_id=fleet.NOTICE,
        module=Module(name="naive", version="1"), device_id=DeviceId(f"{store}-gateway"), boot=1, sequence=number,
        frame=_ref(number), frame_width=WIDTH, frame_height=HEIGHT, detections=found,
    )  # fmt: skip


def _box(sides: Sequence[float]) -> Box | None:
    left, top, right, bottom = (min(max(side / of, 0), 1) for side, of in zip(sides, (WIDTH, HEIGHT) * 2, strict=True))
    return Box(left=left, top=top, right=right, bottom=bottom) if left < right and top < bottom else None


def _followed(
    running: System, name: Any, messages: Sequence[tuple[Any, FrameRef]], start: datetime, clip: Clip
) -> Followed:
    """Follow everybody as the stage does."""
    estate = running.demo.estate
    view = views_of(estate, load_regulations(running.demo.estate_path, estate))[name]
    state, tracks, crossings = CameraState(), _empty(clip), list[Crossing]()
    looked, calm = set[int](), set[int]()
    for message, at in messages:
        state, noticed = watching.observe(state, message, at, view=view)
        number = round((message.utc_time - start).total_seconds() * FPS)
        crossings += noticed.crossings
        if isinstance(message, FrameDetections) and number < len(tracks):
            looked.add(number)
            tracks[number] = _boxes(message, noticed)
        elif isinstance(message, Still):
            calm.update(range(number - message.frames + 1, number + 1))
    _held(tracks, looked, calm)
    _between(tracks, looked | calm)
    crossed: dict[str, int] = {way: count for (_, way), count in net(crossings).items() if count}
    return Followed(tracks, crossed, looked, view.camera.lines[0])


def _seen(clip: Clip, followed: Followed, looked: AbstractSet[int], crossings: Mapping[str, int]) -> Seen:
    """Compare with the truth."""
    some = sorted(looked)
    return Seen(
        _together(clip.truth, followed.tracks),
        _together([clip.truth[each] for each in some], [followed.tracks[each] for each in some]),
        followed.crossed,
        crossings,
    )


def _empty(clip: Clip) -> Tracks:
    return [{} for _ in clip.pictures]


def _boxes(message: FrameDetections, noticed: Noticed) -> dict[int, npt.NDArray[np.float64]]:
    people = [each for each in message.detections if each.type is ObjectType.HUMAN]
    size = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float64)
    return {
        each.track.id: np.array([box.left, box.top, box.right, box.bottom]) * size
        for each in noticed.seen
        for box in (people[each.sighting].bounding_box,)
    }


def _held(tracks: Tracks, looked: set[int], calm: set[int]) -> None:
    """A still says that nothing has changed since the last frame: whoever was seen is there."""
    last = 0
    for number in sorted(each for each in looked | calm if 0 <= each < len(tracks)):
        if number not in looked:
            tracks[number] = dict(tracks[last])
        last = number


def _between(tracks: Tracks, looked: set[int]) -> None:
    """Put who was seen before and after a frame that was passed over where they must have been."""
    for before, after in pairwise(sorted(each for each in looked if each < len(tracks))):
        for number in range(before + 1, after):
            share = (number - before) / (after - before)
            tracks[number] = {
                track: box + share * (tracks[after][track] - box)
                for track, box in tracks[before].items()
                if track in tracks[after]
            }


def _together(truth: Sequence[Boxes], tracks: Tracks) -> Ids:
    """Count the boxes that one-to-one pairs of people and tracks share, those said, and those there."""
    shared: Counter[tuple[int, int]] = Counter()
    for people, said in zip(truth, tracks, strict=True):
        shared.update(_pairs(people, said))
    rows = {each: index for index, each in enumerate(sorted({person for person, _ in shared}))}
    columns = {each: index for index, each in enumerate(sorted({track for _, track in shared}))}
    counts = np.zeros((len(rows), len(columns)))
    for (person, track), count in shared.items():
        counts[rows[person], columns[track]] = count
    true = int(counts[linear_sum_assignment(-counts)].sum()) if shared else 0
    return Ids(true, sum(map(len, tracks)), sum(map(len, truth)))


def _pairs(people: Boxes, said: Mapping[int, npt.NDArray[np.float64]]) -> list[tuple[int, int]]:
    if not people or not said:
        return []
    overlaps = np.array([[_overlap(one, other) for other in said.values()] for one in people.values()])
    rows, columns = linear_sum_assignment(-np.where(overlaps >= _SAME, overlaps, -1.0))
    names = list(people), list(said)
    return [
        (names[0][row], names[1][column])
        for row, column in zip(rows, columns, strict=True)
        if overlaps[row, column] >= _SAME
    ]


def _overlap(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.clip(sides, 0, None).prod())
    areas = float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod())
    return common / (areas - common) if common else 0.0


def _truth(clip: Clip, line: Line) -> dict[str, int]:
    """Say how often the line was crossed, from the feet of the true boxes."""
    x, half = line.start.x * WIDTH, line.band
    top, bottom = sorted((line.start.y * HEIGHT, line.end.y * HEIGHT))
    sides: dict[int, int] = {}
    found: Counter[str] = Counter()
    for people in clip.truth:
        for person, box in people.items():
            feet, foot = (box[0] + box[2]) / 2 - x, box[3]
            if abs(feet) < half * (box[3] - box[1]) or not top <= foot <= bottom:
                continue
            side = 1 if feet > 0 else -1
            if sides.get(person, side) != side:
                found["in" if side > 0 else "out"] += 1
            sides[person] = side
    return dict(found)
