"""The settings that a stage's app must have, whatever Faust's defaults become."""

import pytest
from aiokafka.consumer import fetcher
from faust.types.enums import ProcessingGuarantee

from agents import app as apps
from agents.app import Consumer, Producer, create_app
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
