"""A device that loses Kafka, its vault and itself: what it had sealed arrives once all are back, or has expired."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from pipeline.broker import create_topics
from pipeline.edge.outbox import Parcel
from pipeline.local import kafka
from schemas.detections import Still
from schemas.frame import Frame
from schemas.wire import Sealed
from tests.integration.shop import Shop, open_shop


@pytest.fixture
def broker(kafka_of_its_own: kafka.Process) -> kafka.Process:
    return kafka_of_its_own


@pytest.fixture
def shop(tmp_path: Path, broker: kafka.Process) -> Iterator[Shop]:
    found = open_shop(tmp_path, broker.kafka.bootstrap)
    yield found
    found.end()


@pytest.fixture
def short_shop(tmp_path: Path, broker: kafka.Process) -> Iterator[Shop]:
    """One where frames live for eight seconds."""
    found = open_shop(tmp_path, broker.kafka.bootstrap, ttl="8s")
    yield found
    found.end()


def place(message: Sealed | Still) -> tuple[int, int]:
    about: Frame | Still = message.frame if isinstance(message, Sealed) else message
    return about.boot, about.sequence


def place_on_disk(parcel: Parcel) -> tuple[int, int]:
    headers = dict(parcel.record.headers)
    return int(headers["ce_boot"]), int(headers["ce_sequence"])


async def until(so: Callable[[], Awaitable[bool]], what: str, within: float = 60) -> None:
    began = time.monotonic()
    while not await so():
        assert time.monotonic() - began < within, what
        await asyncio.sleep(0.3)


async def arrived(shop: Shop) -> list[tuple[int, int]]:
    """Boots and sequences in the order in which they lie, what was sent twice once."""
    return list(dict.fromkeys(map(place, await shop.messages())))


async def has_boot(shop: Shop, boot: int, at_least: int) -> None:
    async def so() -> bool:
        return sum(each == boot for each, _ in await arrived(shop)) >= at_least

    await until(so, f"{at_least} messages of boot {boot}")


def pause(broker: kafka.Process, how: signal.Signals) -> None:
    assert broker._child is not None
    broker._child.send_signal(how)


async def test_all_that_was_sealed_arrives_in_order_over_kills_without_kafka_and_vault(
    shop: Shop, broker: kafka.Process
) -> None:
    await create_topics(shop.bootstrap, shop.topics.values())
    first = shop.publish()
    await has_boot(shop, 1, at_least=5)
    broker.kill()
    await asyncio.sleep(5)
    first.kill()
    first.wait()
    killed = {place_on_disk(each) for each in shop.spooled()}

    shop.vault.stop(signal.SIGKILL)
    second = shop.publish()
    await asyncio.sleep(6)
    asked = time.monotonic()
    second.send_signal(signal.SIGTERM)
    code, took = second.wait(10), time.monotonic() - asked
    stopped = {place_on_disk(each) for each in shop.spooled()}

    third = shop.publish()
    await asyncio.sleep(4)
    await asyncio.to_thread(broker.start)
    await has_boot(shop, 3, at_least=20)
    third.send_signal(signal.SIGTERM)
    third.wait(10)
    found = await arrived(shop)

    assert (code, took < 2.5) == (0, True)
    assert len(killed) >= 5
    assert len({boot for boot, _ in stopped}) == 2, "the second boot sealed with keys that it had kept"
    assert set(found) >= killed | stopped
    assert found == sorted(found), "spooled before live, boot after boot"
    for boot in (1, 2, 3):
        numbers = [number for each, number in found if each == boot]
        assert numbers == list(range(len(numbers))), "without a gap"
    assert shop.spooled() == []
    assert (await shop.healths())[-1].dropped == 0


async def test_a_broker_that_hangs_loses_nothing_of_a_device_that_is_killed(shop: Shop, broker: kafka.Process) -> None:
    await create_topics(shop.bootstrap, shop.topics.values())
    first = shop.publish()
    await has_boot(shop, 1, at_least=5)
    pause(broker, signal.SIGSTOP)
    await asyncio.sleep(5)
    first.kill()
    first.wait()
    killed = {place_on_disk(each) for each in shop.spooled()}
    shop.publish()
    await asyncio.sleep(4)
    pause(broker, signal.SIGCONT)
    await has_boot(shop, 2, at_least=20)
    found = await arrived(shop)

    assert len(killed) >= 5
    assert set(found) >= killed
    assert found == sorted(found)
    for boot in (1, 2):
        numbers = [number for each, number in found if each == boot]
        assert numbers == list(range(len(numbers)))


async def test_r20_what_expired_on_the_disk_is_never_sent_and_leaves_the_disk_without_the_vault(
    short_shop: Shop, broker: kafka.Process
) -> None:
    shop = short_shop
    await create_topics(shop.bootstrap, shop.topics.values())
    shop.publish()
    await has_boot(shop, 1, at_least=5)
    before = await arrived(shop)
    broker.kill()
    shop.vault.stop(signal.SIGKILL)
    await asyncio.sleep(14)
    oldest = min(each.expires_at for each in shop.spooled()).timestamp()
    now = time.time()
    await asyncio.to_thread(broker.start)
    await has_boot(shop, 1, at_least=len(before) + 20)

    async def told() -> bool:
        return any(each.dropped for each in await shop.healths())

    await until(told, "a health message that counts what expired")
    found = await arrived(shop)
    lateness = [
        stamp / 1000 - (each.frame if isinstance(each, Sealed) else each).expires_at.timestamp()
        for each, stamp in await shop.stamped()
    ]

    assert oldest > now - 5, "whole segments go as they expire"
    assert found == sorted(found)
    assert len(found) < found[-1][1], "what expired is missing"
    assert max(lateness) < 0.1, "one may be on the wire as it expires"


async def test_a_second_publisher_with_the_same_folder_is_refused(shop: Shop) -> None:
    await create_topics(shop.bootstrap, shop.topics.values())
    shop.publish()
    await has_boot(shop, 1, at_least=2)

    assert await asyncio.to_thread(shop.publish().wait, 30) == 1
    assert "another publisher spools" in (shop.folder / "publish.log").read_text()
