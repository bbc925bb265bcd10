"""Time never goes back, and a leap ends nobody's life on one clock's word."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import ManualClock
from pipeline.vault.guard import LEAP, Guard, HostClock
from tests.unit.pipeline.vault.building import NOON

MINUTE = timedelta(minutes=1)
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["pass", "set"]), st.timedeltas(timedelta(0), timedelta(hours=30)), st.sampled_from([1, -1])
    )
)


def test_time_passes() -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)

    clock.advance(MINUTE)

    assert guard.read().now == NOON + MINUTE


def test_r20_a_clock_set_back_lengthens_no_life() -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)

    clock.set_wall(NOON - timedelta(days=1))
    clock.advance(MINUTE)

    assert guard.read().now == NOON + MINUTE


def test_r20_a_clock_set_back_while_the_vault_was_away_lengthens_no_life() -> None:
    guard = Guard(ManualClock(NOON - timedelta(days=1)), high_water=NOON)

    assert guard.read().now == NOON


def test_r20_a_start_with_a_wrong_clock_ends_nobodys_life() -> None:
    clock = ManualClock(NOON + timedelta(days=3650))
    guard = Guard(clock, high_water=NOON)

    clock.advance(MINUTE)

    assert guard.read().now == NOON + MINUTE
    assert guard.read().doubtful


def test_a_start_within_the_hour_is_believed() -> None:
    guard = Guard(ManualClock(NOON + LEAP), high_water=NOON)

    assert guard.read().now == NOON + LEAP


def test_r20_after_days_off_a_clock_that_is_confirmed_is_believed() -> None:
    clock = ManualClock(NOON + timedelta(days=3))
    guard = Guard(clock, high_water=NOON)
    guard.read()

    assert guard.confirm(NOON + timedelta(days=3) - MINUTE)

    assert guard.read().now == NOON + timedelta(days=3)
    assert not guard.read().doubtful


def test_a_word_about_another_time_confirms_nothing() -> None:
    guard = Guard(ManualClock(NOON + timedelta(days=3650)), high_water=NOON)

    assert not guard.confirm(NOON + MINUTE)

    assert guard.read().now == NOON


def test_r20_a_clock_that_goes_on_as_it_leapt_is_believed_after_as_long() -> None:
    clock = ManualClock(NOON + timedelta(hours=9))
    guard = Guard(clock, high_water=NOON)
    guard.read()

    clock.advance(timedelta(hours=9) - MINUTE)
    assert guard.read().doubtful
    clock.advance(MINUTE)

    assert guard.read().now == clock.now()
    assert not guard.read().doubtful


def test_a_small_step_forward_is_believed() -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)

    clock.set_wall(NOON + LEAP)

    assert guard.read().now == NOON + LEAP
    assert not guard.read().doubtful


def test_a_leap_is_not_believed_and_is_said() -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)

    clock.set_wall(NOON + timedelta(days=3650))
    clock.advance(MINUTE)

    assert guard.read().now == NOON + MINUTE
    assert guard.read().doubtful


def test_a_leap_that_is_taken_back_is_forgotten() -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)
    clock.set_wall(NOON + timedelta(days=1))
    guard.read()

    clock.set_wall(NOON + MINUTE)

    assert not guard.read().doubtful


def test_a_leap_is_believed_when_so_much_time_has_passed() -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)
    clock.set_wall(NOON + timedelta(hours=2))
    guard.read()

    for _ in range(61):
        clock._monotonic += 60
        reading = guard.read()

    assert not reading.doubtful


@given(moves=MOVES)
def test_time_never_goes_back_nor_slower_than_it_passes(moves: list[tuple[str, timedelta, int]]) -> None:
    clock = ManualClock(NOON)
    guard = Guard(clock, None)
    for how, length, sign in moves:
        before, passed = guard.read().now, clock.monotonic()
        if how == "pass":
            clock.advance(length)
        else:
            clock.set_wall(NOON + sign * length)

        after = guard.read().now

        assert after - before >= timedelta(seconds=clock.monotonic() - passed) - timedelta(milliseconds=1)
        # A leap is made up for only after as much time as it is wide.
        assert after - before <= length + max(LEAP, timedelta(seconds=clock.monotonic()))


def test_the_hosts_clock_runs() -> None:
    clock = HostClock()

    assert clock.monotonic() <= clock.monotonic()
    assert clock.now() <= clock.now()
