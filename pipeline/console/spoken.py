"""Times, lengths and numbers as people read them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.console.words import Words


def clock(time: datetime, zone: ZoneInfo) -> str:
    """The time of day at the store, to the second."""
    return time.astimezone(zone).strftime("%H:%M:%S")


def hour(time: datetime, zone: ZoneInfo) -> str:
    """The time of day at the store, to the minute."""
    return time.astimezone(zone).strftime("%H:%M")


def date(time: datetime, zone: ZoneInfo) -> str:
    return time.astimezone(zone).strftime("%Y-%m-%d")


def length(span: timedelta, words: Words) -> str:
    """A length of time with the two units that matter.

    >>> length(timedelta(seconds=250), Words("en")), length(timedelta(minutes=15), Words("en"))
    ('4 min 10 s', '15 min')
    """
    total = max(0, round(span.total_seconds()))
    minutes, seconds = divmod(total, 60)
    hours, past = divmod(minutes, 60)
    if minutes < 1:
        return words("length.seconds", seconds=seconds)
    if hours < 1:
        return words("length.minutes" if seconds else "length.minutes.only", minutes=minutes, seconds=seconds)
    return words("length.hours" if past else "length.hours.only", hours=hours, minutes=past)


def number(value: float) -> str:
    """A number with as many digits as it deserves.

    >>> number(2140.0), number(0.8251), number(12.34)
    ('2,140', '0.83', '12.3')
    """
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percent(share: float) -> str:
    return f"{share:.0%}"


def days(span: timedelta, words: Words) -> str:
    """A length of time in days where it is that long."""
    return words("length.days", days=span.days) if span >= timedelta(days=1) else length(span, words)
