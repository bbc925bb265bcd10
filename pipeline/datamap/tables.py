"""The warehouse's tables as their migrations make them, each with what its comment says of it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.errors import Misconfigured
from pipeline.warehouse.migrations import FOLDER, RECORD, read
from schemas.envelope import DataClass

_CREATED: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+?)(?:_\d{4})?\s*\(")
_COMMENT: Final = re.compile(r"COMMENT '([^']*)'")


class About(NamedTuple):
    """What no comment says: how much a table says about a person, how long its rows live, and when they are gone."""

    data_class: DataClass
    lives: timedelta | str
    erased: str
    bound: timedelta | str


_PARTITIONS: Final = "the erasing stage drops the partition once its last row has expired; TTL is the second net"
_ALERTS: Final = "as the estate says, no longer than a store's regulation: alerts, at most 30 days"
_COUNTS: Final = "as the estate says, no longer than a store's regulation: people flow, at most 761 days"
_SIX_HOURS: Final = "6 hours and 10 minutes after its expiry; measured all the time, late after 24 hours"

ABOUT: Final[Mapping[str, About]] = {
    "alerts": About(
        DataClass.LINKABLE, _ALERTS,
        f"{_PARTITIONS}. After early erasure the row lies until then: it holds no picture, box or frame, and finds "
        "nobody",
        _SIX_HOURS,
    ),
    "alert_arrivals": About(DataClass.LINKABLE, _ALERTS, _PARTITIONS, _SIX_HOURS),
    **dict.fromkeys(
        ("people_flow", "coverage"),
        About(
            DataClass.DEIDENTIFIED, _COUNTS, _PARTITIONS,
            "TTL takes rows within 5 hours of their expiry, their month's partition goes whole; late after 24 hours",
        ),
    ),
    **dict.fromkeys(
        ("people_flow_hourly", "people_flow_daily", "store_hourly", "store_daily"),
        About(
            DataClass.DEIDENTIFIED, "until the first of the counts in it expires",
            f"{_PARTITIONS}. It is worked out of counts, and never again from those that have expired",
            "TTL takes rows within 5 hours of their expiry, their month's partition goes whole; late after 24 hours",
        ),
    ),
    "migrations": About(
        DataClass.OPERATIONAL, "as long as the warehouse", "with the warehouse", "as long as the warehouse"
    ),
}  # fmt: skip
"""A table that is not named here is refused."""


def comments(folder: Path = FOLDER) -> Mapping[str, Mapping[str, str]]:
    """Return by table what its last comment says: `items: … | scope: … | purpose: … | responsible: …`.

    Raises:
        Misconfigured: A table has no comment.
    """
    found: dict[str, Mapping[str, str]] = {}
    for statement in (RECORD, *(each for migration in read(folder) for each in migration.statements)):
        if made := _CREATED.search(statement):
            comment = _COMMENT.search(statement)
            if comment is None:
                raise Misconfigured(f"the table {made[1]} has no comment that says what for (R11)")
            found[made[1]] = dict(_field(part) for part in comment[1].split(" | "))
    return found


def _field(text: str) -> tuple[str, str]:
    name, _, said = text.partition(": ")
    return name, said
