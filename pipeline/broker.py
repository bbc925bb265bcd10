"""Topics on the broker: made, compared and mended after `schemas/topics.py`."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from pipeline.errors import Misconfigured, Unavailable
from schemas.topics import BROKER, Topic

MEND: Final = "mimamori topics apply"

Configs = Mapping[str, Mapping[str, str]]
"""The broker's settings by topic."""


async def create_topics(bootstrap: str, topics: Iterable[Topic], replication: int = 1) -> list[str]:
    """Make the topics that are not there yet, and return their names. Topics that are there stay as they are.

    Raises:
        Unavailable: The broker is away.
    """
    async with admin(bootstrap) as client:
        there = set(await client.list_topics())
        missing = [topic for topic in topics if topic.name not in there]
        answer = await client.create_topics([_new(topic, replication) for topic in missing])
        for _name, code, *_message in answer.topic_errors:  # type: ignore[attr-defined]  # typed as any response
            # Another provisioner may have been quicker.
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)
        await _until_there(client, [topic.name for topic in missing])
    return [topic.name for topic in missing]


async def apply_topics(bootstrap: str, topics: Iterable[Topic], replication: int = 1) -> list[str]:
    """Make what is missing, set what has drifted, and return what was done, one line each.

    Raises:
        Misconfigured: A topic has another number of partitions: nothing mends that but a new topic.
        Unavailable: The broker is away.
    """
    wanted = {topic.name: topic for topic in topics}
    done = [f"{name}: made" for name in await create_topics(bootstrap, wanted.values(), replication)]
    async with admin(bootstrap) as client:
        drift = drifted(wanted.values(), await _configs(client, wanted))
        for name in drift:
            await _alter(client, wanted[name])
        await _until_mended(client, wanted.values())
        if wrong := miscounted(wanted.values(), await _partitions(client, wanted)):
            raise Misconfigured("; ".join(wrong))
    return done + [f"{name}: {'; '.join(each)}: mended" for name, each in drift.items()]


async def check_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Compare the brokers and their topics with ours; every part calls this when it starts.

    Raises:
        Misconfigured: A topic is missing or has drifted, or a broker is set so that topics forget too late; the message
            names the mend.
        Unavailable: The broker is away.
    """
    wanted = {topic.name: topic for topic in topics}
    async with admin(bootstrap) as client:
        missing = sorted(wanted.keys() - set(await client.list_topics()))
        if missing:
            raise Misconfigured(f"topics are missing: {', '.join(missing)}; run `{MEND}`")
        drift = drifted(wanted.values(), await _configs(client, wanted))
        wrong = miscounted(wanted.values(), await _partitions(client, wanted))
        unfit = unfit_brokers(await _broker_configs(client))
    if unfit:
        raise Misconfigured(f"{'; '.join(unfit)}: set it in server.properties, and start the broker again")
    if drift:
        told = "; ".join(f"{name}: {', '.join(each)}" for name, each in drift.items())
        raise Misconfigured(f"topics have drifted: {told}; run `{MEND}`")
    if wrong:
        raise Misconfigured("; ".join(wrong))


def drifted(topics: Iterable[Topic], configs: Configs) -> dict[str, list[str]]:
    """Return by topic what the broker has otherwise than we want it."""
    drift = {
        topic.name: [
            f"{key} is {configs[topic.name].get(key)}, not {value}"
            for key, value in topic.config.items()
            if configs[topic.name].get(key) != value
        ]
        for topic in topics
    }
    return {name: each for name, each in drift.items() if each}


def unfit_brokers(configs: Configs) -> list[str]:
    """Say which brokers are set so that what lies in our topics would be forgotten too late, or never."""
    return [
        f"broker {broker}: {key} is {config.get(key)}, {_must_be(value)}"
        for broker, config in sorted(configs.items())
        for key, value in BROKER.items()
        if not _fits(config.get(key), value)
    ]


def _fits(found: str | None, wanted: str | timedelta) -> bool:
    if isinstance(wanted, str):
        return found == wanted
    return found is not None and found.isdigit() and timedelta(milliseconds=int(found)) <= wanted


def _must_be(wanted: str | timedelta) -> str:
    return f"not {wanted}" if isinstance(wanted, str) else f"more than {wanted // timedelta(milliseconds=1)}"


def miscounted(topics: Iterable[Topic], partitions: Mapping[str, int]) -> list[str]:
    """Say which topics have another number of partitions: their cameras would change places."""
    return [
        f"{topic.name} has {partitions[topic.name]} partitions, not {topic.partitions}: "
        f"let it run empty, delete it, and run `{MEND}`"
        for topic in topics
        if partitions[topic.name] != topic.partitions
    ]


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Lend a client that asks the broker itself.

    Raises:
        Unavailable: The broker is away.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await client.start()
        yield client
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {bootstrap}: {error!r}") from error
    finally:
        await client.close()


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config)


def _resource(name: str, configs: Mapping[str, str] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, configs)


async def _alter(client: AIOKafkaAdminClient, topic: Topic) -> None:
    for answer in await client.alter_configs([_resource(topic.name, topic.config)]):
        for code, *_rest in answer.resources:  # type: ignore[attr-defined]  # typed as any response
            if code:
                raise for_code(code)


async def _until_there(client: AIOKafkaAdminClient, names: Collection[str]) -> None:
    """Wait until the broker knows topics that the controller has made: it learns of them a moment later."""
    for _attempt in range(100):
        if not set(names) - set(await client.list_topics()):
            return
        await asyncio.sleep(0.05)
    raise Unavailable("the broker does not come to know its topics")


async def _until_mended(client: AIOKafkaAdminClient, topics: Collection[Topic]) -> None:
    """Wait until the broker says what the controller was told."""
    for _attempt in range(100):
        if not drifted(topics, await _configs(client, [topic.name for topic in topics])):
            return
        await asyncio.sleep(0.1)
    raise Unavailable("the broker does not take the topics' settings")


async def _configs(client: AIOKafkaAdminClient, names: Iterable[str]) -> Configs:
    return await _described(client, [_resource(name) for name in names])


async def _broker_configs(client: AIOKafkaAdminClient) -> Configs:
    """Ask every broker for its own settings."""
    brokers = [str(each["node_id"]) for each in (await client.describe_cluster())["brokers"]]
    return await _described(client, [ConfigResource(ConfigResourceType.BROKER, each) for each in brokers])


async def _described(client: AIOKafkaAdminClient, wanted: list[ConfigResource]) -> Configs:
    answers = await client.describe_configs(wanted)
    resources = [
        resource
        for answer in answers
        for resource in answer.resources  # type: ignore[attr-defined]  # typed as any response
    ]
    return {resource[3]: {entry[0]: entry[1] for entry in resource[4]} for resource in resources}


async def _partitions(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    return {each["topic"]: len(each["partitions"]) for each in await client.describe_topics(list(names))}
