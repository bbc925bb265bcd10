"""Times: one instant, in this century, whatever offset it was written with."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.frozen import UtcTime

TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)


@pytest.mark.parametrize(
    "outside",
    [
        "1999-12-31T23:59:59.999999Z",
        "2000-01-01T00:00:00+09:00",
        "2100-01-01T00:00:00Z",
        "2099-12-31T23:59:59.999999-00:01",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59-09:00",
    ],
)
def test_a_time_lies_in_this_century_of_utc(outside: str) -> None:
    with pytest.raises(ValidationError, match="this century"):
        TIME.validate_python(outside)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("1999-12-31T23:00:00-01:00", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-01-01T08:59:59+09:00", datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_offset_may_put_it_beyond(written: str, instant: datetime) -> None:
    assert TIME.validate_python(written) == instant
