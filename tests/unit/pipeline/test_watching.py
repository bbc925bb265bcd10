from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import watching
from pipeline.flow.publishing import Publisher
from pipeline.watching import CameraState, View, dumps, loads, step
from schemas.alert import Alert, Category
from schemas.aside import SetAside
from schemas.detections import (
    Detection,
    DeviceMessage,
    Erased,
    FrameDetections,
    FrameRef,
    ObjectType,
    Skipped,
    Still,
    Tick,
)
from schemas.envelope import Message, Module, Purpose
from schemas.estate import Camera, Estate, FlowSettings, Line, Store, Zone, ZoneKind
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.geometry import Box, Point
from schemas.ids import CameraId, KeyId, LineId, NoticeId, StoreId, ZoneId, event_id
from schemas.regulation import Notice, Regulation, Retention

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LENGTH = timedelta(seconds=15)
HOUR = timedelta(hours=1)
FPS = 5
MODULE = Module(name="watching", version="1", model_digest="", config_digest="cd")


def polygon(left: float, right: float) -> tuple[Point, ...]:
    return (Point(x=left, y=0), Point(x=right, y=0), Point(x=right, y=1), Point(x=left, y=1))


CAMERA = Camera(
    id=CameraId("entrance"),
    fps=FPS,
    lines=(Line(id=LineId("door"), start=Point(x=0.5, y=0), end=Point(x=0.5, y=1)),),
    zones=(
        Zone(id=ZoneId("left"), polygon=polygon(0, 0.5), loitering_after=timedelta(seconds=10)),
        Zone(id=ZoneId("right"), polygon=polygon(0.5, 1), kind=ZoneKind.RESTRICTED),
    ),
)
FLOW = FlowSettings(profile="demo", window=LENGTH, suppressed_below=0)
PUBLISHER = Publisher(StoreId("ginza"), CAMERA, FLOW, NoticeId("door-2026"), MODULE, timedelta(days=700))
VIEW = watching.view_of(
    StoreId("ginza"), CAMERA, PUBLISHER, timezone="Asia/Tokyo", module=MODULE, alerts_live=timedelta(days=30)
)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def envelope(seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id("test", seconds, more), "store_id": "ginza", "camera_id": "entrance",
        "utc_time": at(seconds), "purpose": Purpose.CRIME_PREVENTION, "expires_at": at(seconds + 3600),
        "notice_id": "door-2026", "module": Module(name="detecting", version="1", model_digest="ab"),
        **more,
    }  # fmt: skip


def ordered(seconds: float, sequence: int, boot: int = 1, **more: Any) -> dict[str, Any]:
    return envelope(seconds, device_id="gateway-1", boot=boot, sequence=sequence, **more)


def ref(offset: int) -> FrameRef:
    return FrameRef(topic="frames.v1", partition=0, offset=offset)


def frame(sequence: int, *people: float, seconds: float | None = None, boot: int = 1) -> FrameDetections:
    """People stand at these places across a picture twice as wide as it is high."""
    boxes = (Box(left=x - 0.05, top=0.4, right=x + 0.05, bottom=0.8) for x in people)
    when = sequence / FPS if seconds is None else seconds
    return FrameDetections(
        **ordered(when, sequence, boot, frame=ref(sequence), frame_width=800, frame_height=400),
        detections=tuple(Detection(type=ObjectType.HUMAN, likelihood=0.9, bounding_box=box) for box in boxes),
    )


def still(first: int, last: int) -> Still:
    begin, end = first / FPS, last / FPS
    return Still(
        **ordered(end, last, first_sequence=first, from_time=at(begin), frames=last - first + 1, since_frame=first - 1)
    )


def tick(seconds: float) -> Tick:
    return Tick(**envelope(seconds))


def run(
    messages: Sequence[Message], state: CameraState | None = None, view: View = VIEW, since: int = 0
) -> tuple[CameraState, list[Message]]:
    state, found = state or CameraState(), list[Message]()
    for offset, message in enumerate(messages, start=since):
        state, outputs = step(state, message, FrameRef(topic="detections.v1", partition=0, offset=offset), view=view)
        found.extend(outputs)
    return state, found


def alerts(found: Sequence[Message]) -> list[Alert]:
    return [each for each in found if isinstance(each, Alert)]


def coverages(found: Sequence[Message]) -> list[CoverageWindow]:
    return [each for each in found if isinstance(each, CoverageWindow)]


