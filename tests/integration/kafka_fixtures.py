"""A real Kafka on free ports of loopback, once for all tests that want one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import java, kafka

ROOT = Path(__file__).resolve().parents[2]


def home() -> Path:
    return Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local"))


@pytest.fixture(scope="session")
def kafka_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka.Process]:
    """A broker that tests may kill and start again; it is up when a test gets it."""
    yield from running(tmp_path_factory.mktemp("kafka"))


@pytest.fixture
def kafka_of_its_own(tmp_path: Path) -> Iterator[kafka.Process]:
    """A broker without anybody else's topics."""
    yield from running(tmp_path / "kafka")


def running(place: Path) -> Iterator[kafka.Process]:
    port, controller_port = kafka.free_ports(2)
    broker = kafka.Process(kafka.Kafka(place, kafka.provision(home()), java.provision(home()), port, controller_port))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def bootstrap(kafka_process: kafka.Process) -> str:
    """Where the broker is."""
    return kafka_process.kafka.bootstrap
