"""Log events: named, with fields from a list. What is not on the list is dropped, not written."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from pipeline.settings import Logs

FIELDS: Final = frozenset(
    {
        # who and where
        "event", "level", "timestamp", "logger", "process", "stage", "store", "camera", "device", "principal", "worker",
        # what
        "key_id", "alert_id", "topic", "partition", "offset", "sequence", "boot", "reason", "detail", "error", "state",
        "purpose", "slot", "table", "migration", "model", "file", "address", "port", "path", "signal", "exit_code",
        # how much, how long
        "count", "rows", "bytes", "frames", "stills", "dropped", "spooled", "keys", "lag", "seconds", "milliseconds",
        "attempt", "attempts", "fps", "width", "expires_at", "position", "gap",
    }
)  # fmt: skip
"""Every field that a log line may have, in one place: none of them can hold a picture, a face or a key."""

_LONGEST: Final = 300
_SELDOM: Final = 10.0
_TALKATIVE: Final = ("", ".conn", ".cluster", ".consumer.fetcher", ".consumer.group_coordinator", ".producer.sender")
"""Loggers of aiokafka that say a hundred lines a second while the broker is away."""


class Seldom(logging.Filter):
    """Lets each complaint of a library through once in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        what = (record.name, str(record.msg))
        if record.created - self._said.get(what, 0) < _SELDOM:
            return False
        self._said[what] = record.created
        return True


def allow_listed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop fields that are not on the list, and bytes wherever they are."""
    for name in list(event):
        if name not in FIELDS or isinstance(event[name], bytes | bytearray | memoryview):
            del event[name]
        elif isinstance(event[name], str) and len(event[name]) > _LONGEST:
            event[name] = event[name][:_LONGEST] + "…"
    return event


def configure(logs: Logs, process: str) -> None:
    """Set up logging for this process, once, at its start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if logs.json_lines else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, allow_listed, shown],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[logs.level]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    # Other people's libraries: warnings only. Their debug records cost time and may quote values.
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    seldom = Seldom()
    for name in _TALKATIVE:
        logging.getLogger(f"aiokafka{name}").addFilter(seldom)


def log() -> Any:
    """Return the logger: `log().info("key destroyed", key_id=…)`."""
    return structlog.get_logger()