def total(found: Sequence[Message], metric: Metric) -> float:
    return sum(each.values[0] for each in found if isinstance(each, FlowWindow) and each.metric is metric)


STANDING = [frame(sequence, 0.25) for sequence in range(60)]
WALKING = [frame(sequence, 0.1 + 0.02 * sequence) for sequence in range(40)]


def test_somebody_who_walks_over_a_line_is_counted_once() -> None:
    _, found = run([*WALKING, tick(60)])

    assert total(found, Metric.LINE_OUT) == 1
    assert total(found, Metric.LINE_IN) == 0
    assert sum(each.people_tracked or 0 for each in coverages(found)) == 1


def test_an_alert_fires_at_the_moment_and_once_a_visit() -> None:
    _, found = run(STANDING)

    (alert,) = alerts(found)
    assert alert.category is Category.LOITERING
    assert (alert.start, alert.utc_time) == (NOON, at(10))
    assert alert.score == alert.threshold == 10


def test_an_alert_names_its_newest_frames_and_their_boxes() -> None:
    _, found = run(STANDING)

    (alert,) = alerts(found)
    assert 1 <= len(alert.frame_refs) <= 32
    assert alert.frame_refs[-1].frame == ref(50)
    assert alert.frame_refs[-1].detections == FrameRef(topic="detections.v1", partition=0, offset=50)
    assert alert.frame_refs[-1].bounding_box.foot.x == pytest.approx(0.25)


def test_an_alert_says_what_is_behind_it_and_when_it_ends() -> None:
    _, found = run(STANDING)

    (alert,) = alerts(found)
    assert alert.quantile is not None
    assert alert.expires_at == alert.utc_time + timedelta(days=30)
    assert alert.module.model_digest == "ab"
    assert alert.rarity is None


def test_somebody_in_a_restricted_zone_is_noticed_after_a_second() -> None:
    _, found = run([frame(sequence, 0.75) for sequence in range(20)])

    (alert,) = alerts(found)
    assert (alert.category, alert.utc_time) == (Category.RESTRICTED_ZONE, at(1))


def test_alerts_are_for_crime_prevention_alone() -> None:
    flow_only = [each.model_copy(update={"purpose": Purpose.PEOPLE_FLOW}) for each in STANDING]

    assert not alerts(run(flow_only)[1])


def test_who_stands_still_while_nothing_moves_is_watched_on() -> None:
    _, found = run([frame(0, 0.25), frame(1, 0.25), *(still(n, n + 4) for n in range(2, 62, 5)), tick(60)])

    (alert,) = alerts(found)
    assert alert.utc_time >= at(10)
    assert sum(each.stills for each in coverages(found)) == 60
    assert sum(each.frames_analysed for each in coverages(found)) == 2


def test_occupancy_is_exact() -> None:
    _, found = run([frame(sequence, *([0.25] if sequence < 50 else [])) for sequence in range(90)])

    first = next(each for each in found if isinstance(each, FlowWindow) and each.metric is Metric.OCCUPANCY)
    assert (first.zone_id, first.window_start) == ("left", NOON)
    assert first.values == (round(9.8 / 15, 4),)


def test_a_repeated_message_changes_nothing() -> None:
    state, _ = run(STANDING[:10])

    assert run([STANDING[9], STANDING[3]], state)[0] == state


def test_an_older_message_that_was_missed_is_late_and_counted() -> None:
    _, found = run([*STANDING[:5], *STANDING[6:20], STANDING[5], STANDING[5], *STANDING[20:], tick(60)])

    assert sum(each.late for each in coverages(found)) == 1
    assert sum(each.frames_analysed for each in coverages(found)) == 59


def test_a_device_that_was_started_again_begins_anew() -> None:
    again = [frame(sequence, 0.25, seconds=1 + sequence / FPS, boot=2) for sequence in range(5)]

    _, found = run([*STANDING[:5], *again, STANDING[5], tick(60)])

    assert sum(each.people_tracked or 0 for each in coverages(found)) == 2
    assert sum(each.late for each in coverages(found)) == 1


def test_after_a_gap_everybody_is_new() -> None:
    _, found = run([*STANDING[:5], frame(5, 0.25, seconds=5), frame(6, 0.25, seconds=5.2), tick(60)])

    assert sum(each.people_tracked or 0 for each in coverages(found)) == 2


