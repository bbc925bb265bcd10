"""What the broker has otherwise than we want it."""

from datetime import timedelta

from pipeline.broker import drifted, miscounted
from schemas.topics import topics

HOUR = topics(timedelta(hours=1))
FRAMES = HOUR["frames.v1"]


def test_a_topic_as_it_must_be_has_not_drifted() -> None:
    assert drifted([FRAMES], {"frames.v1": FRAMES.config | {"another": "setting"}}) == {}


def test_r20_another_retention_is_drift_and_named() -> None:
    longer = FRAMES.config | {"retention.ms": "99"}

    assert drifted([FRAMES], {"frames.v1": longer}) == {"frames.v1": ["retention.ms is 99, not 3600000"]}


def test_another_number_of_partitions_is_told() -> None:
    assert miscounted([FRAMES], {"frames.v1": FRAMES.partitions}) == []
    assert "9 partitions, not 4" in miscounted([FRAMES], {"frames.v1": 9})[0]
