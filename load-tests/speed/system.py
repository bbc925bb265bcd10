"""The whole system, as the demo starts it, with a fleet's estate: real Kafka, ClickHouse, vault and stages; no devices.

What its processes use of the cores is read from /proc, threads that have ended included.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from unittest.mock import patch

import fleet
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from fleet import Fleet
from rich.console import Console

from pipeline.edge.device import Outgoing
from pipeline.local import demo as local
from pipeline.local.demo import Demo, Wish
from pipeline.local.estate import Scene, key_path
from pipeline.reading import stop
from pipeline.vault.client import VaultClient
from schemas.estate import Profile
from schemas.ids import DeviceId, StoreId
from schemas.topics import PARTITIONS, topics
from tests.integration.house import link_provisioned

SERVERS: Final = ("kafka", "clickhouse", "vault", "detecting", "watching", "recording", "cutting", "erasing")
"""Whose time counts. The console and the devices are none of them."""
FOLLOWED: Final = {"mimamori-detecting": "frames.v1", "mimamori-watching": "detections.v1"}
WINDOW: Final = timedelta(seconds=20)
"""Windows are published 45 times as often as they would be: some come within the measure."""
_AHEAD: Final = timedelta(minutes=20)
_TICK: Final = os.sysconf("SC_CLK_TCK")


class Loaded(Demo):
    """A demo without a console."""

    def __init__(self, wish: Wish) -> None:
        super().__init__(wish, Console(quiet=True))

    async def start(self) -> None:
        await super().start()
        await self.supervisor.end("console")


@dataclass
class System:
    """One running system and the fleet that it was made for."""

    demo: Loaded
    clients: Mapping[StoreId, VaultClient]
    cameras: int

    async def fleet(self, stories: Sequence[Sequence[Outgoing]]) -> Fleet:
        """Make a fleet whose cameras send these, in turn."""
        estate = self.demo.estate
        devices = {
            store.id: (
                DeviceId(f"{store.id}-gateway"),
                fleet.device_key(key_path(self.demo.run / "estate", f"{store.id}-gateway")),
                self.clients[store.id],
            )
            for store in estate.stores
        }
        cameras = await fleet.enrolled(stories, self.cameras, devices=devices, ahead=_AHEAD)
        return Fleet(cameras, fleet.office(topics(estate.lives)), self.demo.bootstrap)

    def cpu(self, *extra: str) -> dict[str, float]:
        """Return the seconds of CPU time that each server process has used so far."""
        return {name: _cpu(self.demo.supervisor.pid(name)) for name in (*SERVERS, *extra)}

    def memory(self) -> dict[str, float]:
        """Return MiB of memory that each server process has."""
        return {name: _memory(self.demo.supervisor.pid(name)) for name in SERVERS}

    async def drained(self, within: float = 120, groups: Sequence[str] = tuple(FOLLOWED)) -> float:
        """Wait until detecting and watching have committed all that lies before them; return how long that took."""
        began = time.monotonic()
        async with _asking(self.demo.bootstrap) as (admin, consumer):
            while lag := await _lag(admin, consumer, groups):
                if time.monotonic() - began > within:
                    raise RuntimeError(f"{lag} records are still not handled after {within:g} s")
                await asyncio.sleep(0.5)
        return time.monotonic() - began

    def require_no_deaths(self) -> None:
        """A process that was started again has taken its time with it.

        Raises:
            RuntimeError: One was.
        """
        if died := {name: count for name, count in self.demo.supervisor.restarts().items() if count}:
            raise RuntimeError(f"processes died: {died}; see {self.demo.logs}")


@contextlib.asynccontextmanager
async def system(place: Path, profiles: Sequence[Profile], *, workers: int = 1) -> AsyncIterator[System]:
    """Start everything for a camera of each profile in this folder; stop all of it at the end."""
    link_provisioned(place)
    template = fleet.write_template(place / "template", profiles, WINDOW)
    scene = Scene(str(template), {}, "a fleet")
    # Whatever the machine is busy with besides, everything is counted.
    with patch.dict(os.environ, MIMAMORI_SHED="false"), patch.object(local, "_AHEAD", _AHEAD):
        demo = Loaded(Wish(place, scene, headless=True, devices=False, workers=workers))
        clients: dict[StoreId, VaultClient] = {}
        try:
            await demo.start()
            clients = {
                store.id: VaultClient(demo.vault_url, demo.tokens[f"device-{store.id}-gateway"])
                for store in demo.estate.stores
            }
            yield System(demo, clients, len(profiles))
        finally:
            for each in clients.values():
                await each.close()
            await demo.stop()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@contextlib.asynccontextmanager
async def _asking(bootstrap: str) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await admin.start()
    await consumer.start()
    try:
        yield admin, consumer
    finally:
        await stop(consumer)
        await stop(admin)


async def _lag(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, groups: Sequence[str]) -> int:
    lag = 0
    for group in groups:
        topic = FOLLOWED[group]
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(places)
        told = await admin.list_consumer_group_offsets(group, partitions=places)
        lag += sum(ends[at] - (max(told[at].offset, 0) if at in told else 0) for at in places)
    return lag
