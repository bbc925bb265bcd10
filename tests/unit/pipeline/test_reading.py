"""Clients of Kafka are stopped whatever they are doing."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from pipeline import reading
from pipeline.reading import reader, stop


class Connection:
    """What a client holds open."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Consumer:
    """One that stops as it is told: in good order, with an exception, or never."""

    def __init__(self, how: BaseException | None = None) -> None:
        self.how = how
        self._client = Connection()

    async def stop(self) -> None:
        if self.how is not None:
            raise self.how
        await self._client.close()


class Hanging(Consumer):
    async def stop(self) -> None:
        await asyncio.Event().wait()


class Admin:
    """Has `close` for `stop`."""

    def __init__(self) -> None:
        self._client = Connection()

    async def close(self) -> None:
        await self._client.close()


@pytest.mark.parametrize(
    "client", [Consumer(), Consumer(asyncio.CancelledError()), Consumer(KafkaConnectionError()), Hanging(), Admin()]
)
async def test_a_client_that_is_stopped_leaves_no_connection(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE", reading.PATIENCE / 1000)

    await stop(client)

    assert client._client.closed


async def test_a_reader_that_cannot_start_leaves_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent(Consumer):
        async def start(self) -> None:
            raise KafkaConnectionError

    client = Absent()
    monkeypatch.setattr(reading, "AIOKafkaConsumer", lambda **_: client)

    with pytest.raises(KafkaConnectionError):
        async with reader("nowhere"):
            pass

    assert client._client.closed
