"""Messages in, rows out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow, flow_row, row
from schemas.alert import Alert, AlertFrame, Category, Explanation, ObservationCode, Quantile, Rarity, Usefulness
from schemas.detections import FrameRef
from schemas.envelope import Module, Purpose
from schemas.flow import CoverageWindow, FlowWindow, Metric, Noise
from schemas.geometry import Box

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
ENVELOPE: dict[str, Any] = {
    "event_id": "e",
    "store_id": "shibuya",
    "camera_id": "door",
    "notice_id": "notice-1",
    "module": Module(name="watching", version="1", model_digest="m", config_digest="c"),
}
WINDOW: dict[str, Any] = {
    **ENVELOPE,
    "utc_time": NOON,
    "expires_at": NOON + timedelta(days=761),
    "window_start": NOON,
    "window_length": timedelta(minutes=15),
    "version": 4,
}
FLOW: dict[str, Any] = {
    **WINDOW,
    "zone_id": "shelf",
    "metric": Metric.DWELL_HISTOGRAM,
    "values": (5.0, 2.0, 0.0),
    "coverage": 0.98,
    "suppressed_below": 3,
    "withheld": (2,),
    "noise": Noise(mechanism="geometric", epsilon=1.0, day_epsilon=2.0, cells=4),
}
COVERAGE: dict[str, Any] = {
    **WINDOW,
    "frames_expected": 900,
    "frames_analysed": 400,
    "stills": 450,
    "skipped": 20,
    "erased": 20,
    "late": 10,
    "passed": 7,
    "people_tracked": 3,
}
REF = FrameRef(topic="frames.v1", partition=2, offset=987_654_321)
ALERT: dict[str, Any] = {
    **ENVELOPE,
    "utc_time": NOON,
    "expires_at": NOON + timedelta(days=30),
    "purpose": Purpose.CRIME_PREVENTION,
    "alert_id": "a1",
    "category": Category.LOITERING,
    "observation": ObservationCode.PERSON_STAYED_LONG,
    "zone_id": "shelf",
    "start": NOON - timedelta(minutes=2),
    "end": NOON,
    "numbers": {"stayed_seconds": 120.0},
    "rarity": Rarity(one_in=40, n=400),
    "usefulness": Usefulness(share=0.5, low=0.3, high=0.7, n=20),
    "score": 120.0,
    "threshold": 110.0,
    "explanations": (Explanation.COMPARING_PRODUCTS, Explanation.WAITING_FOR_SOMEONE),
    "frame_refs": (
        AlertFrame(frame=REF, bounding_box=Box(left=0.123, top=0.2, right=0.3, bottom=0.9), detections=REF),
    ),
    "quantile": Quantile(edges=(1.0, 2.0), counts=(3, 4)),
}


def test_a_flow_window_becomes_a_row_with_its_full_value() -> None:
    assert row(FlowWindow(**FLOW), TOKYO) == FlowRow(
        store_id="shibuya",
        camera_id="door",
        metric="dwell_histogram",
        line_id="",
        zone_id="shelf",
        window_start=NOON,
        window_seconds=900,
        profile="published",
        version=4,
        values=(5.0, 2.0, 0.0),
        coverage=0.98,
        suppressed=False,
        suppressed_below=3,
        noise_epsilon=1.0,
        notice_id="notice-1",
        model_digest="m",
        config_digest="c",
        expires_at=FLOW["expires_at"],
        day=date(2026, 11, 23),
        withheld=(2,),
        noise_mechanism="geometric",
        noise_day_epsilon=2.0,
        noise_cells=4,
    )


def test_a_window_falls_on_the_day_of_its_store() -> None:
    evening = NOON + timedelta(hours=3)
    window = FlowWindow(**{**FLOW, "utc_time": evening, "window_start": evening})

    assert flow_row(window, TOKYO).day == date(2026, 11, 24)
    assert flow_row(window, ZoneInfo("UTC")).day == date(2026, 11, 23)


def test_a_coverage_window_becomes_a_row_with_every_count() -> None:
    made = row(CoverageWindow(**COVERAGE), TOKYO)

    assert isinstance(made, CoverageRow)
    assert {name: getattr(made, name) for name in COVERAGE if name in made._fields} == {
        name: value for name, value in COVERAGE.items() if name in made._fields
    }
    assert made.window_seconds == 900


def test_an_alert_becomes_a_row_with_the_numbers_behind_it() -> None:
    made = row(Alert(**ALERT), TOKYO)

    assert isinstance(made, AlertRow)
    assert (made.alert_id, made.category, made.observation) == ("a1", "loitering", "person_stayed_long")
    assert (made.rarity_one_in, made.rarity_n) == (40, 400)
    assert (made.usefulness_share, made.usefulness_low, made.usefulness_high, made.usefulness_n) == (0.5, 0.3, 0.7, 20)
    assert made.explanations == ("comparing_products", "waiting_for_someone")
    assert made.assertion_level == "observation_unreviewed"


def test_an_alert_without_rarity_or_usefulness_says_none_rather_than_nought() -> None:
    made = row(Alert(**{**ALERT, "rarity": None, "usefulness": None}), TOKYO)

    assert isinstance(made, AlertRow)
    assert (made.rarity_one_in, made.rarity_n, made.usefulness_share, made.usefulness_n) == (None,) * 4


def test_nothing_in_an_alerts_row_says_where_its_person_or_its_frames_are() -> None:
    text = repr(row(Alert(**ALERT), TOKYO))

    assert "0.123" not in text
    assert "987654321" not in text
    assert "frames.v1" not in text


@pytest.mark.parametrize("kind", [FlowRow, CoverageRow])
def test_r51_no_column_of_flow_can_hold_a_person_a_picture_or_an_alert(kind: type[FlowRow | CoverageRow]) -> None:
    may_be = {
        "store_id", "camera_id", "metric", "line_id", "zone_id", "window_start", "window_seconds", "profile", "version",
        "values", "coverage", "suppressed", "suppressed_below", "noise_epsilon", "notice_id", "model_digest",
        "config_digest", "expires_at", "frames_expected", "frames_analysed", "stills", "skipped", "erased", "late",
        "people_tracked", "passed", "day", "withheld", "noise_mechanism", "noise_day_epsilon", "noise_cells",
    }  # fmt: skip

    assert set(kind._fields) <= may_be


@given(
    values=st.lists(st.floats(0, 1e6), max_size=5),
    version=st.integers(0, 2**40),
    quarter=st.integers(0, 96 * 700),
    quarters=st.integers(1, 96),
)
def test_a_row_is_the_same_every_time_and_keeps_what_the_window_says(
    values: list[float], version: int, quarter: int, quarters: int
) -> None:
    start = NOON + quarter * timedelta(minutes=15)
    window = FlowWindow(
        **{
            **FLOW,
            "withheld": (),
            "values": values,
            "version": version,
            "window_start": start,
            "utc_time": start,
            "expires_at": start + timedelta(days=761),
            "window_length": quarters * timedelta(minutes=15),
        }
    )
    made = row(window, TOKYO)

    assert made == row(FlowWindow.model_validate_json(window.model_dump_json()), TOKYO)
    assert isinstance(made, FlowRow)
    assert (made.values, made.version, made.window_start) == (tuple(values), version, start)
    assert timedelta(seconds=made.window_seconds) == window.window_length


def test_every_message_for_the_warehouse_has_a_row() -> None:
    messages: list[BaseModel] = [FlowWindow(**FLOW), CoverageWindow(**COVERAGE), Alert(**ALERT)]

    assert [type(row(message, TOKYO)) for message in messages] == [FlowRow, CoverageRow, AlertRow]  # type: ignore[arg-type] # the list is of their base
