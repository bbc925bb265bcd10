"""Messages in, warehouse rows out."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.alert import Alert
from schemas.flow import CoverageWindow, FlowWindow

ALERTS_LIVE: Final = timedelta(days=30)
COUNTS_LIVE: Final = timedelta(days=761)
"""As long as a regulation can allow at most (schemas/regulation.py)."""


class FlowRow(NamedTuple):
    """A row of `people_flow`: one count of one line or zone, or a heat map, its full value."""

    store_id: str
    camera_id: str
    metric: str
    line_id: str
    zone_id: str
    window_start: datetime
    window_seconds: int
    profile: str
    version: int
    values: tuple[float, ...]
    coverage: float
    suppressed: bool
    suppressed_below: int
    noise_epsilon: float | None
    notice_id: str
    model_digest: str
    config_digest: str
    expires_at: datetime
    day: date
    """Of the store."""
    withheld: tuple[int, ...] = ()
    noise_mechanism: str = ""
    noise_day_epsilon: float | None = None
    noise_cells: int | None = None


class CoverageRow(NamedTuple):
    """A row of `coverage`: how much of a window was seen."""

    store_id: str
    camera_id: str
    window_start: datetime
    window_seconds: int
    profile: str
    version: int
    frames_expected: int
    frames_analysed: int
    stills: int
    skipped: int
    erased: int
    late: int
    people_tracked: int | None
    notice_id: str
    model_digest: str
    config_digest: str
    expires_at: datetime
    passed: int = 0


class AlertRow(NamedTuple):
    """A row of `alerts`: what was seen and the numbers behind it, but neither boxes nor where the frames lie."""

    alert_id: str
    store_id: str
    camera_id: str
    utc_time: datetime
    start: datetime
    end: datetime
    expires_at: datetime
    category: str
    observation: str
    zone_id: str
    line_id: str
    numbers: Mapping[str, float]
    rarity_one_in: float | None
    rarity_n: int | None
    usefulness_share: float | None
    usefulness_low: float | None
    usefulness_high: float | None
    usefulness_n: int | None
    score: float
    threshold: float
    assertion_level: str
    explanations: tuple[str, ...]
    notice_id: str
    model_digest: str
    config_digest: str


Row = FlowRow | CoverageRow | AlertRow


def row(message: FlowWindow | CoverageWindow | Alert, timezone: ZoneInfo) -> Row:
    """The row that a message becomes: the same one every time. The time zone is its store's."""
    match message:
        case FlowWindow():
            return flow_row(message, timezone)
        case CoverageWindow():
            return coverage_row(message)
        case Alert():
            return alert_row(message)


def flow_row(window: FlowWindow, timezone: ZoneInfo) -> FlowRow:
    noise = window.noise
    return FlowRow(
        store_id=window.store_id,
        camera_id=window.camera_id,
        metric=window.metric.value,
        line_id=window.line_id or "",
        zone_id=window.zone_id or "",
        window_start=window.window_start,
        window_seconds=seconds(window.window_length),
        profile=window.profile,
        version=window.version,
        values=window.values,
        coverage=window.coverage,
        suppressed=window.suppressed,
        suppressed_below=window.suppressed_below,
        noise_epsilon=noise.epsilon if noise else None,
        notice_id=window.notice_id,
        model_digest=window.module.model_digest,
        config_digest=window.module.config_digest,
        expires_at=expiry(window.expires_at, window.window_start + COUNTS_LIVE),
        day=window.window_start.astimezone(timezone).date(),
        withheld=window.withheld,
        noise_mechanism=noise.mechanism if noise else "",
        noise_day_epsilon=noise.day_epsilon if noise else None,
        noise_cells=noise.cells if noise else None,
    )


def coverage_row(window: CoverageWindow) -> CoverageRow:
    return CoverageRow(
        store_id=window.store_id,
        camera_id=window.camera_id,
        window_start=window.window_start,
        window_seconds=seconds(window.window_length),
        profile=window.profile,
        version=window.version,
        frames_expected=window.frames_expected,
        frames_analysed=window.frames_analysed,
        stills=window.stills,
        skipped=window.skipped,
        erased=window.erased,
        late=window.late,
        people_tracked=window.people_tracked,
        notice_id=window.notice_id,
        model_digest=window.module.model_digest,
        config_digest=window.module.config_digest,
        expires_at=expiry(window.expires_at, window.window_start + COUNTS_LIVE),
        passed=window.passed,
    )


def alert_row(alert: Alert) -> AlertRow:
    rarity, usefulness = alert.rarity, alert.usefulness
    return AlertRow(
        alert_id=alert.alert_id,
        store_id=alert.store_id,
        camera_id=alert.camera_id,
        utc_time=alert.utc_time,
        start=alert.start,
        end=alert.end,
        expires_at=expiry(alert.expires_at, alert.utc_time + ALERTS_LIVE),
        category=alert.category.value,
        observation=alert.observation.value,
        zone_id=alert.zone_id or "",
        line_id=alert.line_id or "",
        numbers=alert.numbers,
        rarity_one_in=rarity.one_in if rarity else None,
        rarity_n=rarity.n if rarity else None,
        usefulness_share=usefulness.share if usefulness else None,
        usefulness_low=usefulness.low if usefulness else None,
        usefulness_high=usefulness.high if usefulness else None,
        usefulness_n=usefulness.n if usefulness else None,
        score=alert.score,
        threshold=alert.threshold,
        assertion_level=alert.assertion_level,
        explanations=tuple(explanation.value for explanation in alert.explanations),
        notice_id=alert.notice_id,
        model_digest=alert.module.model_digest,
        config_digest=alert.module.config_digest,
    )


def expiry(said: datetime, last: datetime) -> datetime:
    """When a row is removed: as its message says, and no later than anything of its kind may live.

    A partition is dropped when its last row has expired: one that never did would keep it for good.
    """
    return min(said, last)


def seconds(length: timedelta) -> int:
    """Windows begin and end on whole seconds."""
    return length // timedelta(seconds=1)
