"""Messages and rows for the warehouse's tests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow, alert_row, coverage_row, flow_row
from schemas.alert import Alert, Category, Explanation, ObservationCode, Rarity
from schemas.envelope import Module, Purpose
from schemas.flow import CoverageWindow, FlowWindow, Metric

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)
TOKYO = ZoneInfo("Asia/Tokyo")
MODULE = Module(name="watching", version="1", model_digest="m", config_digest="c")


def envelope(utc_time: datetime, lives: timedelta) -> dict[str, Any]:
    return {
        "event_id": "e",
        "store_id": "shibuya",
        "camera_id": "door",
        "utc_time": utc_time,
        "expires_at": utc_time + lives,
        "notice_id": "notice-1",
        "module": MODULE,
    }


def flow(start: datetime = NOON, **changes: Any) -> FlowRow:
    return flow_row(
        FlowWindow.model_validate(
            {
                **envelope(start, timedelta(days=761)),
                "window_start": start,
                "window_length": WINDOW,
                "version": 1,
                "line_id": "entrance",
                "metric": Metric.LINE_IN,
                "values": (7.0,),
                "coverage": 1.0,
                "suppressed_below": 1,
                **changes,
            }
        ),
        TOKYO,
    )


def coverage(start: datetime = NOON, **changes: Any) -> CoverageRow:
    return coverage_row(
        CoverageWindow.model_validate(
            {
                **envelope(start, timedelta(days=761)),
                "window_start": start,
                "window_length": WINDOW,
                "version": 1,
                **dict.fromkeys(("frames_expected", "frames_analysed", "stills"), 900),
                **dict.fromkeys(("skipped", "erased", "late"), 0),
                "people_tracked": 3,
                **changes,
            }
        )
    )


def alert(alert_id: str = "a1", start: datetime = NOON, **changes: Any) -> AlertRow:
    return alert_row(
        Alert.model_validate(
            {
                **envelope(start + timedelta(seconds=5), timedelta(days=30)),
                "purpose": Purpose.CRIME_PREVENTION,
                "alert_id": alert_id,
                "category": Category.LOITERING,
                "observation": ObservationCode.PERSON_STAYED_LONG,
                "zone_id": "shelf",
                "start": start,
                "end": start + timedelta(seconds=5),
                "numbers": {"stayed_seconds": 130.0},
                "rarity": Rarity(one_in=40, n=400),
                "score": 130.0,
                "threshold": 120.0,
                "explanations": (Explanation.COMPARING_PRODUCTS,),
                **changes,
            }
        )
    )
