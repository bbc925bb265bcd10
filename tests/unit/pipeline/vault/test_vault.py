"""Keys are made ahead, lent by purpose, destroyed on time, and the ledger says so."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest

from pipeline import sealing
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.governance import roles
from pipeline.vault.access import Action, Principal, Role
from pipeline.vault.keys import Owner
from pipeline.vault.ledger import Fact, Kind, MemoryLedger
from pipeline.vault.policy import Policy
from pipeline.vault.vault import AHEAD_MAX, Vault
from schemas.envelope import Purpose
from schemas.ids import CameraId, KeyId, StoreId
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    DEVICE,
    DOOR,
    NOON,
    POLICY,
    TILL,
    TTL,
    WORKER,
    Parts,
    damage,
    destroy,
    in_memory,
    keys_for,
    lent,
    of_kind,
    opened,
)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return in_memory(tmp_path)


@pytest.fixture
def vault(parts: Parts) -> Vault:
    return parts.vault()


def test_a_lent_key_opens_what_was_sealed_to_its_public_half(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)
    sealed = sealing.seal(key.public, b"envelope", b"picture")

    assert sealing.open_(lent(vault, key, NOON), b"envelope", sealed) == b"picture"


def test_asking_again_gives_the_same_keys(vault: Vault) -> None:
    assert keys_for(vault, NOON, TTL) == keys_for(vault, NOON + timedelta(seconds=1), TTL - timedelta(seconds=1))


def test_keys_follow_each_other_without_a_gap(vault: Vault) -> None:
    keys = keys_for(vault, NOON, 3 * TTL)

    assert keys[0].span.start <= NOON
    assert keys[-1].span.end >= NOON + 3 * TTL
    assert all(one.span.end == next_.span.start for one, next_ in pairwise(keys))


def test_r20_keys_expire_with_the_ttl_of_their_first_frame(vault: Vault) -> None:
    assert all(key.span.expires_at <= key.span.start + TTL for key in keys_for(vault, NOON, 3 * TTL))


def test_keys_are_made_a_day_ahead_and_no_further(vault: Vault) -> None:
    keys = keys_for(vault, NOON, 10 * AHEAD_MAX)

    assert keys[-1].span.end == NOON + AHEAD_MAX


def test_a_frame_that_has_expired_gets_no_key(vault: Vault) -> None:
    keys = vault.public_keys(DEVICE, DOOR, NOON - 10 * TTL, NOON, NOON)

    assert all(key.span.expires_at > NOON for key in keys)
    assert keys[0].span.start == NOON - TTL + BUCKET


def test_every_key_is_random(vault: Vault) -> None:
    keys = keys_for(vault, NOON, TTL)

    assert len({key.public for key in keys}) == len({key.key_id for key in keys}) == len(keys)


def test_r04_a_key_is_not_lent_for_another_purpose_and_the_ledger_says_so(parts: Parts, vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)

    with pytest.raises(Refused):
        vault.lease(DETECTING, key.key_id, Purpose.PEOPLE_FLOW, WORKER.public, NOON)

    (refusal,) = of_kind(parts.ledger, Kind.REFUSED)
    assert refusal.body["key_id"] == key.key_id
    assert refusal.body["purpose"] == "people_flow"
    assert refusal.body["principal"] == "detecting"


def test_r04_a_stage_that_may_hold_both_purposes_gets_each_key_for_its_own(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)
    both = frozenset({Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW})

    with (
        patch.dict(roles.MATRIX, {(Role.DETECTING, Action.LEASE): roles.Cell(both)}),
        pytest.raises(Refused, match="purpose_incompatible"),
    ):
        vault.lease(DETECTING, key.key_id, Purpose.PEOPLE_FLOW, WORKER.public, NOON)


@pytest.mark.parametrize("role", [Role.DEVICE, Role.ERASING, Role.CONSOLE])
def test_r04_a_key_is_not_lent_to_whom_the_table_does_not_name(vault: Vault, role: Role) -> None:
    (key,) = keys_for(vault, NOON)

    with pytest.raises(Refused):
        vault.lease(Principal(name="x", role=role, store=DOOR.store), key.key_id, DOOR.purpose, WORKER.public, NOON)


def test_r05_a_purpose_that_the_rules_no_longer_name_is_refused_for_keys_that_exist(parts: Parts) -> None:
    (key,) = keys_for(parts.vault(), NOON)
    parts.policy = Policy(TTL)

    with pytest.raises(Refused):
        lent(parts.vault(), key, NOON)


@pytest.mark.parametrize(
    "owner",
    [
        Owner(DOOR.store, CameraId("unknown"), DOOR.purpose),
        Owner(StoreId("shibuya"), DOOR.camera, DOOR.purpose),
        Owner(DOOR.store, DOOR.camera, Purpose.OPERATION),
        Owner(DOOR.store, DOOR.camera, Purpose.PEOPLE_FLOW),
    ],
)
def test_r05_a_camera_or_purpose_that_nobody_named_gets_no_key(parts: Parts, vault: Vault, owner: Owner) -> None:
    with pytest.raises(Refused):
        vault.public_keys(DEVICE, owner, NOON, NOON + TTL, NOON)

    assert len(of_kind(parts.ledger, Kind.REFUSED)) == 1
    assert not of_kind(parts.ledger, Kind.KEY_CREATED)


def test_a_device_gets_no_keys_of_another_store(vault: Vault) -> None:
    stranger = Principal(name="device-shibuya-pc", role=Role.DEVICE, store=StoreId("shibuya"))

    with pytest.raises(Refused):
        vault.public_keys(stranger, DOOR, NOON, NOON + TTL, NOON)


def test_a_lease_ends_after_a_minute(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)

    lease = vault.lease(DETECTING, key.key_id, DOOR.purpose, WORKER.public, NOON)

    assert lease.ends_at == NOON + timedelta(seconds=60)


def test_r20_a_lease_ends_at_expiry_if_that_comes_first(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)
    late = key.span.expires_at - timedelta(seconds=5)

    lease = vault.lease(DETECTING, key.key_id, DOOR.purpose, WORKER.public, late)

    assert lease.ends_at == key.span.expires_at


def test_a_lease_opens_only_for_what_it_was_lent_for(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)
    lease = vault.lease(DETECTING, key.key_id, DOOR.purpose, WORKER.public, NOON)

    for other in ({"purpose": Purpose.PEOPLE_FLOW}, {"principal": "recording"}, {"ends_at": NOON + TTL}):
        with pytest.raises(Rejected):
            opened(lease.model_copy(update=other))


def test_r20_an_expired_key_is_not_lent_even_before_it_is_destroyed(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)

    with pytest.raises(Erased):
        lent(vault, key, key.span.expires_at)


def test_a_key_whose_row_is_damaged_is_gone_and_hurts_no_other(vault: Vault, tmp_path: Path) -> None:
    (door,) = keys_for(vault, NOON)
    (till,) = keys_for(vault, NOON, owner=TILL)
    damage(tmp_path, till)

    with pytest.raises(Erased):
        lent(vault, till, NOON)
    assert lent(vault, door, NOON)


def test_r20_a_destroyed_key_is_not_lent_and_has_one_receipt(parts: Parts, vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)

    assert destroy(vault, key.span.expires_at) == 1
    assert destroy(vault, key.span.expires_at) == 0

    (receipt,) = of_kind(parts.ledger, Kind.KEY_DESTROYED)
    assert receipt.body["key_id"] == key.key_id
    with pytest.raises(Erased):
        lent(vault, key, key.span.expires_at)


def test_r20_slot_keys_die_by_their_names_when_the_key_table_cannot_be_read(parts: Parts, vault: Vault) -> None:
    first, second = keys_for(vault, NOON, 2 * BUCKET)
    now = first.span.expires_at
    names = parts.ring.names()

    with patch.object(parts.table, "_db", Damaged()), pytest.raises(Unavailable, match="malformed"):
        vault.shred(now)

    assert len(names) == 2
    assert len(parts.ring.names()) == 1
    assert destroy(vault, now) == 1
    assert [each.body["key_id"] for each in of_kind(parts.ledger, Kind.KEY_DESTROYED)] == [first.key_id]
    assert lent(vault, second, now)


def test_r20_nothing_of_a_slot_is_left_in_the_ring(parts: Parts, vault: Vault) -> None:
    keys = keys_for(vault, NOON, TTL)

    destroy(vault, keys[2].span.expires_at)

    assert len(parts.ring.names()) == len(keys) - 3


def test_keys_that_live_on_are_lent_after_others_were_destroyed(vault: Vault) -> None:
    first, second = keys_for(vault, NOON, 2 * BUCKET)

    destroy(vault, first.span.expires_at)

    assert lent(vault, second, first.span.expires_at)


def test_a_key_that_never_was_is_rejected(vault: Vault) -> None:
    with pytest.raises(Rejected, match="unknown_key"):
        vault.lease(DETECTING, KeyId("never"), DOOR.purpose, WORKER.public, NOON)


def test_a_lease_key_that_is_none_is_rejected(vault: Vault) -> None:
    (key,) = keys_for(vault, NOON)

    with pytest.raises(Rejected):
        vault.lease(DETECTING, key.key_id, DOOR.purpose, b"short", NOON)


def test_leases_are_told_in_one_entry_with_their_number(parts: Parts, vault: Vault) -> None:
    first, second = keys_for(vault, NOON, 2 * BUCKET)
    for key in (first, first, second):
        lent(vault, key, NOON)

    vault.tell(NOON)

    (told,) = of_kind(parts.ledger, Kind.LEASES)
    assert {each["key_id"]: each["times"] for each in told.body["leases"]} == {first.key_id: 2, second.key_id: 1}


def test_status_counts_keys_and_names_the_oldest_readable_frame(vault: Vault) -> None:
    keys = keys_for(vault, NOON, TTL)
    expiry = keys[0].span.expires_at
    destroy(vault, expiry + timedelta(seconds=1))

    status = vault.status(expiry + timedelta(seconds=1))

    assert (status.keys_alive, status.keys_destroyed) == (len(keys) - 1, 1)
    assert status.oldest_readable == keys[1].span.start
    assert status.next_destruction == keys[1].span.expires_at
    assert status.lateness_last_seconds == status.lateness_max_seconds == 1


def test_keys_of_frames_to_come_are_not_the_oldest_readable(vault: Vault) -> None:
    vault.public_keys(DEVICE, DOOR, NOON + TTL, NOON + 2 * TTL, NOON)

    assert vault.status(NOON).oldest_readable is None


class Damaged:
    """A database file with a broken page."""

    in_transaction = False

    def execute(self, *_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")


class Full(MemoryLedger):
    """A ledger whose disk is full for as long as it says."""

    full = False

    def append(self, facts: Sequence[Fact], at: datetime) -> None:
        # As of a file: of nothing to write nobody learns whether there is room.
        if self.full and facts:
            raise Unavailable("no space left")
        super().append(facts, at)


@pytest.fixture
def full(parts: Parts) -> Full:
    assert isinstance(parts.ledger, MemoryLedger)
    parts.ledger = Full(parts.ledger._key)
    return parts.ledger


def test_r18_without_a_ledger_no_key_is_given_or_lent(parts: Parts, full: Full) -> None:
    vault = parts.vault()
    (key,) = keys_for(vault, NOON)
    full.full = True

    with pytest.raises(Unavailable):
        keys_for(vault, NOON + BUCKET)
    with pytest.raises(Unavailable):
        lent(vault, key, NOON)

    full.full = False
    vault.tell(NOON)
    assert lent(vault, key, NOON)


def test_r18_a_ledger_that_refused_a_look_is_back_only_when_it_has_taken_something(parts: Parts, full: Full) -> None:
    vault = parts.vault()
    (key,) = keys_for(vault, NOON)
    full.full = True
    with pytest.raises(Unavailable):
        vault.write_down([Fact(Kind.LOOK, {})], NOON)

    with pytest.raises(Unavailable):
        vault.tell(NOON)
    with pytest.raises(Unavailable):
        lent(vault, key, NOON)

    full.full = False
    vault.tell(NOON)
    assert lent(vault, key, NOON)
    assert [each.body["reason"] for each in of_kind(full, Kind.REFUSED)] == ["the ledger was away"]


def test_r20_without_a_ledger_keys_die_on_time_and_receipts_follow(parts: Parts, full: Full) -> None:
    vault = parts.vault()
    (key,) = keys_for(vault, NOON)
    full.full = True

    vault.shred(key.span.expires_at)
    assert vault.bury(key.span.expires_at) == 1
    with pytest.raises(Unavailable):
        vault.tell(key.span.expires_at)
    assert not parts.ring.names()

    full.full = False
    vault.tell(key.span.expires_at + TTL)
    (receipt,) = of_kind(full, Kind.KEY_DESTROYED)
    assert receipt.body["destroyed_at"] == "2026-11-23T13:00:00.000000Z"


def test_r18_refusals_while_the_ledger_is_away_are_counted_and_told_when_it_is_back(parts: Parts, full: Full) -> None:
    vault = parts.vault()
    (key,) = keys_for(vault, NOON)
    full.full = True
    for _ in range(5000):
        with pytest.raises(Refused):
            vault.public_keys(DEVICE, Owner(DOOR.store, CameraId("unknown"), DOOR.purpose), NOON, NOON + TTL, NOON)
    assert vault.status(NOON).ledger_waiting == 5000

    full.full = False
    vault.tell(NOON)

    (refusal,) = of_kind(full, Kind.REFUSED)
    assert refusal.body["times"] == 5000
    assert vault.status(NOON).ledger_waiting == 0
    assert lent(vault, key, NOON)


def test_a_shorter_ttl_makes_new_keys_and_hands_out_no_old_ones(parts: Parts) -> None:
    old = keys_for(parts.vault(), NOON, TTL)
    parts.policy = Policy(TTL / 2, POLICY.cameras)

    new = keys_for(parts.vault(), NOON, TTL)

    assert not {key.key_id for key in old} & {key.key_id for key in new}
    assert all(key.span.expires_at <= key.span.start + TTL / 2 for key in new)


@pytest.mark.parametrize("failing", ["condemn", "delete_private"])
def test_r20_a_key_table_that_takes_nothing_does_not_delay_destruction(
    parts: Parts, vault: Vault, failing: str
) -> None:
    (key,) = keys_for(vault, NOON)
    with (
        patch.object(parts.table, failing, side_effect=Unavailable("database or disk is full")),
        pytest.raises(Unavailable),
    ):
        vault.shred(key.span.expires_at)

    assert not parts.ring.names()
    assert destroy(vault, key.span.expires_at) == 1
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 1
