"""How each camera is."""

from datetime import datetime, timedelta

from pipeline.console.cameras import CameraPanel, Signs, hear, panels, undecided
from pipeline.console.words import Words
from pipeline.flow.rows import CoverageRow
from schemas.aside import SetAside, Thing
from schemas.envelope import Module, Purpose
from schemas.geometry import Box
from schemas.health import CameraHealth, CameraState, Picture
from schemas.ids import CameraId, EventId, NoticeId, StoreId
from tests.unit.pipeline.console.house import NOON, coverage_row, device_health, estate

EN = Words("en")


def door(signs: Signs, *rows: CoverageRow, after: timedelta = timedelta(0)) -> CameraPanel:
    return panels(estate(), signs, rows, NOON + after, EN)[0]


def health(state: CameraState) -> CameraHealth:
    return CameraHealth(
        event_id=EventId("h"), store_id=StoreId("ginza"), camera_id=CameraId("door"), utc_time=NOON,
        purpose=Purpose.OPERATION, expires_at=NOON + timedelta(days=1), notice_id=NoticeId("n"),
        module=Module(name="m", version="1"), state=state,
    )  # fmt: skip


def test_what_waits_on_the_device_is_shown_where_anything_does() -> None:
    report = device_health("ginza", "door", NOON, frames=1200, stills=40)
    waiting = door(hear(Signs(), report.model_copy(update={"spooled": 77})))
    none = door(hear(Signs(), report))

    assert (waiting.spooled, "Waiting on the device\N{NO-BREAK SPACE}77" in waiting.counts) == (77, True)
    assert (none.spooled, "Waiting" in none.counts) == (0, False)


def test_every_camera_of_the_estate_is_shown_heard_of_or_not() -> None:
    shown = panels(estate(), Signs(), (), NOON, EN)

    assert [each.camera_id for each in shown] == ["door", "shelf", "hall"]
    assert {each.state for each in shown} == {"unknown"}


def test_a_report_says_when_it_was_last_seen_and_its_counts() -> None:
    signs = hear(Signs(), device_health("ginza", "door", NOON - timedelta(seconds=3), frames=1200, stills=40))

    shown = door(signs)

    assert (shown.state, shown.last, shown.counts) == (
        "well",
        "3 s ago",
        "Frames\N{NO-BREAK SPACE}1,200 · Stills\N{NO-BREAK SPACE}40",
    )


def test_a_camera_that_says_nothing_is_silent() -> None:
    signs = hear(Signs(), device_health("ginza", "door", NOON, frames=1, stills=0))

    assert door(signs, after=timedelta(minutes=2)).state == "silent"


def test_a_window_is_a_sign_too_and_is_waited_for() -> None:
    row = coverage_row("ginza", "door", NOON - timedelta(minutes=20), 2000, 2365)

    shown = door(Signs(), row)

    assert (shown.state, shown.last, shown.coverage_text) == ("well", "5 min ago", "97%")
    assert door(Signs(), row, after=timedelta(hours=1)).state == "silent"


def test_a_window_in_which_nothing_was_seen_is_no_sign() -> None:
    assert door(Signs(), coverage_row("ginza", "door", NOON - timedelta(minutes=15), 0, 0)).state == "unknown"


def test_what_ails_a_camera_is_named() -> None:
    signs = hear(Signs(), device_health("ginza", "door", NOON, frames=1, stills=0))

    shown = door(hear(signs, health(CameraState.COVERED)))

    assert (shown.state, shown.state_name) == ("covered", "Covered")


def test_since_when_and_what_to_do_is_said_of_what_ails_and_of_nothing_else() -> None:
    signs = hear(Signs(), device_health("ginza", "door", NOON, frames=1, stills=0))
    numbers = Picture(edges_kept=0.04, bare=0.9, sharpness=0.5, moved=0, brightness=0.1, same_for=0)
    since = health(CameraState.COVERED).model_copy(update={"since": NOON - timedelta(seconds=40), "numbers": numbers})

    covered, well = door(hear(signs, since)), door(hear(signs, health(CameraState.WELL)))

    assert covered.ails.startswith("please see whether something is before the lens · for 40 s · edges left 4%")
    assert well.ails == ""


def test_what_the_profile_passes_over_counts_as_seen() -> None:
    row = coverage_row("ginza", "door", NOON - timedelta(minutes=15), 1500, 0)._replace(passed=3000)

    assert door(Signs(), row).coverage_text == "100%"


def aside(at: datetime, *boxes: Box) -> SetAside:
    things = [Thing(bounding_box=each, since=at - timedelta(hours=1), set_aside=at, share=0.9) for each in boxes]
    return SetAside(
        event_id=EventId("a"), store_id=StoreId("ginza"), camera_id=CameraId("door"), utc_time=at,
        purpose=Purpose.CRIME_PREVENTION, expires_at=at + timedelta(days=1), notice_id=NoticeId("n"),
        module=Module(name="m", version="1"), things=tuple(things),
    )  # fmt: skip


def test_what_is_set_aside_is_told_of_until_somebody_decides_or_watching_says_no_more() -> None:
    thing, other = Box(left=0.1, top=0.2, right=0.2, bottom=0.6), Box(left=0.7, top=0.2, right=0.8, bottom=0.6)
    signs = hear(hear(Signs(), aside(NOON, thing, other)), aside(NOON - timedelta(minutes=1)))
    camera = estate().stores[0].cameras[0]
    decided = camera.model_copy(update={"people_here": (thing,)})

    assert door(signs).aside.startswith("2 set aside since")
    assert door(signs, after=timedelta(minutes=16)).aside == ""
    assert door(hear(signs, aside(NOON + timedelta(minutes=1)))).aside == ""
    assert [each.bounding_box for each in undecided(signs.aside("ginza", "door", NOON), decided)] == [other]


def test_an_older_report_changes_nothing() -> None:
    signs = hear(Signs(), device_health("ginza", "door", NOON, frames=9, stills=0))

    again = hear(signs, device_health("ginza", "door", NOON - timedelta(minutes=1), frames=1, stills=0))

    assert again == signs


def test_dropped_frames_are_shown_when_there_are_any() -> None:
    signs = hear(Signs(), device_health("ginza", "door", NOON, frames=9, stills=0, dropped=2))

    assert door(signs).counts.endswith("Dropped\N{NO-BREAK SPACE}2")
