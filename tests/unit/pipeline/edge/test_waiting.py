"""Memory is the fast path, the disk takes what has to wait, and order is kept across both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge import spool
from pipeline.edge.outbox import Outbox, Parcel
from pipeline.edge.spool import Bounds, Spool
from pipeline.edge.waiting import Waiting
from tests.unit.pipeline.edge.building import after
from tests.unit.pipeline.edge.test_spool import ROOM, number, opened, parcel


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Spool]:
    one = opened(tmp_path)
    yield one
    one.close()


@pytest.fixture
def waiting(disk: Spool) -> Waiting:
    return Waiting(Outbox(), disk)


def break_disk(patch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    patch.setattr(spool, "_write", fail)


def put(waiting: Waiting, one: Parcel) -> None:
    """Put, and spill when it is time to, as the publisher does."""
    if waiting.put(one):
        waiting.spill()


def sent(waiting: Waiting) -> list[int]:
    numbers = []
    while (one := waiting.oldest()) is not None:
        numbers.append(number(one))
        assert waiting.remove(one)
    return numbers


def test_while_all_is_well_nothing_touches_the_disk(waiting: Waiting) -> None:
    put(waiting, parcel(0))

    assert waiting.spooled == 0
    assert sent(waiting) == [0]


def test_once_something_is_spooled_all_that_follows_is_until_it_is_empty(waiting: Waiting) -> None:
    put(waiting, parcel(0))
    waiting.spill()
    put(waiting, parcel(1))
    assert waiting.spooled == 2
    assert sent(waiting) == [0, 1]
    put(waiting, parcel(2))

    assert (waiting.spooled, len(waiting)) == (0, 1)


def test_what_is_on_its_way_goes_to_the_disk_too_and_is_acknowledged_there(waiting: Waiting, disk: Spool) -> None:
    put(waiting, parcel(0))
    put(waiting, parcel(1))
    one = waiting.oldest()
    assert one is not None
    waiting.spill()
    assert len(disk) == 2
    assert waiting.remove(one)

    assert sent(waiting) == [1]


def test_before_memory_is_full_it_goes_to_the_disk(disk: Spool) -> None:
    waiting = Waiting(Outbox(memory=1000), disk)
    for each in range(20):
        put(waiting, parcel(each))

    assert waiting.spooled == 20
    assert not waiting.lost


def test_without_a_disk_the_oldest_go_when_memory_is_full() -> None:
    waiting = Waiting(Outbox(memory=1000))
    for each in range(20):
        put(waiting, parcel(each))
    waiting.spill()
    left = sent(waiting)

    assert left == list(range(20 - len(left), 20))
    assert waiting.lost == {"memory_full": 20 - len(left)}


def test_while_the_disk_takes_nothing_memory_holds_on_and_it_is_said(
    disk: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Waiting(Outbox(memory=1000), disk)
    put(waiting, parcel(0))
    waiting.spill()
    with monkeypatch.context() as broken:
        break_disk(broken)
        for each in range(1, 20):
            put(waiting, parcel(each))
        assert "Read-only" in waiting.trouble
    put(waiting, parcel(20))
    lost = waiting.lost["memory_full"]

    assert lost > 0
    assert waiting.trouble == ""
    assert sent(waiting) == [0, *range(1 + lost, 21)]


def test_of_what_is_larger_than_the_disks_bound_nothing_waits_and_it_is_counted(tmp_path: Path) -> None:
    disk = opened(tmp_path, Bounds(1000))
    waiting = Waiting(Outbox(), disk)
    put(waiting, parcel(0))
    put(waiting, parcel(1, size=2000))
    put(waiting, parcel(2))
    waiting.spill()

    assert sent(waiting) == [0, 2]
    assert waiting.lost == {"too_large": 1}
    disk.close()


def test_where_nothing_is_to_be_spooled_what_was_is_sent_first_and_the_rest_from_memory(tmp_path: Path) -> None:
    before = opened(tmp_path)
    before.put(parcel(0))
    before.close()
    disk = opened(tmp_path, Bounds(0))
    waiting = Waiting(Outbox(), disk)
    put(waiting, parcel(1))
    waiting.spill()

    assert waiting.spooled == 1
    assert sent(waiting) == [0, 1]
    assert (waiting.spooled_bytes, waiting.lost) == (0, {})
    disk.close()


def test_at_the_end_the_disk_keeps_what_waits(waiting: Waiting, disk: Spool) -> None:
    put(waiting, parcel(0))
    waiting.spill()
    waiting.give_up()

    assert len(disk) == 1
    assert not waiting.lost


def test_at_the_end_what_the_disk_does_not_take_is_counted(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    break_disk(monkeypatch)
    put(waiting, parcel(0))
    waiting.spill()
    waiting.give_up()

    assert waiting.lost == {"stopped": 1}


def test_r20_what_expires_in_memory_or_on_disk_is_not_sent(waiting: Waiting) -> None:
    put(waiting, parcel(0, lives=10))
    put(waiting, parcel(1, lives=30))
    waiting.spill()
    waiting.expire(after(10))

    assert waiting.lost == {"expired": 1}
    assert sent(waiting) == [1]


STEPS = st.lists(st.sampled_from(["put", "put", "put", "away", "take", "acknowledge", "break", "mend", "die"]))


@given(steps=STEPS)
def test_whatever_happens_order_is_kept_and_all_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    folder, count, out, dead, gone = tmp_path_factory.mktemp("s"), 0, None, 0, 0
    numbers: list[int] = []
    disk = opened(folder, ROOM)
    waiting = Waiting(Outbox(memory=700), disk)
    with pytest.MonkeyPatch.context() as patch:
        for step in steps:
            if step == "put":
                put(waiting, parcel(count))
                count += 1
            elif step == "away":
                waiting.spill()
            elif step == "take":
                out = waiting.oldest()
            elif step == "acknowledge" and out is not None:
                numbers += [number(out)] if waiting.remove(out) else []
                out = None
            elif step == "break":
                break_disk(patch)
            elif step == "mend":
                patch.undo()
            elif step == "die":
                # What lies in memory alone is lost: the newest, never what was spooled.
                gone += waiting.lost.total()
                dead += len(waiting) - waiting.spooled
                disk.close()
                disk, out = opened(folder, ROOM), None
                waiting = Waiting(Outbox(memory=700), disk)
    numbers += sent(waiting)
    disk.close()

    assert numbers == sorted(set(numbers))
    assert len(numbers) + gone + waiting.lost.total() + dead == count


def test_a_bound_of_the_disk_is_kept_too(tmp_path: Path) -> None:
    disk = opened(tmp_path, Bounds(3000))
    waiting = Waiting(Outbox(), disk)
    put(waiting, parcel(0))
    waiting.spill()
    for each in range(1, 50):
        put(waiting, parcel(each))
    left = sent(waiting)
    disk.close()

    assert left == list(range(50 - len(left), 50))
    assert waiting.lost == {"spool_full": 50 - len(left)}
