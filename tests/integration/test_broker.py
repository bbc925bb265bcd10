"""Topics on a real broker: made, found drifted, mended."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.broker import apply_topics, check_topics, create_topics
from pipeline.errors import Misconfigured, Unavailable
from schemas.envelope import DataClass
from schemas.topics import Topic, topics

ABOUT = ("items", "scope", "purpose", "responsible")


def topic(name: str, days: int = 1) -> Topic:
    return Topic(name, DataClass.OPERATIONAL, (), timedelta(days=days), *ABOUT)


async def test_topics_that_are_missing_are_an_error_that_says_how_to_mend_it(bootstrap: str) -> None:
    with pytest.raises(Misconfigured, match="run `mimamori topics apply`"):
        await check_topics(bootstrap, [topic("missing.v1")])


async def test_every_topic_can_be_made_and_is_then_as_it_must_be(bootstrap: str) -> None:
    every = topics(timedelta(hours=1)).values()

    await create_topics(bootstrap, every)
    await create_topics(bootstrap, every)

    await check_topics(bootstrap, every)


async def test_a_topic_that_has_drifted_is_named_and_mended(bootstrap: str) -> None:
    await create_topics(bootstrap, [topic("drifting.v1", days=2)])
    wanted = [topic("drifting.v1", days=1)]

    with pytest.raises(Misconfigured, match=r"retention\.ms is 172800000, not 86400000.*mimamori topics apply"):
        await check_topics(bootstrap, wanted)
    assert await apply_topics(bootstrap, wanted)
    await check_topics(bootstrap, wanted)


async def test_another_number_of_partitions_is_not_mended_in_silence(bootstrap: str) -> None:
    await create_topics(bootstrap, [topic("counted.v1")])

    with pytest.raises(Misconfigured, match="4 partitions, not 8"):
        await apply_topics(bootstrap, [replace(topic("counted.v1"), partitions=8)])


async def test_a_broker_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(Unavailable):
        await check_topics("127.0.0.1:1", [topic("any.v1")])
