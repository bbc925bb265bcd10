"""Values that never change once made, and how they write times and lengths of time."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_CENTURY = "a time lies in this century, in UTC"
_LENGTH = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*$")


class Frozen(BaseModel):
    """A value: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def to_utc(time: datetime) -> datetime:
    """The same instant in UTC. Beyond this century are mistakes, and arithmetic that ends in no date at all."""
    try:
        found = time.astimezone(UTC)
    except OverflowError:
        raise ValueError(_CENTURY) from None
    if not 2000 <= found.year < 2100:
        raise ValueError(_CENTURY)
    return found


def iso(time: datetime) -> str:
    """RFC 3339 with microseconds and Z, one spelling for one instant.

    >>> iso(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000000Z'
    """
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _read_length(value: object) -> object:
    """Read '60s', '15 min', '1 h', '30d'; leave the rest to pydantic."""
    if isinstance(value, str) and (match := _LENGTH.match(value)):
        return float(match[1]) * _UNITS[match[2]]
    return value


UtcTime = Annotated[AwareDatetime, AfterValidator(to_utc), PlainSerializer(iso, return_type=str, when_used="json")]
"""An instant; naive times are refused."""

Length = Annotated[timedelta, BeforeValidator(_read_length)]
"""A length of time; in files '60s', '15min', '1h', '30d'."""
