"""How far a stage has come, whatever order its records lie in."""

from hypothesis import given
from hypothesis import strategies as st

from agents.position import Attempt, Kept, Place, Plan, Position, Saved, plan

SOURCE = "detections.v1"
STATE_A = Place("state", SOURCE, "s1/a")
POSITION = Place("position", SOURCE)


def saved(offset: int) -> Saved:
    return Saved(offset, 0, b"state at %d" % offset)


def kept(position: int, **states: int) -> Kept:
    """What is kept when all was written that should have been."""
    return Kept(Position(position, dict(states)), Attempt(), {key: saved(offset) for key, offset in states.items()})


def test_a_place_is_read_as_it_was_written() -> None:
    for place in (STATE_A, POSITION, Place("state", SOURCE, "s1/odd|name")):
        assert Place.loads(place.dumps()) == place


def test_records_are_read_as_they_were_written() -> None:
    state, position, attempt = Saved(7, 123, b"\x00|x"), Position(9, {"s1/a": 7}, (3,)), Attempt(5, 2)

    assert Saved.loads(state.dumps()) == state
    assert Position.loads(position.dumps()) == position
    assert Attempt.loads(attempt.dumps()) == attempt


@given(st.permutations(list(range(8))))
def test_the_highest_offset_wins_in_whatever_order_records_lie(offsets: list[int]) -> None:
    found = Kept()

    for offset in offsets:
        found.merge(STATE_A, saved(offset).dumps())
        found.merge(POSITION, Position(offset).dumps())

    assert found.states["s1/a"] == saved(7)
    assert found.position.offset == 7


def test_of_positions_with_one_offset_the_last_wins() -> None:
    found = Kept()

    found.merge(POSITION, Position(7, {"s1/a": 7, "s1/b": 5}).dumps())
    found.merge(POSITION, Position(7, {"s1/a": 7}).dumps())

    assert found.position.keys == {"s1/a": 7}


def test_a_late_tombstone_does_not_take_a_later_state() -> None:
    found = Kept()

    found.merge(STATE_A, saved(7).dumps())
    found.merge(STATE_A, None, removes=5)
    assert "s1/a" in found.states

    found.merge(STATE_A, None, removes=7)
    assert "s1/a" not in found.states


def test_nothing_kept_begins_at_the_beginning() -> None:
    assert plan(Kept(), begin=0, end=100) == Plan(0, Position(), {})


def test_it_goes_on_behind_the_position() -> None:
    found = plan(kept(9, a=9, b=4), begin=0, end=100)

    assert found.start == 10
    assert not found.redo


def test_a_state_older_than_the_position_says_is_redone_from_there() -> None:
    found = kept(9, a=9, b=8)
    found.states["b"] = saved(3)

    planned = plan(found, begin=0, end=100)

    assert planned.start == 4
    assert planned.redo == {"b"}


def test_a_lost_state_is_redone_from_the_beginning_of_the_log() -> None:
    found = kept(9, a=9, b=8)
    del found.states["a"]

    planned = plan(found, begin=2, end=100)

    assert planned.start == 2
    assert planned.redo == {"a"}
    assert planned.redo_expired == 2


def test_a_state_newer_than_the_position_is_nothing_to_redo() -> None:
    found = kept(9, a=9)
    found.states["a"] = saved(20)

    assert plan(found, begin=0, end=100).start == 10


def test_a_position_that_retention_has_overtaken_moves_to_the_start_and_the_gap_is_counted() -> None:
    found = plan(kept(9, a=9), begin=25, end=100)

    assert found.start == 25
    assert found.expired_unread == 15


def test_what_was_there_before_a_stage_first_ran_is_not_counted() -> None:
    assert plan(Kept(), begin=25, end=100).expired_unread == 0


def test_a_source_that_was_made_anew_is_read_from_where_it_is() -> None:
    found = plan(kept(50, a=50, b=2), begin=0, end=10)

    assert found.start == 10
    assert found.rewound == 41
    assert found.states["a"].offset == 9
    assert found.states["b"].offset == 2


@given(
    position=st.integers(-1, 30),
    recorded=st.dictionaries(st.sampled_from("abc"), st.integers(0, 30)),
    states=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 40)),
    begin=st.integers(0, 30),
    length=st.integers(0, 30),
)
def test_it_never_begins_outside_the_log_nor_behind_what_is_due(
    position: int, recorded: dict[str, int], states: dict[str, int], begin: int, length: int
) -> None:
    keys = {key: min(offset, position) for key, offset in recorded.items() if position >= 0}
    found = Kept(Position(position, keys), Attempt(), {key: saved(offset) for key, offset in states.items()})

    planned = plan(found, begin, begin + length)

    assert begin <= planned.start <= begin + length
    assert planned.start <= max(position + 1, begin)
    assert all(
        planned.start <= max(saved.offset + 1, begin) for key, saved in planned.states.items() if key in planned.redo
    )
