"""The same destruction gives the same receipt, with all that it names."""

from pathlib import Path

from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.receipts import messages_of, receipts_of
from schemas.audit import AccessRecord
from schemas.erasure import ErasureReceipt
from schemas.topics import Lives, topics
from schemas.wire import encode
from tests.unit.pipeline.vault.building import DOOR, NOON, TTL, destroy, in_memory, keys_for
from tests.unit.pipeline.vault.evidence_building import ALERT, KEPT, REASON, Desk


def _receipts(folder: Path) -> list[ErasureReceipt]:
    parts = in_memory(folder)
    vault = parts.vault()
    keys = keys_for(vault, NOON, TTL)
    destroy(vault, keys[1].span.expires_at)
    entries = parts.ledger.entries(0, 100)

    assert receipts_of(entries) == receipts_of(entries)
    return receipts_of(entries)


def test_r20_a_receipt_says_what_died_and_when(tmp_path: Path) -> None:
    first, second = _receipts(tmp_path)

    assert (first.bucket_start, first.key_expired_at) == (NOON, NOON + TTL)
    assert first.key_created_at == NOON
    assert first.destroyed_at == second.destroyed_at == second.key_expired_at
    assert first.key_purpose == "crime_prevention"
    assert first.notice_id == "ginza-1"
    assert len({first.event_id, second.event_id}) == 2


def test_a_receipt_may_lie_where_receipts_lie(tmp_path: Path) -> None:
    (receipt, *_) = _receipts(tmp_path)

    assert encode(receipt, topics(Lives(TTL))["erasures.v1"]).key == receipt.key_id.encode()


def test_a_refusal_that_was_counted_says_how_often(tmp_path: Path) -> None:
    parts = in_memory(tmp_path)
    body = {"principal": "detecting", "action": "lease", "reason": "x" * 300}
    parts.ledger.append([Fact(Kind.REFUSED, body), Fact(Kind.REFUSED, {**body, "times": 7})], NOON)

    once, often = messages_of(parts.ledger.entries(0, 10))
    assert isinstance(once, AccessRecord)
    assert isinstance(often, AccessRecord)
    assert once.reason == "x" * 256
    assert often.reason.endswith("x (7 times)")
    assert len(often.reason) == 256


def test_r18_what_people_did_about_evidence_is_published(tmp_path: Path) -> None:
    parts = in_memory(tmp_path)
    desk = Desk(parts.vault())
    desk.sealed(NOON)
    desk.look("sato", NOON)
    desk.release("sato", "tanaka", NOON, NOON + TTL)
    hold_id = desk.held(NOON, NOON + KEPT + TTL)
    desk.holds.end(desk.people.signed("suzuki", NOON), hold_id, NOON)
    desk.erase("sato", NOON)

    told = [each for each in messages_of(parts.ledger.entries(0, 100)) if isinstance(each, AccessRecord)]

    assert [(each.principal, each.action) for each in told] == [
        ("sato", "look"),
        ("sato", "release"),
        ("sato", "hold_propose"),
        ("suzuki", "hold_confirm"),
        ("suzuki", "hold_end"),
        ("sato", "erase"),
    ]
    assert {(each.granted, each.store_id, each.reason) for each in told} == {(True, DOOR.store, REASON)}
    assert told[0].asked_purpose is DOOR.purpose
    assert len({each.event_id for each in told}) == len(told)
    assert all(encode(each, topics(Lives(TTL))["audit.v1"]) for each in told)


def test_r23_an_early_receipt_may_lie_where_receipts_lie(tmp_path: Path) -> None:
    parts = in_memory(tmp_path)
    desk = Desk(parts.vault())
    key = desk.sealed(NOON)
    desk.erase("sato", NOON)

    (receipt,) = receipts_of(parts.ledger.entries(0, 100))

    assert (receipt.key_id, receipt.alert_id, receipt.early) == (key.key_id, ALERT, True)
    assert encode(receipt, topics(Lives(TTL))["erasures.v1"]).key == receipt.key_id.encode()
