"""The vault tells Prometheus how it is, and nobody who or where; and says why it is not well."""

import re
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.clock import ManualClock
from pipeline.errors import Refused, Unavailable
from pipeline.vault import metrics
from pipeline.vault.api import PublicKey, Status
from pipeline.vault.health import LATE, TIMER_MAY_REST, Health
from pipeline.vault.metrics import Metrics
from schemas.envelope import Purpose
from tests.unit.pipeline.vault.building import BUCKET, DOOR, NOON, TTL, WORKER
from tests.unit.pipeline.vault.test_service import House, house

__all__ = ["house"]

STATUS = Status(
    now=NOON,
    keys_alive=3,
    keys_destroyed=2,
    oldest_readable=None,
    next_destruction=NOON + BUCKET,
    lateness_last_seconds=None,
    lateness_max_seconds=None,
    ledger_length=7,
    ledger_waiting=1,
    suite="X25519",
    frame_ttl_seconds=3600,
)


async def _numbers(house: House) -> dict[str, float]:
    async with house.plain() as client:
        text = (await client.get("/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {"".join((each.name, *each.labels.values())): each.value for each in samples}


async def _get(house: House, path: str) -> httpx.Response:
    async with house.plain() as client:
        return await client.get(path)


async def _key(house: House) -> PublicKey:
    (key, *_) = await house.client("device-ginza-pc").public_keys(DOOR, NOON, NOON + BUCKET)
    return key


async def test_it_counts_keys_leases_refusals_and_destruction(house: House) -> None:
    house.keeper.tick()
    key = await _key(house)
    await house.client("detecting").lease(key.key_id, key.purpose, WORKER.public)
    assert (await _numbers(house))["mimamori_vault_ledger_waiting"] == 1
    with pytest.raises(Refused):
        await house.client("detecting").lease(key.key_id, Purpose.PEOPLE_FLOW, WORKER.public)
    before = await _numbers(house)
    assert before["mimamori_vault_answers"] == 1
    assert before["mimamori_vault_keys_alive"] == 1
    assert before["mimamori_vault_leases_total"] == 1
    assert before["mimamori_vault_faults_totalrefused"] == 1
    assert before["mimamori_vault_faults_totalerased"] == 0
    assert before["mimamori_vault_destruction_seconds_count"] == 0

    house.clock.advance(key.expires_at - NOON + timedelta(seconds=2))
    assert (await _numbers(house))["mimamori_vault_overdue_seconds"] == 2
    house.keeper.tick()

    after = await _numbers(house)
    assert after["mimamori_vault_keys_alive"] == 0
    assert after["mimamori_vault_keys_destroyed_total"] == 1
    assert after["mimamori_vault_lateness_max_seconds"] == 2
    assert after["mimamori_vault_destruction_seconds_count"] == 1
    assert after["mimamori_vault_overdue_seconds"] == 0
    assert after["mimamori_vault_ledger_waiting"] == 0


async def test_no_label_names_a_store_a_camera_a_stage_or_a_person(house: House) -> None:
    key = await _key(house)
    with pytest.raises(Refused):
        await house.client("console").lease(key.key_id, key.purpose, WORKER.public)

    text = (await _get(house, "/metrics")).text

    assert set(re.findall(r"(\w+)=\"", text)) <= {"fault", "le"}
    assert not [name for name in (*map(str, (DOOR.store, DOOR.camera, key.key_id)), "console") if name in text]


async def test_every_metric_is_described_and_every_description_is_of_one(house: House) -> None:
    house.keeper.tick()
    await _key(house)
    house.clock.advance(TTL + BUCKET)
    house.keeper.tick()
    described = set(re.findall(r"^(mimamori_\w+)", metrics.__doc__ or "", re.MULTILINE))

    text = (await _get(house, "/metrics")).text
    told = set(re.findall(r"^# TYPE (mimamori_\w+)", text, re.MULTILINE))

    assert {name for name in told if not name.endswith("_created")} == described


async def test_while_the_key_table_is_away_the_rest_is_told(house: House) -> None:
    with patch.object(house.parts.table, "count", side_effect=Unavailable("the key table: away")):
        numbers = await _numbers(house)
        ready = await _get(house, "/readyz")

    assert numbers["mimamori_vault_answers"] == 0
    assert "mimamori_vault_keys_alive" not in numbers
    assert numbers["mimamori_vault_leases_total"] == 0
    assert (ready.status_code, ready.text) == (503, "the key table: away")


async def test_a_vault_whose_ledger_is_away_is_alive_but_not_ready_and_recovers(house: House) -> None:
    house.keeper.tick()
    await _key(house)
    house.clock.advance(TTL + BUCKET)
    with patch.object(house.parts.ledger, "append", side_effect=Unavailable("the ledger: no space left")):
        with pytest.raises(Unavailable):
            house.keeper.tick()
        ready, alive = await _get(house, "/readyz"), await _get(house, "/healthz")
    assert (ready.status_code, ready.text) == (503, "the ledger: no space left")
    assert (alive.status_code, alive.text) == (200, "ok")
    assert (await _numbers(house))["mimamori_vault_timer_failures_total"] == 1

    house.keeper.tick()

    assert (await _get(house, "/readyz")).status_code == 200


async def test_r20_late_destruction_is_said(house: House) -> None:
    house.keeper.tick()
    key = await _key(house)
    house.clock.advance(key.expires_at - NOON + timedelta(seconds=LATE + 1))

    ready = await _get(house, "/readyz")

    assert (ready.status_code, ready.text) == (503, "destruction is 6 s late")


def test_a_timer_that_stands_still_is_neither_alive_nor_ready() -> None:
    clock = ManualClock(NOON)
    told = Metrics(lambda: STATUS, clock.monotonic)
    health = Health(lambda: STATUS, told.idle)
    with told.round():
        clock.advance(timedelta(seconds=1))
    assert (health.not_alive(), health.not_ready()) == ("", "")

    clock.advance(timedelta(seconds=TIMER_MAY_REST + 1))
    assert health.not_alive() == health.not_ready() == "the timer has not gone round for 11 s"

    with pytest.raises(Unavailable), told.round():
        raise Unavailable("the ledger is away")
    assert not health.not_alive()


def test_what_pages_on_call_asks_for_what_is_told() -> None:
    rules = (Path(__file__).parents[4] / "infra" / "prometheus" / "vault.rules.yml").read_text()
    asked = set(re.findall(r"mimamori_vault_\w+", "".join(re.findall(r"^ +expr: (.*)$", rules, re.MULTILINE))))

    assert len(asked) > 4
    assert asked <= set(re.findall(r"^(mimamori_\w+)", metrics.__doc__ or "", re.MULTILINE))
