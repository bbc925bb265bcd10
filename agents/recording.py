"""Alerts and counts in, warehouse rows out."""

from collections.abc import Sequence
from typing import Any

from agents.app import App, create_app
from agents.handling import Result
from agents.silence import Silence
from agents.stage import Stage
from pipeline.clock import SystemClock
from pipeline.errors import Rejected
from pipeline.flow.rows import row
from pipeline.received import Received
from pipeline.settings import Settings
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import writer
from schemas.alert import Alert
from schemas.envelope import CameraMessage
from schemas.estate import Estate
from schemas.flow import CoverageWindow, FlowWindow
from schemas.topics import topics

Told = Received[Alert | FlowWindow | CoverageWindow]


class Recording:
    """Writes rows. Each carries its full value: written again, it changes nothing."""

    def __init__(self, estate: Estate, warehouse: Warehouse, silence: Silence) -> None:
        self._estate = estate
        self._warehouse = warehouse
        self._silence = silence

    async def work(self, items: Sequence[Told]) -> list[Result]:
        """Write a row for each message of the estate.

        Raises:
            Unavailable: ClickHouse is away.
        """
        ours = [item.message for item in items if self._is_ours(item.message)]
        await self._warehouse.insert([row(message) for message in ours])
        for message in ours:
            if isinstance(message, CoverageWindow):
                self._silence.heard(message)
        return [() if self._is_ours(item.message) else Rejected("unknown_camera") for item in items]

    def _is_ours(self, message: CameraMessage) -> bool:
        return self._estate.camera(message.store_id, message.camera_id) is not None


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage."""
    app = create_app("recording", settings.kafka)
    stage = Stage(
        app,
        "recording",
        topics=topics(estate.lives),
        sources=["alerts.v1", "flow.v1"],
        outputs=["detections.v1"],
    )
    silence = Silence(stage, estate, settings.kafka, SystemClock())
    recording = Recording(estate, Warehouse(writer(settings.clickhouse)), silence)

    @app.agent(stage.channel, concurrency=1)
    async def record(stream: Any) -> None:
        """Write every alert and every window into the warehouse."""
        await stage.run_batches(stream, work=recording.work)

    @app.timer(interval=silence.every.total_seconds())  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def listen() -> None:
        """Close the windows of cameras that fell silent."""
        await silence.listen()

    return app
