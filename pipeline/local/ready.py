"""Whether a part is up: by asking it."""

from collections.abc import Awaitable, Callable

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from pipeline.reading import records
from schemas.topics import Topic

Ready = Callable[[], Awaitable[bool]]


def http_ok(url: str) -> Ready:
    """Ask a web service; ready when it answers 200."""

    async def ask() -> bool:
        try:
            async with httpx.AsyncClient(timeout=1) as client:
                return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return ask


def group_has_work(bootstrap: str, group: str) -> Ready:
    """Ask the broker whether a consumer group is stable, with partitions given out."""

    async def ask() -> bool:
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
        try:
            await client.start()
            answers = await client.describe_consumer_groups([group])
            groups: list[tuple[object, ...]] = getattr(answers[0], "groups", [])
            return any(state == "Stable" and members for *_, state, _, _, members in map(_head, groups))
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()

    return ask


def _head(group: tuple[object, ...]) -> tuple[object, ...]:
    """Return error, name, state, protocol type, protocol, members; newer brokers append more."""
    return group[:6]


def has_key(bootstrap: str, topic: Topic, key: bytes) -> Ready:
    """Look whether a topic holds a record of this key."""

    async def ask() -> bool:
        try:
            return any([record.key == key async for record in records(bootstrap, topic)])
        except (KafkaError, OSError):
            return False

    return ask