def test_what_was_shed_or_erased_is_counted() -> None:
    skipped = Skipped(**ordered(1.4, 7, first_sequence=5, frame=ref(7)))
    erased = Erased(**ordered(1.6, 8, frame=ref(8), key_id=KeyId("k-1")))

    _, found = run([*STANDING[:5], skipped, erased, *STANDING[9:12], tick(60)])

    assert sum(each.skipped for each in coverages(found)) == 3
    assert sum(each.erased for each in coverages(found)) == 1


def test_a_tick_makes_no_later_frame_late() -> None:
    _, found = run([*STANDING[:5], tick(100), *STANDING[5:20], tick(200)])

    newest = {each.window_start: each for each in coverages(found)}
    assert newest[NOON].frames_analysed == 20
    assert newest[NOON].late == 0


def test_versions_rise_with_the_offset() -> None:
    _, found = run([*STANDING[:5], tick(100), *STANDING[5:20], tick(200)])

    assert [each.version for each in coverages(found) if each.window_start == NOON] == [6, 22]


def test_a_clock_that_was_set_back_blinds_nobody() -> None:
    ahead = [frame(sequence, 0.25, seconds=86_400 + sequence / FPS) for sequence in range(3)]

    _, found = run([*ahead, *STANDING[3:]])

    assert len(alerts(found)) == 1


def test_without_a_notice_that_names_it_nothing_is_counted() -> None:
    notice = Notice(
        id=NoticeId("door-2026"), text_version="1", place="door", languages=("ja",), checked_by="m.sato",
        checked_on=NOON.date(), purposes=(Purpose.CRIME_PREVENTION,),
    )  # fmt: skip
    rules = Regulation(version="1", purposes=(Purpose.CRIME_PREVENTION,), notices=(notice,))
    store = Store(id=StoreId("ginza"), regulation="x.toml")
    estate = Estate(demo=True, frame_ttl=HOUR, flow=FLOW, stores=(store,))
    view = watching.view(estate, store, CAMERA.model_copy(update={"notice": notice.id}), rules, MODULE)

    _, found = run([*STANDING, tick(100)], view=view)

    assert not coverages(found)
    assert len(alerts(found)) == 1


def test_r20_alerts_and_counts_live_as_long_as_estate_and_regulation_both_allow() -> None:
    day = timedelta(days=1)
    notice = Notice(
        id=NoticeId("door-2026"), text_version="1", place="door", languages=("ja",), checked_by="m.sato",
        checked_on=NOON.date(), purposes=(Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW),
    )  # fmt: skip
    store = Store(id=StoreId("ginza"), regulation="x.toml")
    estate = Estate(demo=True, frame_ttl=HOUR, alerts_ttl=5 * day, flow_ttl=90 * day, flow=FLOW, stores=(store,))

    def lives(retention: Retention) -> tuple[set[timedelta], set[timedelta]]:
        rules = Regulation(version="1", purposes=notice.purposes, notices=(notice,), retention=retention)
        view = watching.view(estate, store, CAMERA.model_copy(update={"notice": notice.id}), rules, MODULE)
        _, found = run([*STANDING, tick(100)], view=view)
        told, counted = alerts(found), [each for each in found if isinstance(each, FlowWindow | CoverageWindow)]
        return {each.expires_at - each.utc_time for each in told}, {each.expires_at - each.utc_time for each in counted}

    assert lives(Retention(frames=HOUR)) == ({5 * day}, {90 * day})
    assert lives(Retention(frames=HOUR, alerts=day, flow=7 * day)) == ({day}, {7 * day})


VISITED = [
    *(frame(number, 0.45 if number < 60 else 0.45 - 0.02 * (number - 60)) for number in range(82)),
    *(frame(number) for number in range(82, 100)),
    *(frame(number, 0.25, 0.8) for number in range(100, 120)),
]
"""Somebody comes, stands, and goes; two others are there later."""


def test_r20_a_camera_that_is_silent_for_as_long_as_frames_live_remembers_nobody() -> None:
    before, _ = run(VISITED)
    after, _ = run([tick(24 + 3601)], before, since=len(VISITED))

    assert before.following.tracks
    assert before.visits
    assert before.sides
    assert (after.following.tracks, after.visits, after.sides) == ((), (), ())
    assert b"frames.v1" in dumps(before)
    assert b"frames.v1" not in dumps(after)


