"""Alerts and counts in, rows out; nothing of cameras that nobody knows."""

from typing import Any

from agents.recording import Recording
from pipeline.errors import Rejected
from pipeline.flow.rows import Row, row
from pipeline.received import Received
from schemas.alert import Alert
from schemas.detections import FrameRef
from schemas.ids import CameraId, StoreId
from tests.examples import examples
from tests.unit.pipeline.test_opening import ESTATE

ALERT = next(each for each in examples() if isinstance(each, Alert))
REF = FrameRef(topic="alerts.v1", partition=0, offset=0)


class Warehouse:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    async def insert(self, rows: list[Row]) -> None:
        self.rows += rows


async def recorded(*alerts: Alert) -> tuple[list[Row], list[Any]]:
    warehouse, silence = Warehouse(), None
    recording = Recording(ESTATE, warehouse, silence)  # type: ignore[arg-type]  # twins, and no coverage comes
    results = await recording.work([Received(each, REF) for each in alerts])
    return warehouse.rows, list(results)


async def test_an_alert_becomes_a_row() -> None:
    assert await recorded(ALERT) == ([row(ALERT)], [()])


async def test_an_alert_of_a_camera_that_nobody_knows_becomes_none() -> None:
    nowhere = ALERT.model_copy(update={"store_id": StoreId("nowhere")})
    elsewhere = ALERT.model_copy(update={"camera_id": CameraId("nowhere")})

    rows, results = await recorded(nowhere, ALERT, elsewhere)

    assert rows == [row(ALERT)]
    assert [isinstance(each, Rejected) for each in results] == [True, False, True]
