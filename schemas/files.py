"""TOML files as values, with errors that name file, line and key."""

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Value = TypeVar("Value", bound=BaseModel)
Place = tuple[str | int, ...]

_TABLES = re.compile(r"^\s*\[\[\s*([^\]]+?)\s*\]\]")
_TABLE = re.compile(r"^\s*\[\s*([^\]\[]+?)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-.\"]+)\s*=")


class FileError(ValueError):
    """A file that people wrote is wrong. The message names file, line and key, one mistake a line."""


def load(path: Path, value: type[Value]) -> Value:
    """Read a TOML file.

    Raises:
        FileError: It is not there, no TOML, or says what it may not say.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: is no UTF-8 text") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{path}: {error}") from None
    try:
        return value.model_validate(content)
    except ValidationError as error:
        raise FileError("\n".join(_lines(path, text, error))) from None


def _lines(path: Path, text: str, error: ValidationError) -> list[str]:
    places, errors = places_of(text), error.errors(include_url=False)
    return [
        f"{path}:{line_of(places, each['loc'])}: {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}"
        for each in errors
        if not _follows_from(each["loc"], [other["loc"] for other in errors])
    ]


def _follows_from(place: Place, others: list[Place]) -> bool:
    """Say whether a mistake is only what is left of one inside: a list is too short when its only item is wrong."""
    return any(len(other) > len(place) and other[: len(place)] == place for other in others)


def places_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, on which each table and key of a TOML text begins."""
    places: dict[Place, int] = {(): 1}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLES.match(line):
            array = _resolve(match[1], counts)
            counts[array] = counts.get(array, -1) + 1
            places.setdefault(array, number)
            table = (*array, counts[array])
            places[table] = number
        elif match := _TABLE.match(line):
            table = _resolve(match[1], counts)
            places[table] = number
        elif match := _KEY.match(line):
            places[(*table, *_split(match[1]))] = number
    return places


def line_of(places: dict[Place, int], place: Place) -> int:
    """Return the line of a place, or of the nearest thing around it."""
    while place not in places:
        place = place[:-1]
    return places[place]


def _split(name: str) -> list[str]:
    return [part.strip().strip('"') for part in name.split(".")]


def _resolve(name: str, counts: dict[Place, int]) -> Place:
    """Turn `stores.cameras` into ("stores", 1, "cameras"), the arrays' latest tables put in."""
    *ahead, last = _split(name)
    place: Place = ()
    for part in ahead:
        place = (*place, part)
        if place in counts:
            place = (*place, counts[place])
    return (*place, last)
