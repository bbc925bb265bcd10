"""How long what has expired has been on a disk: measured all the time (R21), in the log and for Prometheus."""

import os
import re
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


_STAMP_HELP: Final = (
    "# HELP mimamori_expired_measured_timestamp_seconds When all of a place was last looked at\n"
    "# TYPE mimamori_expired_measured_timestamp_seconds gauge\n"
)
_FILE: Final = "erasing.prom"
_STAMP: Final = re.compile(r'^mimamori_expired_measured_timestamp_seconds\{place="([^"]+)"\} (\d{1,10})$', re.MULTILINE)


class Overdue(NamedTuple):
    """A place of data, and for how long the oldest that has expired there has been on the disk. 0: nothing has.

    `whole`: whether all that lies there could be looked at.
    """

    place: str
    by: timedelta
    allowed: timedelta = SLACK
    whole: bool = True

    @property
    def late(self) -> bool:
        return self.by > self.allowed


class Measured(NamedTuple):
    """A place as it was last seen, and when that was. `by`: None as long as this process has not seen it."""

    place: str
    by: timedelta | None
    at: datetime


def begun(places: Iterable[str], stamps: Mapping[str, datetime], now: datetime) -> tuple[Measured, ...]:
    """Return every place as a process begins with it: a place that nobody can look at is no fresher for a restart."""
    return tuple(Measured(place, None, min(now, stamps.get(place, now))) for place in places)


def renewed(before: Iterable[Measured], found: Iterable[Overdue], now: datetime) -> tuple[Measured, ...]:
    """Return every place with what was found; one that could not be looked at keeps its figure and its stamp."""
    by_place = {each.place: each for each in found}
    return tuple(_renewed(each, by_place.get(each.place), now) for each in before)


def _renewed(before: Measured, found: Overdue | None, now: datetime) -> Measured:
    return before if found is None else Measured(found.place, found.by, now if found.whole else before.at)


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


def place_of(topic: Topic) -> str:
    return f"kafka/{topic.name}"


def of_topics(topics: Iterable[Topic], oldest: Mapping[str, datetime], now: datetime) -> tuple[Overdue, ...]:
    """Say how long the oldest records have outlived their topics. What a compacted topic keeps is no leftover."""
    return tuple(
        Overdue(
            place_of(topic),
            max(timedelta(0), now - oldest.get(topic.name, now) - topic.lives),
            topic.gone_within - topic.lives,
        )
        for topic in topics
        if not topic.compacted
    )


def exposition(measured: Iterable[Measured]) -> str:
    """Write it as Prometheus reads it: figures, and for each place when it was looked at."""
    every = tuple(measured)
    figures = [
        f'mimamori_expired_on_disk_seconds{{place="{each.place}"}} {each.by.total_seconds():g}\n'
        for each in every
        if each.by is not None
    ]
    stamps = [
        f'mimamori_expired_measured_timestamp_seconds{{place="{each.place}"}} {each.at.timestamp():.0f}\n'
        for each in every
    ]
    return "".join([_HELP, *figures, _STAMP_HELP, *stamps])


def stamps_in(folder: Path) -> Mapping[str, datetime]:
    """Return when each place was last looked at, by what was published before; nothing where that cannot be read."""
    try:
        text = (folder / _FILE).read_text(errors="replace")
    except OSError:
        return {}
    return {place: datetime.fromtimestamp(int(seconds), UTC) for place, seconds in _STAMP.findall(text)}


def publish(folder: Path, measured: Iterable[Measured]) -> None:
    """Put it where node_exporter's textfile collector looks; whole or not at all.

    Raises:
        Unavailable: The disk does not take it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{_FILE}.{os.getpid()}"
        draft.write_text(exposition(measured))
        draft.replace(folder / _FILE)
    except OSError as error:
        raise Unavailable(f"{folder}: {error.strerror}") from None
