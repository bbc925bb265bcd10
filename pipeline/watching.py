"""Detections in, movements judged and counted, alerts and windows out: one pure step."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from pipeline.flow import budget, heat, publishing, tally
from pipeline.flow import windows as flow
from pipeline.flow.bounds import Kind
from pipeline.flow.budget import Export, Ledger
from pipeline.flow.publishing import Publisher
from pipeline.flow.tally import Stays, Tally
from pipeline.flow.windows import Windows
from pipeline.motion import movements, regions, standing, tracking
from pipeline.motion.geometry import Segment, spot
from pipeline.motion.movements import Area, Border, Crossing, Movements, Side, Visit
from pipeline.motion.rarity import Distribution, Usual, learn, usual_in
from pipeline.motion.rule import Observation, Rule
from pipeline.motion.rules import rules_of
from pipeline.motion.standing import Standings
from pipeline.motion.tracking import Following, Seen, Sighting, Track, Tracker
from schemas.alert import Alert, AlertFrame
from schemas.aside import SetAside, Thing
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
from schemas.estate import Camera, Estate, Store
from schemas.flow import CoverageWindow, FlowWindow
from schemas.frozen import UtcTime, iso
from schemas.geometry import Box
from schemas.ids import AlertId, LineId, StoreId, ZoneId, event_id
from schemas.regulation import Regulation, Retention

GAP: Final = timedelta(seconds=3)
"""After so long without sight nobody is taken for whom they were before."""

SLOWEST_FOR_SPEED: Final = 2.0
"""Frames a second, below which no rule judges speeds."""

_TOLD_AGAIN: Final = timedelta(minutes=5)
"""What is set aside is told of again after so long: whoever listens may have begun since."""

_FRAMES_KEPT = 12
_FRAMES_APART = timedelta(seconds=0.4)
_GAPS_KEPT = 32


class View(NamedTuple):
    """One camera, and all that its step has to know."""

    store_id: StoreId
    timezone: ZoneInfo
    camera: Camera
    rules: Mapping[ZoneId, tuple[Rule, ...]]
    flow: Publisher | None
    """None where the notice does not name people flow."""
    alerts_live: timedelta
    module: Module
    tracker: Tracker
    movements: Movements = Movements()
    remembers: timedelta = timedelta(hours=1)
    """So long a silent camera's people are remembered: while its frames live."""


@dataclass(frozen=True, slots=True)
class CameraState:
    """All that is remembered of one camera."""

    device: str = ""
    boot: int = -1
    sequence: int = -1
    gaps: tuple[tuple[int, int], ...] = ()
    """Sequence numbers that did not come: first and last of each run."""
    looked: int = -1
    """Up to this sequence number nothing has moved but in frames that were looked at."""
    whole: bool = True
    """Nothing else has moved either since the whole picture was looked at."""
    time: UtcTime | None = None
    """Of the newest message that was used."""
    seen: UtcTime | None = None
    """Until when the camera saw."""
    rate: float = 0.0
    aspect: float = 16 / 9
    following: Following = field(default_factory=Following)
    sides: tuple[Side, ...] = ()
    visits: tuple[Visit, ...] = ()
    windows: Windows = field(default_factory=Windows)
    usual: Mapping[ZoneId, Mapping[int, Distribution]] = field(default_factory=dict)
    standings: Standings = field(default_factory=Standings)


_STATE: Final = TypeAdapter(CameraState)


def dumps(state: CameraState) -> bytes:
    """Write a state down, to the last bit."""
    return _STATE.dump_json(state)


def loads(data: bytes) -> CameraState:
    """Read a state that was written down."""
    return _STATE.validate_json(data)