def test_a_quiet_night_takes_away_neither_what_is_usual_nor_the_order_nor_numbers() -> None:
    before, _ = run(VISITED)
    after, _ = run([tick(24 + 3601)], before, since=len(VISITED))

    assert after.usual == before.usual != {}
    assert (after.device, after.boot, after.sequence) == (before.device, before.boot, before.sequence)
    assert after.following.next_id == before.following.next_id


def test_a_camera_that_was_silent_for_less_is_remembered() -> None:
    before, _ = run(VISITED)
    after, _ = run([tick(24 + 3500)], before, since=len(VISITED))

    assert (after.following, after.visits) == (before.following, before.visits)


PLACES_LOOKED_AT = [(), (), (Box(left=0, top=0, right=0.5, bottom=1),)]
places = st.lists(st.floats(0.1, 0.9), max_size=3)
KINDS = ["frame", "frame", "frame", "still", "skipped", "erased", "tick", "lost", "late", "repeated", "boot"]
kinds = st.sampled_from(KINDS)


@st.composite
def streams(draw: st.DrawFn) -> list[Message]:
    messages: list[Message] = []
    sequence, moved, seconds, boot = 0, 0, 0.0, 1
    for kind in draw(st.lists(kinds, max_size=40)):
        seconds += draw(st.sampled_from([0.2, 0.2, 0.5, 4.0]))
        sequence += 1
        now = ordered(seconds, sequence, boot)
        moved = sequence if kind in ("frame", "skipped", "erased", "lost") else moved
        if kind == "frame":
            seen = frame(sequence, *draw(places), seconds=seconds, boot=boot)
            messages.append(seen.model_copy(update={"regions": draw(st.sampled_from(PLACES_LOOKED_AT))}))
        elif kind == "still":
            since = at(max(seconds - 0.1, 0))
            messages.append(Still(**now, first_sequence=sequence, from_time=since, frames=2, since_frame=moved))
        elif kind == "skipped":
            messages.append(Skipped(**now, first_sequence=sequence, frame=ref(sequence)))
        elif kind == "erased":
            messages.append(Erased(**now, frame=ref(sequence), key_id=KeyId("k-1")))
        elif kind == "tick":
            messages.append(tick(seconds + 20))
        elif kind == "late":
            messages.append(frame(draw(st.integers(1, sequence)), seconds=seconds, boot=boot))
        elif kind == "repeated" and messages:
            messages.append(draw(st.sampled_from(messages)))
        elif kind == "boot":
            sequence, moved, boot = 0, 0, boot + 1
    return messages


@settings(max_examples=60, deadline=None)
@given(streams(), streams())
def test_no_number_depends_on_when_a_silent_camera_was_forgotten(before: list[Message], after: list[Message]) -> None:
    state, _ = run(before)
    later = [each.model_copy(update=_hours_on(each)) for each in after]

    _, whole = run(later, state, since=len(before))
    _, forgotten = run(later, watching.rest(state, VIEW), since=len(before))
    assert forgotten == whole


def _hours_on(message: Message) -> dict[str, Any]:
    """The same message two hours later, of the next days' numbers."""
    changes: dict[str, Any] = {"utc_time": message.utc_time + 2 * HOUR, "expires_at": message.expires_at + 2 * HOUR}
    for name in ("sequence", "first_sequence", "since_frame"):
        if hasattr(message, name):
            changes[name] = getattr(message, name) + 1000
    return changes | ({"from_time": message.from_time + 2 * HOUR} if isinstance(message, Still) else {})


@settings(max_examples=60, deadline=None)
@given(streams(), st.data())
def test_a_state_saved_and_restored_anywhere_changes_nothing(messages: list[Message], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(messages)))
    whole_state, whole = run(messages)

    half, first = run(messages[:cut])
    restored = loads(dumps(half))
    state, second = run(messages[cut:], restored, since=cut)

    assert restored == half
    assert [*first, *second] == whole
    assert dumps(state) == dumps(whole_state)


@settings(max_examples=60, deadline=None)
@given(streams())
def test_every_frame_is_counted_once_or_known_to_be_lost(messages: list[Message]) -> None:
    slow = CAMERA.model_copy(update={"fps": 0.001})
    view = VIEW._replace(camera=slow, flow=replace(PUBLISHER, camera=slow))  # no more is expected than is known of

    _, found = run([*messages, tick(10_000)], view=view)
    newest = {each.window_start: each for each in coverages(found)}.values()

    told = reckoned(messages)
    assert sum(each.frames_analysed for each in newest) == told[FrameDetections]
    assert sum(each.stills for each in newest) == told[Still]
    assert sum(each.skipped for each in newest) == told[Skipped]
    assert sum(each.erased for each in newest) == told[Erased]
    assert sum(each.late for each in newest) == told["late"]
    assert sum(each.frames_expected for each in newest) == told.total()


