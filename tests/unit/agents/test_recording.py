"""Alerts and counts in, rows out; nothing of cameras that nobody knows."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agents.recording import Recording
from pipeline.errors import Rejected, Unavailable
from pipeline.flow.rows import Row, row
from pipeline.received import Received
from schemas.alert import Alert
from schemas.aside import SetAside
from schemas.detections import FrameRef
from schemas.flow import CoverageWindow, FlowWindow
from schemas.ids import CameraId, StoreId
from tests.examples import examples
from tests.unit.pipeline.test_opening import ESTATE

ALERT = next(each for each in examples() if isinstance(each, Alert))
FLOW = next(each for each in examples() if isinstance(each, FlowWindow))
COVERAGE = next(each for each in examples() if isinstance(each, CoverageWindow))
TOKYO = ZoneInfo(ESTATE.stores[0].timezone)


def received(message: Any) -> Received[Any]:
    return Received(message, FrameRef(topic="alerts.v1", partition=0, offset=0))


class Warehouse:
    """Keeps what is written, unless it is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.rows: list[Row] = []
        self.away = away

    async def insert(self, rows: Sequence[Row]) -> None:
        if self.away:
            raise Unavailable("away")
        self.rows += rows


class Silence:
    """Keeps what was heard."""

    def __init__(self) -> None:
        self.windows: list[CoverageWindow] = []

    def heard(self, window: CoverageWindow) -> None:
        self.windows.append(window)


def recording(warehouse: Warehouse, silence: Silence) -> Recording:
    return Recording(ESTATE, warehouse, silence)  # type: ignore[arg-type]  # twins


async def test_an_alert_becomes_a_row() -> None:
    warehouse = Warehouse()

    assert await recording(warehouse, Silence()).alerts([received(ALERT)]) == [()]
    assert warehouse.rows == [row(ALERT, TOKYO)]


async def test_what_is_set_aside_becomes_no_row_beside_alerts_that_do() -> None:
    aside = next(each for each in examples() if isinstance(each, SetAside))
    aside = aside.model_copy(update={"store_id": ALERT.store_id, "camera_id": ALERT.camera_id})
    warehouse = Warehouse()

    assert await recording(warehouse, Silence()).alerts([received(aside), received(ALERT)]) == [(), ()]
    assert warehouse.rows == [row(ALERT, TOKYO)]


async def test_an_alert_of_a_camera_that_nobody_knows_becomes_none() -> None:
    nowhere = ALERT.model_copy(update={"store_id": StoreId("nowhere")})
    elsewhere = ALERT.model_copy(update={"camera_id": CameraId("nowhere")})
    warehouse = Warehouse()

    results = await recording(warehouse, Silence()).alerts([received(each) for each in (nowhere, ALERT, elsewhere)])

    assert warehouse.rows == [row(ALERT, TOKYO)]
    assert [isinstance(each, Rejected) for each in results] == [True, False, True]


async def test_windows_become_rows_and_coverage_is_heard() -> None:
    warehouse, silence = Warehouse(), Silence()

    results = await recording(warehouse, silence).counts([received(FLOW), received(COVERAGE)])

    assert warehouse.rows == [row(FLOW, TOKYO), row(COVERAGE, TOKYO)]
    assert silence.windows == [COVERAGE]
    assert results == [(), ()]


async def test_a_window_counts_as_done_only_when_the_warehouse_has_it() -> None:
    silence = Silence()

    with pytest.raises(Unavailable):
        await recording(Warehouse(away=True), silence).counts([received(COVERAGE)])

    assert silence.windows == []
