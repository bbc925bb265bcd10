"""A store's windows as a chart."""

from datetime import timedelta

from pipeline.console.flow import SHOWN, FlowPanel, axis, panel, totals
from pipeline.console.words import Words
from pipeline.flow.rows import FlowRow
from tests.unit.pipeline.console.house import NOON, estate, flow_rows

EN = Words("en")
QUARTER = timedelta(minutes=15)


def crossing(metric: str, quarters: int, count: float | None, line: str = "door") -> FlowRow:
    return FlowRow(
        store_id="ginza", camera_id="door", metric=metric, line_id=line, zone_id="",
        window_start=NOON + QUARTER * quarters, window_seconds=900, profile="published", version=1,
        values=() if count is None else (count,), coverage=0.5 if quarters else 1.0, suppressed=count is None,
        suppressed_below=3, noise_epsilon=None, notice_id="n", model_digest="", config_digest="",
        expires_at=NOON + timedelta(days=761), day=NOON.date(),
    )  # fmt: skip


def drawn(*rows: FlowRow) -> FlowPanel:
    return panel(estate().stores[0], rows, estate(), NOON, EN)


def test_a_line_has_what_came_and_went_over_the_same_windows() -> None:
    shown = drawn(crossing("line_in", 0, 4), crossing("line_out", 0, 3), crossing("line_in", 1, 7))

    (line,) = shown.series
    assert (line.name, line.camera, line.kind_name) == ("正面入口 Front door", "入口 Entrance", "Line")
    assert (line.come, line.go) == ((4, 7), (3, None))


def test_a_window_nobody_wrote_is_missing_and_not_zero() -> None:
    shown = drawn(crossing("line_in", 0, 4), crossing("line_in", 2, 5))

    assert shown.series[0].come == (4, None, 5)
    assert [each.coverage for each in shown.windows] == [1.0, None, 0.5]
    assert shown.series[0].suppressed == (False, False, False)


def test_a_suppressed_window_shows_that_it_is_and_no_number() -> None:
    shown = drawn(crossing("line_in", 0, 4), crossing("line_in", 1, None))

    assert shown.series[0].come == (4, None)
    assert shown.series[0].suppressed == (False, True)
    assert shown.totals.text == "At least 4 in · 0 out (1 withheld: too few)"


def test_windows_are_labelled_in_the_stores_time_zone() -> None:
    shown = drawn(crossing("line_in", 0, 4))

    assert shown.windows[0].label == "14:40"
    assert shown.every == "Every 15 min · Asia/Tokyo"


def test_short_windows_have_seconds_in_their_labels() -> None:
    shown = drawn(crossing("line_in", 0, 4)._replace(window_seconds=15, profile="demo"))

    assert (shown.windows[0].label, shown.length) == ("14:40:00", "15 s")


def test_no_more_windows_than_can_be_shown_the_latest() -> None:
    rows = [crossing("line_in", quarters, 4) for quarters in range(SHOWN + 20)]

    starts = axis(rows, QUARTER)

    assert (len(starts), starts[-1]) == (SHOWN, rows[-1].window_start)


def test_totals_count_the_whole_day_and_every_withheld_window_once() -> None:
    rows = [crossing("line_in", each, 4) for each in range(SHOWN + 20)]
    withheld = [crossing("line_in", 200, None), crossing("line_out", 200, None)]

    counted = totals([*rows, *withheld], EN)

    assert (counted.come, counted.withheld) == (4 * (SHOWN + 20), 1)


def test_a_day_without_windows_is_an_empty_chart() -> None:
    shown = drawn()

    assert (shown.series, shown.windows, shown.totals.come) == ((), (), 0)


def test_a_zone_shows_its_occupancy() -> None:
    rows = [row for row in flow_rows(NOON) if row.store_id == "ginza"]

    lines_then_zone = [each.kind for each in drawn(*rows).series]

    assert lines_then_zone == ["line", "zone"]


def test_windows_of_another_length_are_not_mixed_in() -> None:
    demo = crossing("line_in", 0, 9)._replace(window_seconds=15)

    assert drawn(demo, crossing("line_in", 1, 4)).series[0].come == (4,)


def test_a_noised_number_says_so() -> None:
    assert drawn(crossing("line_in", 0, 4)._replace(noise_epsilon=1.0)).noised == "Noised for protection"
