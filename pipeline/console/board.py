"""The alerts that are shown, kept in memory, and who is listening for the next."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pipeline.flow.rows import AlertRow

KEPT: Final = 200
"""The newest alerts that the board holds; older ones are in the warehouse."""


@dataclass(frozen=True)
class Board:
    """Alerts by id, and which of them a person has acknowledged.

    Acknowledgements live as long as the console's process: they say that the procedure was read, and decide nothing.
    """

    alerts: Mapping[str, AlertRow] = field(default_factory=lambda: MappingProxyType({}))
    acknowledged: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))


def put(board: Board, alerts: Iterable[AlertRow], now: datetime) -> tuple[Board, tuple[AlertRow, ...]]:
    """Take alerts in; give back those that are new, or reach further than what was known, oldest first."""
    newest = {alert.alert_id: alert for alert in sorted(alerts, key=lambda alert: alert.end)}
    fresh = [
        alert
        for alert in newest.values()
        if alert.expires_at > now and ((known := board.alerts.get(alert.alert_id)) is None or known.end < alert.end)
    ]
    if not fresh:
        return board, ()
    merged = {**board.alerts, **{alert.alert_id: alert for alert in fresh}}
    kept = sorted(merged.values(), key=lambda alert: alert.utc_time)[-KEPT:]
    shown = MappingProxyType({alert.alert_id: alert for alert in kept})
    ordered = sorted((alert for alert in fresh if alert.alert_id in shown), key=lambda alert: alert.utc_time)
    return replace(board, alerts=shown), tuple(ordered)


def forget(board: Board, now: datetime) -> Board:
    """Drop what has expired, and the acknowledgements of what is no longer shown."""
    alive = {each: alert for each, alert in board.alerts.items() if alert.expires_at > now}
    read = {each: time for each, time in board.acknowledged.items() if each in alive}
    return Board(MappingProxyType(alive), MappingProxyType(read))


def acknowledge(board: Board, alert_id: str, now: datetime) -> Board:
    """Note that the procedure was read; the first time counts.

    Raises:
        KeyError: There is no such alert.
    """
    if alert_id not in board.alerts:
        raise KeyError(alert_id)
    return replace(board, acknowledged=MappingProxyType({alert_id: now, **board.acknowledged}))


def shown(board: Board) -> tuple[AlertRow, ...]:
    """Newest first."""
    return tuple(sorted(board.alerts.values(), key=lambda alert: alert.utc_time, reverse=True))


class Listeners:
    """Whoever waits for the next alert. A listener that does not keep up loses the oldest, and reads the list again."""

    def __init__(self, behind: int = 64) -> None:
        self._behind = behind
        self._queues: set[asyncio.Queue[str | None]] = set()

    def __len__(self) -> int:
        return len(self._queues)

    def tell(self, alert_id: str) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(alert_id)

    def close(self) -> None:
        """Tell everyone that there will be no more, so that the server can stop."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    @contextmanager
    def joined(self) -> Iterator["asyncio.Queue[str | None]"]:
        """A queue of alert ids; None is the end."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(self._behind)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
