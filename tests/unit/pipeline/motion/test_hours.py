from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from pipeline.motion.hours import open_at
from schemas.estate import Schedule

TOKYO = ZoneInfo("Asia/Tokyo")
MONDAY = datetime(2026, 11, 23, tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("since", "until", "hour", "holds"),
    [(0, 0, 13, True), (9, 21, 9, True), (9, 21, 21, False), (21, 9, 22, True), (21, 9, 8, True), (21, 9, 9, False)],
)
def test_a_schedule_holds_from_its_beginning_to_its_end(since: int, until: int, hour: int, holds: bool) -> None:
    assert open_at(Schedule(since=time(since), until=time(until)), MONDAY.replace(hour=hour)) is holds


def test_over_midnight_the_day_is_the_one_on_which_it_began() -> None:
    sunday_night = Schedule(since=time(22), until=time(6), days=(6,))

    assert open_at(sunday_night, MONDAY.replace(hour=5))
    assert not open_at(sunday_night, MONDAY.replace(hour=23))
