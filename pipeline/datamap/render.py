"""The data map as people and programs read it."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any, Final, Literal

from pipeline.datamap.entry import Entry, Kind
from pipeline.datamap.japanese import HEADINGS, TEXTS

Lang = Literal["en", "ja"]

COLUMNS: Final[Mapping[str, str]] = {
    "place": "place",
    "items": "items",
    "scope": "scope of use",
    "purpose": "purpose",
    "responsible": "responsible",
    "data_class": "data class",
    "lives": "lives",
    "erased": "how it is erased",
    "bound": "on a disk at most",
}

_UNITS: Final[tuple[tuple[timedelta, str, str], ...]] = (
    (timedelta(days=1), "d", "日"),
    (timedelta(hours=1), "h", "時間"),
    (timedelta(minutes=1), "min", "分"),
    (timedelta(seconds=1), "s", "秒"),
)


def markdown(entries: Iterable[Entry], lang: Lang = "en") -> str:
    """Return one table for each kind of place."""
    parts = [f"# {_heading('Data map', lang)}\n"]
    for kind, its in groupby(sorted(entries, key=lambda each: list(Kind).index(each.kind)), key=lambda each: each.kind):
        head = [_heading(each, lang) for each in COLUMNS.values()]
        lines = [_row(head), _row(["---"] * len(head)), *(_row(cells(each, lang)) for each in its)]
        parts.append(f"## {_heading(kind.value, lang)}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def as_json(entries: Iterable[Entry], lang: Lang = "en") -> str:
    """Return a list of objects; times in seconds beside how they are written."""
    return json.dumps([_object(each, lang) for each in entries], indent=2, ensure_ascii=False)


def cells(each: Entry, lang: Lang) -> list[str]:
    """Return what stands in the columns."""
    return [each.place, *(said(getattr(each, name), lang) for name in COLUMNS if name != "place")]


def said(value: object, lang: Lang) -> str:
    """Say a field's value in a language.

    Raises:
        KeyError: Nobody has translated it.
    """
    if isinstance(value, timedelta):
        return length(value, lang)
    text = str(value)
    if lang == "en":
        return text
    return HEADINGS[text] if text in HEADINGS else TEXTS[text]


def length(value: timedelta, lang: Lang) -> str:
    """Say a time in its two greatest units, rounded up: a bound is no shorter than it is."""
    at = next((number for number, unit in enumerate(_UNITS) if value >= unit[0]), len(_UNITS) - 1)
    units = _UNITS[at : at + 2]
    smallest = units[-1][0]
    rest = -(-value // smallest) * smallest
    told = []
    for unit, english, japanese in units:
        count, rest = divmod(rest, unit)
        if count:
            told.append(f"{count} {english}" if lang == "en" else f"{count}{japanese}")
    return (" " if lang == "en" else "").join(told)


def _object(each: Entry, lang: Lang) -> dict[str, Any]:
    times = {
        f"{name}_seconds": value.total_seconds()
        for name in ("lives", "bound")
        if isinstance(value := getattr(each, name), timedelta)
    }
    told = dict(zip(COLUMNS, cells(each, lang), strict=True))
    return {**told, "kind": each.kind.value, **times, "files": list(each.files), "tables": list(each.tables)}


def _row(columns: Iterable[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|") for each in columns) + " |"


def _heading(text: str, lang: Lang) -> str:
    return HEADINGS[text] if lang == "ja" else text[0].upper() + text[1:]
