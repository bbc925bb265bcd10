"""The registry: topics and tables as the code makes them, and every other place by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.datamap.entry import Entry, Kind, entry
from pipeline.datamap.places import places
from pipeline.datamap.tables import ABOUT, comments
from pipeline.errors import Misconfigured
from pipeline.warehouse.migrations import FOLDER
from schemas.envelope import DataClass
from schemas.topics import Lives, Topic, topics

_STORED: Final = "*clickhouse/data/store/???/????????-????-????-????-????????????/*"
"""The engine's folders are named by numbers; which tables lie there, the engine says."""
_SEGMENT: Final = "goes with its segment"
_ERASED: Final[Mapping[DataClass, str]] = {
    DataClass.IDENTIFYING: "its key is destroyed when it expires, within 60 seconds, or earlier by decision; what is "
    "left is noise, and goes with its segment",
    DataClass.LINKABLE: "goes with its segment; nothing in it is rewritten. After early erasure what it says of that "
    "camera and time (boxes, but no picture) lies until then",
    DataClass.OPERATIONAL: _SEGMENT,
    DataClass.DEIDENTIFIED: _SEGMENT,
}
_DEAD: Final = (
    "goes with its segment. It says camera, time, key and reason, but no place in a picture: after early erasure it "
    "finds no picture and nobody"
)
_STATE: Final = (
    "written over by the next message of the camera, and taken away when it has been silent for as long as frames "
    "live; what was written over is compacted away"
)


def registry(lives: Lives, folder: Path = FOLDER) -> tuple[Entry, ...]:
    """Return every place of data.

    Raises:
        Misconfigured: Something is missing that R11 asks for, or a table that the migrations make is not registered.
    """
    return (*map(of_topic, topics(lives).values()), *of_tables(folder), *places())


def of_topic(topic: Topic) -> Entry:
    return entry(
        place=f"kafka/{topic.name}",
        kind=Kind.TOPIC,
        items=topic.items,
        scope=topic.scope,
        purpose=topic.purpose,
        responsible=topic.responsible,
        data_class=topic.data_class,
        lives="as long as frames, for each camera the newest" if topic.compacted else topic.lives,
        erased=_how(topic),
        bound=topic.gone_within,
        files=(f"*kafka/data/{topic.name}-[0-9]*",),
    )


def _how(topic: Topic) -> str:
    if topic.compacted:
        return _STATE
    return _DEAD if topic.name.endswith(".dead") else _ERASED[topic.data_class]


def of_tables(folder: Path = FOLDER) -> tuple[Entry, ...]:
    """Return the entries of the warehouse's tables.

    Raises:
        Misconfigured: A table is not registered, or its comment does not say all.
    """
    said = comments(folder)
    if strange := sorted(said.keys() ^ ABOUT.keys()):
        raise Misconfigured(f"tables that the data map does not know, or that are no more: {', '.join(strange)} (R11)")
    return tuple(
        entry(
            place=f"clickhouse/{table}",
            kind=Kind.TABLE,
            **comment,
            **ABOUT[table]._asdict(),
            files=(_STORED,),
            tables=(table,),
        )
        for table, comment in said.items()
    )
