"""Hours of the week."""

from datetime import datetime, timedelta

from schemas.estate import Schedule


def open_at(schedule: Schedule, local: datetime) -> bool:
    """Say whether a schedule holds at a local time. Over midnight, the day is the one on which it began."""
    time = local.time()
    if schedule.since == schedule.until:
        return local.weekday() in schedule.days
    if schedule.since < schedule.until:
        return schedule.since <= time < schedule.until and local.weekday() in schedule.days
    if time >= schedule.since:
        return local.weekday() in schedule.days
    return time < schedule.until and (local - timedelta(days=1)).weekday() in schedule.days
