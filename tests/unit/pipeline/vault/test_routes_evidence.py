"""Evidence over HTTP: the console's token and a person's session, both or nothing."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing, signing
from pipeline.clock import ManualClock
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.sealing import SealSuite
from pipeline.vault import routes_evidence, verify
from pipeline.vault.access import Principal, Role, WrongRole
from pipeline.vault.api import SESSION, ErasureRequest, HoldRequest, HoldState, LookRequest, ReleaseRequest, SignedOut
from pipeline.vault.checkpoints import CheckpointedLedger, Checkpoints
from pipeline.vault.client import Leases, VaultClient
from pipeline.vault.guard import Guard
from pipeline.vault.ledger import FileLedger, Kind
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tokens import issue
from schemas.ids import AlertId, KeyId
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    DEVICE,
    DOOR,
    NOON,
    WORKER,
    Parts,
    in_memory,
    of_kind,
    opened,
)
from tests.unit.pipeline.vault.evidence_building import ALERT, CIPHERTEXT, KEPT, REASON, RESEALED, Staffing, wanted

KEY = Ed25519PrivateKey.generate()
PUBLIC = signing.public_bytes(KEY)
SERVICES = (Role.CUTTING, Role.ERASING, Role.CONSOLE, Role.RECORDING, Role.WATCHING)
PRINCIPALS = [DEVICE, DETECTING, *(Principal(name=role, role=role) for role in SERVICES)]
UNTIL = NOON + timedelta(days=60)
LOOK = LookRequest(alert_id=ALERT, purpose=DOOR.purpose, reason=REASON, lease_public=WORKER.public)
ERASE = ErasureRequest(alert_id=ALERT, reason=REASON)
HOLD = HoldRequest(alert_id=ALERT, until=UNTIL, reason=REASON, incident="2026-7")


@dataclass
class House:
    """A vault, its clock, its people, and a way for each principal to ask it."""

    keeper: Keeper
    parts: Parts
    clock: ManualClock
    people: Staffing
    transport: httpx.ASGITransport
    folder: Path

    def client(self, name: str) -> VaultClient:
        return VaultClient("http://vault", (self.folder / "tokens" / name).read_text(), self.transport)

    @property
    def console(self) -> VaultClient:
        return self.client("console")

    async def sealed(self) -> KeyId:
        cutting = self.client("cutting")
        key = await cutting.object_key(wanted())
        await cutting.object_stored(key.key_id, CIPHERTEXT)
        return key.key_id


@pytest.fixture
def house(tmp_path: Path) -> House:
    clock, stood = ManualClock(NOON), in_memory(tmp_path)
    file, made = FileLedger(tmp_path / "ledger.jsonl", KEY), tmp_path / "checkpoints.jsonl"
    parts = Parts(stood.table, stood.ring, CheckpointedLedger(file, Checkpoints(made, file, KEY)))
    people = Staffing()
    keeper = Keeper(parts.vault(), parts.ledger, Guard(clock, None), PUBLIC, people=people, checkpoints=made)
    transport = httpx.ASGITransport(app_of(keeper, issue(tmp_path, PRINCIPALS)))
    return House(keeper, parts, clock, people, transport, tmp_path)


async def test_cutting_seals_and_a_manager_looks(house: House) -> None:
    cutting = house.client("cutting")
    key = await cutting.object_key(wanted())
    clip = sealing.seal(key.public, b"clip", b"pictures")
    told = await cutting.object_stored(key.key_id, CIPHERTEXT)

    look = await house.console.look(LOOK, session="sato")

    assert look.object == told
    assert look.lease.principal == "sato"
    assert sealing.open_(opened(look.lease), b"clip", clip) == b"pictures"
    assert await house.console.object_of(ALERT, session="sato") == told
    assert await house.console.objects(session="sato") == await cutting.objects() == (told,)
    assert await house.console.objects(DOOR.store, session="mori") == ()


async def test_stages_are_told_of_all_evidence_and_people_of_the_newest(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_evidence, "_MOST", 1)
    for number in range(3):
        await house.client("cutting").object_key(wanted(AlertId(f"alert-{number}"), NOON - timedelta(hours=3 - number)))

    assert len(await house.client("erasing").objects()) == 3
    assert len(await house.client("cutting").objects()) == 3
    assert [each.alert_id for each in await house.console.objects(session="sato")] == ["alert-2"]


async def test_cutting_opens_what_it_sealed_for_a_confirmed_hold(house: House) -> None:
    cutting = house.client("cutting")
    key = await cutting.object_key(wanted())
    hold = await house.console.propose_hold(HOLD, session="sato")
    sealed = sealing.seal(key.public, b"clip", b"pictures")
    with pytest.raises(Refused, match="person's look"):
        await cutting.lease(key.key_id, DOOR.purpose, WORKER.public)

    await house.console.confirm_hold(hold.hold_id, session="suzuki")
    leases = Leases(cutting, SealSuite.X25519)
    assert await leases.open_(key.key_id, DOOR.purpose, b"clip", sealed) == b"pictures"


@pytest.mark.parametrize("name", ["cutting", "erasing", "detecting", "device-ginza-pc", "recording", "watching"])
async def test_r17_a_session_makes_nobody_but_the_console_a_person(house: House, name: str) -> None:
    await house.sealed()
    client = house.client(name)

    with pytest.raises(WrongRole):
        await client.look(LOOK, session="sato")
    with pytest.raises(WrongRole):
        await client.erase(ERASE, session="sato")
    with pytest.raises(WrongRole):
        await client.propose_hold(HOLD, session="sato")
    assert not of_kind(house.parts.ledger, Kind.LOOK)


@pytest.mark.parametrize("session", ["nobody", ""])
async def test_r18_the_console_by_itself_can_do_nothing_for_people(house: House, session: str) -> None:
    await house.sealed()

    with pytest.raises(SignedOut):
        await house.console.look(LOOK, session=session)
    with pytest.raises(SignedOut):
        await house.console.objects(session=session)
    with pytest.raises(SignedOut):
        await house.console.objects()
    with pytest.raises(SignedOut):
        await house.console.holds()


async def test_r13_staff_do_not_look(house: House) -> None:
    await house.sealed()

    with pytest.raises(Refused, match="may not look"):
        await house.console.look(LOOK, session="tanaka")


async def test_r04_nobody_but_cutting_has_keys_of_evidence(house: House) -> None:
    for name in ("detecting", "recording", "watching", "erasing", "device-ginza-pc"):
        with pytest.raises(Refused):
            await house.client(name).object_key(wanted())


async def test_r23_erased_when_it_is_answered(house: House) -> None:
    (bucket, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    key_id = await house.sealed()

    erasure = await house.console.erase(ERASE, session="suzuki")

    assert set(erasure.keys) == {key_id, bucket.key_id}
    with pytest.raises(Erased):
        await house.client("cutting").object_key(wanted())
    with pytest.raises(Erased):
        await house.console.object_of(ALERT, session="sato")
    with pytest.raises(Erased):
        await house.client("detecting").lease(bucket.key_id, DOOR.purpose, WORKER.public)


async def test_a_hold_from_its_proposal_to_its_end(house: House) -> None:
    await house.sealed()
    proposed = await house.console.propose_hold(HOLD, session="sato")
    confirmed = await house.console.confirm_hold(proposed.hold_id, session="suzuki")
    (listed,) = await house.client("cutting").holds()
    assert (proposed.state, confirmed.state, listed) == (HoldState.PROPOSED, HoldState.CONFIRMED, confirmed)
    assert confirmed.public

    sealed = await house.client("cutting").hold_sealed(confirmed.hold_id, RESEALED)
    assert sealed.state is HoldState.SEALED
    house.clock.advance(KEPT)
    house.keeper.tick()
    assert (await house.console.look(LOOK, session="sato")).object.held_until == UNTIL

    ended = await house.console.end_hold(sealed.hold_id, session="sato")
    assert (ended.state, ended.ended_by) == (HoldState.ENDED, "sato")
    with pytest.raises(Erased):
        await house.console.look(LOOK, session="sato")


async def test_the_timer_ends_holds(house: House) -> None:
    await house.sealed()
    await house.console.propose_hold(HOLD, session="sato")
    house.clock.advance(KEPT)
    house.keeper.tick()

    assert [hold.state for hold in await house.console.holds(session="audit")] == [HoldState.LAPSED]


async def test_r16_a_release(house: House) -> None:
    await house.sealed()
    asked = ReleaseRequest(alert_id=ALERT, to="tanaka", until=NOON + timedelta(hours=1), reason=REASON)

    assert (await house.console.release(asked, session="sato")).by == "sato"

    assert await house.console.look(LOOK, session="tanaka")


async def test_r20_nobody_looks_or_holds_while_the_clock_is_in_doubt(house: House) -> None:
    await house.sealed()
    house.clock.set_wall(NOON + timedelta(days=3650))

    with pytest.raises(Unavailable, match="clock leapt"):
        await house.console.look(LOOK, session="sato")
    with pytest.raises(Unavailable, match="clock leapt"):
        await house.console.propose_hold(HOLD, session="sato")
    assert await house.console.erase(ERASE, session="sato")


async def test_what_is_not_there_is_unknown(house: House) -> None:
    with pytest.raises(Rejected):
        await house.console.look(LOOK, session="sato")
    with pytest.raises(Rejected):
        await house.console.end_hold("0123", session="sato")
    with pytest.raises(Rejected):
        await house.client("cutting").object_stored(KeyId("never"), CIPHERTEXT)


async def test_a_receipt_with_its_proof_and_the_checkpoints_check_out_offline(house: House) -> None:
    key_id = await house.sealed()
    with pytest.raises(Rejected, match="no receipt"):
        await house.console.receipt(key_id)
    await house.console.erase(ERASE, session="sato")
    house.clock.advance(timedelta(minutes=2))
    house.keeper.tick()

    receipt = await house.client("erasing").receipt(key_id)
    page = await house.console.checkpoints(session="audit")

    found = verify.check_receipt(receipt.model_dump_json(exclude_none=True).encode(), KEY.public_key(), ())
    assert [str(each.what) for each in found.faults] == []
    assert page.public_key == PUBLIC
    assert receipt.checkpoint in page.checkpoints
    assert await house.console.checkpoints(len(page.checkpoints), session="audit") == page.model_copy(
        update={"checkpoints": ()}
    )


async def test_r17_the_ledger_is_for_those_who_may_read_it(house: House) -> None:
    await house.sealed()

    assert (await house.console.ledger(0, session="audit")).length == 2
    with pytest.raises(Refused):
        await house.console.ledger(0, session="tanaka")
    with pytest.raises(Refused):
        await house.console.receipt(KeyId("any"), session="tanaka")
    with pytest.raises(Refused):
        await house.console.checkpoints(session="tanaka")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/objects"),
        ("GET", "/v1/objects"),
        ("GET", "/v1/objects/alert-1"),
        ("POST", "/v1/objects/key/stored"),
        ("POST", "/v1/looks"),
        ("POST", "/v1/erasures"),
        ("GET", "/v1/holds"),
        ("POST", "/v1/holds"),
        ("POST", "/v1/holds/1/confirm"),
        ("POST", "/v1/holds/1/sealed"),
        ("POST", "/v1/holds/1/end"),
        ("POST", "/v1/releases"),
        ("GET", "/v1/checkpoints"),
        ("GET", "/v1/receipts/key"),
    ],
)
async def test_without_a_token_there_is_nothing(house: House, method: str, path: str) -> None:
    async with httpx.AsyncClient(transport=house.transport, base_url="http://vault") as client:
        answer = await client.request(method, path, headers={SESSION: "sato"})

    assert answer.status_code == 401
