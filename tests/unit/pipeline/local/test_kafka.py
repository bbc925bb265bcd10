"""Kafka's jars and settings, without starting it."""

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import Misconfigured
from pipeline.local import kafka


def broker(home: Path) -> kafka.Kafka:
    return kafka.Kafka(home, home / "libs", Path("/usr/bin/java"), 1234, 1235)


def test_every_jar_has_a_sha256() -> None:
    wanted = kafka.expected()

    assert "kafka_2.13-4.0.0.jar" in wanted
    assert all(len(digest) == 64 for digest in wanted.values())


def test_a_wrong_jar_is_refused_named_and_removed(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"another")

    with pytest.raises(Misconfigured, match=r"a\.jar is not the jar"):
        kafka.verify(tmp_path, {"a.jar": hashlib.sha256(b"right").hexdigest()})
    assert not (tmp_path / "a.jar").exists()


def test_a_jar_that_nobody_expects_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"right")
    (tmp_path / "stray.jar").write_bytes(b"?")

    kafka.verify(tmp_path, {"a.jar": hashlib.sha256(b"right").hexdigest()})

    assert [each.name for each in tmp_path.iterdir()] == ["a.jar"]


def test_a_missing_jar_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"a\.jar could not be brought"):
        kafka.verify(tmp_path, {"a.jar": "0" * 64})


def test_it_listens_on_loopback_alone_and_makes_no_topics_in_passing(tmp_path: Path) -> None:
    settings = broker(tmp_path)._settings()

    assert "listeners=PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235" in settings
    assert "auto.create.topics.enable=false" in settings
    assert "$" not in settings


def test_free_ports_differ() -> None:
    assert len(set(kafka.free_ports(5))) == 5


async def test_where_nobody_listens_nothing_is_ready() -> None:
    assert not await kafka.ready("127.0.0.1:1")
