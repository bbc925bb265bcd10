"""The settings that a stage's app must have, whatever Faust's defaults become."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from faust.transport.drivers import aiokafka as driver
from faust.types.enums import ProcessingGuarantee

from agents import app as apps
from agents.app import Consumer, Listener, Producer, create_app
from pipeline.records import Records
from pipeline.settings import Kafka
from tests.unit.agents.twin import Died


def test_the_settings_that_losing_nothing_rests_on() -> None:
    conf = create_app("watching", Kafka(bootstrap="127.0.0.1:1,127.0.0.2:2")).conf

    assert conf.id == "mimamori-watching"
    assert conf.stream_wait_empty
    assert str(conf.processing_guarantee) == str(ProcessingGuarantee.AT_LEAST_ONCE)
    assert conf.consumer_auto_offset_reset == "earliest"
    assert not conf.topic_allow_declare
    assert not conf.web_enabled
    assert conf.stream_buffer_maxsize <= 128
    assert [(url.host, url.port) for url in conf.broker] == [("127.0.0.1", 1), ("127.0.0.2", 2)]


def test_the_app_reads_and_writes_through_ours() -> None:
    app = create_app("watching", Kafka())

    assert app.transport.Consumer is Consumer
    assert app.producer_transport.Producer is Producer


def test_r19_the_app_reads_on_behind_a_header_name_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", None)

    create_app("watching", Kafka())

    assert vars(fetcher)["MemoryRecords"] is Records


@pytest.mark.parametrize(("patience", "told"), [(apps.AT_ONCE, (1, 1500)), (apps.GATHERED, (1 << 20, 200))])
def test_how_long_the_broker_gathers_is_told_to_the_consumer(
    patience: apps.Patience, told: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = driver.AIOKafkaConsumerThread
    monkeypatch.setattr(theirs, "_create_worker_consumer", lambda *_: SimpleNamespace())
    thread = object.__new__(apps.Fetching)
    thread.app = create_app("detecting", Kafka(), patience=patience)

    consumer = thread._create_worker_consumer(None)

    assert (consumer._fetch_min_bytes, consumer._fetch_max_wait_ms) == told


async def test_the_producer_is_idempotent() -> None:
    producer = create_app("watching", Kafka()).producer

    assert isinstance(producer, Producer)
    assert producer._settings_extra() == {"acks": "all", "enable_idempotence": True}


def test_a_crash_anywhere_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(why: str, error: BaseException | None = None) -> None:
        raise Died(why)

    monkeypatch.setattr(apps, "die", die)

    with pytest.raises(Died, match="mimamori-watching"):
        create_app("watching", Kafka())._crash(ZeroDivisionError())


class Thread:
    """The thread of a consumer that is told of a rebalance."""

    def __init__(self, seat: str, member: str, generation: int = 1, *, stopping: bool = False) -> None:
        conf = SimpleNamespace(id="mimamori-watching", consumer_group_instance_id=seat)
        self.told: list[object] = []
        self.app = SimpleNamespace(
            conf=conf, consumer_generation_id=generation, should_stop=stopping, on_rebalance_start=lambda: None
        )
        self.consumer = SimpleNamespace(_coordinator=SimpleNamespace(member_id=member))

    def _ensure_consumer(self) -> object:
        return self.consumer

    def on_partitions_revoked(self, revoked: object) -> None:
        self.told.append(revoked)


def test_who_loses_a_seat_that_is_anothers_too_ends_and_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(why: str, error: BaseException | None = None) -> None:
        raise Died(why)

    monkeypatch.setattr(apps, "die", die)
    thread: Any = Thread("demo-watching-0", member="")

    with pytest.raises(Died, match=r"demo-watching-0 .* MIMAMORI_KAFKA__SEAT"):
        Listener(thread).on_partitions_revoked([])

    assert not thread.told


@pytest.mark.parametrize(
    "thread",
    [
        Thread("demo-watching-0", member="known"),
        Thread("demo-watching-0", member="", generation=0),
        Thread("demo-watching-0", member="", stopping=True),
        Thread("", member=""),
    ],
    ids=["rebalance", "first", "stopping", "seatless"],
)
def test_who_has_lost_no_seat_lives_on(thread: Any) -> None:
    Listener(thread).on_partitions_revoked([])

    assert thread.told == [set()]
