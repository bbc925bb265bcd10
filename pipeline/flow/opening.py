"""When a store closes."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.estate import Schedule

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=8)


def closes_between(hours: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> bool:
    """Say whether the store closes after the one instant and no later than the other."""
    if until - after > _WEEK:
        return bool(hours.days)
    first = after.astimezone(zone).date() - 2 * _DAY
    last = until.astimezone(zone).date()
    days = (first + _DAY * number for number in range((last - first).days + 1))
    return any(after < closing(hours, zone, day) <= until for day in days if day.weekday() in hours.days)


def closing(hours: Schedule, zone: ZoneInfo, day: date) -> datetime:
    """Return when the store closes that opened on a day: open over midnight, or all day, that is on the next."""
    ends = day if hours.until > hours.since else day + _DAY
    return datetime.combine(ends, hours.until, tzinfo=zone)
