"""The Faust app of a stage: settings that fit us, and the places where Faust must not do as it likes."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.dying import DIED, die
from agents.stage import Stage
from pipeline import records
from pipeline.settings import Kafka

MEBIBYTE: Final = 1 << 20
STOP_WITHIN: Final = 8.0
"""Seconds after SIGTERM."""


class Patience(NamedTuple):
    """How long the broker keeps a fetch waiting: until there are so many bytes, or so many milliseconds have passed."""

    bytes: int = 1
    ms: int = 1500


AT_ONCE: Final = Patience()
"""What comes is fetched as it comes."""
GATHERED: Final = Patience(MEBIBYTE, 200)
"""For topics on which every camera writes several times a second: what comes within a fifth of a second is fetched
together."""


class Listener(driver.ConsumerRebalanceListener):
    """Ends the process when it has lost its seat: it would take it back, and lose it again, for ever."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Awaitable[Any]:
        app = self._thread.app
        joined_before = app.consumer_generation_id > 0
        if app.conf.consumer_group_instance_id and joined_before and not app.should_stop and self._is_unknown():
            die(
                f"{app.conf.id}: the seat {app.conf.consumer_group_instance_id} is lost: another worker has the same "
                "MIMAMORI_KAFKA__SEAT, which has to be each worker's own, or this one was silent for too long"
            )
        return super().on_partitions_revoked(revoked)

    def _is_unknown(self) -> bool:
        """Say whether the group no longer knows us. A rebalance alone leaves us our membership."""
        coordinator = self._thread._ensure_consumer()._coordinator  # noqa: SLF001 (nobody else knows)
        return coordinator is not None and not coordinator.member_id


class Fetching(driver.AIOKafkaConsumerThread):
    """Asks the broker for more at a time than one message: each answer costs both sides as much as a message does."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust passes neither on, and the consumer reads them when it starts.
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = cast("App", self.app).patience  # noqa: SLF001
        return consumer


class Consumer(driver.Consumer):
    """Goes where the stage's state says, never to the committed offsets."""

    RebalanceListener = Listener

    def _new_consumer_thread(self) -> Fetching:
        return Fetching(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        stage: Stage = cast("App", self.app).stage
        await stage.settle(self)
        for tp, lane in stage.lanes.items():
            # Faust drops what lies below the read offset.
            self._read_offset[tp] = lane.next - 1 if lane.next else None
            self._committed_offset[tp] = None
            self._untrack(tp)

    def _new_offset(self, tp: TP) -> int | None:
        """Return what to commit: our position. Faust would go by what was acknowledged, also what was abandoned."""
        self._untrack(tp)
        lane = cast("App", self.app).stage.lanes.get(tp)
        return None if lane is None or lane.position.offset < 0 else lane.position.offset + 1

    def _untrack(self, tp: TP) -> None:
        for tracked in (self._gap, self._acked, self._acked_index):
            tracked.pop(tp, None)


class Producer(driver.Producer):
    """Idempotent: a retry neither doubles a record nor changes the order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """Faust's Kafka transport with our consumer and producer."""

    Consumer = Consumer
    Producer = Producer


class App(faust.App):
    """A Faust app that knows its stage, and ends its process when anything in it crashes."""

    stage: Stage
    patience: Patience = AT_ONCE

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Transport:
        return Transport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Make none: there are no tables."""

    def _crash(self, reason: BaseException) -> None:
        die(str(self.conf.id), reason)


def create_app(
    stage: str, kafka: Kafka, *, session_timeout: float = 6.0, buffer: int = 64, patience: Patience = AT_ONCE
) -> App:
    """Make the app of a stage: consumer group `mimamori-<stage>`.

    Args:
        stage: The stage's name.
        kafka: Where the brokers are, and this worker's seat: one that comes back to its seat within the session timeout
            goes on at once, without a rebalance.
        session_timeout: After so many silent seconds a worker counts as dead, and others take over.
        buffer: So many messages lie ready in memory; a frame can have 2 MiB.
        patience: How long the broker gathers what it answers with.
    """
    records.install()
    brokers = ";".join(f"kafka://{each}" for each in kafka.bootstrap.split(","))
    app = App(
        f"mimamori-{stage}",
        broker=brokers,
        autodiscover=False,
        processing_guarantee="at_least_once",
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=session_timeout / 6,
        broker_commit_interval=1.0,
        broker_max_poll_records=buffer,
        consumer_group_instance_id=kafka.seat or None,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * MEBIBYTE,
        producer_acks=-1,
        producer_max_request_size=2 * MEBIBYTE,
        stream_buffer_maxsize=buffer,
        stream_recovery_delay=0.0,
        stream_wait_empty=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
    )
    app.patience = patience
    app.on_partitions_revoked.connect(_forget, weak=False)  # type: ignore[arg-type]  # typed for any sender
    return app


async def _forget(app: Any, _revoked: object, **_options: Any) -> None:
    app.stage.forget()


class Worker(faust.Worker):
    """Stops when it is told to: in good order, or else at once."""

    def _on_sigterm(self) -> None:
        _end_within(STOP_WITHIN)
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        _end_within(STOP_WITHIN)
        super()._on_sigint()


def _end_within(seconds: float) -> None:
    """End the process if it is still there then: with Kafka away, leaving the group in good order could last for ever.

    Nothing is lost by it: state and position are in the state topic.
    """
    timer = threading.Timer(seconds, os._exit, (DIED,))
    timer.daemon = True
    timer.start()


def work(app: App) -> None:
    """Run a worker in this process until it is told to stop; never returns."""
    import uvloop  # noqa: PLC0415 (not on Windows, where the tests of pure parts run too)

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    worker = Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False, console_port=0)
    # It would write terminal codes between our lines of JSON.
    worker.spinner = None
    worker.execute_from_commandline()
