"""What watching counts of people flow: heat, dwell with who was lost, what a profile passes over, and exports."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import watching
from pipeline.flow.budget import Export, Release, budget, shares
from pipeline.flow.tally import Tally, added
from pipeline.watching import CameraState, Exporting, dumps, loads
from schemas.detections import Detection, Erased, FrameDetections, ObjectType, Skipped
from schemas.envelope import Message, Purpose
from schemas.estate import Device, Estate, FlowSettings, Store
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.geometry import Box
from schemas.ids import DeviceId, KeyId, NoticeId, StoreId, ZoneId
from schemas.regulation import Notice, Regulation
from tests.unit.pipeline.test_watching import (
    CAMERA,
    MODULE,
    NOON,
    PUBLISHER,
    VIEW,
    WALKING,
    frame,
    ordered,
    ref,
    run,
    still,
    tick,
)

HOUR = timedelta(hours=1)


class Everything:
    """A ledger that allows all."""

    def __init__(self) -> None:
        self.asked: list[Release] = []

    def allows(self, release: Release) -> bool:
        self.asked.append(release)
        return True


STORE = Store(id=StoreId("ginza"), regulation="rules.toml", cameras=(CAMERA,))
EXPORTED = FlowSettings(profile="export")
PUBLISHED = VIEW._replace(flow=replace(PUBLISHER, settings=FlowSettings()))


def told(found: list[Message], metric: Metric) -> list[FlowWindow]:
    return [each for each in found if isinstance(each, FlowWindow) and each.metric is metric]


def test_a_heat_map_shows_where_somebody_walked() -> None:
    _, found = run([*WALKING, tick(60)])

    cells = [sum(column) for column in zip(*(each.values for each in told(found, Metric.HEAT)), strict=True)]
    warm = {index // 32 for index, each in enumerate(cells) if each}
    assert sum(cells) == pytest.approx(39 / 5, abs=0.5)
    assert warm <= {14}  # feet at .8 of 18 rows


def test_r51_nobodys_way_is_left_in_a_state_in_which_nobody_is_followed() -> None:
    state, _ = run(WALKING[:30])

    assert any(each.heat.going for each in state.windows.whole)
    left = watching.rest(state, VIEW)
    assert not any(each.heat.going for each in left.windows.whole)
    _, rested = run([tick(60)], left, since=30)
    _, kept = run([tick(60)], state, since=30)
    assert told(rested, Metric.HEAT) == told(kept, Metric.HEAT)


def test_a_visitor_who_is_lost_in_the_middle_of_a_zone_has_stayed_at_least_so_long() -> None:
    lost = [frame(number, 0.25) for number in range(30)] + [frame(number) for number in range(30, 60)]
    leaves = [frame(number, 0.25 if number < 30 else 0.25 + 0.03 * (number - 29)) for number in range(60)]

    counted = [
        sum(
            sum(each.values)
            for each in told(run([*some, tick(60)])[1], Metric.DWELL_HISTOGRAM)
            if each.zone_id == "left"
        )
        for some in (lost, leaves)
    ]

    assert counted == [0, 1]


CAME = [frame(number, 0.45) for number in range(30)]
"""Somebody comes into a zone, and is there for 5.8 s."""


def farther(number: int, x: float) -> FrameDetections:
    """Somebody stands farther from the lower side of the picture, where the zones end."""
    box = Box(left=x - 0.05, top=0.2, right=x + 0.05, bottom=0.6)
    seen = Detection(type=ObjectType.HUMAN, likelihood=0.9, bounding_box=box)
    return frame(number).model_copy(update={"detections": (seen,)})


THERE = [farther(number, 0.25) for number in range(30)]
"""Somebody is in the middle of a zone, who was not seen to come."""


def counted(state: CameraState) -> Tally:
    tallies = (*(each.tally for each in state.windows.going), *(each.tally for each in state.windows.whole))
    return reduce(added, tallies, Tally())


@pytest.mark.parametrize(
    "after",
    [
        [frame(60, 0.45, seconds=10)],
        [frame(0, 0.45, seconds=6.2, boot=2)],
        [frame(30, 0.45, seconds=-7200)],
        [Erased(**ordered(10, 60, frame=ref(60), key_id=KeyId("k-1")))],
        [Skipped(**ordered(10, 60, first_sequence=60, frame=ref(60)))],
        [tick(7200)],
    ],
    ids=["gap", "boot", "clock set back", "erased after a gap", "skipped after a gap", "silence"],
)
def test_who_was_in_a_zone_when_sight_was_lost_has_stayed_at_least_so_long(after: list[Message]) -> None:
    before, _ = run(CAME)
    state, _ = run(after, before, since=len(CAME))
    left, _ = run([frame(number) for number in range(30, 60)], before, since=len(CAME))

    assert counted(before).lost == {}
    assert counted(state).lost == counted(left).lost != {}
    assert counted(state).dwells == {}


def test_whoever_was_there_before_the_camera_saw_is_not_lost_with_it() -> None:
    state, _ = run([*THERE, frame(60, 0.25, seconds=10)])

    assert counted(state).lost == {}


def test_who_was_lost_with_sight_counts_once_whenever_the_camera_is_forgotten() -> None:
    state, _ = run(CAME)
    again = [frame(999, seconds=7200), frame(1000, seconds=7216), tick(7300)]

    rested = watching.rest(watching.rest(state, VIEW), VIEW)
    forgotten, told_then = run(again, rested, since=len(CAME))
    remembered, told_now = run(again, state, since=len(CAME))

    assert sum(counted(rested).lost[ZoneId("left")].values()) == 1
    assert told_then == told_now
    assert dumps(forgotten) == dumps(remembered)


def test_of_what_is_exported_sight_that_is_lost_adds_no_second_stay_to_a_track() -> None:
    to_the_right = [frame(30 + number, 0.45 + 0.01 * number) for number in range(15)]
    there = [frame(number, 0.6) for number in range(45, 58)]
    gap = frame(100, seconds=14.9)

    exact, _ = run([*CAME, *to_the_right, *there, gap])
    exported, _ = run([*CAME, *to_the_right, *there, gap], view=exporting(Everything()))

    assert [list(some) for some in (counted(exact).dwells, counted(exact).lost)] == [["left"], ["right"]]
    assert [list(some) for some in (counted(exported).dwells, counted(exported).lost)] == [["left"], []]


def test_what_is_usual_is_learnt_from_visits_that_were_seen_from_beginning_to_end() -> None:
    gone = [frame(number) for number in range(60, 90)]
    leaves = [frame(30 + number, 0.45 + 0.02 * number) for number in range(30)]
    lost = [frame(number) for number in range(30, 60)]
    there_before = [*THERE, *(farther(30 + number, 0.25 + 0.03 * number) for number in range(30))]

    learnt = [
        run([*some, *gone])[0].usual.get(ZoneId("left"), {})
        for some in ([*CAME, *leaves], [*CAME, *lost], there_before)
    ]

    assert [sum(each.n for each in hours.values()) for hours in learnt] == [1, 0, 0]


def test_coverage_does_not_fall_for_what_the_profile_passes_over_but_for_what_is_shed() -> None:
    def skipped(number: int, reason: str) -> Skipped:
        return Skipped(**ordered(number / 5, number, first_sequence=number, frame=ref(number), reason=reason))

    def covered(reason: str) -> list[float]:
        every = [frame(number, 0.25) if number % 3 == 0 else skipped(number, reason) for number in range(150)]
        _, found = run(every)
        return [each.coverage for each in told(found, Metric.HEAT)]

    assert covered("profile") == [1]
    assert covered("shed") == [pytest.approx(1 / 3)]


def test_a_quarter_is_published_of_minutes_that_are_not() -> None:
    _, found = run([*(frame(number, 0.25) for number in range(5)), still(5, 5 * 60 * 31)], view=PUBLISHED)

    windows = [each for each in found if isinstance(each, CoverageWindow)]
    assert [each.window_start - NOON for each in windows] == [timedelta(0), timedelta(minutes=15)]
    assert [each.people_tracked for each in windows] == [None, 0]
    assert [each.suppressed for each in told(found, Metric.OCCUPANCY) if each.zone_id == "left"] == [True, True]
    assert not any(sum(each.values) for each in told(found, Metric.HEAT))


def exporting(ledger: Everything) -> watching.View:
    export = Export(bytes(32), shares(EXPORTED, STORE)[CAMERA.id], budget(EXPORTED), ledger)
    return VIEW._replace(flow=replace(PUBLISHER, settings=EXPORTED, export=export))


def test_one_person_who_goes_to_and_fro_is_exported_once() -> None:
    to_and_fro = [frame(number, 0.5 + 0.3 * (-1) ** (number // 15), seconds=number / 5) for number in range(300)]

    state, _ = run(to_and_fro, view=exporting(Everything()))

    crossings = [each.tally.went_out.get("door", 0) + each.tally.came_in.get("door", 0) for each in state.windows.going]  # type: ignore[call-overload]  # a name is a text
    assert sum(crossings) <= 2


def test_an_exported_hour_is_told_when_it_is_over_and_by_the_day_of_the_store() -> None:
    ledger = Everything()

    _, found = run([*WALKING, frame(9999, seconds=3601.5)], view=exporting(ledger))

    assert {each.profile for each in found if isinstance(each, FlowWindow)} == {"export"}
    assert [each.window_start for each in ledger.asked] == [NOON]
    assert not told(found, Metric.HEAT)
    assert all(each.suppressed for each in told(found, Metric.LINE_OUT))


def test_a_camera_of_an_estate_that_exports_is_noised_with_its_share() -> None:
    store = STORE.model_copy(update={"devices": (Device(id=DeviceId("gateway-1"), public_key="A" * 43 + "="),)})
    estate = Estate(frame_ttl=HOUR, flow=EXPORTED, stores=(store,))
    notice = Notice(
        id=NoticeId("door-2026"), purposes=(Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW), text_version="1",
        place="door", languages=("ja",), checked_by="m.sato", checked_on=NOON.date(),
    )  # fmt: skip
    rules = Regulation(version="1", purposes=notice.purposes, notices=(notice,))
    camera = CAMERA.model_copy(update={"notice": "door-2026"})

    made = watching.view(estate, store, camera, rules, MODULE, exporting=Exporting(bytes(32), Everything()))

    assert made.flow is not None
    assert made.flow.export is not None
    assert made.flow.export.micro == made.flow.export.budget == 2_000_000
    assert made.flow.counting.once == HOUR


@settings(max_examples=4)
@given(st.integers(0, 79), st.sampled_from(["demo", "published", "export"]))
def test_a_state_saved_and_restored_at_any_message_counts_the_same_to_the_last_bit(cut: int, profile: str) -> None:
    view = {"demo": VIEW, "published": PUBLISHED, "export": exporting(Everything())}[profile]
    messages = [*WALKING, *(frame(40 + number, 0.3, 0.7) for number in range(38)), tick(60), frame(9999, seconds=7300)]

    whole, everything = run(messages, view=view)
    half, first = run(messages[:cut], view=view)
    restored = loads(dumps(half))
    rest, second = run(messages[cut:], restored, view=view, since=cut)

    assert dumps(rest) == dumps(whole)
    assert [*first, *second] == everything
    assert CameraState() != rest
