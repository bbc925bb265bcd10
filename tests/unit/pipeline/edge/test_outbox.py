"""Bounded memory: the oldest goes first, and what nobody could open."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge.outbox import Outbox, Parcel
from schemas.wire import Record
from tests.unit.pipeline.edge.building import NOON, TOPICS, after


def parcel(size: int = 100, lives: float = 60) -> Parcel:
    return Parcel(TOPICS["frames.v1"], Record(b"", bytes(size), []), after(lives))


def test_first_in_first_out() -> None:
    outbox, first, second = Outbox(), parcel(), parcel()
    outbox.put(first)
    outbox.put(second)

    assert outbox.oldest() is first
    outbox.remove(first)
    assert outbox.oldest() is second
    outbox.remove(second)
    assert outbox.oldest() is None


def test_when_memory_is_full_the_oldest_goes() -> None:
    outbox, parcels = Outbox(memory=250), [parcel(), parcel(), parcel()]
    dropped = [gone for each in parcels for gone in outbox.put(each)]

    assert dropped == parcels[:1]
    assert outbox.oldest() is parcels[1]


def test_one_record_always_fits() -> None:
    outbox = Outbox(memory=10)

    assert outbox.put(parcel()) == []
    assert len(outbox) == 1


def test_what_expired_is_dropped_wherever_it_lies() -> None:
    outbox, long, short = Outbox(), parcel(lives=100), parcel(lives=10)
    outbox.put(long)
    outbox.put(short)

    assert outbox.expire(NOON + timedelta(seconds=10)) == [short]
    assert outbox.oldest() is long
    assert outbox.bytes == 100


def test_what_was_dropped_on_its_way_is_not_dropped_again() -> None:
    outbox, first, second = Outbox(memory=150), parcel(), parcel()
    outbox.put(first)
    outbox.put(second)

    assert not outbox.remove(first)
    assert outbox.oldest() is second


def test_what_is_put_back_is_the_oldest_again() -> None:
    outbox, first, second = Outbox(), parcel(), parcel()
    outbox.put(first)
    outbox.put(second)
    outbox.remove(first)
    outbox.put_back(first)

    assert outbox.oldest() is first
    assert outbox.bytes == first.bytes + second.bytes


@given(sizes=st.lists(st.integers(0, 400), max_size=60), memory=st.integers(1, 1000))
def test_memory_is_never_more_than_its_bound_or_one_record(sizes: list[int], memory: int) -> None:
    outbox = Outbox(memory)
    dropped = sum(len(outbox.put(parcel(size))) for size in sizes)

    assert outbox.bytes <= max(memory, max(sizes, default=0))
    assert dropped + len(outbox) == len(sizes)