class Noticed(NamedTuple):
    """What one message brought to light."""

    seen: tuple[Seen, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    left: tuple[Visit, ...] = ()
    alerts: tuple[Alert, ...] = ()
    windows: tuple[FlowWindow | CoverageWindow, ...] = ()
    aside: tuple[SetAside, ...] = ()


class Exporting(NamedTuple):
    """What is needed where windows are exported: the secret of their noise, and the ledger of what was told."""

    secret: bytes
    ledger: Ledger


def view(
    estate: Estate,
    store: Store,
    camera: Camera,
    regulation: Regulation,
    module: Module,
    *,
    exporting: Exporting | None = None,
) -> View:
    """Put together what the step has to know of a camera of the estate."""
    retention = regulation.retention or Retention(frames=timedelta(hours=1))
    notice = regulation.notice(camera.notice)
    counted = notice is not None and notice.active and Purpose.PEOPLE_FLOW in notice.purposes
    counts_live, alerts_live = min(retention.flow, estate.flow_ttl), min(retention.alerts, estate.alerts_ttl)
    flow = (
        Publisher(
            store.id,
            camera,
            estate.flow,
            notice.id,
            module,
            counts_live,
            timezone=ZoneInfo(store.timezone),
            opens=store.opens,
            export=_export(estate, store, camera, exporting) if exporting else None,
            frames_live=estate.frame_ttl,
        )
        if notice and counted
        else None
    )
    made = view_of(store.id, camera, flow, timezone=store.timezone, module=module, alerts_live=alerts_live)
    return made._replace(remembers=estate.frame_ttl)


def _export(estate: Estate, store: Store, camera: Camera, exporting: Exporting) -> Export:
    shares = budget.shares(estate.flow, store)[camera.id]
    return Export(exporting.secret, shares, budget.budget(estate.flow), exporting.ledger)


def view_of(
    store_id: StoreId, camera: Camera, flow: Publisher | None, *, timezone: str, module: Module, alerts_live: timedelta
) -> View:
    """Put together what the step has to know of a camera."""
    return View(
        store_id=store_id,
        timezone=ZoneInfo(timezone),
        camera=camera,
        rules={zone.id: rules_of(zone, timezone) for zone in camera.zones},
        flow=flow,
        alerts_live=alerts_live,
        module=module,
        tracker=Tracker(begins=camera.people_from),
    )


def step(state: CameraState, message: Message, at: FrameRef, *, view: View) -> tuple[CameraState, tuple[Message, ...]]:
    """Take one message of `detections.v1` in; `at` is where it lies."""
    state, noticed = observe(state, message, at, view=view)
    return state, (*noticed.alerts, *noticed.aside, *noticed.windows)


def observe(state: CameraState, message: Message, at: FrameRef, *, view: View) -> tuple[CameraState, Noticed]:
    """As `step`, and tell everything that was noticed on the way."""
    if isinstance(message, Tick):
        return _tick(state, message, at, view)
    if not isinstance(message, DeviceMessage):
        return state, Noticed()
    order = _order(state, message)
    if order == "repeated":
        return state, Noticed()
    if order == "late":
        return _late(state, message, view), Noticed()
    state = _admit(state, message, view)
    match message:
        case FrameDetections():
            state, noticed = _told(*_look(state, message, at, view), message, view)
        case Still():
            state, noticed = _told(*_hold(state, message, view), message, view)
        case Skipped():
            state, noticed = _count(state, message.utc_time, _passed_over(message), view), Noticed()
        case _:
            erased = Tally(erased=1) if isinstance(message, Erased) else Tally()
            state, noticed = _count(state, message.utc_time, erased, view), Noticed()
    return _close(replace(state, time=message.utc_time), noticed, at, view)


# The order of a device's messages.


def _order(state: CameraState, message: DeviceMessage) -> str:
    """Say whether a message is new, late or repeated."""
    if message.device_id == state.device and message.boot < state.boot:
        return "late"
    if (message.device_id, message.boot) != (state.device, state.boot):
        return "new"
    if message.sequence <= state.sequence:
        return "late" if any(first <= message.sequence <= last for first, last in state.gaps) else "repeated"
    back = state.time is not None and timedelta(0) < state.time - message.utc_time <= GAP
    return "late" if back else "new"


def _admit(state: CameraState, message: DeviceMessage, view: View) -> CameraState:
    """Take note of a new message's place in the order."""
    first = message.first_sequence if isinstance(message, Still | Skipped) else message.sequence
    if (message.device_id, message.boot) != (state.device, state.boot):
        fresh = replace(_forget(state, view), following=Following(), looked=-1, whole=True)
        return replace(fresh, device=message.device_id, boot=message.boot, sequence=message.sequence, gaps=())
    lost = first - state.sequence - 1
    gaps = (*state.gaps, (state.sequence + 1, first - 1))[-_GAPS_KEPT:] if lost > 0 else state.gaps
    state = _count(state, message.utc_time, Tally(missing=lost), view) if lost > 0 else state
    if state.time is not None and message.utc_time < state.time:
        state = _forget(state, view)  # the device's clock was set back: what was seen before is of another time
    elif isinstance(message, Skipped | Erased) and state.seen is not None and message.utc_time - state.seen > GAP:
        state = _forget(state, view)  # whatever is seen next, it will be after a gap
    return replace(state, sequence=message.sequence, gaps=gaps)


def _forget(state: CameraState, view: View) -> CameraState:
    """Let go of everybody in view: whoever is seen next is somebody else.

    How long those stayed who were in a zone nobody knows. That counts at the newest message's time, of which no window
    is final: the same whenever this is called.
    """
    for each in state.visits:
        if each.entered and state.time is not None:
            state = _ended(state, each, state.time, view, lost=True)
    following = replace(state.following, tracks=())
    return replace(
        state, seen=None, following=following, sides=(), visits=(), windows=flow.without_tracks(state.windows)
    )


def rest(state: CameraState, view: View) -> CameraState:
    """What may outlive a camera's frames: counts, and how long people usually stay; nobody's boxes, tracks or frames.

    Whoever is seen after such a silence is somebody else anyway, so that no number depends on when this was called.
    """
    return replace(_forget(state, view), standings=Standings())


def _late(state: CameraState, message: DeviceMessage, view: View) -> CameraState:
    gaps = tuple(rest for gap in state.gaps for rest in _without(gap, message.sequence))
    found = -1 if gaps != state.gaps else 0
    time = state.time or message.utc_time
    same = (message.device_id, message.boot) == (state.device, state.boot)
    sequence = max(state.sequence, message.sequence) if same else state.sequence
    return replace(_count(state, time, Tally(late=1, missing=found), view), gaps=gaps, sequence=sequence)


def _without(gap: tuple[int, int], sequence: int) -> list[tuple[int, int]]:
    first, last = gap
    if not first <= sequence <= last:
        return [gap]
    return [each for each in ((first, sequence - 1), (sequence + 1, last)) if each[0] <= each[1]]


# What each message does.


def _look(state: CameraState, message: FrameDetections, at: FrameRef, view: View) -> tuple[CameraState, Noticed]:
    time = message.utc_time
    aspect = message.frame_width / message.frame_height
    before = state.seen
    state = replace(_sees(state, time, 1, view), aspect=aspect)
    since = before if state.following.tracks else None
    sure = message.sequence <= state.looked + 1
    people = [each for each in message.detections if each.type is ObjectType.HUMAN]
    state = replace(_remembered(state, time, view), whole=not message.regions or (state.whole and sure))
    if state.whole:
        state = replace(state, standings=_standing(state.standings, people, message, view))
    sightings = [
        Sighting(spot(box.foot, aspect), box.width * aspect, box.height, _likelihood(each, view, state.standings))
        for each in people
        for box in (each.bounding_box,)
    ]
    following, seen = tracking.follow(state.following, sightings, time, view.tracker, wide=aspect)
    following, waiting = _elsewhere(state, following, message, sure=sure)
    # Who is new may be nobody: that is followed, but does not count. On which side of a line it was does.
    everybody = [each.track for each in seen]
    tracks = [each for each in (*everybody, *waiting) if each.known]
    sides, crossings = movements.cross(
        state.sides, _lines(view.camera, aspect), following.tracks, everybody, time=time, how=view.movements
    )
    awaited = tracking.awaited(following, time, view.tracker)
    awaited |= tracking.away(state.following) & {each.id for each in tracks}  # who is found again was waited for
    visiting = movements.visit(state.visits, _areas(view.camera, aspect), tracks, time, view.movements, awaited=awaited)
    boxes = {each.track.id: people[each.sighting].bounding_box for each in seen}
    visits = tuple(
        _with_frame(each, message, boxes[each.track], at) if each.until == time and each.track in boxes else each
        for each in visiting.visits
    )
    counted = Tally(analysed=1, people=following.people - state.following.people)
    for each in crossings:
        state, crossed = _crossed(state, each, view)
        counted = tally.added(counted, crossed, _COUNTED_APART)
    state = replace(state, following=following, sides=sides, looked=message.sequence)
    state = _count(state, time, counted, view)
    state = _warmed(state, since, time, tracks, view)
    state, alerts = _go_on(state, visits, visiting.left, message, view)
    return state, Noticed(seen=seen, crossings=crossings, left=visiting.left, alerts=alerts)


def _hold(state: CameraState, message: Still, view: View) -> tuple[CameraState, Noticed]:
    before = state.seen
    state = _sees(state, message.utc_time, message.frames, view)
    since = before if state.following.tracks else None
    sure = message.since_frame <= state.looked
    following, waiting = _held(state.following, state.time or message.utc_time, message.utc_time, sure=sure)
    visits = movements.held(state.visits, waiting, message.utc_time)
    awaited = tracking.awaited(following, message.utc_time, view.tracker)
    visiting = movements.visit(
        visits, _areas(view.camera, state.aspect), (), message.utc_time, view.movements, awaited=awaited
    )
    looked = message.sequence if sure else state.looked
    state = replace(_remembered(state, message.utc_time, view), looked=looked, whole=state.whole and sure)
    if state.whole:
        state = replace(state, standings=standing.hold(state.standings, message.utc_time, view.camera.people_here))
    state = replace(state, following=following)
    for time, pictures in _spread(message):
        state = _count(state, time, Tally(stills=pictures), view)
    state = _warmed(state, since, message.utc_time, [each for each in waiting if each.known], view)
    state, alerts = _go_on(state, visiting.visits, visiting.left, message, view)
    return state, Noticed(left=visiting.left, alerts=alerts)


def _held(following: Following, since: datetime, until: datetime, *, sure: bool) -> tuple[Following, tuple[Track, ...]]:
    """Nothing has moved where people were: they stand there, if we are `sure` that none moved before, unlooked at."""
    following, waiting = tracking.hold(following, until) if sure else (following, ())
    return tracking.wait(following, since, until), waiting


def _elsewhere(
    state: CameraState, following: Following, message: FrameDetections, *, sure: bool
) -> tuple[Following, tuple[Track, ...]]:
    """Of whoever was elsewhere than was looked a frame says only that nothing moved there."""
    people = state.following.tracks
    elsewhere = {each.id for each in people if not regions.looked_at(_sides(each, state.aspect), message.regions)}
    if not elsewhere:
        return following, ()
    time = message.utc_time
    following = tracking.unmissed(following, state.following, elsewhere, time)
    return _held(following, state.time or time, time, sure=sure)


def _sides(track: Track, aspect: float) -> regions.Sides:
    half, (x, y) = track.width / 2, track.foot
    return (x - half) / aspect, y - track.height, (x + half) / aspect, y


def _likelihood(person: Detection, view: View, standings: Standings) -> float:
    """How likely it is a person: not at all, where something stands that only looks like one."""
    box = person.bounding_box
    return 0.0 if _is_drawn(box, view) or standing.is_aside(box, standings) else person.likelihood


def _is_drawn(box: Box, view: View) -> bool:
    """Say whether a manager has drawn a thing there."""
    return any(box.overlap(thing) >= standing.COVERS for thing in view.camera.not_people)


def _remembered(state: CameraState, time: datetime, view: View) -> CameraState:
    """Forget what stood there so long ago that `rest` may have forgotten it: then everybody has."""
    silent = state.standings.time is not None and time - state.standings.time > view.remembers
    return replace(state, standings=Standings()) if silent else state


def _standing(before: Standings, people: Sequence[Detection], message: FrameDetections, view: View) -> Standings:
    if before.time is not None and message.utc_time - before.time < standing.EVERY:
        return before
    likely = (each.bounding_box for each in people if each.likelihood >= view.tracker.continues)
    boxes = [each for each in likely if not _is_drawn(each, view)]
    return standing.look(before, boxes, message.utc_time, view.camera.people_here, message.regions)


def _told(
    state: CameraState, noticed: Noticed, message: FrameDetections | Still, view: View
) -> tuple[CameraState, Noticed]:
    """Tell what is set aside, when that has changed, and again every few minutes: never in silence."""
    found, now = state.standings, message.utc_time
    aside = found.aside
    since = max((each.aside for each in aside if each.aside is not None), default=None)
    if found.told is None:
        due = bool(aside)
    else:
        due = len(aside) != found.count or since is None or since > found.told or now - found.told >= _TOLD_AGAIN
    if not due:
        return state, noticed
    told = replace(found, told=now if aside else None, count=len(aside))
    things = tuple(
        Thing(bounding_box=each.as_box(), since=each.since, set_aside=each.aside, share=each.seen / each.looks)
        for each in aside
        if each.aside is not None
    )
    said = SetAside(
        event_id=event_id("aside", view.store_id, view.camera.id, state.device, state.boot, iso(now)),
        store_id=view.store_id,
        camera_id=view.camera.id,
        utc_time=now,
        purpose=message.purpose,
        expires_at=now + view.alerts_live,
        notice_id=message.notice_id,
        module=view.module.model_copy(update={"model_digest": message.module.model_digest}),
        things=things,
    )
    return replace(state, standings=told), noticed._replace(aside=(said,))


def _tick(state: CameraState, message: Tick, at: FrameRef, view: View) -> tuple[CameraState, Noticed]:
    if state.time is not None and message.utc_time - state.time > view.remembers:
        state = rest(state, view)
    if view.flow is None:
        return state, Noticed()
    windows, told = publishing.tick_and_publish(state.windows, view.flow, message.utc_time, at.offset + 1)
    return replace(state, windows=windows), Noticed(windows=told)


def _close(state: CameraState, noticed: Noticed, at: FrameRef, view: View) -> tuple[CameraState, Noticed]:
    if view.flow is None or state.time is None:
        return state, noticed
    windows, told = publishing.close_and_publish(state.windows, view.flow, state.time, at.offset + 1)
    return replace(state, windows=windows), noticed._replace(windows=told)


def _sees(state: CameraState, time: datetime, pictures: int, view: View) -> CameraState:
    """The camera saw until `time`; after a gap, everybody is new."""
    if state.seen is None or time - state.seen > GAP + _spoken_for(pictures, view):
        return replace(_forget(state, view), seen=time)
    passed = (time - state.seen).total_seconds()
    rate = state.rate + 0.2 * (pictures / passed - state.rate) if passed > 0 else state.rate
    return replace(_watched(state, state.seen, time, view), seen=time, rate=rate)


def _spoken_for(pictures: int, view: View) -> timedelta:
    """A still speaks for the time of its pictures; no gap is in it."""
    return timedelta(0) if pictures <= 1 else timedelta(seconds=pictures / view.camera.fps)


def _go_on(
    state: CameraState, visits: Sequence[Visit], left: Sequence[Visit], message: FrameDetections | Still, view: View
) -> tuple[CameraState, tuple[Alert, ...]]:
    """Count the visits, put them to the rules, and learn from those that were seen from beginning to end."""
    state = _stayed(state, visits, view)
    judged: list[Visit] = []
    alerts: list[Alert] = []
    for each in visits:
        after, raised = _judge(state, each, message, view)
        judged.append(after)
        alerts.extend(raised)
    usual: Usual = state.usual
    for each in left:
        lost = _is_lost(state, each)
        if each.came and not lost:
            usual = learn(usual, each.zone_id, _hour(each, view), each.lasted.total_seconds())
        state = _ended(state, each, message.utc_time, view, lost=lost)
    return replace(state, visits=tuple(judged), usual=usual), tuple(alerts)


def _judge(
    state: CameraState, visit: Visit, message: FrameDetections | Still, view: View
) -> tuple[Visit, tuple[Alert, ...]]:
    # Only who is there at this moment: an alert fires on arrival, with the frame that shows it.
    if not visit.entered or visit.until != message.utc_time or message.purpose is not Purpose.CRIME_PREVENTION:
        return visit, ()
    usual = usual_in(state.usual, visit.zone_id, _hour(visit, view))
    alerts = []
    for rule in view.rules.get(visit.zone_id, ()):
        if rule.name in visit.fired or (rule.needs_speed and state.rate < SLOWEST_FOR_SPEED):
            continue
        observation = rule.judge(visit, usual)
        if observation is not None:
            visit = replace(visit, fired=(*visit.fired, rule.name))
            alerts.append(_alert(state, rule, visit, observation=observation, usual=usual, message=message, view=view))
    return visit, tuple(alerts)


def _alert(
    state: CameraState,
    rule: Rule,
    visit: Visit,
    *,
    observation: Observation,
    usual: Distribution,
    message: FrameDetections | Still,
    view: View,
) -> Alert:
    name = event_id(
        "alert", view.store_id, view.camera.id, state.device, state.boot, rule.name, visit.zone_id, visit.first,
        iso(visit.since),
    )  # fmt: skip
    return Alert(
        event_id=name,
        alert_id=AlertId(name),
        store_id=view.store_id,
        camera_id=view.camera.id,
        utc_time=message.utc_time,
        purpose=message.purpose,
        expires_at=message.utc_time + view.alerts_live,
        notice_id=message.notice_id,
        module=view.module.model_copy(update={"model_digest": message.module.model_digest}),
        category=observation.category,
        observation=observation.code,
        zone_id=visit.zone_id,
        start=visit.since,
        end=visit.until,
        numbers=observation.numbers,
        rarity=usual.rarity(observation.score),
        score=observation.score,
        threshold=observation.threshold,
        explanations=observation.explanations,
        frame_refs=_frames(visit),
        quantile=usual.quantile(),
    )


# Counting.


_COUNTED_APART: Final = 1000
"""Of who crosses in one frame, all are told apart: there are no more in one."""

_EDGE: Final = 0.04
"""Whoever is last seen so near to the edge of the picture has left by it."""


def _count(state: CameraState, time: datetime, what: Tally, view: View) -> CameraState:
    if view.flow is None:
        return state
    return replace(state, windows=flow.count(state.windows, view.flow.counting, time, what))


def _passed_over(skipped: Skipped) -> Tally:
    pictures = skipped.sequence - skipped.first_sequence + 1
    return Tally(passed=pictures) if skipped.reason == "profile" else Tally(skipped=pictures)


def _crossed(state: CameraState, crossing: Crossing, view: View) -> tuple[CameraState, Tally]:
    if view.flow is not None and crossing.takes_back is not None:
        # What is published by now stays as it is: then somebody went in, and comes out again. So it is with exports:
        # were crossings taken back, one track could change their number by more than its noise hides.
        length, exported = view.flow.counting.window, view.flow.counting.once is not None
        if not exported and flow.start_of(crossing.takes_back, length) == flow.start_of(crossing.time, length):
            return state, tally.took_back(crossing.line_id, movements.opposite(crossing.direction))
    state, may = _may_count(state, crossing.track, crossing.direction, view)
    return state, tally.crossed(crossing.line_id, crossing.direction, crossing.track) if may else Tally()


def _may_count(state: CameraState, track: int, kind: Kind, view: View) -> tuple[CameraState, bool]:
    """Say whether something counts: of what is exported, one track does no more than noise can hide."""
    if view.flow is None or view.flow.counting.once is None:
        return state, True
    windows, may = flow.may_count(state.windows, view.flow.counting, track, kind)
    return replace(state, windows=windows), may


def _watched(state: CameraState, since: datetime, until: datetime, view: View) -> CameraState:
    if view.flow is None:
        return state
    for time, microseconds in flow.parts(since, until, view.flow.settings.inside):
        state = _count(state, time, Tally(watched=microseconds), view)
    return state


def _warmed(
    state: CameraState, since: datetime | None, until: datetime, seen: Sequence[Track], view: View
) -> CameraState:
    """Note where people stood since the picture before; None: nobody was followed then."""
    if view.flow is None:
        return state
    followed = [track.id for track in state.following.tracks if track.known]
    if state.windows.bounds:
        live = (*followed, *(each.track for each in state.visits))
        state = replace(state, windows=flow.forget(state.windows, live))
    how = view.flow.counting
    if since is None or not how.warms:
        return state
    where = {track.id: heat.cell(track.foot.x / state.aspect, track.foot.y) for track in seen}
    return replace(state, windows=flow.warm(state.windows, how, since, until, where=where, followed=followed))


def _stayed(state: CameraState, visits: Sequence[Visit], view: View) -> CameraState:
    """Count how much longer visits are by now; from their beginning, once they are some."""
    if view.flow is None:
        return state
    how = view.flow.counting
    before = {(each.zone_id, each.first): each.until for each in state.visits if each.entered}
    there: dict[datetime, Stays] = defaultdict(Stays)
    for visit in (each for each in visits if each.entered):
        since = before.get((visit.zone_id, visit.first), visit.since)
        begun = since == visit.since
        for time, microseconds in flow.parts(since, visit.until, how.inside):
            new = begun or time == flow.start_of(time, how.window)
            if new:
                state, new = _may_count(state, visit.track, "zones", view)
            there[flow.start_of(time, how.inside)].add(visit.zone_id, microseconds, visit.track if new else None)
            begun = False
    for minute, stays in there.items():
        state = _count(state, minute, stays.tally(), view)
    return state


def _ended(state: CameraState, visit: Visit, time: datetime, view: View, *, lost: bool) -> CameraState:
    """Count a visit that is over, if it was seen from its beginning."""
    if not visit.came:
        return state
    state, may = _may_count(state, visit.track, "dwell", view)
    if not may:
        return state
    # Who comes and goes does so between two pictures, in the middle of them on average.
    unseen = timedelta(seconds=(0.5 if lost else 1.0) / state.rate) if state.rate > 0 else timedelta(0)
    return _count(state, time, tally.ended(visit.zone_id, visit.lasted + unseen, visit.track, lost=lost), view)


def _is_lost(state: CameraState, visit: Visit) -> bool:
    """Say whether nobody knows how long a visit lasted: the visitor was not seen to leave."""
    if any(track.id == visit.track and track.seen > visit.until for track in state.following.tracks):
        return False
    x, y = visit.foot.x / state.aspect, visit.foot.y
    return _EDGE < x < 1 - _EDGE and _EDGE < y < 1 - _EDGE


def _spread(still: Still) -> list[tuple[datetime, int]]:
    """Say when the pictures that a still stands for were taken: evenly, the last at its end."""
    step = (still.utc_time - still.from_time) / max(still.frames - 1, 1)
    return [(still.utc_time - step * back, 1) for back in range(still.frames)]


# The camera's places.


def _lines(camera: Camera, aspect: float) -> dict[LineId, Border]:
    return {
        line.id: Border(Segment(spot(line.start, aspect), spot(line.end, aspect)), line.band) for line in camera.lines
    }


def _areas(camera: Camera, aspect: float) -> dict[ZoneId, Area]:
    return {
        zone.id: Area(tuple(spot(corner, aspect) for corner in zone.polygon), zone.leaves_after)
        for zone in camera.zones
    }


def _with_frame(visit: Visit, message: FrameDetections, box: Box, at: FrameRef) -> Visit:
    """Keep the newest frame, and some of the seconds before, a little apart."""
    newest = AlertFrame(frame=message.frame, bounding_box=box, detections=at)
    if visit.framed is not None and message.utc_time - visit.framed < _FRAMES_APART:
        return replace(visit, newest=newest)
    frames = (*visit.frames, newest)[-_FRAMES_KEPT:]
    return replace(visit, newest=newest, frames=frames, framed=message.utc_time)


def _frames(visit: Visit) -> tuple[AlertFrame, ...]:
    """The kept frames, and the newest, which shows what the alert is about."""
    if visit.newest is None or visit.newest in visit.frames[-1:]:
        return visit.frames
    return (*visit.frames, visit.newest)


def _hour(visit: Visit, view: View) -> int:
    return visit.since.astimezone(view.timezone).hour
