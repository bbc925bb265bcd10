"""Alerts and counts in, warehouse rows out."""

from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from agents.app import App, create_app
from agents.handling import Result
from agents.silence import Silence
from agents.stage import Stage
from pipeline.clock import SystemClock
from pipeline.errors import Rejected
from pipeline.flow.rows import Row, row
from pipeline.received import Received
from pipeline.settings import Settings
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import writer
from pipeline.warehouse.pace import EVERY, Paced
from schemas.alert import Alert
from schemas.aside import SetAside
from schemas.envelope import CameraMessage
from schemas.estate import Estate, Store
from schemas.flow import CoverageWindow, FlowWindow
from schemas.topics import topics

Count = FlowWindow | CoverageWindow

TOGETHER: Final = 5000
"""Windows to an insert at most."""
BUFFER: Final = 512
"""Messages that lie ready in memory: they are small here."""


class Recording:
    """Writes rows. Each carries its full value: written again, it changes nothing."""

    def __init__(self, estate: Estate, warehouse: Warehouse, silence: Silence) -> None:
        self._estate = estate
        self._warehouse = warehouse
        self._paced = Paced(warehouse)
        self._silence = silence

    async def alerts(self, items: Sequence[Received[Alert | SetAside]]) -> list[Result]:
        """Write a row for each alert of the estate, at once: somebody may be waiting for it.

        What is set aside goes to the console alone: the warehouse has no boxes.

        Raises:
            Unavailable: ClickHouse is away.
        """
        alerts = [item for item in items if isinstance(item.message, Alert)]
        await self._warehouse.insert(self._rows(alerts))
        return self._results(items)

    async def counts(self, items: Sequence[Received[Count]], *, at_once: bool = False) -> list[Result]:
        """Write a row for each window of the estate, together with what others bring: an insert a second and table.

        Args:
            items: Windows; they count as done when ClickHouse has them.
            at_once: Do not wait for others.

        Raises:
            Unavailable: ClickHouse is away.
        """
        await self._paced.insert(self._rows(items), at_once=at_once)
        for item in items:
            if isinstance(item.message, CoverageWindow) and self._store(item.message):
                self._silence.heard(item.message)
        return self._results(items)

    def _rows(self, items: Sequence[Received[Any]]) -> list[Row]:
        stores = ((item.message, self._store(item.message)) for item in items)
        return [row(message, ZoneInfo(store.timezone)) for message, store in stores if store]

    def _results(self, items: Sequence[Received[Any]]) -> list[Result]:
        return [() if self._store(item.message) else Rejected("unknown_camera") for item in items]

    def _store(self, message: CameraMessage) -> Store | None:
        """Return the store, if it has such a camera."""
        known = self._estate.camera(message.store_id, message.camera_id) is not None
        return self._estate.store(message.store_id) if known else None


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage: an agent for alerts and one for counts, so that no alert waits for the others' second."""
    app = create_app("recording", settings.kafka, buffer=BUFFER)
    stage = Stage(
        app,
        "recording",
        topics=topics(estate.lives),
        sources=["alerts.v1", "flow.v1"],
        outputs=["detections.v1", "health.v1"],
    )
    silence = Silence(stage, estate, settings.kafka, SystemClock())
    recording = Recording(estate, Warehouse(writer(settings.clickhouse)), silence)

    async def work(items: Sequence[Received[Any]]) -> list[Result]:
        # What comes first after an assignment is handled singly, and would take a second each.
        if any(isinstance(item.message, Alert | SetAside) for item in items):
            return await recording.alerts(items)
        return await recording.counts(items, at_once=stage.is_careful(items))

    @app.agent(stage.channel_of("alerts.v1"), concurrency=1)
    async def record_alerts(stream: Any) -> None:
        """Write every alert into the warehouse."""
        await stage.run_batches(stream, work=work)

    @app.agent(stage.channel_of("flow.v1"), concurrency=1)
    async def record_counts(stream: Any) -> None:
        """Write every window into the warehouse, those of a second together."""
        await stage.run_batches(stream, work=work, take=TOGETHER, within=EVERY.total_seconds())

    @app.task  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def hear() -> None:
        """Tell of cameras that nobody speaks for."""
        await silence.hear()

    @app.timer(interval=silence.every.total_seconds())  # type: ignore[untyped-decorator]  # Faust types it nowhere
    async def listen() -> None:
        """Close the windows of cameras that fell silent."""
        await silence.listen()

    return app