def reckoned(messages: Sequence[Message]) -> Counter[type[Message] | str]:
    """Pictures by what became of them, told from the messages' numbers alone."""
    told: Counter[type[Message] | str] = Counter()
    boot, last = 0, 0
    missing: set[int] = set()
    for each in (each for each in messages if isinstance(each, DeviceMessage)):
        if each.boot < boot or (each.boot == boot and each.sequence in missing):
            told["late"] += 1
            told["missing"] -= each.boot == boot
            missing -= {each.sequence} if each.boot == boot else set()
        elif each.boot > boot or each.sequence > last:
            between = range(last + 1, each.sequence) if each.boot == boot else ()
            missing = {*(missing if each.boot == boot else ()), *between}
            told["missing"] += len(between)
            told[type(each)] += each.frames if isinstance(each, Still) else 1
            boot, last = each.boot, each.sequence
    return told


def test_a_thing_that_a_manager_has_drawn_is_nobody_and_whoever_stands_elsewhere_is_somebody() -> None:
    thing = Box(left=0.201, top=0.41, right=0.299, bottom=0.81)
    view = VIEW._replace(camera=CAMERA.model_copy(update={"not_people": (thing,)}))
    frames = [frame(number, 0.25, 0.7) for number in range(5)]

    with_thing, _ = run(frames, view=view)
    without, _ = run(frames)

    assert with_thing.following.people == 1
    assert without.following.people == 2


def half_an_hour(*people: float, since: float = 0) -> list[Message]:
    """Somebody stands there, seen each second, for so long that it is no person."""
    return [frame(int((since + second) * FPS), *people) for second in range(1812)]


def asides(found: Sequence[Message]) -> list[SetAside]:
    return [each for each in found if isinstance(each, SetAside)]


def test_what_never_moves_is_set_aside_told_of_and_nobody_from_then_on() -> None:
    state, found = run(half_an_hour(0.25))
    told = asides(found)

    assert [len(each.things) for each in told] == [1]
    assert told[0].utc_time == told[0].things[0].set_aside == at(1800)
    assert told[0].things[0].since == at(0)
    assert told[0].expires_at == told[0].utc_time + VIEW.alerts_live
    assert all(track.seen <= at(1800) for track in state.following.tracks)

    after, _ = run(half_an_hour(0.25, 0.75, since=1812)[:20], state, since=2000)
    assert after.following.people == state.following.people + 1


def test_what_is_set_aside_is_told_of_again_and_when_it_is_gone() -> None:
    state, _ = run(half_an_hour(0.25))
    state, again = run(half_an_hour(0.25, since=1812)[:300], state, since=2000)
    _, gone = run(half_an_hour(since=2112)[:700], state, since=3000)

    assert [len(each.things) for each in asides(again)] == [1]
    assert [len(each.things) for each in asides(gone)] == [1, 1, 0]


def test_where_a_manager_said_that_somebody_stands_still_nothing_is_set_aside() -> None:
    here = Box(left=0.201, top=0.41, right=0.299, bottom=0.81)
    view = VIEW._replace(camera=CAMERA.model_copy(update={"people_here": (here,)}))

    state, found = run(half_an_hour(0.25), view=view)

    assert asides(found) == []
    assert state.following.people == 1
    assert [track.seen for track in state.following.tracks] == [state.time]


def test_a_state_with_what_is_set_aside_is_the_same_after_saving() -> None:
    state, _ = run(half_an_hour(0.25))

    assert state.standings.aside
    assert loads(dumps(state)) == state
    assert watching.rest(state, VIEW).standings.all == ()


def test_a_visitor_who_was_lost_before_a_long_still_has_left_by_its_end() -> None:
    seen = [frame(number, 0.25, 0.7) for number in range(5)]
    lost = frame(5, 0.7)

    during, _ = run([*seen, lost])
    after, _ = run([*seen, lost, still(6, 300)])

    assert [each.zone_id for each in during.visits] == ["left", "right"]
    assert [each.zone_id for each in after.visits] == ["right"]
