"""How long what lies in a topic lies on a disk."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import DataClass
from schemas.topics import FRAME_TTL_MAX, Lives, Topic, topics

HOUR = timedelta(hours=1)
SLACK = timedelta(hours=24)


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


def test_a_longer_life_never_has_a_shorter_bound() -> None:
    lives = [timedelta(seconds=10 * 4**n) for n in range(8)]
    bounds = [Topic("t", DataClass.OPERATIONAL, (), each, "i", "s", "p", "r").gone_within for each in lives]

    assert all(shorter < longer for shorter, longer in pairwise(bounds))
