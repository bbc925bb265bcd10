"""Everybody at once, over HTTP: nothing waits for ever, nothing breaks, and the ledger holds when all is over."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import signing
from pipeline.clock import ManualClock
from pipeline.errors import Erased, Refused, Rejected
from pipeline.vault import verify
from pipeline.vault.access import Principal, Role
from pipeline.vault.api import ErasureRequest, HoldRequest, HoldState, LookRequest, ReleaseRequest
from pipeline.vault.checkpoints import CheckpointedLedger, Checkpoints
from pipeline.vault.client import VaultClient
from pipeline.vault.guard import Guard
from pipeline.vault.ledger import FileLedger
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tokens import issue
from schemas.ids import AlertId, KeyId
from tests.unit.pipeline.vault.building import BUCKET, DETECTING, DEVICE, DOOR, NOON, TILL, WORKER, Parts, in_memory
from tests.unit.pipeline.vault.evidence_building import CIPHERTEXT, REASON, RESEALED, Staffing, wanted

ROUNDS = 25
WITHIN = 60.0
SERVICES = (Role.CUTTING, Role.ERASING, Role.CONSOLE)
PRINCIPALS = [DEVICE, DETECTING, *(Principal(name=role, role=role) for role in SERVICES)]
KEY = Ed25519PrivateKey.generate()


@dataclass
class Crowd:
    """A vault, and everybody who asks it for whatever they have heard of."""

    keeper: Keeper
    parts: Parts
    clock: ManualClock
    clients: dict[str, VaultClient]
    random: Random
    keys: list[KeyId] = field(default_factory=list)
    alerts: list[AlertId] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    async def device(self) -> None:
        owner, now = self.random.choice((DOOR, TILL)), self.clock.now()
        self.keys.extend(
            key.key_id for key in await self.clients["device-ginza-pc"].public_keys(owner, now, now + BUCKET)
        )

    async def detecting(self) -> None:
        await self.clients["detecting"].lease(self.random.choice(self.keys), DOOR.purpose, WORKER.public)

    async def cutting(self) -> None:
        cutting, alert = self.clients["cutting"], AlertId(f"alert-{len(self.alerts)}")
        self.alerts.append(alert)
        key = await cutting.object_key(wanted(alert, self.clock.now(), self.random.choice((DOOR, TILL))))
        await cutting.object_stored(key.key_id, CIPHERTEXT)

    async def sealing(self) -> None:
        holds = [each for each in await self.clients["cutting"].holds() if each.state is HoldState.CONFIRMED]
        hold = self.random.choice(holds)
        await self.clients["cutting"].lease(hold.key_id, DOOR.purpose, WORKER.public)
        await self.clients["cutting"].hold_sealed(hold.hold_id, RESEALED)

    async def look(self) -> None:
        asked = LookRequest(alert_id=self._alert(), purpose=DOOR.purpose, reason=REASON, lease_public=WORKER.public)
        await self.clients["console"].look(asked, session=self.random.choice(("sato", "suzuki", "tanaka")))

    async def release(self) -> None:
        until = self.clock.now() + BUCKET
        asked = ReleaseRequest(alert_id=self._alert(), to="tanaka", until=until, reason=REASON)
        await self.clients["console"].release(asked, session="sato")

    async def erase_an_alert(self) -> None:
        await self.clients["console"].erase(ErasureRequest(alert_id=self._alert(), reason=REASON), session="sato")

    async def erase_a_span(self) -> None:
        now = self.clock.now()
        asked = ErasureRequest(
            store_id=DOOR.store, camera_id=DOOR.camera, start=now - 2 * BUCKET, end=now - BUCKET, reason=REASON
        )
        await self.clients["console"].erase(asked, session="suzuki")

    async def propose(self) -> None:
        until = self.clock.now() + timedelta(days=30)
        asked = HoldRequest(alert_id=self._alert(), until=until, reason=REASON, incident="2026-7")
        await self.clients["console"].propose_hold(asked, session="sato")

    async def confirm(self) -> None:
        known = await self.clients["console"].holds(session="suzuki")
        hold = self.random.choice([each for each in known if each.state is HoldState.PROPOSED])
        await self.clients["console"].confirm_hold(hold.hold_id, session="suzuki")

    async def end(self) -> None:
        hold = self.random.choice(await self.clients["console"].holds(session="suzuki"))
        await self.clients["console"].end_hold(hold.hold_id, session="suzuki")

    async def read(self) -> None:
        erasing = self.clients["erasing"]
        page = await erasing.ledger(0)
        await erasing.checkpoints()
        gone = [entry.body["key_id"] for entry in page.entries if entry.kind == "key_destroyed"]
        await erasing.receipt(KeyId(self.random.choice(gone)))

    async def timer(self) -> None:
        self.clock.advance(timedelta(minutes=self.random.choice((0, 1, 11))))
        self.keeper.tick()

    def _alert(self) -> AlertId:
        return self.random.choice(self.alerts)

    async def again_and_again(self, act: Callable[[], Awaitable[None]]) -> None:
        for _ in range(ROUNDS):
            try:
                await act()
                self.done[act.__name__] += 1
            except (Refused, Erased, Rejected, IndexError):
                # An answer; or there was nothing yet to choose from.
                pass
            for _ in range(self.random.randrange(20)):
                await asyncio.sleep(0)


def crowd_of(folder: Path, seed: int) -> Crowd:
    stood, clock, made = in_memory(folder), ManualClock(NOON), folder / "checkpoints.jsonl"
    file = FileLedger(folder / "ledger.jsonl", KEY)
    parts = Parts(stood.table, stood.ring, CheckpointedLedger(file, Checkpoints(made, file, KEY)))
    public = signing.public_bytes(KEY)
    keeper = Keeper(parts.vault(), parts.ledger, Guard(clock, None), public, people=Staffing(), checkpoints=made)
    transport = httpx.ASGITransport(app_of(keeper, issue(folder, PRINCIPALS)))
    tokens = {each.name: (folder / "tokens" / each.name).read_text() for each in PRINCIPALS}
    clients = {name: VaultClient("http://vault", token, transport) for name, token in tokens.items()}
    return Crowd(keeper, parts, clock, clients, Random(seed))


@pytest.mark.parametrize("seed", range(2))
async def test_r20_no_interleaving_deadlocks_or_breaks_and_every_key_ends_once(tmp_path: Path, seed: int) -> None:
    crowd = crowd_of(tmp_path, seed)
    erasing, holding = (crowd.erase_an_alert, crowd.erase_a_span), (crowd.propose, crowd.confirm, crowd.end)
    people = (crowd.look, crowd.release, *erasing, *holding)
    stages = (crowd.device, crowd.detecting, crowd.cutting, crowd.sealing, crowd.read, crowd.timer)
    await crowd.device()

    async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as together:
        for act in (*stages, *people):
            together.create_task(crowd.again_and_again(act))

    # A hold may well be over by the time that it could be sealed.
    assert set(crowd.done) | {"sealing"} == {act.__name__ for act in (*stages, *people)}
    for _ in range(2):
        crowd.clock.advance(timedelta(days=31))
        crowd.keeper.tick()
    assert not crowd.parts.ring.names()
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    report = verify.check_ledger(lines, KEY.public_key(), [], crowd.clock.now())
    # Late are those alone that died in the leap of the end.
    assert {each.what for each in report.faults} <= {verify.What.LATE}
    assert report.keys
    assert all(key.destroyed_at is not None for key in report.keys.values())
