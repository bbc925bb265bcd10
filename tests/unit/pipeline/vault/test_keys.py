"""Buckets and slots are cut the same by everybody, and nothing outlives its TTL."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.vault.keys import bucket_length, floor, instant, micros, slot_length, span_at, spans
from tests.unit.pipeline.vault.building import NOON

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
TTLS = st.timedeltas(timedelta(seconds=1), timedelta(hours=72))


@given(time=TIMES, ttl=TTLS)
def test_r20_no_frame_outlives_its_ttl(time: datetime, ttl: timedelta) -> None:
    assert span_at(time, ttl).expires_at <= time + ttl


@given(time=TIMES, ttl=TTLS)
def test_every_frame_lives_at_least_half_its_ttl(time: datetime, ttl: timedelta) -> None:
    span = span_at(time, ttl)

    assert span.start <= time < span.end
    assert span.expires_at - time >= ttl / 2 - timedelta(microseconds=4)


@given(time=TIMES, ttl=TTLS)
def test_all_frames_of_a_bucket_agree_on_it(time: datetime, ttl: timedelta) -> None:
    span = span_at(time, ttl)

    assert span_at(span.start, ttl) == span_at(span.end - timedelta(microseconds=1), ttl) == span
    assert span_at(span.end, ttl).start == span.end


@given(time=TIMES, ttl=TTLS)
def test_every_expiry_is_a_slot_end(time: datetime, ttl: timedelta) -> None:
    expires_at = span_at(time, ttl).expires_at

    assert floor(expires_at, slot_length(ttl)) == expires_at


@given(time=TIMES, ttl=TTLS, buckets=st.floats(0.1, 20))
def test_spans_cover_what_was_asked_without_a_gap(time: datetime, ttl: timedelta, buckets: float) -> None:
    end = time + buckets * bucket_length(ttl)

    cut = list(spans(time, end, ttl))

    assert cut[0].start <= time
    assert cut[-1].start < end <= cut[-1].end
    assert all(one.end == other.start for one, other in pairwise(cut))


@pytest.mark.parametrize(
    ("ttl", "bucket"),
    [
        (timedelta(seconds=60), timedelta(seconds=15)),
        (timedelta(minutes=40), timedelta(minutes=10)),
        (timedelta(hours=1), timedelta(minutes=10)),
        (timedelta(hours=72), timedelta(minutes=10)),
    ],
)
def test_a_bucket_is_a_quarter_of_the_ttl_and_at_most_ten_minutes(ttl: timedelta, bucket: timedelta) -> None:
    assert bucket_length(ttl) == slot_length(ttl) == bucket


def test_a_life_too_short_to_end_on_time_is_refused() -> None:
    with pytest.raises(ValueError, match="frames live"):
        bucket_length(timedelta(milliseconds=999))


@given(time=TIMES)
def test_times_survive_being_counted(time: datetime) -> None:
    assert instant(micros(time)) == time


def test_an_hour_ends_on_the_hour() -> None:
    span = span_at(NOON + timedelta(minutes=3), timedelta(hours=1))

    assert span == (NOON, NOON + timedelta(minutes=10), NOON + timedelta(hours=1))
