"""A place of data, and all that has to be said of it before anything may lie there."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from pipeline.errors import Misconfigured
from schemas.envelope import DataClass
from schemas.frozen import Frozen

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]
Length = Annotated[timedelta, Field(gt=timedelta(0))] | Said
"""A time, or what it depends on in words."""


class Kind(StrEnum):
    """What kind of place it is."""

    TOPIC = "topic"
    TABLE = "table"
    FILES = "files"
    MEMORY = "memory"


class Entry(Frozen):
    """A place of data. R11: items, scope of use, purpose and responsible person; and what forgetting needs.

    `lives`: how long what lies there can be used. `erased`: what ends it. `bound`: how long bytes may lie on a disk,
    however little anyone could read of them. `files`: patterns of paths; `tables`: of a database in one file or server.
    """

    place: Said
    kind: Kind
    items: Said
    scope: Said
    purpose: Said
    responsible: Said
    data_class: DataClass
    lives: Length
    erased: Said
    bound: Length
    files: tuple[Said, ...] = ()
    tables: tuple[Said, ...] = ()

    def holds(self, path: str) -> bool:
        """Say whether a file, by its path with slashes, belongs to this place."""
        return any(fnmatchcase(path, pattern) for pattern in self.files)


def entry(**fields: Any) -> Entry:
    """Make an entry.

    Raises:
        Misconfigured: Something that R11 asks for is missing; the message names the place and what.
    """
    try:
        return Entry.model_validate(fields)
    except ValidationError as error:
        missing = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        raise Misconfigured(f"the data map's entry {fields.get('place', '')!r} lacks: {missing} (R11)") from None


def unregistered(paths: Iterable[str], entries: Iterable[Entry]) -> list[str]:
    """Return the files that lie in no registered place."""
    places = list(entries)
    return [path for path in paths if not any(each.holds(path) for each in places)]
