"""The vault over HTTP, without a socket: who gets what answer, and what the timer does."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from pipeline import sealing
from pipeline.clock import ManualClock
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.sealing import SealSuite
from pipeline.vault import service
from pipeline.vault.access import Principal, Role
from pipeline.vault.api import LeaseRequest, PublicKey, PublicKeysQuery, Status
from pipeline.vault.client import DeviceKeys, Leases, VaultClient
from pipeline.vault.confirming import FILE, confirm, confirmation
from pipeline.vault.guard import Guard
from pipeline.vault.ledger import Kind
from pipeline.vault.receipts import receipts_of
from pipeline.vault.service import LONGEST_NAP, Keeper, _die_with, app_of, destroy_on_time
from pipeline.vault.tokens import issue
from pipeline.vault.uptime import noting, time_by_uptime
from schemas.envelope import Purpose
from schemas.ids import KeyId
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    DEVICE,
    DOOR,
    NOON,
    TTL,
    WORKER,
    Parts,
    in_memory,
    of_kind,
)
from tests.unit.pipeline.vault.test_vault import Damaged

PRINCIPALS = [DEVICE, DETECTING, *(Principal(name=role, role=role) for role in (Role.ERASING, Role.CONSOLE))]


@dataclass
class House:
    """A vault, its clock, and a way for each principal to ask it."""

    keeper: Keeper
    parts: Parts
    clock: ManualClock
    transport: httpx.ASGITransport
    folder: Path

    def client(self, name: str) -> VaultClient:
        token = (self.folder / "tokens" / name).read_text()
        return VaultClient("http://vault", token, self.transport)

    def plain(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.transport, base_url="http://vault")


@pytest.fixture
def house(tmp_path: Path) -> House:
    clock, parts = ManualClock(NOON), in_memory(tmp_path)
    keeper = Keeper(parts.vault(), parts.ledger, Guard(clock, None), b"public")
    transport = httpx.ASGITransport(app_of(keeper, issue(tmp_path, PRINCIPALS)))
    return House(keeper, parts, clock, transport, tmp_path)


async def test_a_stage_opens_what_a_device_sealed(house: House) -> None:
    keys = DeviceKeys(house.client("device-ginza-pc"), DOOR, TTL)
    await keys.refresh(NOON)
    key = keys.key_at(NOON)
    assert key is not None
    leases = Leases(house.client("detecting"), SealSuite.X25519)

    picture = await leases.open_(key.key_id, DOOR.purpose, b"info", sealing.seal(key.public, b"info", b"picture"))

    assert picture == b"picture"


async def test_a_device_has_keys_for_as_far_ahead_as_it_asked(house: House) -> None:
    keys = DeviceKeys(house.client("device-ginza-pc"), DOOR, timedelta(hours=24))

    await keys.refresh(NOON)

    last = NOON + timedelta(hours=24) - timedelta(seconds=1)
    assert keys.key_at(last) is not None
    assert keys.key_at(NOON - timedelta(seconds=1)) is not None
    assert keys.key_at(NOON - TTL) is None
    assert keys.key_at(NOON + timedelta(hours=25)) is None


async def test_a_device_asks_only_for_what_is_missing(house: House) -> None:
    keys = DeviceKeys(house.client("device-ginza-pc"), DOOR, TTL)
    await keys.refresh(NOON)
    created = len(of_kind(house.parts.ledger, Kind.KEY_CREATED))

    await keys.refresh(NOON)
    house.clock.advance(BUCKET)
    await keys.refresh(house.clock.now())

    assert len(of_kind(house.parts.ledger, Kind.KEY_CREATED)) == created + 1


async def test_a_device_drops_keys_of_what_expired(house: House) -> None:
    keys = DeviceKeys(house.client("device-ginza-pc"), DOOR, TTL)
    await keys.refresh(NOON)
    house.clock.advance(TTL)

    await keys.refresh(house.clock.now())

    assert keys.key_at(NOON) is None
    assert keys.key_at(NOON + TTL) is not None


@pytest.mark.parametrize("name", ["device-ginza-pc", "erasing", "console"])
async def test_r04_only_stages_that_open_frames_get_leases(house: House, name: str) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)

    with pytest.raises(Refused):
        await house.client(name).lease(key.key_id, DOOR.purpose, key.public)


@pytest.mark.parametrize("token", ["", "guessed"])
async def test_a_token_that_nobody_holds_is_waited_for_and_the_variable_named(house: House, token: str) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    stranger = Leases(VaultClient("http://vault", token, house.transport), SealSuite.X25519)

    with pytest.raises(Unavailable, match="MIMAMORI_VAULT__TOKEN"):
        await stranger.private_key(key.key_id, DOOR.purpose)


async def test_a_token_of_another_stage_is_waited_for_and_the_variable_named(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)

    with pytest.raises(Unavailable, match=r"console may not lease.*MIMAMORI_VAULT__TOKEN"):
        await Leases(house.client("console"), SealSuite.X25519).private_key(key.key_id, DOOR.purpose)


async def test_a_path_that_is_none_is_waited_for(house: House) -> None:
    with pytest.raises(Unavailable, match="no vault"):
        await house.client("console")._ask(Status, "GET", "/v2/status")


async def test_a_lease_key_that_the_vault_cannot_use_is_waited_for(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)

    with pytest.raises(Unavailable, match="lease_public"):
        await house.client("detecting").lease(key.key_id, DOOR.purpose, b"short")


async def test_each_answer_has_its_error(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    leases = Leases(house.client("detecting"), SealSuite.X25519)

    with pytest.raises(Refused, match="may not lease"):
        await leases.private_key(key.key_id, Purpose.PEOPLE_FLOW)
    with pytest.raises(Rejected, match="unknown_key"):
        await leases.private_key(KeyId("never"), DOOR.purpose)
    house.clock.advance(2 * TTL)
    with pytest.raises(Erased):
        await leases.private_key(key.key_id, DOOR.purpose)


async def test_r20_a_key_made_ready_is_let_go_with_its_lease(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    leases = Leases(house.client("detecting"), SealSuite.X25519)
    sealed = sealing.seal(key.public, b"info", b"picture")
    opener = await leases.opener(key.key_id, DOOR.purpose)

    assert opener is await leases.opener(key.key_id, DOOR.purpose)
    assert opener.open_(b"info", sealed) == b"picture"
    leases.close()
    with pytest.raises(ValueError, match="let go"):
        opener.open_(b"info", sealed)


async def test_errors_are_problem_details(house: House) -> None:
    async with house.plain() as client:
        answer = await client.get("/v1/status")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Unauthorized"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/public-keys?store=SECRET!", 422),
        ("POST", "/v1/leases", 422),
        ("GET", "/x", 404),
        ("PUT", "/healthz", 405),
    ],
)
async def test_what_cannot_be_read_is_answered_without_quoting_it(
    house: House, method: str, path: str, status: int
) -> None:
    token = (house.folder / "tokens" / "detecting").read_text()
    async with house.plain() as client:
        answer = await client.request(
            method, path, json={"key_id": "SECRET!"}, headers={"Authorization": f"Bearer {token}"}
        )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "SECRET" not in answer.text


async def test_health_needs_no_token_and_tells_nothing(house: House) -> None:
    async with house.plain() as client:
        answer = await client.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize("path", ["/v1/ledger", "/v1/status", "/v1/public-keys", "/v1/leases", "/docs", "/redoc"])
async def test_without_a_token_there_is_nothing(house: House, path: str) -> None:
    async with house.plain() as client:
        answers = [await client.request(method, path) for method in ("GET", "POST", "PUT", "DELETE")]

    assert {answer.status_code for answer in answers} <= {401, 404, 405, 422}


async def test_erasing_reads_receipts_by_index(house: House) -> None:
    await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + 3 * BUCKET)
    house.clock.advance(2 * TTL)
    house.keeper.tick()

    page = await house.client("erasing").ledger(3, 2)

    assert (page.length, [entry.index for entry in page.entries]) == (6, [3, 4])
    assert len(receipts_of(page.entries)) == 2


async def test_the_console_sees_the_numbers(house: House) -> None:
    await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + 3 * BUCKET)

    status = await house.client("console").status()

    assert status.keys_alive == 3
    assert status.oldest_readable == NOON
    assert status.ledger_public_key == b"public"


async def test_the_timer_sleeps_until_the_next_expiry_and_a_second_at_most(house: House) -> None:
    assert house.keeper.tick() == LONGEST_NAP
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)

    assert house.keeper.tick() == LONGEST_NAP
    house.clock.advance(key.expires_at - NOON - timedelta(milliseconds=300))
    assert house.keeper.tick() == timedelta(milliseconds=300)
    house.clock.advance(timedelta(milliseconds=300))
    house.keeper.tick()
    assert receipts_of(house.parts.ledger.entries(0, 10))[0].key_id == key.key_id


async def test_r20_a_leap_of_the_clock_destroys_nothing_and_lends_nothing_in_doubt(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    house.clock.set_wall(NOON + timedelta(days=3650))
    house.keeper.tick()

    assert not of_kind(house.parts.ledger, Kind.KEY_DESTROYED)
    assert house.keeper.status().clock_doubtful
    with pytest.raises(Unavailable, match="clock leapt"):
        await Leases(house.client("detecting"), SealSuite.X25519).private_key(key.key_id, DOOR.purpose)


async def test_a_device_gets_the_keys_of_the_next_hour_from_a_vault_whose_clock_leapt(house: House) -> None:
    keys = DeviceKeys(house.client("device-ginza-pc"), DOOR, timedelta(hours=24))
    now = NOON + timedelta(hours=2)
    house.clock.set_wall(now)
    house.keeper.tick()
    with pytest.raises(Unavailable, match="clock leapt"):
        await keys.refresh(now)

    assert keys.key_at(now) is not None
    assert keys.key_at(now + timedelta(hours=23)) is None


def _started_again(house: House, folder: Path) -> Keeper:
    """Give the same vault, started anew with what was noted."""
    vault, guard = house.parts.vault(), Guard(house.clock, house.parts.table.high_water())
    vault.recover(guard.read().now)
    return Keeper(
        vault,
        house.parts.ledger,
        guard,
        b"public",
        confirmation=confirmation(folder),
        note=noting(folder, house.clock, "boot"),
    )


async def test_r20_one_start_with_a_wrong_clock_destroys_nothing_and_leaves_no_trace(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    house.keeper.tick()

    house.clock.set_wall(NOON + timedelta(days=3650))
    wrong = _started_again(house, house.folder)
    wrong.tick()
    with pytest.raises(Unavailable, match="confirm-clock"):
        wrong.lend(DETECTING, _asked(key))
    house.clock.set_wall(NOON + timedelta(minutes=1))
    right = _started_again(house, house.folder)
    right.tick()

    assert not of_kind(house.parts.ledger, Kind.KEY_DESTROYED)
    assert not right.status().clock_doubtful
    assert right.lend(DETECTING, _asked(key))


async def test_r20_after_days_off_expired_keys_are_lent_to_nobody_and_die_once_the_clock_is_confirmed(
    house: House,
) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    house.keeper.tick()
    house.clock.set_wall(NOON + timedelta(days=3))
    keeper = _started_again(house, house.folder)

    keeper.tick()
    with pytest.raises(Unavailable, match="confirm-clock"):
        keeper.lend(DETECTING, _asked(key))
    assert not of_kind(house.parts.ledger, Kind.KEY_DESTROYED)

    confirm(house.folder, house.clock.now())
    keeper.tick()
    with pytest.raises(Erased):
        keeper.lend(DETECTING, _asked(key))
    assert [each.body["key_id"] for each in of_kind(house.parts.ledger, Kind.KEY_DESTROYED)] == [key.key_id]
    assert not (house.folder / FILE).exists()


async def test_the_vault_notes_how_long_the_machine_has_been_on(house: House) -> None:
    keeper = _started_again(house, house.folder)
    keeper.tick()
    house.clock.advance(timedelta(days=3))

    assert time_by_uptime(house.folder, house.clock, "boot") == NOON + timedelta(days=3)


async def test_after_hours_off_devices_have_keys_although_the_clock_is_in_doubt(house: House) -> None:
    house.keeper.tick()
    house.clock.set_wall(NOON + timedelta(hours=5))
    keeper = _started_again(house, house.folder)

    assert keeper.public_keys(DEVICE, _query(NOON + timedelta(hours=5)))


async def test_after_days_off_devices_wait_for_keys(house: House) -> None:
    house.keeper.tick()
    house.clock.set_wall(NOON + timedelta(days=3))
    keeper = _started_again(house, house.folder)

    with pytest.raises(Unavailable, match="confirm-clock"):
        keeper.public_keys(DEVICE, _query(house.clock.now()))


def _query(start: datetime) -> PublicKeysQuery:
    return PublicKeysQuery(
        store=DOOR.store, camera=DOOR.camera, purpose=DOOR.purpose, start=start, end=start + timedelta(hours=1)
    )


def _asked(key: PublicKey) -> LeaseRequest:
    return LeaseRequest(key_id=key.key_id, purpose=DOOR.purpose, lease_public=WORKER.public)


async def test_r20_a_damaged_key_table_does_not_end_the_timer(house: House) -> None:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    house.clock.advance(key.expires_at - NOON)

    with patch.object(house.parts.table, "_db", Damaged()):
        timer = asyncio.create_task(destroy_on_time(house.keeper))
        await asyncio.sleep(0)
        assert not timer.done()
    timer.cancel()

    assert not house.parts.ring.names()


async def test_r18_what_breaks_the_vault_is_logged_and_counted_and_quotes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "a private thing"

    def fail(*_: object) -> Status:
        raise ValueError(secret)

    monkeypatch.setattr(house.parts.table, "held", fail)
    with pytest.raises(Unavailable, match="its log says where"):
        await house.client("detecting").lease(KeyId("a"), DOOR.purpose, WORKER.public)

    said = capsys.readouterr()
    assert "ValueError" in said.out + said.err
    assert "test_service.py" in said.err
    assert secret not in said.out + said.err
    assert b'mimamori_vault_faults_total{fault="broken"} 1.0' in house.keeper.metrics.text()


async def test_when_destruction_ends_the_vault_ends_and_quotes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "a private thing"

    def fail() -> timedelta:
        raise ValueError(secret)

    ended: list[int] = []
    monkeypatch.setattr(house.keeper, "tick", fail)
    monkeypatch.setattr(service.os, "_exit", ended.append)  # type: ignore[attr-defined]  # os, as the module has it

    timer = asyncio.create_task(destroy_on_time(house.keeper))
    timer.add_done_callback(_die_with)
    await asyncio.wait([timer])
    await asyncio.sleep(0)

    said = capsys.readouterr()
    assert ended == [70]
    assert "ValueError" in said.out + said.err
    assert "test_service.py" in said.err
    assert secret not in said.out + said.err


async def test_keys_of_a_leapt_clock_still_die_by_the_time_that_passed(house: House) -> None:
    await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    house.clock.set_wall(NOON + timedelta(days=3650))
    house.keeper.tick()

    house.clock.advance(TTL)
    house.keeper.tick()

    assert of_kind(house.parts.ledger, Kind.KEY_DESTROYED)
