"""How long what has expired has been on a disk: measured all the time (R21), in the log and for Prometheus."""

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from pipeline.errors import Unavailable
from pipeline.reading import reader
from schemas.topics import SLACK, Topic

_HELP: Final = (
    "# HELP mimamori_expired_on_disk_seconds For how long the oldest expired thing in a place has been on its disk\n"
    "# TYPE mimamori_expired_on_disk_seconds gauge\n"
)


class Overdue(NamedTuple):
    """A place of data, and for how long the oldest that has expired there has been on the disk. 0: nothing has."""

    place: str
    by: timedelta
    allowed: timedelta = SLACK

    @property
    def late(self) -> bool:
        return self.by > self.allowed


async def oldest_records(bootstrap: str, topics: Collection[Topic]) -> Mapping[str, datetime]:
    """Return when the broker stamped the oldest record of each topic that has one. No record is read for it.

    Raises:
        Unavailable: The broker is away.
    """
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    try:
        async with reader(bootstrap) as consumer:
            found = await consumer.offsets_for_times(dict.fromkeys(places, 0))
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {bootstrap}: {type(error).__name__}") from None
    oldest: dict[str, datetime] = {}
    for place, first in found.items():
        if first is not None:
            at = datetime.fromtimestamp(first.timestamp / 1000, UTC)
            oldest[place.topic] = min(at, oldest.get(place.topic, at))
    return oldest


def of_topics(topics: Iterable[Topic], oldest: Mapping[str, datetime], now: datetime) -> tuple[Overdue, ...]:
    """Say how long the oldest records have outlived their topics. What a compacted topic keeps is no leftover."""
    return tuple(
        Overdue(
            f"kafka/{topic.name}",
            max(timedelta(0), now - oldest.get(topic.name, now) - topic.lives),
            topic.gone_within - topic.lives,
        )
        for topic in topics
        if not topic.compacted
    )


def exposition(overdue: Iterable[Overdue], at: datetime) -> str:
    """Write it as Prometheus reads it."""
    lines = [
        f'mimamori_expired_on_disk_seconds{{place="{each.place}"}} {each.by.total_seconds():g}' for each in overdue
    ]
    return (
        _HELP
        + "".join(f"{line}\n" for line in lines)
        + "# HELP mimamori_expired_measured_timestamp_seconds When that was measured\n"
        + "# TYPE mimamori_expired_measured_timestamp_seconds gauge\n"
        + f"mimamori_expired_measured_timestamp_seconds {at.timestamp():.0f}\n"
    )


def publish(folder: Path, overdue: Iterable[Overdue], at: datetime) -> None:
    """Put it where node_exporter's textfile collector looks; whole or not at all.

    Raises:
        Unavailable: The disk does not take it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"erasing.prom.{os.getpid()}"
        draft.write_text(exposition(overdue, at))
        draft.replace(folder / "erasing.prom")
    except OSError as error:
        raise Unavailable(f"{folder}: {error.strerror}") from None
