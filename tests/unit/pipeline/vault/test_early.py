"""Erased before time: at once, for good, and nothing else with it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.vault.api import ErasureRequest
from pipeline.vault.keys import BucketKey
from pipeline.vault.ledger import Kind
from pipeline.vault.receipts import receipts_of
from pipeline.vault.records import Record, RecordKind
from pipeline.vault.store import SqliteKeyTable
from schemas.ids import AlertId
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DOOR,
    NOON,
    TILL,
    TTL,
    Parts,
    damage,
    destroy,
    in_memory,
    keys_for,
    lent,
    of_kind,
)
from tests.unit.pipeline.vault.evidence_building import ALERT, CUTTING, KEPT, LONG, OTHER, REASON, Desk, whole
from tests.unit.pipeline.vault.test_vault import Full

SOON = NOON + timedelta(minutes=25)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return in_memory(tmp_path)


@pytest.fixture
def desk(parts: Parts) -> Desk:
    return Desk(parts.vault())


def _dies(desk: Desk, key: BucketKey, now: datetime = SOON) -> bool:
    try:
        lent(desk.vault, key, now)
    except Erased:
        return True
    return False


def test_r23_an_alerts_evidence_goes_with_the_buckets_that_it_was_cut_from(desk: Desk) -> None:
    buckets = keys_for(desk.vault, NOON, 3 * BUCKET)
    (till,) = keys_for(desk.vault, NOON, owner=TILL)
    key, other = desk.sealed(NOON), desk.sealed(NOON, OTHER)

    erased = desk.erase("sato", SOON)

    assert set(erased) == {key.key_id, buckets[0].key_id}
    assert [_dies(desk, bucket) for bucket in (*buckets, till)] == [True, False, False, False]
    with pytest.raises(Erased):
        desk.look("sato", SOON)
    assert desk.look("sato", SOON, OTHER)
    assert other.key_id not in erased


def test_r23_a_camera_and_span_go_whole(desk: Desk) -> None:
    buckets = keys_for(desk.vault, NOON, 3 * BUCKET)
    (till,) = keys_for(desk.vault, NOON, owner=TILL)
    desk.sealed(NOON)
    desk.sealed(SOON, OTHER, start=SOON)

    erased = desk.erase("suzuki", SOON, whole(NOON, NOON + BUCKET))

    assert len(erased) == 3
    assert [_dies(desk, bucket) for bucket in (*buckets, till)] == [True, True, False, False]
    assert [each.alert_id for each in desk.evidence.objects(CUTTING, None, SOON)] == [OTHER]


def test_r23_receipts_say_that_it_was_early_and_by_which_decision(desk: Desk, parts: Parts) -> None:
    keys_for(desk.vault, NOON)
    desk.sealed(NOON)
    desk.erase("sato", SOON)

    (decided,) = of_kind(parts.ledger, Kind.ERASURE_DECIDED)
    receipts = of_kind(parts.ledger, Kind.KEY_DESTROYED)
    assert (decided.body["by"], decided.body["reason"], decided.body["alert_id"]) == ("sato", REASON, ALERT)
    assert all(decided.index < receipt.index for receipt in receipts)
    assert {receipt.body["erasure_id"] for receipt in receipts} == {decided.body["erasure_id"]}
    assert all(receipt.body["early"] for receipt in receipts)
    assert [(each.early, each.erasure_id) for each in receipts_of(receipts)] == 2 * [(True, decided.body["erasure_id"])]


def test_r20_survivors_die_on_time_with_one_receipt_each(desk: Desk, parts: Parts) -> None:
    (bucket,) = keys_for(desk.vault, NOON)
    (till,) = keys_for(desk.vault, NOON, owner=TILL)
    desk.sealed(NOON)
    desk.erase("sato", SOON)
    assert lent(desk.vault, till, SOON)

    destroy(desk.vault, NOON + TTL)

    with pytest.raises(Erased):
        lent(desk.vault, till, NOON + TTL)
    receipts = {each.body["key_id"]: each.body for each in of_kind(parts.ledger, Kind.KEY_DESTROYED)}
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 3
    assert "early" not in receipts[till.key_id]
    assert receipts[bucket.key_id]["early"]


def test_r20_the_old_slot_key_is_gone_and_a_copy_of_the_table_opens_nothing(tmp_path: Path) -> None:
    parts = in_memory(tmp_path)
    desk = Desk(parts.vault())
    (bucket,) = keys_for(desk.vault, NOON)
    (till,) = keys_for(desk.vault, NOON, owner=TILL)
    key = desk.sealed(NOON)
    old = [parts.table.held(each) for each in (bucket.key_id, till.key_id, key.key_id)]

    desk.erase("sato", SOON)

    for held in old:
        assert held is not None
        assert held.wrapped is not None
        assert held.wrapped.slot_key not in parts.ring.names()
    assert parts.ring.names() == parts.table.slot_keys()


def test_r20_what_was_erased_is_in_no_file_of_the_table(tmp_path: Path) -> None:
    parts = in_memory(tmp_path)
    desk = Desk(parts.vault())
    (bucket,), (till,) = keys_for(desk.vault, NOON), keys_for(desk.vault, NOON, owner=TILL)
    held = [parts.table.held(key.key_id) for key in (bucket, till)]
    wrapped = [each.wrapped.private for each in held if each is not None and each.wrapped is not None]
    before = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    desk.erase("sato", SOON, whole(NOON, NOON))

    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [each in before for each in wrapped] == [True, True]
    assert [each in after for each in wrapped] == [False, False]


def test_r23_no_key_is_made_anew_for_what_was_erased(desk: Desk) -> None:
    first = keys_for(desk.vault, NOON, 4 * BUCKET)
    desk.erase("sato", SOON, whole(NOON, SOON))

    again = keys_for(desk.vault, NOON, 4 * BUCKET)

    # The bucket that runs at the moment is erased whole: from the next on there are keys again.
    assert [key.span.start for key in again] == [NOON + 3 * BUCKET]
    assert again == first[3:]
    assert len(keys_for(desk.vault, NOON, 4 * BUCKET, owner=TILL)) == 4


def test_r23_nothing_is_made_anew_though_the_answer_to_the_decision_was_lost(
    desk: Desk, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys_for(desk.vault, NOON)
    desk.sealed(NOON)
    move = parts.table.move

    def lost(*args: Any) -> None:
        move(*args)
        raise Unavailable("the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(parts.table, "move", lost)
        with pytest.raises(Unavailable):
            desk.erase("sato", SOON, whole(NOON, SOON))
    destroy(desk.vault, SOON)

    assert [key.span.start for key in keys_for(desk.vault, SOON)] == [NOON + 3 * BUCKET]
    with pytest.raises(Erased):
        desk.key(SOON, OTHER)


def test_r23_decisions_that_cannot_all_be_read_let_nothing_be_made(
    desk: Desk, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys_for(desk.vault, NOON)
    desk.erase("sato", SOON, whole(NOON, SOON))
    read = parts.table.records

    def damaged(kind: RecordKind) -> tuple[Record, ...]:
        return (Record(kind, "0", SOON + KEPT, {}), *read(kind))

    monkeypatch.setattr(parts.table, "records", damaged)
    again = parts.vault()

    for _ in range(2):
        with pytest.raises(KeyError):
            keys_for(again, SOON)


def test_r23_a_damaged_row_stops_no_erasure_and_is_gone_itself(desk: Desk, parts: Parts, tmp_path: Path) -> None:
    (door,) = keys_for(desk.vault, NOON)
    (till,) = keys_for(desk.vault, NOON, owner=TILL)
    damage(tmp_path, till)

    erased = desk.erase("sato", SOON, whole(NOON, NOON))

    assert erased == (door.key_id,)
    assert [_dies(desk, each) for each in (door, till)] == [True, True]
    assert destroy(desk.vault, till.span.expires_at) == 1
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 2


def test_r23_no_evidence_is_made_anew_for_what_was_erased(desk: Desk) -> None:
    desk.erase("sato", SOON, whole(NOON, SOON))

    with pytest.raises(Erased):
        desk.key(SOON)
    assert desk.key(SOON, OTHER, owner=TILL)
    assert desk.key(SOON + BUCKET, AlertId("alert-3"), start=SOON + BUCKET)


def test_r23_an_alert_can_be_erased_before_its_evidence_was_ever_sealed(desk: Desk) -> None:
    named = whole(NOON, NOON + LONG).model_copy(update={"alert_id": ALERT})
    desk.erase("sato", SOON, named)

    with pytest.raises(Erased):
        desk.key(SOON)
    assert desk.key(SOON, OTHER)


def test_a_decision_about_what_is_not_there_yet_ends_now(desk: Desk) -> None:
    ahead = keys_for(desk.vault, NOON, 6 * BUCKET)

    desk.erase("sato", SOON, whole(NOON, NOON + TTL))

    assert [_dies(desk, key) for key in ahead] == [True, True, True, False, False, False]


def test_an_unknown_alert_is_unknown(desk: Desk) -> None:
    with pytest.raises(Rejected):
        desk.erase("sato", SOON)


@pytest.mark.parametrize("name", ["tanaka", "mori", "audit"])
def test_r17_only_a_manager_or_deputy_of_the_store_decides(desk: Desk, parts: Parts, name: str) -> None:
    desk.sealed(NOON)

    with pytest.raises(Refused):
        desk.erase(name, SOON)
    (refused,) = of_kind(parts.ledger, Kind.REFUSED)
    assert (refused.body["principal"], refused.body["action"]) == (name, "erase")
    assert desk.look("sato", SOON)


def test_a_second_decision_finds_nothing_left_and_makes_no_second_receipt(desk: Desk, parts: Parts) -> None:
    keys_for(desk.vault, NOON)
    desk.sealed(NOON)
    desk.erase("sato", SOON)

    assert desk.erase("sato", SOON) == ()
    assert len(of_kind(parts.ledger, Kind.ERASURE_DECIDED)) == 2
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 2


def test_what_was_decided_is_told_once_the_ledger_takes_it(tmp_path: Path) -> None:
    ledger = Full(Ed25519PrivateKey.generate())
    parts = Parts(SqliteKeyTable(tmp_path / "keys.db"), in_memory(tmp_path).ring, ledger)
    desk = Desk(parts.vault())
    (bucket,) = keys_for(desk.vault, NOON)
    ledger.full = True

    desk.erase("sato", SOON, whole(NOON, NOON))
    assert not of_kind(ledger, Kind.KEY_DESTROYED)
    assert not parts.ring.names()

    ledger.full = False
    destroy(desk.vault, SOON)
    assert [each.body["key_id"] for each in of_kind(ledger, Kind.KEY_DESTROYED)] == [bucket.key_id]
    assert len(of_kind(ledger, Kind.ERASURE_DECIDED)) == 1


def test_an_erasure_is_remembered_for_as_long_as_evidence_could_be_asked_for(desk: Desk) -> None:
    key = desk.sealed(NOON)
    desk.erase("sato", SOON)
    for day in range(1, 38):
        keys_for(desk.vault, NOON + timedelta(days=day))
        desk.vault.note_time(NOON + timedelta(days=day, hours=2))
        destroy(desk.vault, NOON + timedelta(days=day, hours=2))
        assert desk.vault.table.held(key.key_id) is not None or timedelta(days=day) > KEPT

        with pytest.raises(Erased):
            desk.key(NOON + timedelta(days=day, hours=2))


def test_erasing_early_counts_as_no_lateness(desk: Desk) -> None:
    keys_for(desk.vault, NOON)
    desk.erase("sato", SOON, whole(NOON, NOON))

    assert desk.vault.status(SOON).lateness_max_seconds is None


def test_an_erasure_names_an_alert_or_a_whole_span() -> None:
    with pytest.raises(ValueError, match="name an alert"):
        ErasureRequest(reason=REASON)
    with pytest.raises(ValueError, match="name an alert"):
        ErasureRequest(store_id=DOOR.store, start=NOON, end=NOON, reason=REASON)
    with pytest.raises(ValueError, match="before start"):
        whole(NOON, NOON - LONG)
