"""What the broker has otherwise than we want it."""

from datetime import timedelta

import pytest

from pipeline.broker import drifted, miscounted, unfit_brokers
from schemas.topics import BROKER, Lives, topics

HOUR = topics(Lives(timedelta(hours=1)))
FRAMES = HOUR["frames.v1"]


def test_a_topic_as_it_must_be_has_not_drifted() -> None:
    assert drifted([FRAMES], {"frames.v1": FRAMES.config | {"another": "setting"}}) == {}


def test_r20_another_retention_is_drift_and_named() -> None:
    longer = FRAMES.config | {"retention.ms": "99"}

    assert drifted([FRAMES], {"frames.v1": longer}) == {"frames.v1": ["retention.ms is 99, not 3600000"]}


def test_another_number_of_partitions_is_told() -> None:
    assert miscounted([FRAMES], {"frames.v1": FRAMES.partitions}) == []
    assert "9 partitions, not 4" in miscounted([FRAMES], {"frames.v1": 9})[0]


FIT = {
    name: value if isinstance(value, str) else str(value // timedelta(milliseconds=1)) for name, value in BROKER.items()
}


def test_r20_every_setting_of_a_topic_is_compared() -> None:
    for topic in HOUR.values():
        for key in topic.config:
            drift = drifted([topic], {topic.name: {**topic.config, key: "other"}})
            assert drift == {topic.name: [f"{key} is other, not {topic.config[key]}"]}


def test_brokers_as_they_must_be_are_fit() -> None:
    assert unfit_brokers({"1": FIT, "2": FIT | {"log.retention.check.interval.ms": "1000", "more": "x"}}) == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("auto.create.topics.enable", "true", "broker 7: auto.create.topics.enable is true, not false"),
        ("remote.log.storage.system.enable", "true", "is true, not false"),
        ("log.cleaner.enable", "false", "is false, not true"),
        ("log.retention.check.interval.ms", "300001", "is 300001, more than 300000"),
        ("log.cleaner.backoff.ms", "3600000", "is 3600000, more than 60000"),
        ("log.cleaner.backoff.ms", "", "is , more than"),
    ],
)
def test_r20_a_broker_that_would_forget_too_late_is_named(key: str, value: str, said: str) -> None:
    (line,) = unfit_brokers({"7": FIT | {key: value}})

    assert said in line


def test_r20_a_broker_that_does_not_say_is_not_taken_at_its_word() -> None:
    assert len(unfit_brokers({"1": {}})) == len(BROKER)
