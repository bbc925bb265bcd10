from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.flow.opening import closes_between
from schemas.estate import Schedule

TOKYO = ZoneInfo("Asia/Tokyo")
ALL_DAY = Schedule()
TO_NINE = Schedule(since=time(10), until=time(21))
TO_TWO = Schedule(since=time(18), until=time(2))
WEEKDAYS = Schedule(since=time(10), until=time(21), days=(0, 1, 2, 3, 4))


def local(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=TOKYO).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "after", "until", "closes"),
    [
        (TO_NINE, local(23, 20, 45), local(23, 21), True),
        (TO_NINE, local(23, 21), local(23, 21, 15), False),
        (TO_NINE, local(23, 9), local(23, 20), False),
        (TO_TWO, local(24, 1, 45), local(24, 2), True),
        (TO_TWO, local(23, 23, 45), local(24, 0), False),
        (ALL_DAY, local(23, 23, 45), local(24, 0), True),
        (ALL_DAY, local(23, 0), local(23, 23, 45), False),
        (WEEKDAYS, local(28, 20), local(28, 22), False),
        (WEEKDAYS, local(27, 20), local(30, 9), True),
        (TO_NINE, local(1, 0), local(20, 0), True),
    ],
)
def test_a_store_closes_once_a_day_by_its_own_clock(
    hours: Schedule, after: datetime, until: datetime, closes: bool
) -> None:
    assert closes_between(hours, TOKYO, after, until) is closes


def test_a_store_closes_when_its_clock_is_put_forward() -> None:
    berlin, hours = ZoneInfo("Europe/Berlin"), Schedule(since=time(20), until=time(2, 30))
    night = datetime(2027, 3, 28, 1, tzinfo=berlin).astimezone(UTC)

    assert closes_between(hours, berlin, night, night + timedelta(hours=2))
