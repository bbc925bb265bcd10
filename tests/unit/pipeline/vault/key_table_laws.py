"""What holds of every key table, whichever database it is in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pipeline.errors import Unavailable
from pipeline.vault.keys import BucketKey, Ciphertext, Owner, span_at
from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.records import Record, RecordKind
from pipeline.vault.store import REMEMBERED, KeyTable, Move, NewKey, Slot, Wrapped
from schemas.ids import AlertId, KeyId, NoticeId, StoreId
from tests.unit.pipeline.vault.building import BUCKET, DOOR, NOON, TILL, TTL

END = NOON + TTL
SLOT = Slot(END, "slot-1")
SECOND = Slot(END + BUCKET, "slot-2")
ALERT = AlertId("a1")
RECORD = Record(RecordKind.HOLD, "h1", END, {"state": "proposed"})

Opened = Callable[[], AbstractContextManager[KeyTable]]
"""Opens the table; each time the same one."""


def new_key(key_id: str, owner: Owner = DOOR, slot: Slot = SLOT, later: timedelta = timedelta(0)) -> NewKey:
    key = BucketKey(KeyId(key_id), owner, span_at(NOON + later, TTL), NOON, NoticeId("n"), b"public " + key_id.encode())
    return NewKey(
        key, Wrapped(slot.slot_key, b"wrapped " + key_id.encode()), Fact(Kind.KEY_CREATED, {"key_id": key_id})
    )


def evidence_key(key_id: str, alert: str = ALERT, hold: str | None = None, owner: Owner = DOOR) -> NewKey:
    new = new_key(key_id, owner)
    return new._replace(key=replace(new.key, alert=AlertId(alert), hold=hold))


class KeyTableLaws:
    """Inherit, and give a fixture `opened`."""

    @pytest.fixture
    def table(self, opened: Opened) -> Iterator[KeyTable]:
        with opened() as found:
            yield found

    def test_what_was_added_is_held(self, table: KeyTable) -> None:
        new = new_key("k1")
        table.add([SLOT], [new])

        held = table.held(KeyId("k1"))

        assert held is not None
        assert (held.key, held.wrapped) == (new.key, new.wrapped)
        assert table.held(KeyId("k2")) is None
        assert table.slot(END) == SLOT
        assert table.slot(END + BUCKET) is None

    def test_an_owners_keys_come_in_order_and_are_nobody_elses(self, table: KeyTable) -> None:
        mine = [new_key("k1"), new_key("k2", slot=SECOND, later=BUCKET)]
        table.add([SLOT, SECOND], [mine[1], mine[0], new_key("k3", owner=TILL)])

        assert table.living(DOOR, NOON, NOON + TTL) == tuple(new.key for new in mine)
        assert table.living(DOOR, NOON, NOON + BUCKET) == (mine[0].key,)

    def test_r20_a_condemned_slots_keys_are_not_lent(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1")])

        table.condemn(END)

        held = table.held(KeyId("k1"))
        assert held is not None
        assert held.wrapped is None
        assert table.slot(END) is None
        assert table.condemned() == (SLOT,)

    def test_an_alerts_own_key_comes_before_those_of_its_holds(self, table: KeyTable) -> None:
        table.add([SLOT], [evidence_key("b", hold="h1"), evidence_key("z"), evidence_key("a", hold="h2")])

        assert [held.key.key_id for held in table.of_alert(ALERT)] == ["z", "a", "b"]

    def test_a_slot_is_not_condemned_before_its_end(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1")])

        table.condemn(END - timedelta(microseconds=1))

        assert not table.condemned()
        assert table.next_slot_end() == END

    def test_a_buried_slot_leaves_keys_without_private_halves(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1")])
        table.condemn(END)
        table.delete_private(SLOT)

        table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {"key_id": "k1"})])

        held = table.held(KeyId("k1"))
        assert held is not None
        assert held.wrapped is None
        assert not table.condemned()
        assert not table.keys_of(SLOT)
        assert not table.slot_keys()
        assert table.next_slot_end() is None

    def test_facts_wait_in_order_until_they_are_told(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1"), new_key("k2", owner=TILL)])

        first, second = table.outbox(10)
        assert [each.body["key_id"] for each in (first, second)] == ["k1", "k2"]
        assert first.outbox == table.outbox(1)[0].outbox == 1

        table.told(1)
        assert table.outbox(10) == (second,)
        assert table.last_number() == 2

    def test_it_counts(self, table: KeyTable) -> None:
        table.add([SLOT, SECOND], [new_key("k1"), new_key("k2", slot=SECOND, later=BUCKET)])

        count = table.count(NOON)
        assert (count.alive, count.destroyed, count.oldest_readable, count.outbox) == (2, 0, NOON, 2)

        table.condemn(END)
        table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {"key_id": "k1"})])
        count = table.count(END)
        assert (count.alive, count.destroyed, count.oldest_readable, count.outbox) == (1, 1, NOON + BUCKET, 3)

    def test_the_latest_time_is_kept(self, table: KeyTable) -> None:
        assert table.high_water() is None

        table.note_time(END)
        table.note_time(NOON)

        assert table.high_water() == END

    def test_what_was_destroyed_is_remembered_for_a_month(self, table: KeyTable) -> None:
        for name, later in (("old", timedelta(0)), ("new", REMEMBERED), ("last", REMEMBERED + BUCKET)):
            slot = Slot(END + later, name)
            table.add([slot], [new_key(name, slot=slot, later=later)])
            table.bury(slot, [])

        assert table.held(KeyId("old")) is None
        assert table.held(KeyId("new")) is not None

    def test_numbers_of_the_outbox_are_never_given_twice(self, opened: Opened) -> None:
        with opened() as table:
            table.add([SLOT], [new_key("k1")])
            table.told(1)
        with opened() as table:
            table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {"key_id": "k1"})])

            assert [fact.outbox for fact in table.outbox(10)] == [2]

    def test_what_was_added_is_there_when_it_is_opened_again(self, opened: Opened) -> None:
        with opened() as table:
            table.add([SLOT], [new_key("k1")])
            table.note_time(NOON)
            before = (table.held(KeyId("k1")), table.outbox(10), table.count(NOON), table.high_water())

        with opened() as table:
            assert (table.held(KeyId("k1")), table.outbox(10), table.count(NOON), table.high_water()) == before

    def test_what_cannot_be_added_whole_is_not_added_at_all(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1")])

        with pytest.raises(Unavailable):
            table.add([SECOND], [new_key("k2", slot=SECOND, later=BUCKET), new_key("k1", slot=SECOND)])

        assert table.held(KeyId("k2")) is None
        assert table.slot_keys() == {SLOT.slot_key}
        assert (len(table.outbox(10)), table.last_number()) == (1, 1)

    def test_one_span_of_a_camera_has_one_living_key(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1")])

        with pytest.raises(Unavailable):
            table.add([], [new_key("k2")])

        assert [key.key_id for key in table.living(DOOR, NOON, END)] == ["k1"]

    def test_due_is_what_has_ended_or_is_condemned(self, table: KeyTable) -> None:
        table.add([SLOT, SECOND], [new_key("k1"), new_key("k2", slot=SECOND, later=BUCKET)])
        assert table.due(END - timedelta(microseconds=1)) == ()
        assert table.due(END) == (SLOT,)

        table.condemn_lost([SECOND.slot_key], NOON)

        assert table.due(NOON) == (SECOND,)
        assert table.due(END) == (SLOT, SECOND)
        assert table.high_water() == NOON

    def test_condemning_notes_the_time(self, table: KeyTable) -> None:
        table.condemn(END)
        table.condemn_lost([], END + BUCKET)

        assert table.high_water() == END

    def test_r20_a_table_from_a_backup_forgets_what_died_since_and_buries_what_it_never_knew(
        self, table: KeyTable
    ) -> None:
        table.add([SLOT], [new_key("dead"), new_key("alive", owner=TILL)])
        unknown = new_key("unknown", slot=SECOND, later=BUCKET).key

        table.take_back(7, [KeyId("dead")], [new_key("alive", owner=TILL).key, unknown], NOON)

        dead, alive, lost = (table.held(KeyId(name)) for name in ("dead", "alive", "unknown"))
        assert dead is not None
        assert dead.wrapped is None
        assert alive == (new_key("alive", owner=TILL).key, new_key("alive").wrapped._replace(private=b"wrapped alive"))
        assert lost is not None
        assert lost.wrapped is None
        assert table.outbox(10) == ()
        assert table.last_number() == 7
        assert [slot.end for slot in table.due(SECOND.end)] == [SLOT.end, SECOND.end]
        table.bury(SLOT, [Fact(Kind.KEY_DESTROYED, {})])
        assert [fact.outbox for fact in table.outbox(10)] == [8]

    def test_an_empty_table_says_so(self, table: KeyTable) -> None:
        assert table.next_slot_end() is None
        assert table.last_number() == 0
        assert not table.due(END)
        assert not table.slot_keys()
        count = table.count(NOON)
        assert (count.alive, count.destroyed, count.oldest_readable, count.outbox) == (0, 0, None, 0)

    def test_the_keys_of_an_alert_are_its_own(self, table: KeyTable) -> None:
        mine, anothers = evidence_key("e1"), evidence_key("e2", alert="a2", owner=TILL)
        table.add([SLOT], [new_key("k1"), mine, anothers])

        assert [held.key for held in table.of_alert(ALERT)] == [mine.key]
        assert table.evidence(None) == (mine.key, anothers.key)
        assert table.evidence(DOOR.store) == (mine.key, anothers.key)
        assert table.evidence(StoreId("another")) == ()
        assert [key.key_id for key in table.living(DOOR, NOON, END)] == ["k1"]

    def test_an_alert_has_one_living_key_and_one_more_for_its_hold(self, table: KeyTable) -> None:
        table.add([SLOT], [evidence_key("e1"), evidence_key("e2", hold="h1")])

        with pytest.raises(Unavailable):
            table.add([], [evidence_key("e3")])

        assert [held.key.hold for held in table.of_alert(ALERT)] == [None, "h1"]

    def test_what_was_stored_under_a_key_is_noted_with_what_tells_of_it(self, table: KeyTable) -> None:
        new = evidence_key("e1")
        table.add([SLOT], [new])

        table.stored(new.key.key_id, Ciphertext("ab" * 32, 5_000_000_000), [RECORD], [new.fact])

        (held,) = table.of_alert(ALERT)
        assert held.key.ciphertext == Ciphertext("ab" * 32, 5_000_000_000)
        assert table.record(RECORD.kind, RECORD.id) == RECORD
        assert len(table.outbox(10)) == 2

    def test_keys_that_meet_a_span_are_found_of_that_camera_alone(self, table: KeyTable) -> None:
        table.add([SLOT, SECOND], [new_key("k1"), new_key("k2", slot=SECOND, later=BUCKET), new_key("k3", owner=TILL)])
        moment = timedelta(microseconds=1)

        def met(start: datetime, end: datetime) -> list[str]:
            return [key.key_id for key in table.meeting(DOOR.store, DOOR.camera, start, end)]

        assert met(NOON, NOON + BUCKET - moment) == ["k1"]
        assert met(NOON + BUCKET - moment, NOON + BUCKET) == ["k1", "k2"]
        assert met(NOON - BUCKET, NOON - moment) == []
        table.condemn(END)
        assert met(NOON, NOON + BUCKET) == ["k2"]

    def test_a_key_is_in_its_slot_until_that_is_condemned(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("k1"), new_key("k2", owner=TILL)])
        assert table.slot_of(KeyId("k1")) == SLOT
        assert table.slot_of(KeyId("never")) is None
        assert [held.key.key_id for held in table.all_held(SLOT)] == ["k1", "k2"]

        table.condemn(END)

        assert table.slot_of(KeyId("k1")) is None

    def test_r36_survivors_of_an_early_erasure_move_and_what_goes_is_no_longer_lent(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("gone"), new_key("stays", owner=TILL)])
        into, going = Slot(END, "slot-1b"), Slot(END, SLOT.slot_key, "erasure-1")

        table.move([Move(going, ((KeyId("stays"), b"wrapped anew"),), into)], [RECORD], [], NOON)

        gone, stays = table.held(KeyId("gone")), table.held(KeyId("stays"))
        assert gone is not None
        assert gone.wrapped is None
        assert stays is not None
        assert stays.wrapped == (into.slot_key, b"wrapped anew")
        assert table.condemned() == table.due(NOON) == (going,)
        assert table.slot(END) == into
        assert [key.key_id for key in table.keys_of(going)] == ["gone"]
        assert table.record(RECORD.kind, RECORD.id) == RECORD
        assert table.high_water() == NOON

    def test_r36_a_slot_without_survivors_just_goes(self, table: KeyTable) -> None:
        table.add([SLOT], [new_key("gone")])

        table.move([Move(Slot(END, SLOT.slot_key, "erasure-1"), (), None)], [], [], NOON)

        assert table.slot(END) is None
        assert [slot.erasure for slot in table.condemned()] == ["erasure-1"]

    def test_a_move_that_cannot_be_made_whole_is_not_made_at_all(self, table: KeyTable) -> None:
        table.add([SLOT, SECOND], [new_key("gone"), new_key("stays", owner=TILL)])
        impossible = Move(SLOT, ((KeyId("stays"), b"wrapped anew"),), Slot(END, SECOND.slot_key))

        with pytest.raises(Unavailable):
            table.move([impossible], [RECORD], [], NOON)

        assert not table.condemned()
        assert table.slot_of(KeyId("stays")) == SLOT
        assert table.record(RECORD.kind, RECORD.id) is None

    def test_a_record_takes_the_place_of_its_like_and_goes_when_it_is_over(self, table: KeyTable) -> None:
        changed = RECORD._replace(body={"state": "ended", "名": "佐藤"})
        table.put([RECORD, RECORD._replace(id="h0")], [])
        table.put([changed], [Fact(Kind.HOLD_ENDED, {})])

        assert table.records(RecordKind.HOLD) == (RECORD._replace(id="h0"), changed)
        assert table.records(RecordKind.RELEASE) == ()
        assert len(table.outbox(10)) == 1

        late = Slot(RECORD.until + timedelta(microseconds=1), "late")
        table.add([late], [])
        table.note_time(late.end)
        table.bury(late, [])
        assert table.records(RecordKind.HOLD) == ()
