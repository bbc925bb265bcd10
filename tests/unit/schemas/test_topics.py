"""How long what lies in a topic lies on a disk."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import DataClass
from schemas.topics import FRAME_TTL_MAX, SLACK, Lives, Topic, topics

HOUR = timedelta(hours=1)
EXPIRY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def milliseconds(text: str) -> timedelta:
    return timedelta(milliseconds=int(text))


@given(frame_ttl=st.timedeltas(timedelta(seconds=1), FRAME_TTL_MAX))
def test_r21_every_topics_bound_is_its_life_and_within_a_day_of_it(frame_ttl: timedelta) -> None:
    for topic in topics(Lives(frame_ttl)).values():
        assert topic.lives < topic.gone_within <= topic.lives + SLACK


def test_r21_the_bound_is_the_sum_of_what_the_broker_is_told() -> None:
    frames = topics(Lives(HOUR))["frames.v1"]
    told = sum(
        (milliseconds(frames.config[key]) for key in ("retention.ms", "segment.ms", "file.delete.delay.ms")),
        timedelta(0),
    )

    assert frames.gone_within == told + timedelta(minutes=5)
    assert frames.gone_within == timedelta(hours=1, minutes=20, seconds=1)


def test_r20_what_can_be_collated_with_pictures_is_forgotten_by_segments_of_a_quarter_hour() -> None:
    for topic in topics(Lives(HOUR)).values():
        assert milliseconds(topic.config["segment.ms"]) <= timedelta(minutes=15)
        assert topic.config["message.timestamp.type"] == "LogAppendTime"
        assert topic.config["remote.storage.enable"] == "false"


def test_r20_state_topics_forget_what_was_written_over_and_their_tombstones() -> None:
    state = topics(Lives(HOUR))["watching-state.v1"]

    assert state.config["cleanup.policy"] == "compact"
    assert milliseconds(state.config["delete.retention.ms"]) == HOUR
    assert state.gone_within == timedelta(hours=1, minutes=16, seconds=1)


def test_r20_dead_letters_of_every_topic_live_a_week() -> None:
    dead = [topic for topic in topics(Lives(HOUR)).values() if topic.name.endswith(".dead")]

    assert {topic.lives for topic in dead} == {timedelta(days=7)}
    assert {topic.data_class for topic in dead} == {DataClass.OPERATIONAL}


@pytest.mark.parametrize("wrong", [timedelta(0), FRAME_TTL_MAX + timedelta(seconds=1)])
def test_r20_without_a_retention_there_are_no_topics(wrong: timedelta) -> None:
    with pytest.raises(ValueError, match="frames live"):
        topics(Lives(wrong))


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (Lives(HOUR, alerts=timedelta(0)), "alerts live"),
        (Lives(HOUR, alerts=timedelta(days=30, seconds=1)), "alerts live"),
        (Lives(HOUR, flow=timedelta(0)), "flow live"),
        (Lives(HOUR, flow=timedelta(days=761, seconds=1)), "flow live"),
    ],
)
def test_r20_alerts_and_counts_live_no_longer_than_anybodys_may(wrong: Lives, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        topics(wrong)


def test_r20_alerts_reviews_and_counts_lie_on_kafka_as_long_as_the_estate_says() -> None:
    every = topics(Lives(HOUR, alerts=timedelta(days=7), flow=timedelta(days=90)))
    lives = {name: milliseconds(topic.config["retention.ms"]) for name, topic in every.items() if not topic.compacted}

    assert lives["frames.v1"] == lives["detections.v1"] == HOUR
    assert lives["alerts.v1"] == lives["reviews.v1"] == timedelta(days=7)
    assert lives["flow.v1"] == timedelta(days=90)


@given(frame_ttl=st.timedeltas(timedelta(seconds=1), FRAME_TTL_MAX))
def test_r21_what_reaches_the_broker_in_time_is_gone_a_day_after_its_expiry(frame_ttl: timedelta) -> None:
    frames = topics(Lives(frame_ttl))["frames.v1"]
    latest = frames.in_time_until(EXPIRY)

    assert latest + frames.gone_within <= EXPIRY + SLACK
    assert latest == EXPIRY or frame_ttl > timedelta(hours=23)


def test_r21_frames_that_live_for_three_days_reach_the_broker_within_a_day() -> None:
    frames = topics(Lives(FRAME_TTL_MAX))["frames.v1"]

    assert EXPIRY - frames.in_time_until(EXPIRY) == timedelta(hours=48, minutes=20, seconds=1)


def test_a_longer_life_never_has_a_shorter_bound() -> None:
    lives = [timedelta(seconds=10 * 4**n) for n in range(8)]
    bounds = [Topic("t", DataClass.OPERATIONAL, (), each, "i", "s", "p", "r").gone_within for each in lives]

    assert all(shorter < longer for shorter, longer in pairwise(bounds))
