"""Clients of Kafka are stopped whatever they are doing."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaConnectionError

from pipeline import reading
from pipeline.reading import read_all, reader, stop
from pipeline.records import Records


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


async def test_a_reader_begins_at_the_beginning_answers_soon_and_reads_whatever_header_names_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {}

    class Silent(Consumer):
        async def start(self) -> None:
            """Nothing answers, and nothing has to."""

    monkeypatch.setattr(reading, "AIOKafkaConsumer", lambda **given: options.update(given) or Silent())
    monkeypatch.setattr(fetcher, "MemoryRecords", None)

    async with reader("somewhere"):
        pass

    assert options["auto_offset_reset"] == "earliest"
    assert options["fetch_max_wait_ms"] <= 10
    assert vars(fetcher)["MemoryRecords"] is Records


async def test_what_is_only_asked_about_is_assigned_and_not_read() -> None:
    read, beside = TopicPartition("state", 0), TopicPartition("source", 0)
    consumer = Partitions({read: ["a", "b"], beside: ["c"]})

    found = [each async for each in read_all(consumer, [read], [beside])]  # type: ignore[arg-type]  # stands for one

    assert found == ["a", "b"]
    assert consumer.assigned == [read, beside]
    assert consumer.paused == (beside,)


class Partitions:
    """A consumer of partitions that hold a few records."""

    def __init__(self, held: dict[TopicPartition, list[str]]) -> None:
        self.held = held
        self.assigned: list[TopicPartition] = []
        self.paused: tuple[TopicPartition, ...] = ()
        self.at = dict.fromkeys(held, 0)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused = partitions

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: len(self.held[each]) for each in partitions}

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[str]]:
        unread = {each: self.held[each] for each in self.assigned if each not in self.paused}
        self.at |= {each: len(records) for each, records in unread.items()}
        return unread
